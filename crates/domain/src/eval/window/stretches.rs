//! What was in force when: the observed seconds of one input that a window reaches, and how much of it is known.
//!
//! A stretch is known from its second to the next observed one, at most until the input is older than its `max_age`.
//! Moving either end of the window costs as much as the number of stretches it passes, each of them once.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// From one observed second to the next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(
    from = "(i64, Option<V>)",
    into = "(i64, Option<V>)",
    bound(serialize = "V: Clone + Serialize")
)]
struct Stretch<V> {
    from: i64,
    /// `None`: the last row of that second was empty.
    value: Option<V>,
}

/// The stretches that meet [start, end), the one in force at `start` first, and the last one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "V: Clone + Serialize"))]
pub(super) struct Stretches<V> {
    start: i64,
    end: i64,
    /// How much of [start, end) is known, in the units of the measure.
    known: i64,
    list: VecDeque<Stretch<V>>,
}

/// How known time is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::eval) struct Measure {
    /// Seconds after which a value is not known any more.
    pub(in crate::eval) max_age: Option<i64>,
    /// Counts the second before each multiple of this; 1: every second.
    pub(in crate::eval) period: i64,
}

/// Stands for a value of which only its being there matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub(super) struct Valued;

/// What is in force at the start of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Carried<'a, V> {
    Nothing,
    /// Reported then without a value.
    Empty(i64),
    /// Observed then, too long ago.
    Stale(i64),
    Value(&'a V),
}

impl Measure {
    /// How much lies in [from, to).
    #[inline]
    pub(super) fn between(self, from: i64, to: i64) -> i64 {
        if to <= from {
            0
        } else if self.period == 1 {
            to.saturating_sub(from)
        } else {
            to.div_euclid(self.period) - from.div_euclid(self.period)
        }
    }

    /// The first second at which what was observed at `from` is too old.
    #[inline]
    pub(super) fn stale_at(self, from: i64) -> i64 {
        match self.max_age {
            Some(max_age) => from.saturating_add(max_age).saturating_add(1),
            None => i64::MAX,
        }
    }
}

impl<V> Stretches<V> {
    pub(super) fn new() -> Self {
        Self {
            start: i64::MIN,
            end: i64::MIN,
            known: 0,
            list: VecDeque::new(),
        }
    }

    pub(super) fn known(&self) -> i64 {
        self.known
    }

    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// Moves the end on to `end`, which no observed second after the last lies before. `tally` gets what came in.
    #[inline]
    pub(super) fn extend(&mut self, measure: Measure, end: i64, mut tally: impl FnMut(&V, i64)) {
        if end <= self.end {
            return;
        }
        if let Some(Stretch {
            from,
            value: Some(value),
        }) = self.list.back()
        {
            let known = measure.between(self.end.max(*from), end.min(measure.stale_at(*from)));
            if known != 0 {
                self.known += known;
                tally(value, known);
            }
        }
        self.end = end;
    }

    /// Moves the start on to `start`, or to the end where that comes first. `tally` gets what went out.
    #[inline]
    pub(super) fn shrink(&mut self, measure: Measure, start: i64, mut tally: impl FnMut(&V, i64)) {
        let start = start.min(self.end);
        if start <= self.start {
            return;
        }
        while let Some(front) = self.list.front() {
            let next = self.list.get(1).map(|next| next.from);
            if let Some(value) = &front.value {
                let until = next.unwrap_or(i64::MAX).min(measure.stale_at(front.from));
                let gone = measure.between(self.start.max(front.from), start.min(until));
                if gone != 0 {
                    self.known -= gone;
                    tally(value, gone);
                }
            }
            if next.is_none_or(|next| next > start) {
                break;
            }
            self.list.pop_front();
        }
        self.start = start;
    }

    /// Observed at the end.
    pub(super) fn push(&mut self, from: i64, value: Option<V>) {
        self.list.push_back(Stretch { from, value });
    }

    /// Drops what a start that never moves again leaves behind: all that is counted already.
    pub(super) fn forget_counted(&mut self) {
        self.list.clear();
    }

    /// What is in force as of the start.
    pub(super) fn carried(&self, measure: Measure) -> Carried<'_, V> {
        match self.list.front() {
            Some(Stretch { from, value }) if *from <= self.start => match value {
                None => Carried::Empty(*from),
                Some(_) if self.start >= measure.stale_at(*from) => Carried::Stale(*from),
                Some(value) => Carried::Value(value),
            },
            _ => Carried::Nothing,
        }
    }

    /// The first second after the start at which what is in force changes: an observed second, or one at which the
    /// input became too old, valued or not. One that becomes too old after the end may not, if it is observed again.
    pub(super) fn next_change(&self, measure: Measure) -> Option<i64> {
        let front = self.list.front()?;
        if front.from > self.start {
            return Some(front.from);
        }
        let next = self.list.get(1).map(|next| next.from);
        let stale = measure.stale_at(front.from);
        if stale > self.start && next.is_none_or(|next| stale < next) {
            Some(stale)
        } else {
            next
        }
    }
}

// Written as it looks in a row: `true`, or `null` for an empty one.
impl From<bool> for Valued {
    fn from(_always: bool) -> Self {
        Self
    }
}

impl From<Valued> for bool {
    fn from(_valued: Valued) -> Self {
        true
    }
}

impl<V> From<(i64, Option<V>)> for Stretch<V> {
    fn from((from, value): (i64, Option<V>)) -> Self {
        Self { from, value }
    }
}

impl<V> From<Stretch<V>> for (i64, Option<V>) {
    fn from(stretch: Stretch<V>) -> Self {
        (stretch.from, stretch.value)
    }
}
