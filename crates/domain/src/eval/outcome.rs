//! What evaluation says: three-valued truth with the reason for not knowing, and loss events.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::lang::ir::InputIndex;
use crate::observation::Sequence;
use crate::time::Timestamp;
use crate::value::Value;

/// One observation as the evaluators see it: of the `input`-th input of the cover.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputObservation {
    /// Which input.
    pub input: usize,
    /// The source's own time.
    pub observed_at: Timestamp,
    /// The place in the source's order.
    pub sequence: Sequence,
    /// `None`: the source reported without a value.
    pub value: Option<Value>,
}

/// Why something is not known. The order means nothing, but is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unknown {
    /// The input was never observed.
    NoObservation {
        /// Index of the input.
        input: usize,
    },
    /// The last observation is older than the terms allow.
    Stale {
        /// Index of the input.
        input: usize,
        /// The first instant at which it was too old.
        since: Timestamp,
    },
    /// The last observation says nothing.
    NoValue {
        /// Index of the input.
        input: usize,
        /// When that observation was made.
        since: Timestamp,
    },
    /// A result outside 256 bits.
    Overflow,
    /// A division by zero.
    DivisionByZero,
    /// A breach whose recovery cannot be seen; its clock is lost.
    Gap {
        /// When the recovery stopped being known.
        since: Timestamp,
        /// Why the recovery is not known now.
        cause: Box<Unknown>,
    },
    /// Nothing was evaluated yet: every input has values, but evaluation begins later.
    NotBegun,
    /// A window that is not known for long enough.
    NotCovered {
        /// Index of the input.
        input: usize,
    },
    /// A window with no observation inside.
    EmptyWindow {
        /// Index of the input.
        input: usize,
    },
    /// A fixed time that has not come.
    NotYet {
        /// The time.
        time: Timestamp,
    },
    /// Fewer sources know a value than the terms demand.
    TooFewSources,
    /// The sources contradict each other by more than the terms allow.
    SourcesApart,
    /// A geometric mean or a fall of something that is not above zero.
    NotPositive,
    /// A straight line from one place to the same place.
    NoSlope,
    /// A latitude outside ±90° or a longitude outside ±360°.
    NoSuchPlace,
    /// A payout fraction below 0 or above 1.
    PayoutOutOfRange {
        /// The fraction.
        fraction: Decimal,
    },
    /// The expression breaks a rule that checking a cover enforces; a checked cover never says this.
    Unchecked,
}

/// The value of a trigger at an instant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Not met.
    False,
    /// Met.
    True,
    /// Inconclusive.
    Unknown(Unknown),
}

/// A trigger met: the first instant at which the terms make a breach count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LossEvent {
    /// 1 for the risk's first loss event.
    pub ordinal: u32,
    /// When the breach began.
    pub occurred_at: Timestamp,
    /// When the terms made it count.
    pub confirmed_at: Timestamp,
    /// Until when the payout was looked for: the confirmation, unless the terms let it settle.
    pub settled_at: Timestamp,
    /// What was in force then and seen from then on decides it: evaluating anew from there finds the same loss. Of one
    /// `holds`, the beginning of its breach; of several, where they began to remember anything that still counts. Earlier
    /// than `occurred_at` only where a breach is joined to something that began later.
    pub evidence_from: Timestamp,
    /// The part of the sum insured, 0…1, or why there is none.
    pub payout: Result<Decimal, Unknown>,
    /// The inputs in force at the confirmation, in the order of the cover's inputs.
    pub inputs: Vec<Result<Value, Unknown>>,
    /// The guards as of the confirmation, in the order of the cover's guards.
    pub guards: Vec<Result<bool, Unknown>>,
}

impl Unknown {
    /// In words, with the cover's names for its inputs.
    pub fn describe<'a>(&'a self, input_names: &'a [&'a str]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| self.write(input_names, f))
    }

    fn write(&self, input_names: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |input: usize| input_names.get(input).copied().unwrap_or("?");
        match self {
            Self::NoObservation { input } => {
                write!(f, "input `{}` was never observed", name(*input))
            }
            Self::Stale { input, since } => {
                write!(
                    f,
                    "input `{}` is older than its max_age since {since}",
                    name(*input)
                )
            }
            Self::NoValue { input, since } => {
                write!(
                    f,
                    "input `{}` was reported without a value at {since}",
                    name(*input)
                )
            }
            Self::Overflow => f.write_str("a result is outside 256 bits"),
            Self::DivisionByZero => f.write_str("a division by zero"),
            Self::Gap { since, cause } => {
                write!(f, "the recovery of a breach cannot be seen since {since}: ")?;
                cause.write(input_names, f)
            }
            Self::NotBegun => f.write_str("evaluation begins later"),
            Self::NotCovered { input } => write!(
                f,
                "not enough of the window over `{}` is known",
                name(*input)
            ),
            Self::EmptyWindow { input } => {
                write!(f, "no observation of `{}` in the window", name(*input))
            }
            Self::NotYet { time } => write!(f, "{time} has not come"),
            Self::TooFewSources => f.write_str("too few sources know a value"),
            Self::SourcesApart => f.write_str("the sources are too far apart"),
            Self::NotPositive => f.write_str("a value is not above zero where it must be"),
            Self::NoSlope => f.write_str("`linear` goes from one place to the same place"),
            Self::NoSuchPlace => {
                f.write_str("a latitude is outside ±90° or a longitude outside ±360°")
            }
            Self::PayoutOutOfRange { fraction } => {
                write!(f, "the payout fraction {fraction} is not within 0…1")
            }
            Self::Unchecked => f.write_str("the expression was not checked"),
        }
    }
}

impl From<InputIndex> for usize {
    fn from(index: InputIndex) -> Self {
        index.0
    }
}
