//! Sums, means and numbers of the observations inside a window, each row of a second by itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::stretches::{Measure, Stretches, Valued};
use super::{Bounds, Lack, Reading, Second, WindowSpec, in_range, is_covered};
use crate::eval::exact::{Total, Units};
use crate::eval::program::Computed;
use crate::lang::ir::Reach;
use crate::time::Timestamp;

/// The rows inside, and their sum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inside {
    /// `None` over events, which need none.
    coverage: Option<Stretches<Valued>>,
    /// In the order of time; `None`: an event without an amount. Empty since inception, where nothing leaves.
    rows: VecDeque<Row>,
    count: u64,
    sum: Total,
    /// When events without an amount were observed.
    amounts_lacking: VecDeque<i64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Row(i64, Option<Units>);

impl Inside {
    pub(super) fn new(spec: &WindowSpec) -> Self {
        Self {
            coverage: (!spec.over_events).then(Stretches::new),
            rows: VecDeque::new(),
            count: 0,
            sum: Total::ZERO,
            amounts_lacking: VecDeque::new(),
        }
    }

    pub(super) fn is_over_events(&self) -> bool {
        self.coverage.is_none()
    }

    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        if let Some(coverage) = &mut self.coverage {
            coverage.extend(measure, end, |_, _| {});
        }
    }

    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        if let Some(coverage) = &mut self.coverage {
            coverage.shrink(measure, start, |_, _| {});
        }
        while let Some(Row(at, amount)) = self.rows.front()
            && *at <= start
        {
            self.count -= 1;
            match amount {
                Some(amount) => self.sum.add(amount, -1),
                None => {
                    self.amounts_lacking.pop_front();
                }
            }
            self.rows.pop_front();
        }
    }

    pub(super) fn forget_counted(&mut self) {
        if let Some(coverage) = &mut self.coverage {
            coverage.forget_counted();
        }
    }

    pub(super) fn push(&mut self, spec: &WindowSpec, second: Second<'_>, inside: bool) {
        if let Some(coverage) = &mut self.coverage {
            coverage.push(second.at, second.last().map(|_| Valued));
        }
        let stays = spec.reach == Reach::SinceInception;
        for row in second.distinct().filter(|_| inside) {
            let amount = row.value.as_ref().and_then(Units::of);
            if amount.is_none() && !spec.over_events {
                continue;
            }
            self.count += 1;
            match &amount {
                Some(amount) => self.sum.add(amount, 1),
                // Of those that stay, the first is the reason for ever.
                None if stays && !self.amounts_lacking.is_empty() => {}
                None => self.amounts_lacking.push_back(second.at),
            }
            if !stays {
                self.rows.push_back(Row(second.at, amount));
            }
        }
    }

    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        demand_coverage(self.coverage.as_ref(), spec, bounds)?;
        if let Some(since) = self.amounts_lacking.front() {
            return Err(Lack::NoValue(Timestamp(*since)));
        }
        if self.count == 0 && !spec.over_events {
            return Err(Lack::Empty);
        }
        match spec.computed {
            Computed::MeanInside => {
                let mean = i64::try_from(self.count).ok();
                in_range(mean.and_then(|count| self.sum.quotient(count)), spec)
            }
            _ => in_range(self.sum.to_units(), spec),
        }
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        match &self.coverage {
            Some(coverage) => coverage.next_change(measure),
            None => self.rows.front().map(|Row(at, _)| *at),
        }
    }
}

/// The times of the rows inside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counted {
    /// `None` over events, which need none.
    coverage: Option<Stretches<Valued>>,
    /// In order, each as often as it has rows. Empty since inception, where nothing leaves.
    times: VecDeque<i64>,
    count: u64,
}

impl Counted {
    pub(super) fn new(spec: &WindowSpec) -> Self {
        Self {
            coverage: (!spec.over_events).then(Stretches::new),
            times: VecDeque::new(),
            count: 0,
        }
    }

    pub(super) fn is_over_events(&self) -> bool {
        self.coverage.is_none()
    }

    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        if let Some(coverage) = &mut self.coverage {
            coverage.extend(measure, end, |_, _| {});
        }
    }

    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        if let Some(coverage) = &mut self.coverage {
            coverage.shrink(measure, start, |_, _| {});
        }
        while self.times.front().is_some_and(|at| *at <= start) {
            self.times.pop_front();
            self.count -= 1;
        }
    }

    pub(super) fn forget_counted(&mut self) {
        if let Some(coverage) = &mut self.coverage {
            coverage.forget_counted();
        }
    }

    pub(super) fn push(&mut self, spec: &WindowSpec, second: Second<'_>, inside: bool) {
        if let Some(coverage) = &mut self.coverage {
            coverage.push(second.at, second.last().map(|_| Valued));
        }
        let counts = |row: &&_| inside && (spec.over_events || has_value(row));
        for _row in second.distinct().filter(counts) {
            self.count += 1;
            if spec.reach != Reach::SinceInception {
                self.times.push_back(second.at);
            }
        }
    }

    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        demand_coverage(self.coverage.as_ref(), spec, bounds)?;
        if self.count == 0 && !spec.over_events {
            return Err(Lack::Empty);
        }
        Ok(Units::count(self.count))
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        match &self.coverage {
            Some(coverage) => coverage.next_change(measure),
            None => self.times.front().copied(),
        }
    }
}

fn has_value(row: &crate::eval::outcome::InputObservation) -> bool {
    row.value.is_some()
}

fn demand_coverage(
    coverage: Option<&Stretches<Valued>>,
    spec: &WindowSpec,
    bounds: Bounds,
) -> Result<(), Lack> {
    let Some(coverage) = coverage else {
        return Ok(());
    };
    let all = spec.measure.between(bounds.start, bounds.end);
    if is_covered(coverage.known(), all, spec) {
        Ok(())
    } else {
        Err(Lack::NotCovered)
    }
}
