//! The state of one risk: what evaluation must remember between batches, and nothing that can be computed again.
//!
//! It is small (an input slot and a breach slot per input and `holds`), compares and serialises exactly, and belongs to
//! the program that made it; [`Program::advance`](super::Program::advance) refuses a state of another shape.

use core::mem::offset_of;

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::optional_time::OptionalTime;
use super::program::Program;
use super::slot::Slot;
use super::standing::Standing;
use super::written::Written;
use crate::time::{Seconds, Timestamp};

/// What is remembered of one risk. Compiled programs make and advance it.
///
/// Laid out so that an observation that changes nothing about a risk of a plain cover reads and writes one line of a
/// processor's cache, the first of two; `repr(C)` keeps the parts in this order.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written<'_>")]
#[repr(C, align(64))]
pub struct RiskState {
    /// Everything up to here was taken in.
    pub(super) evaluated_to: OptionalTime,
    /// The next instant that comes without an observation.
    pub(super) due: OptionalTime,
    /// The last observation of each input.
    pub(super) inputs: Few<Option<Latest>>,
    /// Where the `holds` stand.
    pub(super) standing: Standing,
    // From here on, what an instant may need.
    /// Instants begin here; earlier observations only carry their values in.
    pub(super) evaluate_from: OptionalTime,
    /// When the last loss event was confirmed.
    pub(super) last_confirmed_at: OptionalTime,
    /// The loss events so far.
    pub(super) events: u32,
    /// Whether an instant was evaluated.
    pub(super) begun: bool,
    /// The trigger was false at an instant after the last loss event was confirmed.
    pub(super) seen_false: bool,
}

/// The bytes that a cache loads at once.
const LINE: usize = 64;
const _: () = assert!(offset_of!(RiskState, evaluate_from) == LINE);
const _: () = assert!(size_of::<RiskState>() == 2 * LINE);

/// The last observation of an input: the last by sequence of the last second that has one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Latest {
    pub(super) observed_at: Timestamp,
    pub(super) value: Slot,
}

/// Where a `holds` stands. Its value follows from this alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Breach {
    /// No breach: false.
    Idle,
    /// No breach that is known: unknown.
    Unsure,
    /// Begun and neither recovered nor confirmed: false.
    Open {
        /// t₀.
        since: Timestamp,
    },
    /// The recovery is not known, the clock is lost: unknown.
    Gap {
        /// When the recovery stopped being known.
        since: Timestamp,
    },
    /// Confirmed: true.
    Met {
        /// t₀.
        since: Timestamp,
    },
}

/// What the next loss event depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct LastEvent {
    pub(super) confirmed_at: Timestamp,
    /// The trigger was false at a later instant.
    pub(super) seen_false: bool,
}

/// Where the evaluation of a risk starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Start {
    /// With it, that very second is the first instant if an observation of it or earlier is carried in, else the first
    /// observation after it. Without, the first observation is the first instant.
    pub evaluate_from: Option<Timestamp>,
    /// When the policy begins, for covers that ask for it; `None`: with the risk's first observation.
    pub inception: Option<Timestamp>,
}

impl From<Option<Timestamp>> for Start {
    fn from(evaluate_from: Option<Timestamp>) -> Self {
        Self {
            evaluate_from,
            inception: None,
        }
    }
}

/// What is known of a loss event that is evaluated anew from its evidence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Where instants begin.
    pub evidence_from: Timestamp,
    /// When the policy began, for covers that ask for it.
    pub inception: Option<Timestamp>,
    /// When it is said to have occurred. What the evidence shows of earlier breaches is not whole, and not about this one.
    pub occurred_at: Timestamp,
    /// When the loss event before it was confirmed, which the evidence need not hold.
    pub previous: Option<Timestamp>,
    /// Whether what is true at the first instant was true before it. The evidence alone does not say; a loss is shown if
    /// it follows either way.
    pub already_true: bool,
    /// Whether the trigger was seen false between the loss event before and the beginning of the evidence; likewise.
    pub was_false: bool,
}

impl Known {
    /// Every way to read what the evidence does not say, the usual one first.
    pub fn readings(self) -> [Self; 4] {
        [(false, true), (true, true), (false, false), (true, false)].map(
            |(already_true, was_false)| Self {
                already_true,
                was_false,
                ..self
            },
        )
    }
}

impl Known {
    /// Since when something counts that is true at the first instant.
    pub(super) fn first_run(self, first: Timestamp) -> Timestamp {
        first - Seconds(i64::from(self.already_true))
    }
}

impl Breach {
    /// Whether its past decides about its future; else the instant alone does.
    pub(super) fn remembers(self) -> bool {
        match self {
            Self::Idle | Self::Unsure => false,
            Self::Open { .. } | Self::Gap { .. } | Self::Met { .. } => true,
        }
    }
}

impl RiskState {
    /// A risk of `program` that nothing was observed of.
    pub fn new(program: &Program, start: impl Into<Start>) -> Self {
        let Start {
            evaluate_from,
            inception,
        } = start.into();
        Self {
            evaluated_to: OptionalTime::NONE,
            due: OptionalTime::NONE,
            inputs: Few::repeat(None, program.inputs.len()),
            standing: Standing::new(program, inception),
            evaluate_from: evaluate_from.into(),
            last_confirmed_at: OptionalTime::NONE,
            events: 0,
            begun: false,
            seen_false: false,
        }
    }

    /// As [`RiskState::new`], for evaluating one loss event anew from its evidence.
    pub fn from_evidence(program: &Program, known: Known) -> Self {
        let start = Start {
            evaluate_from: Some(known.evidence_from),
            inception: known.inception,
        };
        let mut state = Self::new(program, start);
        state.standing.full().anew = Some(known);
        if let Some(confirmed_at) = known.previous {
            state.last_confirmed_at = confirmed_at.into();
            // Between two loss events the trigger was false: before the evidence begins, or to be seen in it.
            state.seen_false = known.was_false && confirmed_at < known.evidence_from;
        }
        state
    }

    /// Something of the first line of its bytes; of the second too, if it is asked for.
    #[inline]
    pub(super) fn glance(&self, at_all: bool) -> u32 {
        let first = u32::from(self.evaluated_to == OptionalTime::NONE);
        if at_all { first ^ self.events } else { first }
    }

    /// Everything up to this instant was taken in; `None` before the first batch.
    pub fn evaluated_to(&self) -> Option<Timestamp> {
        self.evaluated_to.get()
    }

    /// Where instants begin, if not at the first observation.
    pub fn evaluate_from(&self) -> Option<Timestamp> {
        self.evaluate_from.get()
    }

    /// Whether any instant was evaluated: a risk without one is inconclusive.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The number of loss events so far. They stay met, whatever the trigger's value is now.
    pub fn events(&self) -> u32 {
        self.events
    }

    /// When the last loss event was confirmed.
    pub fn last_confirmed_at(&self) -> Option<Timestamp> {
        self.last_confirmed_at.get()
    }

    pub(super) fn last_event(&self) -> Option<LastEvent> {
        let confirmed_at = self.last_confirmed_at()?;
        Some(LastEvent {
            confirmed_at,
            seen_false: self.seen_false,
        })
    }
}
