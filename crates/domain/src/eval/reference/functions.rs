//! Functions of known values.

use super::numbers::{Exact, decimal, exact, scale, units, value as value_of};
use super::windows::middle;
use super::{Condition, arithmetic};
use crate::decimal::{Decimal, Rounding};
use crate::eval::outcome::Unknown;
use crate::lang::ir::ArithmeticOp;
use crate::real;
use crate::value::{Type, Value};

/// `(from - value) / from` of `[value, from]`.
pub(super) fn drop(operands: &[Value]) -> Result<Value, Unknown> {
    let [value, from] = operands else {
        return Err(Unknown::Unchecked);
    };
    if exact(from)? <= Exact::ZERO {
        return Err(Unknown::NotPositive);
    }
    let calculate =
        |op, operands: &[Value]| arithmetic::calculate(op, Rounding::Truncate, operands);
    let fallen = calculate(ArithmeticOp::Subtract, &[from.clone(), value.clone()])?;
    calculate(ArithmeticOp::Divide, &[fallen, from.clone()])
}

/// The middle one of those that are known.
pub(super) fn median_of(
    ty: Type,
    values: &[Result<Value, Unknown>],
    quorum: u32,
    spread: Option<Decimal>,
) -> Result<Value, Unknown> {
    let mut known: Vec<Exact> = values
        .iter()
        .flatten()
        .map(exact)
        .collect::<Result<_, _>>()?;
    if known.is_empty() || known.len() < quorum as usize {
        return Err(Unknown::TooFewSources);
    }
    // Sorts them.
    let median = middle(&mut known);
    if let ([least, .., greatest], Some(spread)) = (known.as_slice(), spread) {
        let magnitude = Exact::from_raw(median.unsigned_abs());
        if (*greatest - *least) * scale() > units(spread) * magnitude {
            return Err(Unknown::SourcesApart);
        }
    }
    value_of(ty, median)
}

/// Whether at least `needed` are true, as far as that is known.
pub(super) fn k_of(needed: u32, conditions: &[Condition]) -> Condition {
    let is_true = conditions
        .iter()
        .filter(|truth| **truth == Ok(true))
        .count();
    let is_unknown = conditions.iter().filter(|truth| truth.is_err()).count();
    let needed = needed as usize;
    if is_true >= needed {
        return Ok(true);
    }
    if is_true + is_unknown < needed {
        return Ok(false);
    }
    conditions
        .iter()
        .find(|truth| truth.is_err())
        .cloned()
        .unwrap_or(Err(Unknown::Unchecked))
}

/// `(x - a) / (b - a)`, clamped, of `[x, a, b]`.
pub(super) fn linear(operands: &[Value]) -> Result<Value, Unknown> {
    let [x, from, to] = operands else {
        return Err(Unknown::Unchecked);
    };
    let (x, from, to) = (exact(x)?, exact(from)?, exact(to)?);
    if from == to {
        return Err(Unknown::NoSlope);
    }
    let (run, length) = (x - from, to - from);
    decimal(run)?;
    decimal(length)?;
    let quotient = run * scale() / length;
    decimal(quotient.clamp(Exact::ZERO, scale())).map(Value::Decimal)
}

/// The last of the `parts` whose bound is at or below `value`; 0 below all.
pub(super) fn tier(
    value: &Value,
    bounds: &[&Value],
    parts: &[Result<Value, Unknown>],
) -> Result<Value, Unknown> {
    let value = exact(value)?;
    let mut highest: Option<(Exact, &Result<Value, Unknown>)> = None;
    for (bound, part) in bounds.iter().zip(parts) {
        let bound = exact(bound)?;
        if bound <= value && highest.is_none_or(|(best, _)| bound > best) {
            highest = Some((bound, part));
        }
    }
    match highest {
        Some((_, part)) => part.clone(),
        None => Ok(Value::Decimal(Decimal::ZERO)),
    }
}

/// `max(0, min((value - strike) · per, limit))` of `[value, strike, per, limit]`.
pub(super) fn tick(operands: &[Value]) -> Result<Value, Unknown> {
    let [value, strike, per, limit] = operands else {
        return Err(Unknown::Unchecked);
    };
    let calculate =
        |op, operands: &[Value]| arithmetic::calculate(op, Rounding::Truncate, operands);
    let above = calculate(ArithmeticOp::Subtract, &[value.clone(), strike.clone()])?;
    let pays = calculate(ArithmeticOp::Multiply, &[above, per.clone()])?;
    let limited = arithmetic::least(vec![pays, limit.clone()])?;
    arithmetic::greatest(vec![limited, Value::Decimal(Decimal::ZERO)])
}

/// The value of the first condition that is true.
pub(super) fn case(
    arms: &[(Condition, Result<Value, Unknown>)],
    otherwise: &Result<Value, Unknown>,
) -> Result<Value, Unknown> {
    for (condition, value) in arms {
        if condition.clone()? {
            return value.clone();
        }
    }
    otherwise.clone()
}

/// Of two places, each a latitude and a longitude.
pub(super) fn distance_km(operands: &[Value]) -> Result<Value, Unknown> {
    let [
        Value::Decimal(lat),
        Value::Decimal(lon),
        Value::Decimal(lat0),
        Value::Decimal(lon0),
    ] = operands
    else {
        return Err(Unknown::Unchecked);
    };
    real::distance_km(*lat, *lon, *lat0, *lon0)
        .map(Value::Decimal)
        .ok_or(Unknown::NoSuchPlace)
}
