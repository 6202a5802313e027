//! Operations on known values, the slow way: durations go through whole decimals, and are cut at the end.

use crate::decimal::{Decimal, Rounding};
use crate::eval::outcome::Unknown;
use crate::lang::ir::{ArithmeticOp, CompareOp};
use crate::time::Seconds;
use crate::value::Value;

pub(super) fn negate(value: Value) -> Result<Value, Unknown> {
    match value {
        Value::Decimal(value) => Decimal::ZERO
            .checked_sub(value)
            .map(Value::Decimal)
            .ok_or(Unknown::Overflow),
        Value::Duration(Seconds(value)) => duration(-i128::from(value)),
        _ => Err(Unknown::Unchecked),
    }
}

pub(super) fn absolute(value: Value) -> Result<Value, Unknown> {
    match value {
        Value::Decimal(below) if below < Decimal::ZERO => negate(value),
        Value::Duration(Seconds(seconds)) => duration(i128::from(seconds).abs()),
        Value::Decimal(_) => Ok(value),
        _ => Err(Unknown::Unchecked),
    }
}

pub(super) fn calculate(
    op: ArithmeticOp,
    rounding: Rounding,
    operands: &[Value],
) -> Result<Value, Unknown> {
    use ArithmeticOp::{Add, Divide, Multiply, Subtract};
    use Value::{Decimal as Number, Duration};
    match (operands, op) {
        ([Number(left), Number(right)], _) => decimals(op, rounding, *left, *right).map(Number),
        ([Duration(left), Duration(right)], Add) => {
            duration(i128::from(left.0) + i128::from(right.0))
        }
        ([Duration(left), Duration(right)], Subtract) => {
            duration(i128::from(left.0) - i128::from(right.0))
        }
        ([Duration(left), Duration(right)], Divide) => {
            decimals(Divide, rounding, whole(left), whole(right)).map(Number)
        }
        ([Duration(left), Number(right)], Multiply)
        | ([Number(right), Duration(left)], Multiply)
        | ([Duration(left), Number(right)], Divide) => {
            cut(decimals(op, rounding, whole(left), *right)?, rounding)
        }
        _ => Err(Unknown::Unchecked),
    }
}

fn decimals(
    op: ArithmeticOp,
    rounding: Rounding,
    left: Decimal,
    right: Decimal,
) -> Result<Decimal, Unknown> {
    let result = match op {
        ArithmeticOp::Add => left.checked_add(right),
        ArithmeticOp::Subtract => left.checked_sub(right),
        ArithmeticOp::Multiply => left.checked_mul(right, rounding),
        ArithmeticOp::Divide if right == Decimal::ZERO => return Err(Unknown::DivisionByZero),
        ArithmeticOp::Divide => left.checked_div(right, rounding),
    };
    result.ok_or(Unknown::Overflow)
}

fn whole(duration: &Seconds) -> Decimal {
    Decimal::from_integer(duration.0)
}

/// To whole seconds. Cutting in two steps in one direction is cutting once.
fn cut(exact: Decimal, rounding: Rounding) -> Result<Value, Unknown> {
    let toward_zero = exact.whole().ok_or(Unknown::Overflow)?;
    let is_whole = Decimal::from_integer(toward_zero) == exact;
    let away = match rounding {
        Rounding::Up if !is_whole && exact < Decimal::ZERO => -1,
        Rounding::Up if !is_whole => 1,
        Rounding::Up | Rounding::Truncate => 0,
    };
    duration(i128::from(toward_zero) + away)
}

fn duration(seconds: i128) -> Result<Value, Unknown> {
    match i64::try_from(seconds) {
        Ok(seconds) => Ok(Value::Duration(Seconds(seconds))),
        Err(_outside) => Err(Unknown::Overflow),
    }
}

pub(super) fn compare(op: CompareOp, left: &Value, right: &Value) -> Result<bool, Unknown> {
    let is_less = less(left, right)?;
    let is_greater = less(right, left)?;
    Ok(match op {
        CompareOp::Less => is_less,
        CompareOp::LessOrEqual => !is_greater,
        CompareOp::Greater => is_greater,
        CompareOp::GreaterOrEqual => !is_less,
        CompareOp::Equal => !is_less && !is_greater,
        CompareOp::NotEqual => is_less || is_greater,
    })
}

fn less(left: &Value, right: &Value) -> Result<bool, Unknown> {
    match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => Ok(left.units() < right.units()),
        (Value::Duration(left), Value::Duration(right)) => Ok(left.0 < right.0),
        (Value::Bool(left), Value::Bool(right)) => Ok(!left & right),
        (Value::Text(left), Value::Text(right)) => Ok(left < right),
        (Value::Time(left), Value::Time(right)) => Ok(left.0 < right.0),
        _ => Err(Unknown::Unchecked),
    }
}

pub(super) fn least(values: Vec<Value>) -> Result<Value, Unknown> {
    pick(values, less)
}

pub(super) fn greatest(values: Vec<Value>) -> Result<Value, Unknown> {
    pick(values, |candidate, best| less(best, candidate))
}

fn pick(
    values: Vec<Value>,
    better: impl Fn(&Value, &Value) -> Result<bool, Unknown>,
) -> Result<Value, Unknown> {
    let mut values = values.into_iter();
    let mut best = values.next().ok_or(Unknown::Unchecked)?;
    for value in values {
        if better(&value, &best)? {
            best = value;
        }
    }
    Ok(best)
}

/// `max(low, min(value, high))` of `[value, low, high]`.
pub(super) fn clamp(mut operands: Vec<Value>) -> Result<Value, Unknown> {
    let high = operands.pop().ok_or(Unknown::Unchecked)?;
    let low = operands.pop().ok_or(Unknown::Unchecked)?;
    let value = operands.pop().ok_or(Unknown::Unchecked)?;
    greatest(vec![low, least(vec![value, high])?])
}
