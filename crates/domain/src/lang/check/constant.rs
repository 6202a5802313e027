//! The value of an expression without inputs, by the same arithmetic as evaluation.

use crate::decimal::{Decimal, Rounding};
use crate::lang::ir::{ArithmeticOp, Expr, ExprKind};
use crate::time::Seconds;
use crate::value::Value;

/// A constant whose computation is unknown: outside the range, or divided by zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault;

type Folded = Result<Value, Fault>;

impl Expr {
    /// `None`: it depends on an input, or is no number.
    pub(super) fn constant(&self) -> Option<Folded> {
        match &self.kind {
            ExprKind::Literal(value) => Some(Ok(value.clone())),
            ExprKind::Negate(operand) => Some(operand.constant()?.and_then(negated)),
            ExprKind::Absolute(operand) => Some(operand.constant()?.and_then(|value| {
                if is_negative(&value) {
                    negated(value)
                } else {
                    Ok(value)
                }
            })),
            ExprKind::Arithmetic {
                op,
                rounding,
                left,
                right,
            } => {
                let (left, right) = (left.constant()?, right.constant()?);
                Some(left.and_then(|left| arithmetic(*op, *rounding, left, right?)))
            }
            ExprKind::Min(values) => extreme(values, less),
            ExprKind::Max(values) => extreme(values, |next, best| less(best, next)),
            ExprKind::Clamp { value, low, high } => {
                let (value, low, high) = (value.constant()?, low.constant()?, high.constant()?);
                Some(value.and_then(|value| {
                    let (low, high) = (low?, high?);
                    let limited = if less(&high, &value) { high } else { value };
                    Ok(if less(&limited, &low) { low } else { limited })
                }))
            }
            ExprKind::Input(_)
            | ExprKind::Compare { .. }
            | ExprKind::OneOf { .. }
            | ExprKind::Not(_)
            | ExprKind::And(..)
            | ExprKind::Or(..)
            | ExprKind::Age(_)
            | ExprKind::Holds(_)
            | ExprKind::Window(_)
            | ExprKind::At { .. }
            | ExprKind::Change { .. }
            | ExprKind::Drop { .. }
            | ExprKind::Happened(_)
            | ExprKind::MedianOf { .. }
            | ExprKind::KOf { .. }
            | ExprKind::Linear { .. }
            | ExprKind::Tiers { .. }
            | ExprKind::Tick { .. }
            | ExprKind::Case { .. }
            | ExprKind::DistanceKm(_) => None,
        }
    }
}

fn extreme(values: &[Expr], better: impl Fn(&Value, &Value) -> bool) -> Option<Folded> {
    let constants: Vec<Folded> = values.iter().map(Expr::constant).collect::<Option<_>>()?;
    let mut constants = constants.into_iter();
    let first = constants.next()?;
    Some(constants.fold(first, |best, next| match (best, next) {
        (Ok(best), Ok(next)) => Ok(if better(&next, &best) { next } else { best }),
        _ => Err(Fault),
    }))
}

fn less(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => left < right,
        (Value::Duration(left), Value::Duration(right)) => left < right,
        _ => false,
    }
}

fn is_negative(value: &Value) -> bool {
    match value {
        Value::Decimal(value) => *value < Decimal::ZERO,
        Value::Duration(value) => value.0 < 0,
        Value::Bool(_) | Value::Text(_) | Value::Time(_) => false,
    }
}

fn negated(value: Value) -> Folded {
    match value {
        Value::Decimal(value) => Ok(Value::Decimal(value.negated())),
        Value::Duration(Seconds(value)) => value
            .checked_neg()
            .map(|value| Value::Duration(Seconds(value)))
            .ok_or(Fault),
        Value::Bool(_) | Value::Text(_) | Value::Time(_) => Err(Fault),
    }
}

fn arithmetic(op: ArithmeticOp, rounding: Rounding, left: Value, right: Value) -> Folded {
    let result = match (left, right) {
        (Value::Decimal(a), Value::Decimal(b)) => match op {
            ArithmeticOp::Add => a.checked_add(b),
            ArithmeticOp::Subtract => a.checked_sub(b),
            ArithmeticOp::Multiply => a.checked_mul(b, rounding),
            ArithmeticOp::Divide => a.checked_div(b, rounding),
        }
        .map(Value::Decimal),
        (Value::Duration(Seconds(a)), Value::Duration(Seconds(b))) => match op {
            ArithmeticOp::Add => a.checked_add(b).map(|sum| Value::Duration(Seconds(sum))),
            ArithmeticOp::Subtract => a.checked_sub(b).map(|rest| Value::Duration(Seconds(rest))),
            ArithmeticOp::Divide => Decimal::from_integer(a)
                .checked_div(Decimal::from_integer(b), rounding)
                .map(Value::Decimal),
            ArithmeticOp::Multiply => None,
        },
        (Value::Duration(Seconds(a)), Value::Decimal(b)) => {
            let a = Decimal::from_integer(a);
            match op {
                ArithmeticOp::Multiply => a.checked_mul(b, rounding),
                ArithmeticOp::Divide => a.checked_div(b, rounding),
                ArithmeticOp::Add | ArithmeticOp::Subtract => None,
            }
            .and_then(|seconds| whole_seconds(seconds, rounding))
        }
        (Value::Decimal(a), Value::Duration(Seconds(b))) => match op {
            ArithmeticOp::Multiply => a.checked_mul(Decimal::from_integer(b), rounding),
            ArithmeticOp::Add | ArithmeticOp::Subtract | ArithmeticOp::Divide => None,
        }
        .and_then(|seconds| whole_seconds(seconds, rounding)),
        _ => None,
    };
    result.ok_or(Fault)
}

/// Cut in the direction in which the 18 digits were cut, which is the same as cutting once.
fn whole_seconds(seconds: Decimal, rounding: Rounding) -> Option<Value> {
    let whole = seconds.whole()?;
    let exact = Decimal::from_integer(whole) == seconds;
    let away = if seconds < Decimal::ZERO { -1 } else { 1 };
    let cut = match rounding {
        Rounding::Up if !exact => whole.checked_add(away)?,
        Rounding::Up | Rounding::Truncate => whole,
    };
    Some(Value::Duration(Seconds(cut)))
}
