//! Signed fixed point with 18 fractional digits on 256 bits, checked: what does not fit is said, never wrapped.
//!
//! The range is symmetric, ±(2²⁵⁵ − 1)·10⁻¹⁸: the one remaining bit pattern, int256's minimum, means "no value" in
//! evidence and so is no decimal. Products and quotients are computed in 512 bits and cut once.

use core::fmt;
use core::str::FromStr;

use alloy_primitives::{I256, U256, U512};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fractional digits.
pub const SCALE_DIGITS: usize = 18;

/// 10¹⁸.
pub const SCALE: u64 = 1_000_000_000_000_000_000;

/// A decimal number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(I256);

/// How a product or a quotient that falls between two representable numbers is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Rounding {
    /// Toward zero.
    Truncate,
    /// Away from zero.
    Up,
}

/// Why a text is not a decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point.
    #[error("is not a decimal number")]
    Malformed,
    /// More than 18 digits after the point.
    #[error("has more than 18 digits after the point")]
    TooPrecise,
    /// Outside the range.
    #[error("is outside the 256-bit range")]
    OutOfRange,
}

impl Decimal {
    /// 0.
    pub const ZERO: Self = Self(I256::ZERO);
    /// 1.
    pub const ONE: Self = Self(I256::from_raw(U256::from_limbs([SCALE, 0, 0, 0])));

    /// From 18-decimal units; `None` for int256's minimum.
    pub fn from_units(units: I256) -> Option<Self> {
        (units != I256::MIN).then_some(Self(units))
    }

    /// 18-decimal units.
    pub fn units(self) -> I256 {
        self.0
    }

    /// From a whole number of units of 10^-`decimals` (a feed's answer); digits beyond 18 must be zero.
    pub fn from_scaled(value: I256, decimals: u8) -> Option<Self> {
        let places = usize::from(decimals);
        if places <= SCALE_DIGITS {
            let factor =
                I256::try_from(10u64.checked_pow(u32::try_from(SCALE_DIGITS - places).ok()?)?)
                    .ok()?;
            Self::from_units(value.checked_mul(factor)?)
        } else {
            let factor =
                I256::try_from(U256::from(10).checked_pow(U256::from(places - SCALE_DIGITS))?)
                    .ok()?;
            if value.checked_rem(factor)? != I256::ZERO {
                return None;
            }
            Self::from_units(value.checked_div(factor)?)
        }
    }

    /// The whole number `value`.
    pub fn from_integer(value: i64) -> Self {
        // |i64| · 10¹⁸ < 2¹²⁴.
        Self(
            I256::try_from(value)
                .unwrap_or(I256::ZERO)
                .wrapping_mul(Self::ONE.0),
        )
    }

    /// `self + other`.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_units)
    }

    /// `self - other`.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::from_units)
    }

    /// `self · other`, cut once.
    pub fn checked_mul(self, other: Self, rounding: Rounding) -> Option<Self> {
        self.scaled_ratio(other, Self::ONE, rounding)
    }

    /// `self / other`, cut once; `None` on zero too.
    pub fn checked_div(self, other: Self, rounding: Rounding) -> Option<Self> {
        self.scaled_ratio(Self::ONE, other, rounding)
    }

    /// `self · numerator / denominator` on units, in 512 bits.
    fn scaled_ratio(self, numerator: Self, denominator: Self, rounding: Rounding) -> Option<Self> {
        if denominator.0.is_zero() {
            return None;
        }
        let negative =
            self.0.is_negative() ^ numerator.0.is_negative() ^ denominator.0.is_negative();
        let product: U512 = self
            .0
            .unsigned_abs()
            .widening_mul(numerator.0.unsigned_abs());
        let (quotient, rest) = product.div_rem(U512::from(denominator.0.unsigned_abs()));
        let cut = match rounding {
            Rounding::Up if !rest.is_zero() => quotient + U512::from(1),
            Rounding::Up | Rounding::Truncate => quotient,
        };
        if cut.bit_len() > 255 {
            return None;
        }
        let magnitude = I256::from_raw(cut.to::<U256>());
        Self::from_units(if negative { -magnitude } else { magnitude })
    }

    /// The whole part, cut toward zero; `None` beyond 64 bits.
    pub fn whole(self) -> Option<i64> {
        i64::try_from(self.0.checked_div(Self::ONE.0)?).ok()
    }

    /// `|self|`.
    #[must_use]
    pub fn abs(self) -> Self {
        // Never int256's minimum, so never an overflow.
        Self(self.0.wrapping_abs())
    }

    /// `-self`.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// `-12.5`, `0.995`, `1000000`; no exponent, no separators.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !all_digits(whole)
            || !all_digits(fraction)
            || (digits.contains('.') && fraction.is_empty())
        {
            return Err(DecimalError::Malformed);
        }
        if fraction.len() > SCALE_DIGITS {
            return Err(DecimalError::TooPrecise);
        }
        let units = format!("{whole}{fraction:0<SCALE_DIGITS$}");
        let magnitude: U256 =
            U256::from_str_radix(&units, 10).map_err(|_overflow| DecimalError::OutOfRange)?;
        if magnitude.bit_len() > 255 {
            return Err(DecimalError::OutOfRange);
        }
        let value = Self(I256::from_raw(magnitude));
        Ok(if negative { value.negated() } else { value })
    }
}

