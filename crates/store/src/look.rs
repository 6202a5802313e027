//! Looks: what is to be asked of polled sources, subject by subject, and when.
//!
//! A polled source has a watermark per subject, not one for all of them. Its ledger is in the store like everything else,
//! so that a restart goes on where the service stood, and a subject that nothing is to be asked about costs nothing.

use async_trait::async_trait;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// What is known of one subject of a polled source, and what is to be done about it next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// The source.
    pub source: SourceId,
    /// The subject.
    pub subject: Subject,
    /// Whether it is asked about.
    pub state: LookState,
    /// When something is to be done: the next question of one that is open; for one that is closed, an evaluation that time
    /// alone makes necessary, if there is one.
    pub due_at: Option<Timestamp>,
    /// Everything that the source says about the subject at times up to this one is stored; `None` where nothing was said.
    pub watermark: Option<Timestamp>,
    /// What the source's reader wants to be told at the next question, as JSON.
    pub memory: Option<String>,
    /// What was wrong at the last question.
    pub trouble: Option<String>,
    /// When it was last asked about.
    pub looked_at: Option<Timestamp>,
    /// Counts the writes; a write names the one that it replaces.
    pub version: u64,
}

/// Whether a subject is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookState {
    /// It is, when it is due.
    Open,
    /// Everything is known that ever will be.
    Over,
    /// The source does not find out; what a person should look at.
    NeedsPerson(String),
}

impl LookState {
    /// Whether the source says no more about the subject by itself. Time goes on for those who listen to it: a risk waits for
    /// its other sources only.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Open => false,
            Self::Over | Self::NeedsPerson(_) => true,
        }
    }
}

/// How far a source is known that has said everything.
pub const END_OF_TIME: Timestamp = Timestamp(i64::MAX);

impl Look {
    /// Until when those who listen need not wait for it: its watermark, or for ever where it is closed.
    pub fn known_until(&self) -> Option<Timestamp> {
        if self.state.is_closed() {
            Some(END_OF_TIME)
        } else {
            self.watermark
        }
    }
}

/// A subject that is to be asked about from a time on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NewLook {
    /// The source.
    pub source: SourceId,
    /// The subject.
    pub subject: Subject,
    /// When it is to be asked about first.
    pub due_at: Timestamp,
}

impl NewLook {
    /// The look that it begins as.
    pub fn look(&self) -> Look {
        Look {
            source: self.source.clone(),
            subject: self.subject.clone(),
            state: LookState::Open,
            due_at: Some(self.due_at),
            watermark: None,
            memory: None,
            trouble: None,
            looked_at: None,
            version: 0,
        }
    }
}

/// How many subjects of a source are in which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LookCounts {
    /// That are asked about.
    pub open: u64,
    /// Of which everything is known.
    pub over: u64,
    /// That a person has to look at.
    pub needs_person: u64,
    /// Of those that are open, the ones whose last question met with trouble.
    pub troubled: u64,
}

/// How many questions one key of a source asked in one UTC day.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Usage {
    /// The source.
    pub source: SourceId,
    /// The key's name, never the key.
    pub key: String,
    /// Whole days since 1970-01-01.
    pub day: i64,
    /// How many.
    pub requests: u32,
}

/// Looks. They move with a [`crate::step::Step`].
#[async_trait]
pub trait Looks: Send + Sync {
    /// Begins to look; a subject that is looked at already stays as it is.
    async fn add_looks(&self, looks: &[NewLook]) -> Result<(), StoreError>;

    /// What is due at `now` of a source, the longest due first, at most `limit`.
    async fn due_looks(
        &self,
        source: &SourceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError>;

    /// When something is due next of a source; `None` where nothing ever is.
    async fn next_due(&self, source: &SourceId) -> Result<Option<Timestamp>, StoreError>;

    /// One subject's.
    async fn look(&self, source: &SourceId, subject: &Subject) -> Result<Option<Look>, StoreError>;

    /// How many there are of each state.
    async fn count_looks(&self, source: &SourceId) -> Result<LookCounts, StoreError>;

    /// Those that a person has to look at, by subject, after `after`, at most `limit`.
    async fn looks_for_a_person(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError>;

    /// The subjects that are asked about, in order, after `after`, at most `limit`.
    async fn open_subjects(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, StoreError>;

    /// What a person decides about a subject that needed one: to ask again from `due_at` on, or, where that is `None`, to
    /// leave it. Nothing that was evaluated meanwhile is touched: what the source says later counts from then on.
    /// [`StoreError::Missing`] where it is not looked at, [`StoreError::Refused`] where it needs nobody.
    async fn attend(
        &self,
        source: &SourceId,
        subject: &Subject,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// What the keys of a source have used, from the UTC day `since` on, by (day, key).
    async fn usage(&self, source: &SourceId, since: i64) -> Result<Vec<Usage>, StoreError>;
}
