//! Decimals and durations as whole numbers wide enough for every sum: of 2⁶⁴ terms, each a decimal times the seconds of
//! all time, 2²⁵⁵ · 2⁶⁴ · 2⁶⁴ < 2⁵¹¹.

use alloy_primitives::{I256, Signed, U256, U512};

use crate::decimal::{Decimal, SCALE};
use crate::eval::outcome::Unknown;
use crate::time::{Seconds, Timestamp};
use crate::value::{Type, Value};

/// A whole number of units or seconds, or a sum of them.
pub(super) type Exact = Signed<512, 8>;

/// The units of a decimal, the seconds of a duration.
pub(super) fn exact(value: &Value) -> Result<Exact, Unknown> {
    match value {
        Value::Decimal(value) => Ok(units(*value)),
        Value::Duration(seconds) => Ok(whole(seconds.0.into())),
        _ => Err(Unknown::Unchecked),
    }
}

/// Back to a value of this type, if it fits.
pub(super) fn value(ty: Type, exact: Exact) -> Result<Value, Unknown> {
    match ty {
        Type::Decimal => decimal(exact).map(Value::Decimal),
        Type::Duration => i64::try_from(exact)
            .map(|seconds| Value::Duration(Seconds(seconds)))
            .map_err(|_outside| Unknown::Overflow),
        _ => Err(Unknown::Unchecked),
    }
}

pub(super) fn decimal(units: Exact) -> Result<Decimal, Unknown> {
    let magnitude = units.unsigned_abs();
    if magnitude.bit_len() > 255 {
        return Err(Unknown::Overflow);
    }
    let magnitude = I256::from_raw(magnitude.wrapping_to::<U256>());
    let units = if units.is_negative() {
        -magnitude
    } else {
        magnitude
    };
    Decimal::from_units(units).ok_or(Unknown::Overflow)
}

pub(super) fn units(value: Decimal) -> Exact {
    let magnitude = Exact::from_raw(U512::from(value.units().unsigned_abs()));
    if value < Decimal::ZERO {
        -magnitude
    } else {
        magnitude
    }
}

pub(super) fn whole(number: i128) -> Exact {
    let magnitude = Exact::from_raw(U512::from(number.unsigned_abs()));
    if number < 0 { -magnitude } else { magnitude }
}

/// The seconds between two instants, however far apart.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> i128 {
    i128::from(to.0) - i128::from(from.0)
}

/// 10¹⁸.
pub(super) fn scale() -> Exact {
    whole(SCALE.into())
}
