//! JSON and its numbers without loss.
//!
//! Promises: a number that reaches a reader is the one that the provider wrote, to the last digit; an object that says two
//! things under one name is refused. Numbers that serde_json would carry as an f64 with other digits become texts before it sees
//! them, and [`decimal`] reads both.

mod guard;
mod tree;

use serde_json::Value as Json;
use tocsin_domain::decimal::{Decimal, DecimalError, SCALE_DIGITS};

pub(crate) use self::tree::parse;

/// Longer numbers are nobody's measurement.
const DIGITS_MAX: usize = 120;

/// Why a node is not a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("is not a number")]
    NotANumber,
    #[error("is not a decimal number")]
    Malformed,
    #[error(
        "has more than 18 digits after the point: say `digits = \"cut\"` if the rest does not matter"
    )]
    TooPrecise,
    #[error("is outside the 256-bit range")]
    OutOfRange,
}

/// The exact number at a node, times 10^`exponent`. Where `cut` is not set, digits after the 18th are an error.
pub(crate) fn decimal(node: &Json, exponent: i64, cut: bool) -> Result<Decimal, NumberError> {
    match node {
        Json::Number(number) => decimal_of(&number.to_string(), exponent, cut),
        Json::String(text) => decimal_of(text, exponent, cut),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(NumberError::NotANumber)
        }
    }
}

/// Reads `-12.5`, `1e-7`.
pub(crate) fn decimal_of(text: &str, exponent: i64, cut: bool) -> Result<Decimal, NumberError> {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, power)) => {
            let power: i64 = power
                .parse()
                .map_err(|_not_whole: core::num::ParseIntError| NumberError::Malformed)?;
            (mantissa, power)
        }
    };
    let shift = power.checked_add(exponent).ok_or(NumberError::OutOfRange)?;
    if mantissa.len() > DIGITS_MAX {
        return Err(NumberError::OutOfRange);
    }
    if shift == 0 && !(cut && mantissa.len() > SCALE_DIGITS) {
        return mantissa.parse().map_err(refused);
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(NumberError::Malformed),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(NumberError::Malformed);
    }
    let written = moved(whole, fraction, shift)?;
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let mut fraction = fraction.trim_end_matches('0');
    if cut {
        fraction = fraction.get(..SCALE_DIGITS).unwrap_or(fraction);
    }
    let text = if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    };
    text.parse().map_err(refused)
}

/// The digits with the point moved to the right by `shift`.
fn moved(whole: &str, fraction: &str, shift: i64) -> Result<String, NumberError> {
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|digit| digit == b'0') {
        return Ok("0".to_owned());
    }
    let places = usize::try_from(shift.unsigned_abs()).map_or(usize::MAX, |places| places);
    if places > DIGITS_MAX {
        // Too large to be written, or less than anything that can be.
        return Err(if shift > 0 {
            NumberError::OutOfRange
        } else {
            NumberError::TooPrecise
        });
    }
    Ok(if shift >= 0 {
        let padded = format!("{fraction:0<places$}");
        let (moved, rest) = padded.split_at(places);
        format!("{whole}{moved}.{rest}0")
    } else {
        let padded = format!("{whole:0>width$}", width = places + 1);
        let (left, moved) = padded.split_at(padded.len().max(places) - places);
        format!("{left}.{moved}{fraction}")
    })
}

fn refused(problem: DecimalError) -> NumberError {
    match problem {
        DecimalError::Malformed => NumberError::Malformed,
        DecimalError::TooPrecise => NumberError::TooPrecise,
        DecimalError::OutOfRange => NumberError::OutOfRange,
    }
}

#[cfg(test)]
mod tests;
