//! Which part of a source was really seen, and how it was verified: without it, "it did not happen" could not be told from
//! "nobody looked".

use serde::{Deserialize, Serialize};

/// A contiguous range of a source's blocks that was read whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The first block.
    pub first: u64,
    /// The last block, not before the first.
    pub last: u64,
    /// What shows that nothing was left out.
    pub proof: Proof,
    /// How many endpoints gave the same answer, the one that was read included.
    pub agreed: u32,
    /// The endpoints, as they may be shown, sorted.
    pub endpoints: Vec<String>,
}

/// What shows that a block was read whole, the strongest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Everything follows from the block's hash: logs from its receipts root, storage from its state root.
    Root,
    /// The block's bloom filter has room for these logs and for no others that were asked for, but for its false positives.
    Bloom,
    /// The endpoints say so.
    Word,
}