impl fmt::Display for Decimal {
    /// The shortest decimal: no trailing zeros, no point without digits behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = self.0.unsigned_abs().div_rem(U256::from(SCALE));
        let sign = if self.0.is_negative() { "-" } else { "" };
        if fraction.is_zero() {
            write!(f, "{sign}{whole}")
        } else {
            let digits = format!("{fraction:0>SCALE_DIGITS$}");
            write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| serde::de::Error::custom(format!("`{text}` {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn text_round_trips_in_its_shortest_form() {
        for (text, shortest) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.995", "0.995"),
            ("1.000", "1"),
            ("-12.50", "-12.5"),
            ("0.000000000000000001", "0.000000000000000001"),
        ] {
            assert_eq!(decimal(text).to_string(), shortest);
        }
    }

    #[test]
    fn text_that_is_no_decimal_is_refused_for_its_reason() {
        for text in ["", ".", "1.", ".5", "1e5", "1_0", "--1", "0x1", "١"] {
            assert_eq!(
                text.parse::<Decimal>(),
                Err(DecimalError::Malformed),
                "{text}"
            );
        }
        assert_eq!(
            "0.0000000000000000001".parse::<Decimal>(),
            Err(DecimalError::TooPrecise)
        );
        assert_eq!(
            "9".repeat(70).parse::<Decimal>(),
            Err(DecimalError::OutOfRange)
        );
    }

    #[test]
    fn products_and_quotients_are_cut_once_toward_zero_or_away_from_it() {
        let third = decimal("1")
            .checked_div(decimal("3"), Rounding::Truncate)
            .unwrap();
        assert_eq!(third.to_string(), "0.333333333333333333");
        let third = decimal("-1")
            .checked_div(decimal("3"), Rounding::Up)
            .unwrap();
        assert_eq!(third.to_string(), "-0.333333333333333334");
        let tiny = decimal("0.000000000000000001");
        assert_eq!(
            tiny.checked_mul(decimal("0.5"), Rounding::Truncate)
                .unwrap(),
            Decimal::ZERO
        );
        assert_eq!(
            tiny.checked_mul(decimal("0.5"), Rounding::Up).unwrap(),
            tiny
        );
        assert_eq!(tiny.checked_div(Decimal::ZERO, Rounding::Truncate), None);
    }

    #[test]
    fn a_large_product_that_fits_after_scaling_is_exact_and_one_that_does_not_is_refused() {
        let large = Decimal::from_units(I256::MAX).unwrap();
        assert_eq!(
            large.checked_mul(Decimal::ONE, Rounding::Truncate),
            Some(large)
        );
        assert_eq!(
            large.checked_mul(decimal("1.000000000000000001"), Rounding::Truncate),
            None
        );
        assert_eq!(large.checked_add(decimal("0.000000000000000001")), None);
        assert_eq!(
            large.negated().checked_sub(decimal("0.000000000000000001")),
            None
        );
    }

    #[test]
    fn a_feed_answer_takes_its_own_number_of_decimals() {
        let answer = I256::try_from(99_209_183).unwrap();
        assert_eq!(
            Decimal::from_scaled(answer, 8).unwrap(),
            decimal("0.99209183")
        );
        assert_eq!(Decimal::from_scaled(answer, 18).unwrap().units(), answer);
        assert_eq!(Decimal::from_scaled(answer, 19), None);
        assert_eq!(
            Decimal::from_scaled(I256::try_from(1230).unwrap(), 19)
                .unwrap()
                .units(),
            I256::try_from(123).unwrap()
        );
    }
}
