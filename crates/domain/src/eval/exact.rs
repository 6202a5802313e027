//! Whole numbers of units (10⁻¹⁸ of a decimal, or seconds) in windows, and exact sums of them.
//!
//! Values and sums that fit 128 bits, which is what real ones do, cost what 128 bits cost; what does not fit is as exact
//! and slower. A number has one form, so that equal states compare equal.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use alloy_primitives::aliases::I512;
use alloy_primitives::{I256, U256, U512};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal::{Decimal, SCALE};
use crate::time::Seconds;
use crate::value::Value;

/// A value in a window. In halves, because an `i128` would be laid out in 16-byte steps.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Units(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Narrow {
        high: i64,
        low: u64,
    },
    /// What does not fit.
    Wide(Box<I256>),
}

/// A sum of values, each times a number of seconds: at most 2²⁵⁵ · 2³⁹ times the number of observations.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Total {
    Narrow(i128),
    /// What does not fit.
    Wide(Box<I512>),
}

impl Units {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Decimal(value) => Some(Self::from(*value)),
            Value::Duration(value) => Some(Self::from(i128::from(value.0))),
            Value::Bool(_) | Value::Text(_) | Value::Time(_) => None,
        }
    }

    /// So many times one, as a decimal.
    pub(super) fn count(count: u64) -> Self {
        // 2⁶⁴ · 10¹⁸ < 2¹²⁷.
        Self::from(i128::from(count) * i128::from(SCALE))
    }

    #[inline]
    pub(super) fn narrow(&self) -> Option<i128> {
        match self.0 {
            Form::Narrow { high, low } => Some((i128::from(high) << 64) | i128::from(low)),
            Form::Wide(_) => None,
        }
    }

    fn wide(&self) -> I256 {
        match &self.0 {
            Form::Narrow { high, low } => {
                let fill = if *high < 0 { u64::MAX } else { 0 };
                I256::from_raw(U256::from_limbs([*low, high.cast_unsigned(), fill, fill]))
            }
            Form::Wide(wide) => **wide,
        }
    }

    #[inline]
    pub(super) fn to_decimal(&self) -> Option<Decimal> {
        Decimal::from_units(self.wide())
    }

    pub(super) fn to_seconds(&self) -> Option<Seconds> {
        self.narrow()
            .and_then(|units| i64::try_from(units).ok())
            .map(Seconds)
    }

    /// The number between two: half of their sum, cut toward zero.
    pub(super) fn middle(&self, other: &Self) -> Option<Self> {
        let mut sum = Total::ZERO;
        sum.add(self, 1);
        sum.add(other, 1);
        sum.quotient(2)
    }
}

impl From<i128> for Units {
    #[inline]
    fn from(units: i128) -> Self {
        let low = u64::try_from(units.cast_unsigned() & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        let high = i64::try_from(units >> 64).unwrap_or(i64::MAX);
        Self(Form::Narrow { high, low })
    }
}

impl From<I256> for Units {
    #[inline]
    fn from(units: I256) -> Self {
        let [low, next, third, last] = units.into_raw().into_limbs();
        let high = next.cast_signed();
        let fill = if high < 0 { u64::MAX } else { 0 };
        Self(if third == fill && last == fill {
            Form::Narrow { high, low }
        } else {
            Form::Wide(Box::new(units))
        })
    }
}

impl From<Decimal> for Units {
    #[inline]
    fn from(value: Decimal) -> Self {
        Self::from(value.units())
    }
}

impl Ord for Units {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.narrow(), other.narrow()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => self.wide().cmp(&other.wide()),
        }
    }
}

impl PartialOrd for Units {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Total {
    pub(super) const ZERO: Self = Self::Narrow(0);

    /// Adds `units`, `times` times; takes away where `times` is negative.
    #[inline]
    pub(super) fn add(&mut self, units: &Units, times: i64) {
        if let (Self::Narrow(sum), Some(units)) = (&mut *self, units.narrow()) {
            let product = product(units, times);
            if let Some(after) = product.and_then(|product| sum.checked_add(product)) {
                *sum = after;
                return;
            }
        }
        self.add_wide(units, times);
    }

    #[cold]
    fn add_wide(&mut self, units: &Units, times: i64) {
        // Within 2²⁵⁵ · 2⁶³ of a sum far below 2⁵¹¹: nothing wraps.
        let product = widen(units.wide()).wrapping_mul(widen(wide_of(times.into())));
        let sum = self.wide().wrapping_add(product);
        *self = match Units::from_wide(sum) {
            Some(units) => units
                .narrow()
                .map_or_else(|| Self::Wide(Box::new(sum)), Self::Narrow),
            None => Self::Wide(Box::new(sum)),
        };
    }

    fn wide(&self) -> I512 {
        match self {
            Self::Narrow(sum) => widen(wide_of(*sum)),
            Self::Wide(sum) => **sum,
        }
    }

    /// The sum divided by a positive number, cut toward zero; `None` outside 256 bits.
    #[inline]
    pub(super) fn quotient(&self, divisor: i64) -> Option<Units> {
        if let Self::Narrow(sum) = self {
            return sum.checked_div(i128::from(divisor)).map(Units::from);
        }
        Units::from_wide(self.wide().checked_div(widen(wide_of(divisor.into())))?)
    }

