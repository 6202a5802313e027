//! A cover, compiled: its expressions as one flat array of nodes, with everything looked up that does not change.
//!
//! Compiled once per cover and shared by all of its risks, whose [`RiskState`](super::RiskState)s hold what differs.

mod compile;

use std::sync::Arc;

use super::exact::Units;
use super::quiet::Quiet;
use super::scalar::Cause;
use super::window::Measure;
use crate::cover::{Cover, Rearm};
use crate::decimal::{Decimal, Rounding};
use crate::lang::ir::{ArithmeticOp, CompareOp, Confirm, FixedTime, Grid, Reach};
use crate::time::Seconds;
use crate::value::{Type, Value};

/// A compiled cover.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) inputs: Vec<InputSpec>,
    pub(super) input_names: Arc<[String]>,
    /// Operands before operations.
    pub(super) nodes: Vec<Node>,
    /// Inner before outer.
    pub(super) holds: Vec<HoldsSpec>,
    /// How many of them count observations.
    pub(super) counters: usize,
    /// Nodes whose unbroken runs of truth are tracked.
    pub(super) runs: Vec<usize>,
    /// Ages at which a comparison of the trigger changes.
    pub(super) age_limits: Vec<AgeLimit>,
    /// Distinct.
    pub(super) windows: Vec<WindowSpec>,
    /// Distinct.
    pub(super) fixed: Vec<FixedSpec>,
    /// Whether anything of it depends on when a policy began; whether that makes an instant.
    pub(super) inception: Mentioned,
    pub(super) trigger: usize,
    pub(super) payout: usize,
    pub(super) settle: Option<Seconds>,
    pub(super) guards: Vec<usize>,
    pub(super) rearm: Rearm,
    pub(super) evidence_begins: EvidenceBegins,
    /// When an observation changes nothing, where that is easily seen.
    pub(super) quiet: Option<Quiet>,
}

/// Where the evidence of a loss event begins, unless the loss occurred even earlier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EvidenceBegins {
    /// With the breach of the one `holds` that the trigger is, or that `and` joins to it.
    WithTheBreach,
    /// Where some `holds` last began to remember: one that was met before and has ended would, evaluated anew from a
    /// later beginning, be in another state.
    WithTheMemory,
}

/// What evaluation needs to know of an input.
#[derive(Clone, Debug)]
pub(super) struct InputSpec {
    pub(super) ty: Type,
    pub(super) max_age: Option<Seconds>,
    /// Equal for inputs of one named source.
    pub(super) stream: usize,
    /// The windows over it.
    pub(super) windows: Vec<usize>,
    /// Its values at fixed times.
    pub(super) fixed: Vec<usize>,
}

/// Whether something is mentioned, and where that matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Mentioned {
    Nowhere,
    /// Only where nothing makes instants.
    Unwatched,
    /// Where time alone makes instants.
    Watched,
}

/// A window, as the risk's state has one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WindowSpec {
    pub(super) computed: Computed,
    pub(super) input: usize,
    pub(super) over_events: bool,
    pub(super) reach: Reach,
    /// The part that must be known, in 10⁻¹⁸.
    pub(super) coverage: u64,
    pub(super) every: Option<Grid>,
    pub(super) measure: Measure,
    /// The length of the periods whose ends are the only instants that it makes.
    pub(super) closes: Option<i64>,
    /// Of what it says.
    pub(super) ty: Type,
    /// Whether it makes instants, and so is read at every one.
    pub(super) watched: bool,
}

/// What a window computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Computed {
    /// Of what was in force.
    Mean,
    /// Of what was in force.
    GeometricMean,
    /// Of what was in force.
    Least,
    /// Of what was in force.
    Greatest,
    MeanInside,
    MedianInside,
    SumInside,
    Count,
    /// What was in force at its start.
    Past,
}

/// The value of an input as of a fixed time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FixedSpec {
    pub(super) input: usize,
    pub(super) time: FixedTime,
    /// Whether it makes an instant.
    pub(super) watched: bool,
}

/// `age(input)` is compared with `limit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AgeLimit {
    pub(super) input: usize,
    pub(super) limit: Seconds,
}

/// A `holds`.
#[derive(Clone, Debug)]
pub(super) struct HoldsSpec {
    pub(super) condition: usize,
    pub(super) recover: usize,
    pub(super) window: Seconds,
    pub(super) at_least: bool,
    pub(super) confirm: Confirm,
    /// Inputs of the condition and the recovery.
    pub(super) inputs: Vec<usize>,
    pub(super) counter: Option<Counter>,
}

/// `observations: 2` or more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    pub(super) needed: usize,
    /// The place in the state's `counted`.
    pub(super) slot: usize,
}

/// An operation; operands are indices of earlier nodes.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Value),
    /// A constant that has no value.
    Failed(Cause),
    Input(usize),
    /// A decimal input compared with a constant: most of what real triggers do.
    Against {
        input: usize,
        op: CompareOp,
        limit: Units,
    },
    /// What a window says compared with a constant of its type.
    WindowAgainst {
        window: usize,
        op: CompareOp,
        limit: Units,
    },
    Negate(usize),
    Absolute(usize),
    Arithmetic {
        op: ArithmeticOp,
        rounding: Rounding,
        left: usize,
        right: usize,
    },
    Compare {
        op: CompareOp,
        left: usize,
        right: usize,
    },
    OneOf {
        value: usize,
        choices: Vec<String>,
    },
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    Min(Vec<usize>),
    Max(Vec<usize>),
    Clamp {
        value: usize,
        low: usize,
        high: usize,
    },
    Age(usize),
    Drop {
        value: usize,
        from: usize,
    },
    Happened(usize),
    MedianOf {
        values: Vec<usize>,
        quorum: usize,
        spread: Option<Decimal>,
    },
    KOf {
        needed: usize,
        conditions: Vec<usize>,
    },
    Linear {
        value: usize,
        from: usize,
        to: usize,
    },
    Tiers {
        value: usize,
        /// Ascending.
        tiers: Vec<(Value, usize)>,
    },
    Tick {
        value: usize,
        strike: usize,
        per: usize,
        limit: usize,
    },
    Case {
        arms: Vec<(usize, usize)>,
        otherwise: usize,
    },
    DistanceKm([usize; 4]),
    /// What the window with this index says.
    Window(usize),
    /// An input less what the window with this index says was in force at its start.
    Change {
        input: usize,
        window: usize,
    },
    /// The value at a fixed time with this index.
    At(usize),
    /// The `holds` with this index.
    Holds(usize),
    /// The value of another node, whose run of truth is tracked in this slot of the state.
    Run {
        of: usize,
        slot: usize,
    },
}

impl Program {
    /// Compiles a checked cover.
    ///
    /// What a checked cover cannot contain (operands of the wrong type, `age` outside a comparison with a constant in
    /// the trigger) compiles to [`Unknown::Unchecked`](super::Unknown::Unchecked), which never pays.
    pub fn compile(cover: &Cover) -> Self {
        compile::compile(cover)
    }

    /// Whether a risk remembers more than what is in force and where its breaches stand.
    pub(super) fn has_memory(&self) -> bool {
        !self.windows.is_empty()
            || !self.fixed.is_empty()
            || self.settle.is_some()
            || self.inception != Mentioned::Nowhere
    }

    /// The names of the cover's inputs, in their order.
    pub fn input_names(&self) -> &[String] {
        &self.input_names
    }
}

impl WindowSpec {
    /// Whether one state serves both.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let watched = self.watched;
        *self
            == Self {
                watched,
                ..other.clone()
            }
    }
}
