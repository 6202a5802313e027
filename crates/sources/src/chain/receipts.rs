//! The logs of a block as its receipts prove them.

use alloy::consensus::{Eip658Value, proofs};
use alloy::primitives::{B256, Bloom, Log, logs_bloom as logs_bloom_of};
use alloy::rlp::{Encodable, Header as RlpHeader};
use serde::{Deserialize, Deserializer};

use super::logs::RpcLog;
use super::quantity::{Quantity, quantity, quantity_if_any};
use crate::error::Contradiction;

/// The highest transaction type whose receipt has Ethereum's encoding: legacy, 2930, 1559, 4844, 7702.
const KNOWN_TYPE_MAX: u64 = 4;

/// A receipt as a node answers it; what no log depends on is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RpcReceipt {
    #[serde(rename = "type", default, deserialize_with = "quantity_if_any")]
    kind: Option<u64>,
    status: Option<Quantity>,
    /// What the state hashed to after it, before receipts had a status.
    root: Option<B256>,
    #[serde(deserialize_with = "quantity")]
    cumulative_gas_used: u64,
    logs_bloom: Option<Bloom>,
    logs: Vec<RpcLog>,
}

/// The receipts of a block, hashed where the answer was read, which may be beside others.
pub(crate) struct Receipts {
    pub(crate) count: usize,
    pub(crate) logs: Vec<Log>,
    /// What they hash to; `None` where there is one of a transaction type of the chain's own.
    root: Option<B256>,
}

impl<'de> Deserialize<'de> for Receipts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::<RpcReceipt>::deserialize(from).map(Self::from)
    }
}

impl From<Vec<RpcReceipt>> for Receipts {
    fn from(receipts: Vec<RpcReceipt>) -> Self {
        let have_root = receipts
            .iter()
            .all(|receipt| receipt.kind.unwrap_or(0) <= KNOWN_TYPE_MAX);
        let receipts: Vec<Receipt> = receipts.into_iter().map(Receipt::from).collect();
        let root = have_root.then(|| {
            let encoded: Vec<Vec<u8>> = receipts.iter().map(Receipt::encoded).collect();
            proofs::ordered_trie_root_encoded(&encoded)
        });
        Self {
            count: receipts.len(),
            logs: receipts
                .into_iter()
                .flat_map(|receipt| receipt.logs)
                .collect(),
            root,
        }
    }
}

/// The logs of a block.
pub(crate) struct Proven {
    /// In order, so that the position of each is its log index.
    pub(crate) logs: Vec<Log>,
    /// Whether the receipts hash to the root in the header.
    pub(crate) by_root: bool,
}

/// Reads the logs of a block from its receipts.
///
/// The receipts must hash to `receipts_root`. A block with a transaction type of its chain's own (deposits of rollups) cannot
/// be hashed here; its logs must fill the header's bloom filter exactly.
pub(crate) fn logs(
    receipts: Receipts,
    receipts_root: B256,
    logs_bloom: &Bloom,
) -> Result<Proven, Contradiction> {
    let Receipts { logs, root, .. } = receipts;
    if let Some(computed) = root
        && computed != receipts_root
    {
        return Err(Contradiction::ReceiptsRoot {
            header: receipts_root,
            computed,
        });
    }
    let by_root = root.is_some();
    // Follows from the root where that could be computed. Where not, a log that is missing leaves the filter too empty,
    // unless its address and topics are in other logs too.
    if !by_root && logs_bloom_of(&logs) != *logs_bloom {
        return Err(Contradiction::LogsBloom);
    }
    Ok(Proven { logs, by_root })
}

struct Receipt {
    kind: u64,
    status: Eip658Value,
    gas: u64,
    bloom: Bloom,
    logs: Vec<Log>,
}

impl From<RpcReceipt> for Receipt {
    fn from(answer: RpcReceipt) -> Self {
        let logs: Vec<Log> = answer.logs.into_iter().map(|log| log.log).collect();
        let status = match (answer.status, answer.root) {
            (Some(Quantity(status)), _) => Eip658Value::Eip658(status != 0),
            (None, Some(root)) => Eip658Value::PostState(root),
            (None, None) => Eip658Value::Eip658(true),
        };
        Self {
            kind: answer.kind.unwrap_or(0),
            status,
            gas: answer.cumulative_gas_used,
            // What the answer says is as good: the root commits to it.
            bloom: answer.logs_bloom.unwrap_or_else(|| logs_bloom_of(&logs)),
            logs,
        }
    }
}

impl Receipt {
    /// EIP-2718: the type, unless legacy, then RLP of status, gas, bloom and logs.
    fn encoded(&self) -> Vec<u8> {
        let logs = RlpHeader {
            list: true,
            payload_length: self.logs.iter().map(Encodable::length).sum(),
        };
        let payload_length = self.status.length()
            + self.gas.length()
            + self.bloom.length()
            + logs.length()
            + logs.payload_length;
        let all = RlpHeader {
            list: true,
            payload_length,
        };
        let mut bytes = Vec::with_capacity(1 + all.length() + payload_length);
        if let Ok(kind @ 1..) = u8::try_from(self.kind) {
            bytes.push(kind);
        }
        all.encode(&mut bytes);
        self.status.encode(&mut bytes);
        self.gas.encode(&mut bytes);
        self.bloom.encode(&mut bytes);
        logs.encode(&mut bytes);
        for log in &self.logs {
            log.encode(&mut bytes);
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
