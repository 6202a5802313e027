//! A source on Solana whose settings were checked.

use alloy::primitives::{B256, keccak256};
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence, SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::{Type, Value};

use super::{AccountSettings, Field, ProgramEventSettings};
use crate::SourceError;

/// One field of one account or event, ready to be read.
#[derive(Clone, Debug)]
pub struct SolanaSource {
    pub(crate) kind: Kind,
}

/// What a source reads.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Account(AccountSettings),
    Event(ProgramEventSettings),
}

/// When and where something was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) observed_at: Timestamp,
    pub(crate) sequence: Sequence,
    /// Of what the node answered.
    pub(crate) hash: B256,
}

impl SolanaSource {
    /// Checks the settings of a field of an account.
    ///
    /// # Errors
    ///
    /// [`SourceError::Event`], which says which setting has no meaning.
    pub fn account(settings: AccountSettings) -> Result<Self, SourceError> {
        let checked = settings.field.check().and_then(|()| {
            let start = settings.begins_with.len();
            if settings.field.offset < start {
                return Err(format!(
                    "`offset` is {}, but the first {start} bytes are those of `begins_with`",
                    settings.field.offset
                ));
            }
            Ok(())
        });
        Self::new(checked, Kind::Account(settings))
    }

    /// Checks the settings of an event of a program.
    ///
    /// # Errors
    ///
    /// [`SourceError::Event`], which says which setting has no meaning.
    pub fn event(settings: ProgramEventSettings) -> Result<Self, SourceError> {
        let checked = settings.field.check().and_then(|()| {
            let start = settings.discriminator.len();
            if settings.field.offset < start {
                return Err(format!(
                    "`offset` is {}, but the first {start} bytes are the discriminator",
                    settings.field.offset
                ));
            }
            Ok(())
        });
        Self::new(checked, Kind::Event(settings))
    }

    fn new(checked: Result<(), String>, kind: Kind) -> Result<Self, SourceError> {
        let source = Self { kind };
        checked.map_err(|reason| source.refused(reason))?;
        Ok(source)
    }

    /// What the source is.
    pub fn id(&self) -> &SourceId {
        match &self.kind {
            Kind::Account(settings) => &settings.source,
            Kind::Event(settings) => &settings.source,
        }
    }

    /// What is measured.
    pub fn subject(&self) -> &Subject {
        match &self.kind {
            Kind::Account(settings) => &settings.subject,
            Kind::Event(settings) => &settings.subject,
        }
    }

    /// Which property of it.
    pub fn metric(&self) -> &Metric {
        match &self.kind {
            Kind::Account(settings) => &settings.metric,
            Kind::Event(settings) => &settings.metric,
        }
    }

    /// The type of its values.
    pub fn value_type(&self) -> Type {
        self.field().ty.value_type()
    }

    /// The first slot that is read.
    pub fn from_slot(&self) -> u64 {
        match &self.kind {
            Kind::Account(settings) => settings.from_slot,
            Kind::Event(settings) => settings.from_slot,
        }
    }

    /// A hash of everything that decides which observations a slot gives.
    pub fn fingerprint(&self) -> B256 {
        keccak256(format!("{:?}", self.kind))
    }

    pub(crate) fn field(&self) -> &Field {
        match &self.kind {
            Kind::Account(settings) => &settings.field,
            Kind::Event(settings) => &settings.field,
        }
    }

    /// The observation that it makes of what was read; one without value, if that says nothing that can be used.
    pub(crate) fn observe(&self, seen: Seen, read: Result<Value, &'static str>) -> Observation {
        if let Err(reason) = read {
            tracing::warn!(
                source = %self.id(),
                sequence = %seen.sequence.0,
                reason,
                "what Solana says here cannot be used; the value is unknown from here on"
            );
        }
        Observation {
            source: self.id().clone(),
            subject: self.subject().clone(),
            metric: self.metric().clone(),
            observed_at: seen.observed_at,
            sequence: seen.sequence,
            // The reason is in the log; the observation says that there is no value.
            value: read.ok(),
            provenance: Provenance::Raw { hash: seen.hash },
        }
    }

    pub(crate) fn refused(&self, reason: String) -> SourceError {
        SourceError::Event {
            id: self.id().clone(),
            reason,
        }
    }
}
