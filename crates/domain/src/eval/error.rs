//! Observations that cannot be evaluated as they were handed over, and why.

use core::fmt;

use crate::observation::Sequence;
use crate::time::Timestamp;
use crate::value::{Type, Value};

/// What is wrong with a batch. Nothing of a refused batch is taken in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    /// The state was made by a program of another shape.
    #[error("the stored state does not belong to this cover: rebuild it from the observations")]
    ForeignState,
    /// An input index past the cover's inputs.
    #[error("an observation names input number {input}, counted from 0; the cover has {inputs}")]
    NoSuchInput {
        /// The index.
        input: usize,
        /// How many inputs the cover has.
        inputs: usize,
    },
    /// A source slot past those that the intake was made for.
    #[error("source number {source_slot} reports, counted from 0; the risk has {sources}")]
    NoSuchSource {
        /// The slot.
        source_slot: usize,
        /// How many there are.
        sources: usize,
    },
    /// A risk past those whose states are there.
    #[error("a batch names risk number {risk}, counted from 0; there are {risks}")]
    NoSuchRisk {
        /// The place of its state.
        risk: usize,
        /// How many there are.
        risks: usize,
    },
    /// A value of another type than the input's.
    #[error("{place}: expected a {expected}, found a {found}")]
    WrongType {
        /// Which observation.
        place: Place,
        /// The input's type.
        expected: Type,
        /// The type of the value.
        found: Type,
    },
    /// A time that no calendar needs.
    #[error("{time} is no time to evaluate: instants end with the year 9999")]
    TimeOutOfRange {
        /// The time.
        time: Timestamp,
    },
    /// Two values where the source can have said only one.
    #[error("{place}: the source says both {} and {}", Shown(&.values.0), Shown(&.values.1))]
    Conflict {
        /// Which observation.
        place: Place,
        /// What it says; what it says too.
        values: Box<(Option<Value>, Option<Value>)>,
    },
    /// An observation before its predecessor in the batch.
    #[error("{place}: out of order; sort by time, input and sequence")]
    OutOfOrder {
        /// Which observation.
        place: Place,
    },
    /// An observation of a time that was declared complete.
    #[error("{place}: late, everything up to {complete_to} was reported before")]
    Late {
        /// Which observation.
        place: Place,
        /// Up to when all observations were promised to be there.
        complete_to: Timestamp,
    },
    /// An observation past the batch's watermark.
    #[error("{place}: past the watermark {watermark} of its batch")]
    BeyondWatermark {
        /// Which observation.
        place: Place,
        /// The watermark.
        watermark: Timestamp,
    },
    /// A watermark before what was evaluated or reported already.
    #[error("the watermark moves back from {from} to {to}")]
    WatermarkMovedBack {
        /// What was complete.
        from: Timestamp,
        /// What is reported now.
        to: Timestamp,
    },
}

/// The observation that an error is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The input's name.
    pub input: String,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// Its place in the source's order.
    pub sequence: Sequence,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            input,
            observed_at,
            sequence,
        } = self;
        write!(
            f,
            "input `{input}` at {observed_at}, sequence {}",
            sequence.0
        )
    }
}

/// A value, or that there is none.
struct Shown<'a>(&'a Option<Value>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("that there is no value"),
        }
    }
}
