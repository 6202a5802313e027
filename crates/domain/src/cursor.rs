//! How far a source was read: where reading goes on after a restart, and how to notice that the source changed its past.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The last block of a chain that was read whole. Reading goes on after it, with a block whose parent is `hash`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCursor {
    /// Block number, or slot.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
    /// The block's own time.
    pub timestamp: Timestamp,
}
