//! A checked expression: every node has a type, every name is resolved, every option has its value.
//!
//! Both evaluators start from this tree, so that what they disagree about can only be meaning.

use crate::decimal::Rounding;
use crate::diagnostic::Span;
use crate::time::Seconds;
use crate::value::{Type, Value};

/// An input of the cover, by its place in the cover's inputs (sorted by name).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InputIndex(pub usize);

/// A checked expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of its value.
    pub ty: Type,
    /// Where it stands in the cover file.
    pub span: Span,
}

/// What an expression computes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// The value of an input in force.
    Input(InputIndex),
    /// `-x`, on decimals and durations.
    Negate(Box<Expr>),
    /// `abs(x)`, on decimals and durations.
    Absolute(Box<Expr>),
    /// Two decimals; or durations where [`ArithmeticOp`] says so.
    Arithmetic {
        /// The operation.
        op: ArithmeticOp,
        /// How it cuts: toward zero unless `round_up(…)` stands around it.
        rounding: Rounding,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// Two values of one type; `<` and its kin not on bool and text.
    Compare {
        /// The comparison.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `x in ["a", "b"]`, on text.
    OneOf {
        /// What is looked for.
        value: Box<Expr>,
        /// Where.
        choices: Vec<String>,
    },
    /// `not x`.
    Not(Box<Expr>),
    /// `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// The least of two or more values of one type.
    Min(Vec<Expr>),
    /// The greatest of two or more values of one type.
    Max(Vec<Expr>),
    /// `max(low, min(value, high))`.
    Clamp {
        /// What is limited.
        value: Box<Expr>,
        /// Lower bound.
        low: Box<Expr>,
        /// Upper bound; the lower one wins where they cross.
        high: Box<Expr>,
    },
    /// Seconds since the last observation of an input, whatever its `max_age`. In a trigger it only stands as one side
    /// of a comparison with a constant (the checker sees to that), so that its instants are known.
    Age(InputIndex),
    /// A breach that lasts.
    Holds(Box<Holds>),
}

/// `holds(condition, for: window, recover: …, confirm: …, observations: …)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holds {
    /// Begins the breach.
    pub condition: Expr,
    /// Ends it; `not condition` where the cover is silent.
    pub recover: Expr,
    /// How long the breach must last.
    pub window: Seconds,
    /// `for: at least d`: a recovery at exactly t₀ + d is too late.
    pub at_least: bool,
    /// What makes a breach of that length count.
    pub confirm: Confirm,
    /// How many distinct sequences must lie within the breach (1 where the cover is silent).
    pub observations: u32,
}

/// What makes a breach count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Confirm {
    /// The instant t₀ + d itself.
    Time,
    /// The first instant after t₀ + d at which an input of the condition or the recovery reports a value.
    Observation,
}

/// Operation on numbers. Decimal op decimal → decimal; duration ± duration → duration; duration × decimal (either
/// order) and duration / decimal → duration, cut to whole seconds; duration / duration → decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// Comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum CompareOp {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}
