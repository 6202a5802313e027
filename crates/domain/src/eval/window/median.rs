//! The median of the observations inside a window, each row of a second by itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::stretches::{Measure, Stretches, Valued};
use super::{Bounds, Lack, Reading, Second, WindowSpec, in_range, is_covered};
use crate::eval::exact::Units;
use crate::lang::ir::Reach;

/// The rows inside, by time and by value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Middle {
    coverage: Stretches<Valued>,
    /// In the order of time. Empty since inception, where nothing leaves.
    rows: VecDeque<(i64, Units)>,
    sorted: Vec<Units>,
}

impl Middle {
    pub(super) fn new() -> Self {
        Self {
            coverage: Stretches::new(),
            rows: VecDeque::new(),
            sorted: Vec::new(),
        }
    }

    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        self.coverage.extend(measure, end, |_, _| {});
    }

    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        self.coverage.shrink(measure, start, |_, _| {});
        while let Some((_, value)) = self.rows.pop_front_if(|(at, _)| *at <= start) {
            if let Ok(place) = self.sorted.binary_search(&value) {
                self.sorted.remove(place);
            }
        }
    }

    pub(super) fn forget_counted(&mut self) {
        self.coverage.forget_counted();
    }

    pub(super) fn push(&mut self, spec: &WindowSpec, second: Second<'_>, inside: bool) {
        self.coverage.push(second.at, second.last().map(|_| Valued));
        let values = second.distinct().filter_map(|row| row.value.as_ref());
        for value in values.filter_map(Units::of).filter(|_| inside) {
            let place = self.sorted.partition_point(|other| *other < value);
            self.sorted.insert(place, value.clone());
            if spec.reach != Reach::SinceInception {
                self.rows.push_back((second.at, value));
            }
        }
    }

    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        let all = spec.measure.between(bounds.start, bounds.end);
        if !is_covered(self.coverage.known(), all, spec) {
            return Err(Lack::NotCovered);
        }
        let (lower, upper) = (
            self.sorted.len().checked_sub(1).map(|last| last / 2),
            self.sorted.len() / 2,
        );
        let lower = lower.and_then(|place| self.sorted.get(place));
        match (lower, self.sorted.get(upper)) {
            (Some(lower), Some(upper)) => in_range(lower.middle(upper), spec),
            _ => Err(Lack::Empty),
        }
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        self.coverage.next_change(measure)
    }
}
