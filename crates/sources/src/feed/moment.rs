//! The times that providers write, read as instants.
//!
//! A time with an offset is an instant. A local time is one only with a zone, and then not always: where clocks are set
//! back an hour happens twice, where they are set forward one never happens. Which of two is meant is a stated rule, by
//! default none: the time is refused. A time that never was is always refused. Nothing is ever taken for UTC because
//! nothing else is known. Zones come from the data compiled into the program, never from the machine.

mod civil;
mod form;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_domain::time::Timestamp;

pub use self::form::{MomentForm, MomentFormError};
use super::status_map::excerpt;

/// Which instant a local time means that happens twice, because clocks are set back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeated {
    /// Neither: it is refused.
    #[default]
    Refuse,
    /// The first, before clocks are set back.
    First,
    /// The second.
    Second,
}

/// A time that could not be read as an instant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MomentError {
    /// It is written in another form.
    #[error("{found} is not {expected}")]
    Unreadable {
        /// What the provider said, cut if it is long.
        found: String,
        /// The form that the feed's file states.
        expected: String,
    },
    /// A local time that claims to be UTC claims another offset.
    #[error(
        "{found} claims another offset than +00:00, so it is not the local time that this feed writes as UTC"
    )]
    OtherOffset {
        /// What the provider said.
        found: String,
    },
    /// A local time without a zone is no instant.
    #[error("{found} is a local time, and its zone is not known")]
    NoZone {
        /// What the provider said.
        found: String,
    },
    /// The clocks of the zone show this time twice.
    #[error(
        "{local} happens twice in {zone}, where clocks are set back, and nothing says which is meant"
    )]
    Twice {
        /// The local time.
        local: DateTime,
        /// The zone.
        zone: String,
    },
    /// The clocks of the zone never show this time.
    #[error("{local} never happens in {zone}, where clocks are set forward")]
    Never {
        /// The local time.
        local: DateTime,
        /// The zone.
        zone: String,
    },
    /// It lies outside the years that can be written.
    #[error("{found} is outside the years -9999 to 9999")]
    TooFar {
        /// What the provider said.
        found: String,
    },
}

impl MomentForm {
    /// Reads what a provider said. `zone` is needed by local forms only.
    pub fn read(
        &self,
        said: &Value,
        zone: Option<&TimeZone>,
        repeated: Repeated,
    ) -> Result<Timestamp, MomentError> {
        match self.read_written(said)? {
            Written::Instant(instant) => Ok(instant),
            Written::Local(local) => {
                let zone = zone.ok_or_else(|| MomentError::NoZone {
                    found: excerpt(said),
                })?;
                instant(local, zone, repeated)
            }
        }
    }

    /// Reads what a provider said, as far as it says it: an instant, or a local time that still needs a zone.
    pub fn read_written(&self, said: &Value) -> Result<Written, MomentError> {
        let unreadable = || MomentError::Unreadable {
            found: excerpt(said),
            expected: self.to_string(),
        };
        let text = || said.as_str().ok_or_else(unreadable);
        match self {
            Self::Rfc3339 => match text()?.parse::<jiff::Timestamp>() {
                Ok(instant) => Ok(Written::Instant(whole_seconds(instant))),
                Err(_not_rfc_3339) => Err(unreadable()),
            },
            Self::UnixSeconds => from_unix(said, 1)
                .map(Written::Instant)
                .ok_or_else(unreadable),
            Self::UnixMilliseconds => from_unix(said, 1000)
                .map(Written::Instant)
                .ok_or_else(unreadable),
            Self::Local => civil::parse(text()?)
                .map(Written::Local)
                .ok_or_else(unreadable),
            Self::LocalClaimingUtc => {
                let text = text()?;
                match civil::without_utc(text) {
                    Some(local) => civil::parse(local)
                        .map(Written::Local)
                        .ok_or_else(unreadable),
                    None => Err(MomentError::OtherOffset {
                        found: excerpt(said),
                    }),
                }
            }
            Self::Format(format) => format.parse(text()?).ok_or_else(unreadable),
        }
    }
}

/// A time as far as its text says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// An instant.
    Instant(Timestamp),
    /// What a clock on the wall shows.
    Local(DateTime),
}

/// The instant at which clocks of `zone` show `local`.
pub fn instant(
    local: DateTime,
    zone: &TimeZone,
    repeated: Repeated,
) -> Result<Timestamp, MomentError> {
    let name = || zone.iana_name().unwrap_or("its zone").to_owned();
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let found = match (ambiguous.offset(), repeated) {
        (AmbiguousOffset::Unambiguous { .. }, _)
        | (AmbiguousOffset::Fold { .. }, Repeated::First) => ambiguous.earlier(),
        (AmbiguousOffset::Fold { .. }, Repeated::Second) => ambiguous.later(),
        (AmbiguousOffset::Fold { .. }, Repeated::Refuse) => {
            return Err(MomentError::Twice {
                local,
                zone: name(),
            });
        }
        (AmbiguousOffset::Gap { .. }, _) => {
            return Err(MomentError::Never {
                local,
                zone: name(),
            });
        }
    };
    match found {
        Ok(instant) => Ok(whole_seconds(instant)),
        Err(_out_of_range) => Err(MomentError::TooFar {
            found: local.to_string(),
        }),
    }
}

/// What clocks of `zone` show at `at`; `None` outside the years −9999…9999.
pub fn local(at: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    match jiff::Timestamp::from_second(at.0) {
        Ok(at) => Some(zone.to_datetime(at)),
        Err(_out_of_range) => None,
    }
}

/// Fractions are cut toward the past.
fn whole_seconds(instant: jiff::Timestamp) -> Timestamp {
    let seconds = instant.as_second();
    Timestamp(if instant.subsec_nanosecond() < 0 {
        seconds.saturating_sub(1)
    } else {
        seconds
    })
}

/// A number, or a text of one, of `1/per_second` seconds since 1970; a fraction is cut toward the past.
fn from_unix(said: &Value, per_second: i64) -> Option<Timestamp> {
    let written = match said {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) || whole.starts_with('+') {
        return None;
    }
    let count: i64 = match whole.parse() {
        Ok(count) => count,
        Err(_not_whole) => return None,
    };
    let below = whole.starts_with('-') && fraction.bytes().any(|digit| digit != b'0');
    let seconds = count.checked_sub(i64::from(below))?.div_euclid(per_second);
    match jiff::Timestamp::from_second(seconds) {
        Ok(_) => Some(Timestamp(seconds)),
        Err(_out_of_range) => None,
    }
}

#[cfg(test)]
mod tests;
