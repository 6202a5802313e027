//! Logarithms of decimals, as integers that add up exactly.

use core::fmt;
use core::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use core::str::FromStr;

use alloy_primitives::{Sign, Signed, Uint};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::constants::{STEPS, constants};
use super::fixed::{FRACTION_BITS, Fixed, ONE, divide, divide_whole, multiply};
use crate::decimal::Decimal;

/// A natural logarithm, or a sum of them, as a whole multiple of 2⁻⁵¹².
///
/// Sums are exact: |ln| of a decimal is below 2⁸, so that there is room for weights that add up to 2¹¹⁹. Beyond, they wrap
/// around, and what is taken out again comes back in range.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LogFixed(Multiple);

type Multiple = Signed<640, 10>;

/// Fractional bits.
pub(super) const LOG_BITS: usize = 512;

/// ln `value`, less than 2⁻⁵¹² from the true one; `None` unless `value` is above 0.
pub fn ln(value: Decimal) -> Option<LogFixed> {
    if value <= Decimal::ZERO {
        return None;
    }
    let units = value.units().unsigned_abs();
    let exponent = units.bit_len() - 1;
    let mantissa = Fixed::from(units) << (FRACTION_BITS - exponent);
    let twos = constants().ln_2 * Fixed::from(exponent);
    let of_units = Multiple::from_raw(ln_mantissa(mantissa) + twos);
    let exact = of_units.wrapping_sub(Multiple::from_raw(constants().ln_scale));
    Some(LogFixed(nearest(exact)))
}

/// To the nearest multiple of 2⁻⁵¹². The error so far is below 2²⁰ multiples of 2⁻⁵⁷⁶: 254 times that of ln 2 and 18 times
/// that of ln 10.
fn nearest(value: Multiple) -> Multiple {
    let cut = FRACTION_BITS - LOG_BITS;
    let half = Multiple::from_raw(Uint::from(1) << (cut - 1));
    value.wrapping_add(half).asr(cut)
}

/// ln of 1 ≤ `mantissa` < 2: divided by the nearest lower 1 + j/64, then by the nearest lower 1 + k/4096, it is less than
/// 1 + 2⁻¹², of which the series is short.
fn ln_mantissa(mantissa: Fixed) -> Fixed {
    let (mantissa, coarse) = divided_by_lower(mantissa, STEPS);
    let (mantissa, fine) = divided_by_lower(mantissa, STEPS * STEPS);
    let ratio = divide(mantissa - ONE, mantissa + ONE);
    let square = multiply(ratio, ratio);
    let mut power = ratio;
    let mut sum = Fixed::ZERO;
    let mut odd = 1;
    while !power.is_zero() {
        sum += divide_whole(power, odd);
        power = multiply(power, square);
        odd += 2;
    }
    (sum << 1) + constants().coarse[coarse] + constants().fine[fine]
}

/// `value` divided by the greatest 1 + j/steps that is not above it, and j, below 64.
fn divided_by_lower(value: Fixed, steps: u64) -> (Fixed, usize) {
    let whole: Fixed = ((value - ONE) * Fixed::from(steps)) >> FRACTION_BITS;
    let j: u64 = whole.wrapping_to();
    let divided = divide_whole(value * Fixed::from(steps), steps + j);
    (divided, whole.wrapping_to())
}

impl LogFixed {
    /// 0, the sum of none.
    pub const ZERO: Self = Self(Multiple::ZERO);

    /// A `count`-th of it, cut toward zero, as a multiple of 2⁻⁵¹²; `None` unless `count` is above 0.
    pub(super) fn part(self, count: i64) -> Option<Multiple> {
        if count <= 0 {
            return None;
        }
        self.0.checked_div(Multiple::try_from(count).ok()?)
    }
}

impl Add for LogFixed {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl AddAssign for LogFixed {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for LogFixed {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl SubAssign for LogFixed {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for LogFixed {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

impl Mul<i64> for LogFixed {
    type Output = Self;

    fn mul(self, weight: i64) -> Self {
        let magnitude = Multiple::from_raw(Uint::from(weight.unsigned_abs()));
        let product = self.0.wrapping_mul(magnitude);
        Self(if weight < 0 {
            product.wrapping_neg()
        } else {
            product
        })
    }
}

impl fmt::Display for LogFixed {
    /// The multiple of 2⁻⁵¹² in hexadecimal: `-0x1f`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex_string())
    }
}

/// A text that is not a logarithm.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a logarithm: write a multiple of 2^-512 in hexadecimal, as in -0x1f")]
pub struct LogFixedError(String);

impl FromStr for LogFixed {
    type Err = LogFixedError;

    /// As it is displayed, and in no other way.
    fn from_str(text: &str) -> Result<Self, LogFixedError> {
        let refused = || LogFixedError(text.to_owned());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (Sign::Negative, digits),
            None => (Sign::Positive, text),
        };
        let digits = digits.strip_prefix("0x").ok_or_else(refused)?;
        let magnitude = Fixed::from_str_radix(digits, 16).map_err(|_malformed| refused())?;
        Multiple::checked_from_sign_and_abs(sign, magnitude)
            .map(Self)
            .filter(|parsed| parsed.to_string() == text)
            .ok_or_else(refused)
    }
}

impl Serialize for LogFixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogFixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
