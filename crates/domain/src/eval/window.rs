//! What a risk remembers of its windows: for each distinct one, just enough to move it on.
//!
//! A window takes in the observations of its input second by second and is read at instants, both in the order of time.
//! What it says at an instant depends on the observations and on that instant alone, not on when else it was read.
//! Taking in and reading cost O(1) amortised, whatever the reach, but a median O(n) moves of memory.

mod extreme;
mod geometric;
mod in_force;
mod inside;
mod median;
mod stretches;

use serde::{Deserialize, Serialize};

use self::extreme::Extreme;
use self::geometric::Geometric;
use self::in_force::InForce;
use self::inside::{Counted, Inside};
use self::median::Middle;
pub(super) use self::stretches::Measure;
use self::stretches::{Carried, Stretches};
use super::exact::Units;
use super::outcome::{InputObservation, Unknown};
use super::program::{Computed, WindowSpec};
use crate::calendar;
use crate::decimal::SCALE;
use crate::lang::ir::{Grid, Reach};
use crate::time::{Seconds, Timestamp};
use crate::value::Type;

/// One window of one risk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    contents: Contents,
    /// The first boundary of its grid at which it moves again; only of windows that move with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moves_at: Option<Timestamp>,
    /// What it said when it was last read.
    reading: Reading,
}

/// What a window says.
pub(super) type Reading = Result<Units, Lack>;

/// Why a window says nothing. Which input is lacking follows from the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lack {
    NotCovered,
    Empty,
    NotYet(Timestamp),
    NoObservation,
    /// Observed then, without a value.
    NoValue(Timestamp),
    /// Too old since then.
    Stale(Timestamp),
    NotPositive,
    Overflow,
}

/// What is remembered for what is computed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Contents {
    InForce(InForce),
    Geometric(Geometric),
    Extreme(Extreme),
    Inside(Inside),
    Counted(Counted),
    Middle(Middle),
    Past(Stretches<Units>),
}

/// A window's bounds when it is read: (start, end].
#[derive(Clone, Copy, Debug)]
struct Bounds {
    start: i64,
    end: i64,
}

/// One second with observations of a window's input.
#[derive(Clone, Copy)]
struct Second<'a> {
    at: i64,
    /// At least one, by sequence; a repeat may follow what it repeats.
    rows: &'a [InputObservation],
}

impl<'a> Second<'a> {
    /// What is in force after it.
    fn last(self) -> Option<&'a crate::value::Value> {
        self.rows.last().and_then(|row| row.value.as_ref())
    }

    /// Every row once.
    fn distinct(self) -> impl Iterator<Item = &'a InputObservation> {
        let before = core::iter::once(None).chain(self.rows.iter().map(Some));
        self.rows
            .iter()
            .zip(before)
            .filter(|(row, before)| before.is_none_or(|before| before.sequence != row.sequence))
            .map(|(row, _before)| row)
    }
}

impl Window {
    pub(super) fn new(spec: &WindowSpec) -> Self {
        Self {
            contents: Contents::new(spec),
            moves_at: spec.every.is_some().then_some(Timestamp(i64::MIN)),
            reading: Err(Lack::NotCovered),
        }
    }

    /// Whether it can have been made for `spec`.
    pub(super) fn is_of(&self, spec: &WindowSpec) -> bool {
        self.moves_at.is_some() == spec.every.is_some()
            && match (&self.contents, spec.computed) {
                (Contents::InForce(_), Computed::Mean)
                | (Contents::Geometric(_), Computed::GeometricMean)
                | (Contents::Extreme(_), Computed::Least | Computed::Greatest)
                | (Contents::Middle(_), Computed::MedianInside)
                | (Contents::Past(_), Computed::Past) => true,
                (Contents::Inside(inside), Computed::SumInside | Computed::MeanInside) => {
                    inside.is_over_events() == spec.over_events
                }
                (Contents::Counted(counted), Computed::Count) => {
                    counted.is_over_events() == spec.over_events
                }
                _ => false,
            }
    }

    /// What it said when it was last read.
    #[inline]
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Takes in all observations of its input in one second, which comes after every one before.
    pub(super) fn take_in(
        &mut self,
        spec: &WindowSpec,
        inception: Timestamp,
        at: Timestamp,
        rows: &[InputObservation],
    ) {
        if let Some(grid) = &spec.every {
            // Boundaries before this second do not see it.
            self.move_to(spec, grid, inception, at - Seconds(1));
            self.contents.extend(spec, at.0);
        } else {
            self.contents.extend(spec, at.0);
            self.contents
                .shrink(spec, bounds(spec, inception, at).start);
        }
        if spec.reach == Reach::SinceInception {
            self.contents.shrink(spec, inception.0);
            self.contents.forget_counted();
        }
        let after_inception = spec.reach != Reach::SinceInception || at > inception;
        self.contents
            .push(spec, Second { at: at.0, rows }, after_inception);
    }

