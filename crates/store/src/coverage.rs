//! The ledger of what was really read of each source, and what looking again found.
//!
//! The ranges of a source follow each other without a gap, from the first block that it was read from to its cursor: they
//! are written by the step that moves the cursor, and refused where they would not ([`crate::check::coverage`]).

use core::ops::RangeInclusive;

use async_trait::async_trait;
use tocsin_domain::coverage::Coverage;
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// A part of a source that was read a second time, through another endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recheck {
    /// The source.
    pub source: SourceId,
    /// The first block.
    pub first: u64,
    /// The last block, not before the first and not after the cursor.
    pub last: u64,
    /// Who was asked, as it may be shown.
    pub endpoint: String,
    /// What it said.
    pub finding: Finding,
    /// When.
    pub at: Timestamp,
}

/// How what an endpoint says compares with what is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// It says the same.
    Same,
    /// It does not; how, in words.
    Differs(String),
}

/// What was read, and how it was verified.
#[async_trait]
pub trait Coverages: Send + Sync {
    /// The ranges of a source that reach beyond block `after`, or all of them, in order, at most `limit`. The one that holds
    /// block `n` is the first of those that reach beyond `n - 1`.
    async fn coverage(
        &self,
        source: &SourceId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Coverage>, StoreError>;

    /// The stored observations of a source that come from `blocks` and have their time in `times`, by (block, log index,
    /// observed_at, subject, metric, sequence), where the state after a block follows its logs. `times` is what makes this
    /// quick; to miss nothing it must hold the times of the blocks.
    async fn observed(
        &self,
        source: &SourceId,
        blocks: RangeInclusive<u64>,
        times: RangeInclusive<Timestamp>,
    ) -> Result<Vec<Observation>, StoreError>;

    /// Records that a part was looked at again; [`StoreError::Refused`] where it was not read a first time.
    async fn add_recheck(&self, recheck: &Recheck) -> Result<(), StoreError>;

    /// The newest re-checks of a source first, at most `limit`.
    async fn rechecks(&self, source: &SourceId, limit: u32) -> Result<Vec<Recheck>, StoreError>;
}
