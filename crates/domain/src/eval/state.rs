//! The state of one risk: what evaluation must remember between batches, and nothing that can be computed again.
//!
//! It is small (an input slot and a breach slot per input and `holds`), compares and serialises exactly, and belongs to
//! the program that made it; [`Program::advance`](super::Program::advance) refuses a state of another shape.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::few::Few;
use super::fixed::Fixed;
use super::outcome::LossEvent;
use super::program::Program;
use super::slot::Slot;
use super::window::Window;
use crate::observation::Sequence;
use crate::time::{Seconds, Timestamp};

/// What is remembered of one risk. Compiled programs make and advance it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskState {
    /// Instants begin here; earlier observations only carry their values in.
    pub(super) evaluate_from: Option<Timestamp>,
    /// Everything up to here was taken in.
    pub(super) evaluated_to: Option<Timestamp>,
    /// Whether an instant was evaluated.
    pub(super) begun: bool,
    /// The next instant that comes without an observation.
    pub(super) due: Option<Timestamp>,
    /// The last observation of each input.
    pub(super) inputs: Few<Option<Latest>>,
    /// Each `holds`, inner before outer.
    pub(super) breaches: Few<Breach>,
    /// What each `holds` with `observations: 2` or more has counted since its breach began, sorted.
    pub(super) counted: Box<[Vec<Counted>]>,
    /// Since when, without a break, some of several `holds` remembers something: there, evaluating anew must begin.
    pub(super) remembering_since: Option<Timestamp>,
    /// Since when each tracked condition is true without a break.
    pub(super) runs: Box<[Option<Run>]>,
    /// What looking back needs; `None` where the program never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<Box<Memory>>,
    /// Set while one loss event is evaluated anew; such a state is never stored.
    #[serde(skip)]
    pub(super) anew: Option<Box<Known>>,
    /// The loss events so far.
    pub(super) events: u32,
    /// The last of them.
    pub(super) last_event: Option<LastEvent>,
}

/// What a risk remembers beyond what is in force and where its breaches stand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// When the policy begins; `None` until the first observation says so.
    pub(super) inception: Option<Timestamp>,
    /// The last instant that was evaluated: what the windows say, they say as of then.
    pub(super) instant: Option<Timestamp>,
    /// Each distinct window.
    pub(super) windows: Box<[Window]>,
    /// Each distinct value at a fixed time.
    pub(super) fixed: Box<[Fixed]>,
    /// Confirmed losses whose payout has not settled, the first one first.
    pub(super) settling: VecDeque<LossEvent>,
}

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

/// An observation that a breach counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Equal for inputs of one named source.
    pub(super) stream: usize,
    pub(super) sequence: Sequence,
}

/// An unbroken run of truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// When it began.
    pub(super) since: Timestamp,
    /// What some `holds` remembered then, it remembered since here.
    pub(super) remembering_since: Option<Timestamp>,
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

impl Memory {
    fn new(program: &Program, inception: Option<Timestamp>) -> Self {
        Self {
            inception,
            instant: None,
            windows: program.windows.iter().map(Window::new).collect(),
            fixed: vec![Fixed::Open; program.fixed.len()].into(),
            settling: VecDeque::new(),
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
            evaluate_from,
            evaluated_to: None,
            begun: false,
            due: None,
            inputs: Few::repeat(None, program.inputs.len()),
            breaches: Few::repeat(Breach::Idle, program.holds.len()),
            counted: vec![Vec::new(); program.counters].into(),
            remembering_since: None,
            runs: vec![None; program.runs.len()].into(),
            memory: program
                .has_memory()
                .then(|| Box::new(Memory::new(program, inception))),
            anew: None,
            events: 0,
            last_event: None,
        }
    }

    /// As [`RiskState::new`], for evaluating one loss event anew from its evidence.
    pub fn from_evidence(program: &Program, known: Known) -> Self {
        Self {
            anew: Some(Box::new(known)),
            last_event: known.previous.map(|confirmed_at| LastEvent {
                confirmed_at,
                // Between two loss events the trigger was false: before the evidence begins, or to be seen in it.
                seen_false: known.was_false && confirmed_at < known.evidence_from,
            }),
            ..Self::new(
                program,
                Start {
                    evaluate_from: Some(known.evidence_from),
                    inception: known.inception,
                },
            )
        }
    }

    /// Everything up to this instant was taken in; `None` before the first batch.
    pub fn evaluated_to(&self) -> Option<Timestamp> {
        self.evaluated_to
    }

    /// Where instants begin, if not at the first observation.
    pub fn evaluate_from(&self) -> Option<Timestamp> {
        self.evaluate_from
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
        self.last_event.map(|event| event.confirmed_at)
    }
}
