//! What is read block by block, whatever kind of chain it is.
//!
//! The pipeline knows chains through this trait only, so that nothing in it assumes an EVM.

use alloy::primitives::B256;
use async_trait::async_trait;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::time::Timestamp;

use crate::SourceError;
use crate::chain::EndpointReport;

/// A chain that sources are read from.
#[async_trait]
pub trait BlockSource: Send + Sync {
    /// Its CAIP-2 identifier: `eip155:1`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`.
    fn chain(&self) -> &str;

    /// The sources that are read from it, each with its own cursor.
    fn watched(&self) -> &[Watched];

    /// Reads final blocks after the cursor, or from the first block of the sources where there is none; `None` where
    /// there is nothing new. `which` are indices of [`Self::watched`] that stand at this cursor.
    ///
    /// What is returned is contiguous and verified. On an error nothing counts as read, and the same call may be made
    /// again where [`SourceError::is_transient`].
    async fn next(
        &self,
        after: Option<&SourceCursor>,
        which: &[usize],
    ) -> Result<Option<BlockBatch>, SourceError>;

    /// How far the chain has come, for health.
    async fn heads(&self) -> Result<Heads, SourceError>;

    /// How its endpoints are doing, as they were seen last.
    fn endpoints(&self) -> Vec<EndpointReport>;

    /// Returns when there may be something new. It may miss something, so callers look now and then anyway.
    async fn stirred(&self);
}

/// A source of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watched {
    /// What it is, as covers name it.
    pub id: SourceId,
    /// A hash of everything that decides which observations a block gives.
    pub reading: B256,
    /// Blocks before this one are not read.
    pub from_block: u64,
    /// The best that can show that nothing of it was left out, however blocks were verified.
    pub proof: Proof,
}

/// What some final blocks said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockBatch {
    /// The last block of the batch: where reading goes on.
    pub cursor: SourceCursor,
    /// Everything that the chain says about times up to this one has been read.
    pub watermark: Timestamp,
    /// By block, log index, and then the order of the sources.
    pub observations: Vec<Observation>,
    /// The blocks, and how they were verified.
    pub coverage: Coverage,
}

/// How far a chain has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heads {
    /// The newest block.
    pub latest: u64,
    /// The newest final block; `None` where no block is final yet.
    pub final_head: Option<u64>,
}
