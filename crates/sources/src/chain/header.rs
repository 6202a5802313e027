//! Block headers that hash to the hash they came with.

use alloy::consensus::Header;
use alloy::primitives::{B256, Bloom};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::{Seconds, Timestamp};

use crate::error::Contradiction;

/// A block header whose every field is committed to by its hash.
#[derive(Clone, Debug)]
pub(crate) struct BlockHeader {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) parent_hash: B256,
    pub(crate) timestamp: Timestamp,
    pub(crate) state_root: B256,
    pub(crate) receipts_root: B256,
    pub(crate) logs_bloom: Bloom,
}

impl BlockHeader {
    /// Hashes what a node answered.
    pub(crate) fn check(header: alloy::rpc::types::Header) -> Result<Self, Contradiction> {
        let alloy::rpc::types::Header { hash, inner, .. } = header;
        let Header {
            number,
            parent_hash,
            timestamp,
            state_root,
            receipts_root,
            logs_bloom,
            ..
        } = inner;
        let computed = inner.hash_slow();
        if computed != hash {
            return Err(Contradiction::HeaderHash {
                number,
                reported: hash,
                computed,
            });
        }
        let timestamp = i64::try_from(timestamp)
            .map(Timestamp)
            .map_err(|_beyond_i64| Contradiction::ImpossibleTime { number, timestamp })?;
        Ok(Self {
            number,
            hash,
            parent_hash,
            timestamp,
            state_root,
            receipts_root,
            logs_bloom,
        })
    }

    /// The cursor of somebody who has read this block.
    pub(crate) fn cursor(&self) -> SourceCursor {
        SourceCursor {
            number: self.number,
            hash: self.hash,
            timestamp: self.timestamp,
        }
    }
}

/// Up to when everything is known, once a block of time `timestamp` and all before it are read.
pub(crate) fn watermark(timestamp: Timestamp, strictly_rising: bool) -> Timestamp {
    // The next block may have the same time, unless times strictly rise.
    if strictly_rising {
        timestamp
    } else {
        timestamp - Seconds(1)
    }
}
