//! What a source saw, when, and where it can be seen again.

use core::fmt;
use std::sync::Arc;

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::value::Value;

// Shared, because a backfill holds the same few names a hundred thousand times.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    };
}

name!(
    /// What a source *is*, as terms name it: `chainlink:eip155:1:0x8fff…`, `feed:aeroapi`.
    SourceId
);
name!(
    /// What is measured: `eip155:1/erc20:0xa0b8…`, `flight:UA1545/2013-01-01/EWR`.
    Subject
);
name!(
    /// Which property of the subject: `price`, `arrival_delay`, `event:Paused`.
    Metric
);

/// The position of an observation in its source's own order (a Chainlink round id exceeds 64 bits).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub U256);

/// One value of (subject, metric) from one source at one instant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// The source that said it.
    pub source: SourceId,
    /// What was measured.
    pub subject: Subject,
    /// Which property of it.
    pub metric: Metric,
    /// The source's own time.
    pub observed_at: Timestamp,
    /// Its place in the source's order.
    pub sequence: Sequence,
    /// The value; `None` where the source reported that it had none.
    pub value: Option<Value>,
    /// Where it can be seen again.
    pub provenance: Provenance,
}

/// Where an observation can be seen again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A log of a block, or what a contract's state said as of it.
    Chain(ChainPosition),
    /// Bytes that a feed or a file gave; keccak-256 of the raw response, or of the raw line of a recorded file.
    Raw {
        /// The hash of the raw bytes.
        hash: B256,
    },
}

/// The place of a log, or of a reading of state, on a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChainPosition {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Block number.
    pub block: u64,
    /// Block hash.
    pub block_hash: B256,
    /// Index of the log in the block; `None` for what the state said after the block.
    pub log_index: Option<u64>,
    /// Of a log as the chain has it, `keccak256(abi.encode(address, bytes32[] topics, bytes data))`; of a call that was
    /// answered, `keccak256(abi.encode(address to, bytes data, bool success, bytes returned))`; of a storage slot,
    /// `keccak256(abi.encode(address, bytes32 slot, bytes32 word))`.
    pub raw_hash: B256,
}
