//! A cover, compiled: its expressions as one flat array of nodes, with everything looked up that does not change.
//!
//! Compiled once per cover and shared by all of its risks, whose [`RiskState`](super::RiskState)s hold what differs.

mod compile;

use std::sync::Arc;

use super::scalar::Cause;
use crate::cover::{Cover, Rearm};
use crate::decimal::{Decimal, Rounding};
use crate::lang::ir::{ArithmeticOp, CompareOp, Confirm};
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
    pub(super) trigger: usize,
    pub(super) payout: usize,
    pub(super) rearm: Rearm,
    pub(super) evidence_begins: EvidenceBegins,
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
        limit: Decimal,
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

    /// The names of the cover's inputs, in their order.
    pub fn input_names(&self) -> &[String] {
        &self.input_names
    }
}
