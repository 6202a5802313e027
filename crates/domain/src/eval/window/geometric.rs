//! The geometric mean of what was in force, weighed by seconds.
//!
//! The sum of logarithms is exact: they are whole numbers of a fixed small part, so that taking one out again leaves
//! what was there before. A logarithm costs thousands of times what a sum costs; the two that every instant needs, of
//! the values at both ends of the window, are kept.

use serde::{Deserialize, Serialize};

use super::stretches::{Measure, Stretches};
use super::{Bounds, Lack, Reading, Second, WindowSpec, in_range, is_covered};
use crate::eval::exact::Units;
use crate::real::{self, LogFixed};

/// The values in force, and the sum of their logarithms over the known time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Geometric {
    stretches: Stretches<Units>,
    sum: LogFixed,
    /// For how much of the known time the value had no logarithm.
    not_positive: i64,
    #[serde(skip)]
    newest: Kept,
    #[serde(skip)]
    oldest: Kept,
}

/// The last logarithm that was computed, which may be computed again at will: it is no part of what is remembered.
#[derive(Clone, Debug, Default)]
struct Kept(Option<Box<(Units, Option<LogFixed>)>>);

impl PartialEq for Kept {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Kept {}

impl Kept {
    fn logarithm(&mut self, value: &Units) -> Option<LogFixed> {
        if let Some(kept) = &self.0
            && kept.0 == *value
        {
            return kept.1;
        }
        let logarithm = value.to_decimal().and_then(real::ln);
        self.0 = Some(Box::new((value.clone(), logarithm)));
        logarithm
    }
}

impl Geometric {
    pub(super) fn new() -> Self {
        Self {
            stretches: Stretches::new(),
            sum: LogFixed::default(),
            not_positive: 0,
            newest: Kept::default(),
            oldest: Kept::default(),
        }
    }

    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        let (sum, not_positive, kept) = (&mut self.sum, &mut self.not_positive, &mut self.newest);
        self.stretches
            .extend(measure, end, |value, time| match kept.logarithm(value) {
                Some(logarithm) => *sum += logarithm * time,
                None => *not_positive += time,
            });
    }

    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        let (sum, not_positive, kept) = (&mut self.sum, &mut self.not_positive, &mut self.oldest);
        self.stretches
            .shrink(measure, start, |value, time| match kept.logarithm(value) {
                Some(logarithm) => *sum -= logarithm * time,
                None => *not_positive -= time,
            });
    }

    pub(super) fn forget_counted(&mut self) {
        self.stretches.forget_counted();
    }

    pub(super) fn push(&mut self, second: Second<'_>) {
        let value = second.last().and_then(Units::of);
        self.stretches.push(second.at, value);
    }

    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        let known = self.stretches.known();
        let all = spec.measure.between(bounds.start, bounds.end);
        if known == 0 || !is_covered(known, all, spec) {
            return Err(Lack::NotCovered);
        }
        if self.not_positive != 0 {
            return Err(Lack::NotPositive);
        }
        in_range(real::geometric_mean(self.sum, known).map(Units::from), spec)
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        self.stretches.next_change(measure)
    }
}
