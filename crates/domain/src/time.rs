//! Instants and spans in whole seconds, the resolution of every evaluation.

use core::fmt;
use core::ops::{Add, Sub};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant: whole seconds since 1970-01-01T00:00:00Z. Fractions are cut toward the past when one is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of whole seconds; may be negative (a flight can be early).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub i64);

/// A text that is not a time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not a time: write RFC 3339 (2023-03-11T01:18:11Z) or whole unix seconds (1678497491)"
)]
pub struct TimestampError(pub String);

/// The units that a span can be written in, largest first, with their length in seconds.
pub const UNITS: [(&str, i64); 5] = [
    ("w", 604_800),
    ("d", 86_400),
    ("h", 3_600),
    ("min", 60),
    ("s", 1),
];

/// A text that is not a span.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a duration: write a whole number and a unit, as in 45s, 30min, 24h, 7d, 2w")]
pub struct SecondsError(pub String);

impl FromStr for Seconds {
    type Err = SecondsError;

    /// `45min`, `-90s`, `7d`: a whole number and one unit.
    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let refused = || SecondsError(text.to_owned());
        let digits = text.strip_prefix('-').unwrap_or(text);
        let split = digits
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(refused)?;
        let (number, unit) = digits.split_at(split);
        let (_, length) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(refused)?;
        let count: i64 = number
            .parse()
            .map_err(|_too_long: core::num::ParseIntError| refused())?;
        let seconds = count.checked_mul(*length).ok_or_else(refused)?;
        Ok(Self(if text.starts_with('-') {
            -seconds
        } else {
            seconds
        }))
    }
}

impl Timestamp {
    /// Reads RFC 3339 or unix seconds.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        if let Ok(seconds) = text.parse::<i64>() {
            // Beyond what RFC 3339 can write there is no instant to talk about.
            return match jiff::Timestamp::from_second(seconds) {
                Ok(_) => Ok(Self(seconds)),
                Err(_out_of_range) => Err(TimestampError(text.to_owned())),
            };
        }
        let parsed: jiff::Timestamp = text
            .parse()
            .map_err(|_not_a_time: jiff::Error| TimestampError(text.to_owned()))?;
        Ok(Self(
            parsed
                .as_nanosecond()
                .div_euclid(1_000_000_000)
                .try_into()
                .map_err(|_too_far: core::num::TryFromIntError| TimestampError(text.to_owned()))?,
        ))
    }

    /// Seconds from `earlier` to `self`.
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }

    /// As an unsigned number for a contract; instants before 1970 have none.
    pub fn to_u64(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl Add<Seconds> for Timestamp {
    type Output = Self;

    // Saturating: an instant past the end of time compares right with every real one.
    fn add(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Seconds> for Timestamp {
    type Output = Self;

    fn sub(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_out_of_range) => write!(f, "{} s", self.0),
        }
    }
}

impl fmt::Display for Seconds {
    /// The largest units that divide it, as a cover would write it: `24h`, `45min`, `1d 6h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        let mut first = true;
        for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
            if rest >= unit {
                if !first {
                    f.write_str(" ")?;
                }
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
                first = false;
            }
        }
        Ok(())
    }
}
