//! A checked expression: every node has a type, every name is resolved, every option has its value.
//!
//! Both evaluators start from this tree, so that what they disagree about can only be meaning.

use crate::decimal::{Decimal, Rounding};
use crate::diagnostic::Span;
use crate::time::{Seconds, Timestamp};
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
    /// A window over an input.
    Window(Window),
    /// The value of an input as of a fixed time, unknown before it.
    At {
        /// Whose value.
        input: InputIndex,
        /// As of when.
        time: FixedTime,
    },
    /// The value of an input less its value as of `window` ago.
    Change {
        /// Whose value: a decimal or a duration.
        input: InputIndex,
        /// How long ago.
        window: Seconds,
    },
    /// `(from - value) / from`, a decimal; unknown where `from` is not positive.
    Drop {
        /// What fell.
        value: Box<Expr>,
        /// From where.
        from: Box<Expr>,
    },
    /// Whether an event was observed at all.
    Happened(InputIndex),
    /// The middle one of the known values; the mean of the middle two of an even number.
    MedianOf {
        /// Of one type, decimal or duration.
        values: Vec<Expr>,
        /// Fewer known ones make it unknown.
        quorum: u32,
        /// A larger part of |median| between the least and the greatest makes it unknown.
        spread: Option<Decimal>,
    },
    /// Whether at least `needed` conditions are true.
    KOf {
        /// How many.
        needed: u32,
        /// Out of these.
        conditions: Vec<Expr>,
    },
    /// 0 at `from`, 1 at `to`, in proportion between, clamped; unknown where the two are equal.
    Linear {
        /// A decimal or a duration, as the two others.
        value: Box<Expr>,
        /// Where it is 0.
        from: Box<Expr>,
        /// Where it is 1.
        to: Box<Expr>,
    },
    /// The part that belongs to the highest bound at or below the value; 0 below all of them.
    Tiers {
        /// A decimal or a duration, as the bounds.
        value: Box<Expr>,
        /// Bounds, ascending, each with its decimal.
        tiers: Vec<(Value, Expr)>,
    },
    /// `clamp((value - strike) · per, 0, limit)`.
    Tick {
        /// The index.
        value: Box<Expr>,
        /// Where it begins to pay.
        strike: Box<Expr>,
        /// What a unit pays.
        per: Box<Expr>,
        /// What it pays at most.
        limit: Box<Expr>,
    },
    /// The value that belongs to the first condition that is true; an unknown one before it makes the whole unknown.
    Case {
        /// Conditions, each with its value.
        arms: Vec<(Expr, Expr)>,
        /// The value where none is true.
        otherwise: Box<Expr>,
    },
    /// The distance between two places on earth in km: of latitude and longitude in degrees, twice.
    DistanceKm(Box<[Expr; 4]>),
}

/// A window over one input: what came of it in (t − reach, t].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// What is computed.
    pub function: WindowFunction,
    /// From what.
    pub input: InputIndex,
    /// How far back.
    pub reach: Reach,
    /// The part of the window that must be known, above 0 and at most 1; 1 where the cover is silent. Windows over events
    /// need none.
    pub coverage: Decimal,
    /// Whether it moves with every instant, or only from one boundary of a grid to the next.
    pub every: Option<Grid>,
}

/// What a window computes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum WindowFunction {
    /// The mean of the values in force, weighed by the seconds for which they were.
    Twap,
    /// The mean of the values just before the ends of the UTC periods of this length that ended inside.
    TwapOfCloses(Seconds),
    /// The geometric mean of the values in force, weighed by the seconds for which they were.
    GeoTwap,
    /// The least value in force, the one carried in included.
    Min,
    /// The greatest value in force, the one carried in included.
    Max,
    /// The mean of the observations inside.
    Mean,
    /// The median of the observations inside.
    Median,
    /// The sum of the observations inside.
    Sum,
    /// The number of observations inside.
    Count,
}

/// How far back a window goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Reach {
    /// This long.
    Last(Seconds),
    /// To the inception of the policy.
    SinceInception,
}

/// The instants at which a window moves: the multiples of `period` since 1970-01-01T00:00:00Z; with a zone, the local
/// midnights that begin every so many days since the local 1970-01-01.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grid {
    /// Positive; whole days where there is a zone.
    pub period: Seconds,
    /// IANA name of a time zone, known to be one.
    pub zone: Option<String>,
}

/// A fixed time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FixedTime {
    /// This one.
    Time(Timestamp),
    /// The inception of the policy.
    Inception,
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
