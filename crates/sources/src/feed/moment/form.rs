//! The forms in which a feed's file says that its times are written.

use core::fmt;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Written, whole_seconds};

/// How a provider writes times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MomentForm {
    /// `rfc3339`: with an offset, `2021-12-31T19:59:59Z`, `2021-12-31 19:59+01:00`.
    Rfc3339,
    /// `unix-seconds`: a number.
    UnixSeconds,
    /// `unix-milliseconds`: a number.
    UnixMilliseconds,
    /// `local`: without an offset, `2021-12-31T19:59:59.000`.
    Local,
    /// `local-claiming-utc`: written with `Z` or `+00:00`, but what a clock at the place shows.
    LocalClaimingUtc,
    /// As in `%d.%m.%Y %H:%M`: a strptime format of a local time, or of an instant if it has `%z`.
    Format(Format),
}

/// A strptime format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format(String);

/// A text that names no form of time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is no form of time: write rfc3339, unix-seconds, unix-milliseconds, local, local-claiming-utc, or a format of \
     year, month, day, hour and minute such as %d.%m.%Y %H:%M"
)]
pub struct MomentFormError(pub String);

const NAMED: [(&str, MomentForm); 5] = [
    ("rfc3339", MomentForm::Rfc3339),
    ("unix-seconds", MomentForm::UnixSeconds),
    ("unix-milliseconds", MomentForm::UnixMilliseconds),
    ("local", MomentForm::Local),
    ("local-claiming-utc", MomentForm::LocalClaimingUtc),
];

impl MomentForm {
    /// Whether times of this form mean nothing without a zone.
    pub fn needs_zone(&self) -> bool {
        match self {
            Self::Rfc3339 | Self::UnixSeconds | Self::UnixMilliseconds => false,
            Self::Local | Self::LocalClaimingUtc => true,
            Self::Format(format) => !format.has_offset(),
        }
    }
}

impl Format {
    fn has_offset(&self) -> bool {
        self.0.contains("%z") || self.0.contains("%:z")
    }

    pub(super) fn parse(&self, text: &str) -> Option<Written> {
        let Ok(parsed) = BrokenDownTime::parse(&self.0, text) else {
            return None;
        };
        if self.has_offset() {
            return match parsed.to_timestamp() {
                Ok(instant) => Some(Written::Instant(whole_seconds(instant))),
                Err(_no_such_day) => None,
            };
        }
        match parsed.to_datetime() {
            Ok(local) => Some(Written::Local(local)),
            Err(_no_such_day) => None,
        }
    }
}

impl TryFrom<String> for MomentForm {
    type Error = MomentFormError;

    fn try_from(text: String) -> Result<Self, MomentFormError> {
        if let Some((_, form)) = NAMED.into_iter().find(|(name, _)| *name == text) {
            return Ok(form);
        }
        let format = Format(text);
        // A format without a year or a minute is found here: it does not read what it writes.
        let example = jiff::civil::date(2021, 12, 31).at(23, 58, 0, 0);
        let readable = match TimeZone::UTC.to_timestamp(example) {
            Ok(instant) => {
                let expected = [
                    Written::Local(example),
                    Written::Instant(whole_seconds(instant)),
                ];
                let zoned = instant.to_zoned_datetime(TimeZone::UTC);
                match jiff::fmt::strtime::format(&format.0, &zoned) {
                    Ok(written) => format
                        .parse(&written)
                        .is_some_and(|read| expected.contains(&read)),
                    Err(_bad_directive) => false,
                }
            }
            Err(_out_of_range) => false,
        };
        if readable {
            Ok(Self::Format(format))
        } else {
            Err(MomentFormError(format.0))
        }
    }
}

impl From<MomentForm> for String {
    fn from(form: MomentForm) -> Self {
        form.written().to_owned()
    }
}

impl MomentForm {
    fn written(&self) -> &str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::UnixSeconds => "unix-seconds",
            Self::UnixMilliseconds => "unix-milliseconds",
            Self::Local => "local",
            Self::LocalClaimingUtc => "local-claiming-utc",
            Self::Format(format) => &format.0,
        }
    }
}

impl fmt::Display for MomentForm {
    /// As a message says what was expected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rfc3339 => "a time with its offset (RFC 3339)",
            Self::UnixSeconds => "a number of seconds since 1970",
            Self::UnixMilliseconds => "a number of milliseconds since 1970",
            Self::Local => "a local time without an offset",
            Self::LocalClaimingUtc => "a local time that claims +00:00",
            Self::Format(format) => return write!(f, "a time written as {}", format.0),
        })
    }
}