    /// The sum itself; `None` outside 256 bits.
    pub(super) fn to_units(&self) -> Option<Units> {
        match self {
            Self::Narrow(sum) => Some(Units::from(*sum)),
            Self::Wide(sum) => Units::from_wide(**sum),
        }
    }
}

impl Units {
    fn from_wide(wide: I512) -> Option<Self> {
        let [first, second, third, fourth, rest @ ..] = wide.into_raw().into_limbs();
        let fill = if fourth.cast_signed() < 0 {
            u64::MAX
        } else {
            0
        };
        rest.iter().all(|limb| *limb == fill).then(|| {
            Self::from(I256::from_raw(U256::from_limbs([
                first, second, third, fourth,
            ])))
        })
    }
}

/// In one step where neither is large; a checked multiplication of 128 bits takes several times as long.
#[inline]
fn product(units: i128, times: i64) -> Option<i128> {
    const SMALL: u128 = 1 << 86;
    const SHORT: u64 = 1 << 40;
    let times_wide = i128::from(times);
    if units.unsigned_abs() < SMALL && times.unsigned_abs() < SHORT {
        // Below 2¹²⁶.
        Some(units.wrapping_mul(times_wide))
    } else {
        units.checked_mul(times_wide)
    }
}

/// The units of a decimal, where they fit.
#[inline]
pub(super) fn narrow_units(value: Decimal) -> Option<i128> {
    let [low, next, third, last] = value.units().into_raw().into_limbs();
    let high = next.cast_signed();
    let fill = if high < 0 { u64::MAX } else { 0 };
    (third == fill && last == fill).then(|| (i128::from(high) << 64) | i128::from(low))
}

fn wide_of(number: i128) -> I256 {
    Units::from(number).wide()
}

fn widen(number: I256) -> I512 {
    let [first, second, third, fourth] = number.into_raw().into_limbs();
    let fill = if number.is_negative() { u64::MAX } else { 0 };
    I512::from_raw(U512::from_limbs([
        first, second, third, fourth, fill, fill, fill, fill,
    ]))
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.narrow() {
            Some(units) => write!(f, "{units}"),
            None => write!(f, "{}", self.wide()),
        }
    }
}

impl fmt::Debug for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Narrow(sum) => write!(f, "{sum}"),
            Self::Wide(sum) => write!(f, "{sum}"),
        }
    }
}

impl fmt::Debug for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if let Ok(units) = text.parse::<i128>() {
            return Ok(Self::from(units));
        }
        I256::from_str(&text).map(Self::from).map_err(|error| {
            serde::de::Error::custom(format!("`{text}` is no whole number: {error}"))
        })
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if let Ok(sum) = text.parse::<i128>() {
            return Ok(Self::Narrow(sum));
        }
        I512::from_str(&text)
            .map(|sum| Self::Wide(Box::new(sum)))
            .map_err(|error| {
                serde::de::Error::custom(format!("`{text}` is no whole number: {error}"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Units {
        Units::from(I256::from_str(text).unwrap())
    }

    #[test]
    fn a_sum_is_exact_on_its_way_through_wide_numbers_and_narrow_again_afterwards() {
        let large = Units::from(I256::MAX);
        let mut sum = Total::ZERO;
        sum.add(&units("7"), 3);
        sum.add(&large, i64::MAX);
        sum.add(&large, i64::MAX);
        assert_eq!(sum.to_units(), None);
        let stored = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Total>(&stored).unwrap(), sum);
        sum.add(&large, -i64::MAX);
        assert_eq!(sum.quotient(i64::MAX), Some(large.clone()));
        sum.add(&large, -i64::MAX);
        assert_eq!(sum, Total::Narrow(21));
    }

    #[test]
    fn quotients_are_cut_toward_zero_in_both_widths() {
        for (number, divisor, cut) in [("-7", 2, "-3"), ("7", 2, "3"), ("-1", 3, "0")] {
            let mut sum = Total::ZERO;
            sum.add(&units(number), 1);
            assert_eq!(sum.quotient(divisor), Some(units(cut)));
            let mut wide = Total::Wide(Box::new(sum.wide()));
            assert_eq!(wide.quotient(divisor), Some(units(cut)));
            wide.add(&units("0"), 1);
            assert_eq!(wide, sum);
        }
    }

    #[test]
    fn values_keep_their_order_and_their_text_around_the_edge_of_128_bits() {
        let around = [
            "-170141183460469231731687303715884105729",
            "-170141183460469231731687303715884105728",
            "-18446744073709551616",
            "-1",
            "0",
            "18446744073709551615",
            "18446744073709551616",
            "170141183460469231731687303715884105727",
            "170141183460469231731687303715884105728",
        ];
        for (place, text) in around.iter().enumerate() {
            let value = units(text);
            assert_eq!(value.to_string(), *text);
            assert_eq!(value.to_decimal().map(Units::from), Some(value.clone()));
            let stored = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Units>(&stored).unwrap(), value);
            for (other, text) in around.iter().enumerate() {
                assert_eq!(value.cmp(&units(text)), place.cmp(&other));
            }
        }
    }
}
