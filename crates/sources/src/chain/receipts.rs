//! The logs of a block as its receipts prove them.

use alloy::consensus::{Receipt, proofs};
use alloy::primitives::{B256, Bloom, Log, U64, logs_bloom as logs_bloom_of};
use alloy::rlp::Encodable;
use alloy::rpc::types as rpc;
use serde::Deserialize;

use crate::error::Contradiction;

/// The highest transaction type whose receipt has Ethereum's encoding: legacy, 2930, 1559, 4844, 7702.
const KNOWN_TYPE_MAX: u64 = 4;

/// A receipt as a node answers it; what no log depends on is left out.
#[derive(Deserialize)]
pub(crate) struct RpcReceipt {
    #[serde(rename = "type", default)]
    kind: U64,
    #[serde(flatten)]
    receipt: Receipt<rpc::Log>,
}

/// The logs of a block in order, so that the position of each is its log index.
///
/// The receipts must hash to `receipts_root`. A block with a transaction type of its chain's own (deposits of rollups) cannot
/// be hashed here; its logs must fill the header's bloom filter exactly, and are compared with `eth_getLogs`.
pub(crate) fn logs(
    receipts: Vec<RpcReceipt>,
    receipts_root: B256,
    logs_bloom: &Bloom,
) -> Result<Vec<Log>, Contradiction> {
    let provable = receipts
        .iter()
        .all(|receipt| receipt.kind.to::<u64>() <= KNOWN_TYPE_MAX);
    let receipts: Vec<(u64, Receipt)> = receipts
        .into_iter()
        .map(|answer| {
            (
                answer.kind.to::<u64>(),
                answer.receipt.into_primitives_receipt(),
            )
        })
        .collect();
    if provable {
        let encoded: Vec<Vec<u8>> = receipts.iter().map(encode).collect();
        let computed = proofs::ordered_trie_root_encoded(&encoded);
        if computed != receipts_root {
            return Err(Contradiction::ReceiptsRoot {
                header: receipts_root,
                computed,
            });
        }
    }
    let logs: Vec<Log> = receipts
        .into_iter()
        .flat_map(|(_, receipt)| receipt.logs)
        .collect();
    // Follows from the root where that could be computed. Where not, a log that is missing leaves the filter too empty,
    // unless its address and topics are in other logs too.
    if logs_bloom_of(&logs) != *logs_bloom {
        return Err(Contradiction::LogsBloom);
    }
    Ok(logs)
}

/// EIP-2718: the type, unless legacy, then RLP of status, gas, bloom and logs.
fn encode((kind, receipt): &(u64, Receipt)) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(kind @ 1..) = u8::try_from(*kind) {
        bytes.push(kind);
    }
    receipt.clone().with_bloom().encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