    /// Reads it as of `now`.
    pub(super) fn read(&mut self, spec: &WindowSpec, inception: Timestamp, now: Timestamp) {
        match &spec.every {
            Some(grid) => self.move_to(spec, grid, inception, now),
            None => self.read_at(spec, bounds(spec, inception, now)),
        }
    }

    /// Reads it as of the last boundary up to `to`, unless that was done.
    fn move_to(&mut self, spec: &WindowSpec, grid: &Grid, inception: Timestamp, to: Timestamp) {
        if self.moves_at.is_some_and(|moves_at| to < moves_at) {
            return;
        }
        let last = calendar::last_boundary(grid, to);
        let next = calendar::next_boundary(grid, last.unwrap_or(to));
        self.moves_at = Some(next.unwrap_or(Timestamp(i64::MAX)));
        match last {
            Some(last) => self.read_at(spec, bounds(spec, inception, last)),
            None => self.reading = Err(Lack::NotCovered),
        }
    }

    fn read_at(&mut self, spec: &WindowSpec, bounds: Bounds) {
        self.contents.extend(spec, bounds.end);
        self.contents.shrink(spec, bounds.start);
        self.reading = if bounds.end < bounds.start {
            Err(Lack::NotYet(Timestamp(bounds.start)))
        } else {
            self.contents.reading(spec, bounds)
        };
    }

    /// The next instant after `now`, at which it was read, that it makes by itself.
    pub(super) fn next_instant(&self, spec: &WindowSpec, now: Timestamp) -> Option<Timestamp> {
        if self.moves_at.is_some() {
            return self.moves_at;
        }
        if let Some(period) = spec.closes {
            let ended = now.0.div_euclid(period);
            return ended.checked_add(1)?.checked_mul(period).map(Timestamp);
        }
        let Reach::Last(reach) = spec.reach else {
            return None;
        };
        let leaves = self.contents.next_to_leave(spec)?;
        Some(Timestamp(leaves) + reach)
    }

    /// The full reason why it says nothing.
    pub(super) fn explain(&self, spec: &WindowSpec) -> Option<Unknown> {
        let input = spec.input;
        Some(match *self.reading.as_ref().err()? {
            Lack::NotCovered => Unknown::NotCovered { input },
            Lack::Empty => Unknown::EmptyWindow { input },
            Lack::NotYet(time) => Unknown::NotYet { time },
            Lack::NoObservation => Unknown::NoObservation { input },
            Lack::NoValue(since) => Unknown::NoValue { input, since },
            Lack::Stale(since) => Unknown::Stale { input, since },
            Lack::NotPositive => Unknown::NotPositive,
            Lack::Overflow => Unknown::Overflow,
        })
    }
}

/// The bounds of a window that is read as of `end`, for windows with a grid one of its boundaries.
fn bounds(spec: &WindowSpec, inception: Timestamp, end: Timestamp) -> Bounds {
    let start = match (spec.reach, &spec.every) {
        (Reach::SinceInception, _) => inception,
        (Reach::Last(reach), None) => end - reach,
        (Reach::Last(reach), Some(grid)) => calendar::block_start(grid, end, reach),
    };
    Bounds {
        start: start.0,
        end: end.0,
    }
}

/// Whether so much of so much is the part that must be known.
fn is_covered(known: i64, of: i64, spec: &WindowSpec) -> bool {
    // 2⁶³ · 10¹⁸ < 2¹²⁷.
    i128::from(known) * i128::from(SCALE) >= i128::from(spec.coverage) * i128::from(of)
}

/// A sum or a mean as a value of the window's type.
fn in_range(units: Option<Units>, spec: &WindowSpec) -> Reading {
    let fits = |units: &Units| match spec.ty {
        Type::Duration => units.to_seconds().is_some(),
        _ => units.to_decimal().is_some(),
    };
    units.filter(fits).ok_or(Lack::Overflow)
}

