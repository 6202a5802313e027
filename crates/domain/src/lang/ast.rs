//! An expression as written: names unresolved, types unknown.

use crate::diagnostic::Span;
use crate::lang::ir::{ArithmeticOp, CompareOp};
use crate::value::Value;

/// An expression as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expr {
    /// What is written.
    pub kind: ExprKind,
    /// Where, parentheses around it included.
    pub span: Span,
}

/// What is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprKind {
    /// A decimal, a duration, a truth value or a text; never negative.
    Literal(Value),
    /// A name.
    Name(String),
    /// `-x`
    Negate(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `x op y`
    Binary {
        /// What is between them.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `x in ["a", "b"]`
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// Where.
        choices: Vec<Choice>,
    },
    /// `f(x, y, option: z)`
    Call(Call),
    /// A place that was refused with its own diagnostic; nothing more is said about it.
    Refused,
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `<` and its kin.
    Compare(CompareOp),
    /// `+` and its kin.
    Arithmetic(ArithmeticOp),
}

/// One member of the list after `in`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The text.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A call of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The name in front of the parenthesis.
    pub function: String,
    /// Where the name stands.
    pub function_span: Span,
    /// Arguments without a name.
    pub arguments: Vec<Expr>,
    /// `bound: part` of `tiers` and `condition: value` of `case`, after the arguments.
    pub pairs: Vec<(Expr, Expr)>,
    /// Arguments with a name; they stand after the others.
    pub options: Vec<NamedOption>,
}

/// `name: value` or `name: at least value`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedOption {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Whether `at least` stands before the value.
    pub at_least: bool,
    /// The value.
    pub value: Expr,
}

impl Expr {
    /// An expression at `span`.
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Compare(op) => op.symbol(),
            Self::Arithmetic(op) => op.symbol(),
        }
    }
}

impl CompareOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

impl ArithmeticOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}
