//! The source's own time of what it says: the answer's, or a field of the record.

use serde_json::Value as Json;
use tocsin_domain::time::{Seconds, Timestamp};

use super::form::{read_time, time_form};
use crate::feed::Trouble;
use crate::feed::moment::MomentForm;
use crate::feed::path::Path;
use crate::feed::section::{Section, Wrong};

/// The rule of `observed_at`.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// As of the answer.
    Answer {
        /// An unchanged value is observed again after this long.
        repeat: Option<Seconds>,
    },
    /// As a field says.
    Field {
        path: Path,
        form: MomentForm,
        zone: Option<jiff::tz::TimeZone>,
        /// How long after its own time a record may appear at the latest.
        lateness: Seconds,
        /// How old a record can be before its time is taken for wrong.
        oldest: Option<Seconds>,
    },
}

impl When {
    const KEYS: [&str; 7] = [
        "rule", "path", "form", "zone", "lateness", "oldest", "repeat",
    ];

    pub(crate) fn read(top: &Section<'_>) -> Result<Self, Wrong> {
        let Some(section) = top.section("observed_at", &Self::KEYS)? else {
            return Ok(Self::Answer { repeat: None });
        };
        let rule = section.one_of("rule", &[("answer", false), ("field", true)])?;
        let of_a_field = rule.unwrap_or_else(|| section.has("path"));
        if !of_a_field {
            if let Some(key) = ["path", "form", "zone", "lateness", "oldest"]
                .into_iter()
                .find(|key| section.has(key))
            {
                return Err(section.wrong(key, "is for rule = \"field\""));
            }
            let repeat = section.span("repeat")?;
            if repeat == Some(Seconds(0)) {
                return Err(section.wrong(
                    "repeat",
                    "is no time at all: leave it out to observe changes only",
                ));
            }
            return Ok(Self::Answer { repeat });
        }
        if section.has("repeat") {
            return Err(section.wrong("repeat", "is for rule = \"answer\": a record with a time of its own is observed at that time"));
        }
        let path = Path::parse(section.needed("path", "$.time")?)
            .map_err(|error| section.wrong("path", error.to_string()))?;
        let (form, zone) = time_form(&section, section.needed("form", "rfc3339")?)?;
        let lateness = section.span("lateness")?.ok_or_else(|| {
            section.wrong("lateness", "is missing: say how long after its own time a record may still appear, as in \"5min\"")
        })?;
        Ok(Self::Field {
            path,
            form,
            zone,
            lateness,
            oldest: section.span("oldest")?,
        })
    }

    pub(crate) fn is_of_the_record(&self) -> bool {
        matches!(self, Self::Field { .. })
    }

    pub(crate) fn repeat(&self) -> Option<Seconds> {
        match self {
            Self::Answer { repeat } => *repeat,
            Self::Field { .. } => None,
        }
    }

    /// How far an answer of this time closes the past.
    pub(crate) fn closed(&self, answer_at: Timestamp) -> Timestamp {
        match self {
            Self::Answer { .. } => answer_at,
            Self::Field { lateness, .. } => answer_at - *lateness,
        }
    }

    /// How old a record can be.
    pub(crate) fn oldest(&self) -> Option<Seconds> {
        match self {
            Self::Answer { .. } => None,
            Self::Field { oldest, .. } => *oldest,
        }
    }

    /// The time of a record in an answer of this time.
    pub(crate) fn of(
        &self,
        record: &Json,
        answer_at: Timestamp,
        provider: &str,
    ) -> Result<Timestamp, Trouble> {
        match self {
            Self::Answer { .. } => Ok(answer_at),
            Self::Field {
                path, form, zone, ..
            } => read_time(path, form, zone.as_ref(), record, provider),
        }
    }

    /// The path of the time, for messages.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Answer { .. } => "Date",
            Self::Field { path, .. } => path.as_str(),
        }
    }
}