impl Contents {
    fn new(spec: &WindowSpec) -> Self {
        match spec.computed {
            Computed::Mean => Self::InForce(InForce::new()),
            Computed::GeometricMean => Self::Geometric(Geometric::new()),
            Computed::Least | Computed::Greatest => Self::Extreme(Extreme::new()),
            Computed::SumInside | Computed::MeanInside => Self::Inside(Inside::new(spec)),
            Computed::Count => Self::Counted(Counted::new(spec)),
            Computed::MedianInside => Self::Middle(Middle::new()),
            Computed::Past => Self::Past(Stretches::new()),
        }
    }

    /// Counts what is in force up to `end`.
    #[inline]
    fn extend(&mut self, spec: &WindowSpec, end: i64) {
        let measure = spec.measure;
        match self {
            Self::InForce(contents) => contents.extend(measure, end),
            Self::Geometric(contents) => contents.extend(measure, end),
            Self::Extreme(contents) => contents.extend(measure, end),
            Self::Inside(contents) => contents.extend(measure, end),
            Self::Counted(contents) => contents.extend(measure, end),
            Self::Middle(contents) => contents.extend(measure, end),
            Self::Past(contents) => contents.extend(measure, end, |_, _| {}),
        }
    }

    /// Lets go of what lies before `start`.
    #[inline]
    fn shrink(&mut self, spec: &WindowSpec, start: i64) {
        let measure = spec.measure;
        match self {
            Self::InForce(contents) => contents.shrink(measure, start),
            Self::Geometric(contents) => contents.shrink(measure, start),
            Self::Extreme(contents) => contents.shrink(measure, start),
            Self::Inside(contents) => contents.shrink(measure, start),
            Self::Counted(contents) => contents.shrink(measure, start),
            Self::Middle(contents) => contents.shrink(measure, start),
            Self::Past(contents) => contents.shrink(measure, start, |_, _| {}),
        }
    }

    /// Since inception: lets go of what only a moving start would need.
    fn forget_counted(&mut self) {
        match self {
            Self::InForce(contents) => contents.forget_counted(),
            Self::Geometric(contents) => contents.forget_counted(),
            Self::Extreme(contents) => contents.forget_counted(),
            Self::Inside(contents) => contents.forget_counted(),
            Self::Counted(contents) => contents.forget_counted(),
            Self::Middle(contents) => contents.forget_counted(),
            Self::Past(_) => {}
        }
    }

    /// Takes in a second; what was in force before it is counted up to it. An observation that does not lie inside still
    /// is in force from then on.
    fn push(&mut self, spec: &WindowSpec, second: Second<'_>, inside: bool) {
        match self {
            Self::InForce(contents) => contents.push(second),
            Self::Geometric(contents) => contents.push(second),
            Self::Extreme(contents) => contents.push(spec, second),
            Self::Inside(contents) => contents.push(spec, second, inside),
            Self::Counted(contents) => contents.push(spec, second, inside),
            Self::Middle(contents) => contents.push(spec, second, inside),
            Self::Past(contents) => contents.push(second.at, second.last().and_then(Units::of)),
        }
    }

    fn reading(&mut self, spec: &WindowSpec, bounds: Bounds) -> Reading {
        match self {
            Self::InForce(contents) => contents.reading(spec, bounds),
            Self::Geometric(contents) => contents.reading(spec, bounds),
            Self::Extreme(contents) => contents.reading(spec, bounds),
            Self::Inside(contents) => contents.reading(spec, bounds),
            Self::Counted(contents) => contents.reading(spec, bounds),
            Self::Middle(contents) => contents.reading(spec, bounds),
            Self::Past(contents) => match contents.carried(spec.measure) {
                Carried::Nothing => Err(Lack::NoObservation),
                Carried::Empty(at) => Err(Lack::NoValue(Timestamp(at))),
                Carried::Stale(at) => Err(Lack::Stale(Timestamp(spec.measure.stale_at(at)))),
                Carried::Value(units) => Ok(units.clone()),
            },
        }
    }

    /// The first second after the start whose leaving the window makes an instant.
    fn next_to_leave(&self, spec: &WindowSpec) -> Option<i64> {
        let measure = spec.measure;
        match self {
            Self::InForce(contents) => contents.next_to_leave(measure),
            Self::Geometric(contents) => contents.next_to_leave(measure),
            Self::Extreme(contents) => contents.next_to_leave(measure),
            Self::Inside(contents) => contents.next_to_leave(measure),
            Self::Counted(contents) => contents.next_to_leave(measure),
            Self::Middle(contents) => contents.next_to_leave(measure),
            Self::Past(contents) => contents.next_change(measure),
        }
    }
}
