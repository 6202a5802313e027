//! Answers that are records with values: a price, a measurement, a list of reports.
//!
//! A *state* is what a subject is like now: one record (or all of them, combined), whose values hold until they change. A
//! *report* is something that happened: every record is one, known by its identity, and is observed once.

mod combine;
mod condition;
mod field;
mod form;
mod memory;
mod reports;
mod select;
mod state;
mod when;

use alloy::primitives::U256;
use serde_json::Value as Json;
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence, SourceId, Subject};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use self::field::Field;
use self::memory::Memory;
use self::reports::Identity;
use self::select::{Expect, Selection};
use self::when::When;
use super::reader::{Answered, Reader, Reading, no_response};
use super::section::{Section, Wrong};
use super::subject::SubjectPattern;
use super::{Look, Trouble, TroubleKind};

/// How the records of a provider are read.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    provider: String,
    source: SourceId,
    subject: SubjectPattern,
    selection: Selection,
    fields: Vec<Field>,
    when: When,
    identity: Option<Identity>,
    clock_tolerance: Seconds,
    offers: Vec<(Metric, Type)>,
}

/// By how much a provider's clock may be ahead of ours, unless its file says otherwise.
pub(crate) const CLOCK_TOLERANCE: Seconds = Seconds(300);

/// What a record, or all of them, say of each field: a value, or why there is none.
type Said = Vec<Result<Value, Trouble>>;

impl Records {
    const KEYS: [&str; 7] = [
        "at", "where", "must", "answer", "expect", "identity", "again",
    ];

    pub(crate) fn read(
        top: &Section<'_>,
        provider: &str,
        subject: Option<SubjectPattern>,
    ) -> Result<Self, Wrong> {
        let subject = subject.ok_or_else(|| {
            top.wrong(
                "subject",
                "is missing: write [subject] pattern = \"price:{base}-{quote}\"",
            )
        })?;
        let fields = Field::all(top)?;
        let empty = toml::Table::new();
        let section = match top.section("records", &Self::KEYS)? {
            Some(section) => section,
            None => Section::new(&empty, "records", &Self::KEYS)?,
        };
        let identity = Identity::read(&section)?;
        let combined = fields.iter().filter(|field| field.combines()).count();
        if combined > 0 && (combined < fields.len() || identity.is_some()) {
            return Err(top.wrong("values", "combine records for some metrics, and not for others, or in reports: one file does one of both"));
        }
        let usual = match (combined > 0, &identity) {
            (true, _) => Expect::Some,
            (false, Some(_)) => Expect::Any,
            (false, None) => Expect::One,
        };
        let selection = Selection::read(&section, usual, &subject)?;
        if combined == 0 && identity.is_none() && selection.expect() != Expect::One {
            return Err(section.wrong("expect", "is for values that are combined, or for reports with an `identity`: a state is one record"));
        }
        let when = When::read(top)?;
        if identity.is_some() && !when.is_of_the_record() {
            return Err(top.wrong("observed_at", "is missing: reports have a time of their own, write [observed_at] path = \"$.time\""));
        }
        Ok(Self {
            offers: fields
                .iter()
                .map(|field| (field.metric.clone(), field.ty))
                .collect(),
            source: SourceId::from(format!("feed:{provider}").as_str()),
            provider: provider.to_owned(),
            subject,
            selection,
            fields,
            when,
            identity,
            clock_tolerance: top.span("clock_tolerance")?.unwrap_or(CLOCK_TOLERANCE),
        })
    }

    pub(crate) fn subject(&self) -> &SubjectPattern {
        &self.subject
    }

    fn observation(
        &self,
        look: &Look,
        field: usize,
        at: Timestamp,
        value: Option<Value>,
        provenance: Provenance,
    ) -> Option<Observation> {
        Some(Observation {
            source: self.source.clone(),
            subject: look.subject.clone(),
            metric: self.fields.get(field)?.metric.clone(),
            observed_at: at,
            sequence: Sequence(U256::from(at.to_u64()?)),
            value,
            provenance,
        })
    }

    /// What one record says of each field.
    fn said(&self, record: &Json) -> Said {
        self.fields
            .iter()
            .map(|field| field.read_value(record, &self.provider))
            .collect()
    }

    /// The time of a record, which is not ahead of the answer by more than clocks may differ, and not as old as no record is.
    fn time_of(&self, record: &Json, answer: &Answered) -> Result<Timestamp, Trouble> {
        let at = self.when.of(record, answer.at, &self.provider)?;
        let wrong = |what: &str| {
            let reason = format!(
                "it {what}: the answer is of {}; the zone or the unit may be wrong",
                answer.at
            );
            self.trouble(TroubleKind::WrongTime, reason)
                .at(self.when.path())
                .saying(at.to_string())
        };
        if at > answer.at + self.clock_tolerance {
            return Err(wrong("lies in the future"));
        }
        if self
            .when
            .oldest()
            .is_some_and(|oldest| at < answer.at - oldest)
        {
            return Err(wrong("is older than any record can be"));
        }
        Ok(at)
    }

    fn trouble(&self, kind: TroubleKind, reason: impl Into<String>) -> Trouble {
        Trouble::new(&self.provider, kind, reason)
    }
}

impl Reader for Records {
    fn offers(&self) -> &[(Metric, Type)] {
        &self.offers
    }

    fn fields(&self, subject: &Subject) -> Result<Vec<(String, String)>, String> {
        self.subject.fields(subject)
    }

    fn first_look(&self, subject: &Subject) -> Result<Timestamp, String> {
        self.subject.fields(subject).map(|_| Timestamp(0))
    }

    fn read(&self, look: &Look, answer: &Answered) -> Reading {
        let memory = Memory::of(look);
        match &self.identity {
            Some(identity) => self.read_reports(look, memory, answer, identity),
            None => self.read_state(look, memory, answer),
        }
    }

    fn read_after_gap(&self, look: &Look, answer: &Answered, since: Timestamp) -> Reading {
        match &self.identity {
            Some(_) => self.read(look, answer),
            None => self.read_state_after_gap(look, answer, since),
        }
    }

    fn unchanged(&self, look: &Look, at: Timestamp, _now: Timestamp) -> Reading {
        self.still(look, Memory::of(look), at)
    }

    fn missed(&self, look: &Look, _now: Timestamp) -> Reading {
        match &self.identity {
            Some(_) => self.blind(
                look,
                Memory::of(look),
                look.due_at,
                no_response(),
                Vec::new(),
            ),
            None => self.silence(look, Memory::of(look), look.due_at),
        }
    }

    fn repeats(&self) -> Option<Seconds> {
        self.when.repeat()
    }
}

#[cfg(test)]
mod tests;
