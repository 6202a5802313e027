//! The mean of what was in force, weighed by seconds; and of daily or other closes, which weigh the second before the
//! end of each period alone.

use serde::{Deserialize, Serialize};

use super::stretches::{Measure, Stretches};
use super::{Bounds, Lack, Reading, Second, WindowSpec, in_range, is_covered};
use crate::eval::exact::{Total, Units};

/// The values in force, and their sum over the known time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InForce {
    stretches: Stretches<Units>,
    sum: Total,
}

impl InForce {
    pub(super) fn new() -> Self {
        Self {
            stretches: Stretches::new(),
            sum: Total::ZERO,
        }
    }

    #[inline]
    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        let sum = &mut self.sum;
        self.stretches
            .extend(measure, end, |value, time| sum.add(value, time));
    }

    #[inline]
    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        let sum = &mut self.sum;
        self.stretches
            .shrink(measure, start, |value, time| sum.add(value, -time));
    }

    pub(super) fn forget_counted(&mut self) {
        self.stretches.forget_counted();
    }

    pub(super) fn push(&mut self, second: Second<'_>) {
        let value = second.last().and_then(Units::of);
        self.stretches.push(second.at, value);
    }

    #[inline]
    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        let known = self.stretches.known();
        let all = spec.measure.between(bounds.start, bounds.end);
        if known == 0 || !is_covered(known, all, spec) {
            return Err(Lack::NotCovered);
        }
        in_range(self.sum.quotient(known), spec)
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        self.stretches.next_change(measure)
    }
}
