//! The functions of several operands, as of one instant.

use alloy_primitives::{U256, U512};

use super::View;
use crate::decimal::{Decimal, Rounding, SCALE};
use crate::eval::exact::Units;
use crate::eval::scalar::{Cause, Known, Scalar, as_units, divide};
use crate::lang::ir::ArithmeticOp;
use crate::real;
use crate::value::Value;

impl<'a> View<'a> {
    /// Whether `needed` are true, if the unknown ones cannot decide it.
    pub(super) fn k_of(&self, needed: usize, conditions: &[usize]) -> Known<bool> {
        let (mut met, mut unknown) = (0_usize, 0_usize);
        let mut reason = None;
        for condition in conditions {
            match self.truth(*condition) {
                Ok(true) => met += 1,
                Ok(false) => {}
                Err(cause) => {
                    unknown += 1;
                    reason = reason.or(Some(cause));
                }
            }
        }
        match reason {
            _ if met >= needed => Ok(true),
            Some(cause) if met + unknown >= needed => Err(cause),
            _ => Ok(false),
        }
    }

    /// The node of the first arm whose condition is true.
    pub(super) fn case(&self, arms: &[(usize, usize)], otherwise: usize) -> Known<usize> {
        for (condition, value) in arms {
            if self.truth(*condition)? {
                return Ok(*value);
            }
        }
        Ok(otherwise)
    }

    pub(super) fn drop(&self, value: usize, from: usize) -> Known<Scalar<'a>> {
        let (value, from) = alike(self.value(value)?, self.value(from)?)?;
        if from <= Decimal::ZERO {
            return Err(Cause::NotPositive);
        }
        let fall = from.checked_sub(value).ok_or(Cause::Overflow)?;
        divide(fall, from, Rounding::Truncate).map(Scalar::Decimal)
    }

    pub(super) fn linear(&self, value: usize, from: usize, to: usize) -> Known<Scalar<'a>> {
        let (value, from, to) = (self.value(value)?, self.value(from)?, self.value(to)?);
        let (value, start) = alike(value, from)?;
        let (_, end) = alike(from, to)?;
        if start == end {
            return Err(Cause::NoSlope);
        }
        let way = value.checked_sub(start).ok_or(Cause::Overflow)?;
        let whole = end.checked_sub(start).ok_or(Cause::Overflow)?;
        let forward = (way < Decimal::ZERO) == (whole < Decimal::ZERO);
        Ok(Scalar::Decimal(if way == Decimal::ZERO || !forward {
            Decimal::ZERO
        } else if way.abs() >= whole.abs() {
            Decimal::ONE
        } else {
            divide(way, whole, Rounding::Truncate)?
        }))
    }

    pub(super) fn tiers(&self, value: usize, tiers: &'a [(Value, usize)]) -> Known<Scalar<'a>> {
        let value = self.value(value)?;
        let mut part = None;
        for (bound, node) in tiers {
            if value.order(bound.into())?.is_lt() {
                break;
            }
            part = Some(*node);
        }
        match part {
            Some(node) => self.value(node),
            None => Ok(Scalar::Decimal(Decimal::ZERO)),
        }
    }

    pub(super) fn tick(
        &self,
        value: usize,
        strike: usize,
        per: usize,
        limit: usize,
    ) -> Known<Scalar<'a>> {
        let (value, strike) = (self.value(value)?, self.value(strike)?);
        let (per, limit) = (self.value(per)?, self.value(limit)?);
        let above = value.arithmetic(ArithmeticOp::Subtract, Rounding::Truncate, strike)?;
        let Scalar::Decimal(pays) =
            above.arithmetic(ArithmeticOp::Multiply, Rounding::Truncate, per)?
        else {
            return Err(Cause::Unchecked);
        };
        let Scalar::Decimal(limit) = limit else {
            return Err(Cause::Unchecked);
        };
        Ok(Scalar::Decimal(pays.min(limit).max(Decimal::ZERO)))
    }

    pub(super) fn distance_km(&self, places: [usize; 4]) -> Known<Scalar<'a>> {
        let mut degrees = [Decimal::ZERO; 4];
        for (degree, place) in degrees.iter_mut().zip(places) {
            let Scalar::Decimal(value) = self.value(place)? else {
                return Err(Cause::Unchecked);
            };
            *degree = value;
        }
        let [latitude, longitude, other_latitude, other_longitude] = degrees;
        real::distance_km(latitude, longitude, other_latitude, other_longitude)
            .map(Scalar::Decimal)
            .ok_or(Cause::NoSuchPlace)
    }

    pub(super) fn median_of(
        &self,
        values: &[usize],
        quorum: usize,
        spread: Option<Decimal>,
    ) -> Known<Scalar<'a>> {
        let mut known: Vec<Scalar<'a>> = Vec::with_capacity(values.len());
        for value in values {
            if let Ok(value) = self.value(*value) {
                known.push(value);
            }
        }
        let durations = match known.first() {
            Some(Scalar::Duration(_)) => true,
            Some(Scalar::Decimal(_)) => false,
            Some(_) => return Err(Cause::Unchecked),
            None => return Err(Cause::TooFewSources),
        };
        if known.len() < quorum {
            return Err(Cause::TooFewSources);
        }
        let mut sorted: Vec<Decimal> = Vec::with_capacity(known.len());
        for value in known {
            sorted.push(match value {
                Scalar::Duration(value) if durations => as_units(value),
                Scalar::Decimal(value) if !durations => value,
                _ => return Err(Cause::Unchecked),
            });
        }
        sorted.sort_unstable();
        let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        let median = Units::from(lower)
            .middle(&upper.into())
            .ok_or(Cause::Unchecked)?;
        if let (Some(spread), Some(median), [least, .., greatest]) =
            (spread, median.to_decimal(), &*sorted)
            && is_apart(*least, *greatest, median, spread)
        {
            return Err(Cause::SourcesApart);
        }
        if durations {
            median.to_seconds().map(Scalar::Duration)
        } else {
            median.to_decimal().map(Scalar::Decimal)
        }
        .ok_or(Cause::Unchecked)
    }
}

/// Two decimals, or two durations as their seconds.
fn alike(left: Scalar<'_>, right: Scalar<'_>) -> Known<(Decimal, Decimal)> {
    match (left, right) {
        (Scalar::Decimal(left), Scalar::Decimal(right)) => Ok((left, right)),
        (Scalar::Duration(left), Scalar::Duration(right)) => Ok((as_units(left), as_units(right))),
        _ => Err(Cause::Unchecked),
    }
}

/// Whether `greatest - least` is more than this part of |median|. None of it can be outside 512 bits.
fn is_apart(least: Decimal, greatest: Decimal, median: Decimal, spread: Decimal) -> bool {
    if spread < Decimal::ZERO {
        return true;
    }
    // Two's complement: right also where the difference of two decimals needs the 256th bit.
    let distance: U256 = greatest
        .units()
        .into_raw()
        .wrapping_sub(least.units().into_raw());
    let part: U512 = spread
        .units()
        .unsigned_abs()
        .widening_mul(median.units().unsigned_abs());
    U512::from(distance) > part / U512::from(SCALE)
}
