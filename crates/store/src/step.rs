//! One step of observing and evaluating: cursors, observations, trigger states and determinations, together or not at
//! all.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::coverage::Coverage;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::{Observation, SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::look::{Look, Usage};
use crate::response::Response;

/// How far a source was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceProgress {
    /// The source.
    pub source: SourceId,
    /// Where reading goes on.
    pub cursor: SourceCursor,
    /// Everything that the source says about times up to this one is stored.
    pub watermark: Timestamp,
    /// Hash of the settings that it was read with. It never changes: what was read otherwise is not what the cursor says.
    pub reading: B256,
}

/// What the evaluation of one risk needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskSnapshot {
    /// The risk.
    pub risk: Risk,
    /// One stream per input of the cover.
    pub streams: Vec<Stream>,
    /// The evaluator's state.
    pub state: Vec<u8>,
    /// Counts the writes of the state; a write names the one that it replaces.
    pub version: u64,
    /// State is as of this instant; `None` before the first evaluation, and after an unwinding.
    pub evaluated_to: Option<Timestamp>,
    /// Per input, how far its source was read, the subject's own watermark where the source is polled; `None` where it was
    /// not read yet, and the end of time where it has said everything.
    pub watermarks: Vec<Option<Timestamp>>,
    /// Stored observations of its streams after `evaluated_to`, by (observed_at, stream, sequence).
    pub pending: Vec<Observation>,
}

/// The new state of one risk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskAdvance {
    /// The risk.
    pub risk: RiskId,
    /// The version that was read.
    pub version: u64,
    /// The evaluator's new state.
    pub state: Vec<u8>,
    /// The instant that it is as of.
    pub evaluated_to: Timestamp,
}

/// The advance of one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceAdvance {
    /// The cursor that was read; `None` for a source that has none yet. Compared before anything is written.
    pub from: Option<SourceCursor>,
    /// The progress after the step. A cursor or a watermark never moves backwards.
    pub to: SourceProgress,
    /// The blocks that were read: from the one after `from`, or from any where there was none, to the cursor. `None` where
    /// the cursor stays, because only time has passed.
    pub coverage: Option<Coverage>,
}

/// What one step writes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// The sources that were read.
    pub sources: Vec<SourceAdvance>,
    /// What they said.
    pub observations: Vec<Observation>,
    /// What it changed.
    pub risks: Vec<RiskAdvance>,
    /// What was decided.
    pub determinations: Vec<Determination>,
    /// What was asked of polled sources.
    pub polled: Polled,
}

/// What a step writes of polled sources.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Polled {
    /// The looks as they are from now on; the version of each is the one that was read, and is replaced.
    pub looks: Vec<Look>,
    /// What came.
    pub responses: Vec<Response>,
    /// What the keys have used by now. A count never falls.
    pub usage: Vec<Usage>,
}

/// Steps.
#[async_trait]
pub trait Steps: Send + Sync {
    /// How far a source was read; `None` before its first step.
    async fn progress(&self, source: &SourceId) -> Result<Option<SourceProgress>, StoreError>;

    /// Every risk with an input from one of `sources` that is not archived, with what its evaluation needs; by id, as of one
    /// moment.
    async fn snapshots(&self, sources: &[SourceId]) -> Result<Vec<RiskSnapshot>, StoreError>;

    /// Every risk with an input from one of these subjects of polled sources; otherwise the same.
    async fn snapshots_of(
        &self,
        subjects: &[(SourceId, Subject)],
    ) -> Result<Vec<RiskSnapshot>, StoreError>;

    /// The stored observations of `streams` with `after < observed_at ≤ until`, and per stream the last one at or before
    /// `after` (by observed_at, then sequence); ordered by (observed_at, position in `streams`, sequence). A stream that is
    /// asked for twice answers once, at its first place.
    async fn history(
        &self,
        streams: &[Stream],
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Observation>, StoreError>;

    /// Writes a step, or nothing: [`StoreError::Stale`] where a source, a look or a risk has moved since it was read,
    /// [`StoreError::Halted`] where a source that moves is halted, [`StoreError::Conflict`] where an observation or a
    /// determination contradicts a stored one, [`StoreError::Missing`] where a risk or a look is not stored, [`StoreError::Refused`]
    /// where something would go back, would leave blocks out, or is not valid in itself.
    ///
    /// An observation that is stored already, identically, is no error. Nor is a determination, which may also have been
    /// made at another time: the stored one stays. Where an unwinding kept the stored one, it is in force again from then on;
    /// and where somebody has acknowledged that, another one takes its place ([`crate::unwind::Unwinds`]). A warning that
    /// stands for a loss event which the step determines is confirmed.
    async fn commit(&self, step: &Step) -> Result<(), StoreError>;
}
