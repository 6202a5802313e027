//! Block headers that hash to the hash they came with.

use alloy::consensus::Header;
use alloy::primitives::{Address, B64, B256, Bloom, Bytes, U256};
use alloy::rlp::Encodable;
use serde::{Deserialize, Deserializer};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::{Seconds, Timestamp};

use super::quantity::{Quantity, quantity, quantity_if_any};
use crate::error::Contradiction;

/// A block as a node answers it, without what its header does not commit to.
///
/// alloy's own type buffers every field before it reads it, which takes most of the time of a backfill.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RpcBlock {
    hash: B256,
    parent_hash: B256,
    #[serde(rename = "sha3Uncles")]
    ommers_hash: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    #[serde(default)]
    difficulty: U256,
    #[serde(deserialize_with = "quantity")]
    number: u64,
    #[serde(deserialize_with = "quantity")]
    gas_limit: u64,
    #[serde(deserialize_with = "quantity")]
    gas_used: u64,
    #[serde(deserialize_with = "quantity")]
    timestamp: u64,
    extra_data: Bytes,
    #[serde(default)]
    mix_hash: B256,
    #[serde(default)]
    nonce: B64,
    #[serde(default, deserialize_with = "quantity_if_any")]
    base_fee_per_gas: Option<u64>,
    withdrawals_root: Option<B256>,
    #[serde(default, deserialize_with = "quantity_if_any")]
    blob_gas_used: Option<u64>,
    #[serde(default, deserialize_with = "quantity_if_any")]
    excess_blob_gas: Option<u64>,
    parent_beacon_block_root: Option<B256>,
    requests_hash: Option<B256>,
    block_access_list_hash: Option<B256>,
    slot_number: Option<Quantity>,
}

/// A block header whose every field is committed to by its hash.
#[derive(Clone, Debug)]
pub(crate) struct BlockHeader {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) parent_hash: B256,
    pub(crate) timestamp: Timestamp,
    /// What the state after the block hashes to: storage is proven against it.
    pub(crate) state_root: B256,
    pub(crate) receipts_root: B256,
    pub(crate) logs_bloom: Bloom,
}

/// A block that was hashed where the answer was read, which may be beside others.
pub(crate) struct Hashed(pub(crate) Result<BlockHeader, Contradiction>);

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        RpcBlock::deserialize(from).map(|block| Self(BlockHeader::check(block)))
    }
}

impl BlockHeader {
    /// Hashes what a node answered.
    fn check(block: RpcBlock) -> Result<Self, Contradiction> {
        let hash = block.hash;
        let header = Header {
            parent_hash: block.parent_hash,
            ommers_hash: block.ommers_hash,
            beneficiary: block.miner,
            state_root: block.state_root,
            transactions_root: block.transactions_root,
            receipts_root: block.receipts_root,
            logs_bloom: block.logs_bloom,
            difficulty: block.difficulty,
            number: block.number,
            gas_limit: block.gas_limit,
            gas_used: block.gas_used,
            timestamp: block.timestamp,
            extra_data: block.extra_data,
            mix_hash: block.mix_hash,
            nonce: block.nonce,
            base_fee_per_gas: block.base_fee_per_gas,
            withdrawals_root: block.withdrawals_root,
            blob_gas_used: block.blob_gas_used,
            excess_blob_gas: block.excess_blob_gas,
            parent_beacon_block_root: block.parent_beacon_block_root,
            requests_hash: block.requests_hash,
            block_access_list_hash: block.block_access_list_hash,
            slot_number: block.slot_number.map(|Quantity(number)| number),
        };
        let mut encoded = Vec::with_capacity(header.length());
        header.encode(&mut encoded);
        let computed = alloy::primitives::keccak256(&encoded);
        let Header {
            number,
            parent_hash,
            timestamp,
            state_root,
            receipts_root,
            logs_bloom,
            ..
        } = header;
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
