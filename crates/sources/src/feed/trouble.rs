//! Why something is unknown: provider, field and value, and what is wrong with it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// How much of a reason is shown: it may quote what the provider said.
pub(crate) const REASON_CHARS_MAX: usize = 500;

/// How much of a bad value is shown.
const VALUE_CHARS_MAX: usize = 120;

/// Something that a provider did or said that gives no value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// The provider, as its definition names it.
    pub provider: String,
    /// What kind of trouble, for counting.
    pub kind: TroubleKind,
    /// Which field of the answer, as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it says there; the beginning of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong, and what to do if a person can do something.
    pub reason: String,
}

/// The kinds of trouble.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// No connection, or one that broke.
    Unreachable,
    /// No complete answer in time.
    Timeout,
    /// It asked to be left alone (429, 503 with Retry-After).
    Throttled,
    /// Another HTTP status than success.
    Status,
    /// It refused the key (401, 403), or there is none that can be used.
    Key,
    /// The day's requests are used up.
    Quota,
    /// It failed too often in a row and is left alone.
    Breaker,
    /// The answer is longer than the limit.
    TooLarge,
    /// The answer is not JSON: HTML, or cut off.
    Malformed,
    /// A field, or the record, is not there.
    Missing,
    /// A field is there and has another form.
    Unreadable,
    /// A status that the definition does not name.
    Unlisted,
    /// A value outside the limits of what can be.
    Implausible,
    /// A time that cannot be: in the future, in another zone, another clock.
    WrongTime,
    /// A record about a time that was closed already.
    Late,
    /// Records, pages or fields that contradict each other.
    Contradiction,
    /// Pages that are missing, repeated, or too many.
    Pages,
}

impl TroubleKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Unreachable,
        Self::Timeout,
        Self::Throttled,
        Self::Status,
        Self::Key,
        Self::Quota,
        Self::Breaker,
        Self::TooLarge,
        Self::Malformed,
        Self::Missing,
        Self::Unreadable,
        Self::Unlisted,
        Self::Implausible,
        Self::WrongTime,
        Self::Late,
        Self::Contradiction,
        Self::Pages,
    ];

    /// As metrics and rows write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Status => "status",
            Self::Key => "key",
            Self::Quota => "quota",
            Self::Breaker => "breaker",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Unlisted => "unlisted",
            Self::Implausible => "implausible",
            Self::WrongTime => "wrong_time",
            Self::Late => "late",
            Self::Contradiction => "contradiction",
            Self::Pages => "pages",
        }
    }
}

impl Trouble {
    /// A trouble with the whole of an answer.
    pub fn new(provider: &str, kind: TroubleKind, reason: impl Into<String>) -> Self {
        Self {
            provider: provider.to_owned(),
            kind,
            field: None,
            value: None,
            reason: excerpt(&reason.into(), REASON_CHARS_MAX),
        }
    }

    /// The field that it is about, as a path.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(excerpt(&field.into(), VALUE_CHARS_MAX));
        self
    }

    /// What it says there.
    #[must_use]
    pub fn saying(mut self, value: impl AsRef<str>) -> Self {
        self.value = Some(excerpt(value.as_ref(), VALUE_CHARS_MAX));
        self
    }
}

impl fmt::Display for TroubleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.provider)?;
        match (&self.field, &self.value) {
            (Some(field), Some(value)) => write!(f, "{field} is {value}: ")?,
            (Some(field), None) => write!(f, "{field}: ")?,
            (None, Some(value)) => write!(f, "{value}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.reason)
    }
}

/// The beginning of a text, without control characters.
pub(crate) fn excerpt(text: &str, chars_max: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(chars_max).map(clean).collect();
    if text.chars().nth(chars_max).is_some() {
        shown.push('…');
    }
    shown
}
