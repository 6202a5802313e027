//! The least or the greatest value in force, from the one carried in to the one that arrives.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::stretches::{Measure, Stretches, Valued};
use super::{Bounds, Lack, Reading, Second, WindowSpec, is_covered};
use crate::eval::exact::Units;
use crate::eval::program::Computed;
use crate::lang::ir::Reach;

/// The values that are the extreme of the window or may become it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extreme {
    coverage: Stretches<Valued>,
    /// Each better than all after it, and gone before them.
    candidates: VecDeque<Candidate>,
}

/// A value, and the first second at which it is not in force any more as far as is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Candidate(i64, Units);

impl Extreme {
    pub(super) fn new() -> Self {
        Self {
            coverage: Stretches::new(),
            candidates: VecDeque::new(),
        }
    }

    pub(super) fn extend(&mut self, measure: Measure, end: i64) {
        self.coverage.extend(measure, end, |_, _| {});
    }

    pub(super) fn shrink(&mut self, measure: Measure, start: i64) {
        self.coverage.shrink(measure, start, |_, _| {});
        while self
            .candidates
            .front()
            .is_some_and(|Candidate(until, _)| *until <= start)
        {
            self.candidates.pop_front();
        }
    }

    pub(super) fn forget_counted(&mut self) {
        self.coverage.forget_counted();
    }

    pub(super) fn push(&mut self, spec: &WindowSpec, second: Second<'_>) {
        let value = second.last().and_then(Units::of);
        self.coverage
            .push(second.at, value.as_ref().map(|_| Valued));
        if let Some(Candidate(until, _)) = self.candidates.back_mut() {
            *until = second.at.min(*until);
        }
        let Some(value) = value else { return };
        let beats = |other: &Units| match spec.computed {
            Computed::Greatest => value >= *other,
            _ => value <= *other,
        };
        while self
            .candidates
            .back()
            .is_some_and(|Candidate(_, other)| beats(other))
        {
            self.candidates.pop_back();
        }
        // Since inception what is inside stays inside: a worse value has no chance.
        let since = match spec.reach {
            Reach::SinceInception => self.coverage.start(),
            Reach::Last(_) => i64::MAX,
        };
        if self
            .candidates
            .front()
            .is_none_or(|Candidate(until, _)| *until <= since)
        {
            let until = spec.measure.stale_at(second.at);
            self.candidates.push_back(Candidate(until, value));
        }
    }

    pub(super) fn reading(&self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        let all = spec.measure.between(bounds.start, bounds.end);
        if !is_covered(self.coverage.known(), all, spec) {
            return Err(Lack::NotCovered);
        }
        match self.candidates.front() {
            Some(Candidate(_, value)) => Ok(value.clone()),
            None => Err(Lack::NotCovered),
        }
    }

    pub(super) fn next_to_leave(&self, measure: Measure) -> Option<i64> {
        self.coverage.next_change(measure)
    }
}
