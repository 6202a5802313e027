//! `input op constant`, the form of most conditions: what one such condition says about another.

use crate::lang::ir::{CompareOp, Expr, ExprKind, InputIndex};
use crate::value::Value;

/// `input op constant`.
pub(super) struct Threshold {
    input: InputIndex,
    below: bool,
    pub(super) inclusive: bool,
    limit: Value,
}

impl Threshold {
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        let ExprKind::Compare { op, left, right } = &expr.kind else {
            return None;
        };
        let (input, limit, flipped) = match (&left.kind, &right.kind) {
            (ExprKind::Input(input), _) => (*input, right.constant()?, false),
            (_, ExprKind::Input(input)) => (*input, left.constant()?, true),
            _ => return None,
        };
        let (below, inclusive) = match op {
            CompareOp::Less => (true, false),
            CompareOp::LessOrEqual => (true, true),
            CompareOp::Greater => (false, false),
            CompareOp::GreaterOrEqual => (false, true),
            CompareOp::Equal | CompareOp::NotEqual => return None,
        };
        let limit = limit.ok()?;
        Some(Self {
            input,
            below: below ^ flipped,
            inclusive,
            limit,
        })
    }

    /// Every value that passes this passes `other`.
    pub(super) fn implies(&self, other: &Self) -> bool {
        if self.input != other.input || self.below != other.below {
            return false;
        }
        let beyond = if self.below {
            less(&self.limit, &other.limit)
        } else {
            less(&other.limit, &self.limit)
        };
        beyond || (self.limit == other.limit && (other.inclusive || !self.inclusive))
    }

    /// The two are of one input, and no value passes both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        self.input == other.input && !self.meets(other)
    }

    /// Each value passes exactly one of the two.
    pub(super) fn completes(&self, other: &Self) -> bool {
        self.input == other.input
            && self.below != other.below
            && self.limit == other.limit
            && self.inclusive != other.inclusive
    }

    /// Some value passes both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        if self.input != other.input {
            return false;
        }
        if self.below == other.below {
            return true;
        }
        let (upper, lower) = if self.below {
            (self, other)
        } else {
            (other, self)
        };
        less(&lower.limit, &upper.limit)
            || (lower.limit == upper.limit && lower.inclusive && upper.inclusive)
    }
}

pub(super) fn less(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => left < right,
        (Value::Duration(left), Value::Duration(right)) => left < right,
        _ => false,
    }
}
