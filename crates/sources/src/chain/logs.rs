//! The logs of one block: those that the node's index gives, held against those that the block commits to.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, BloomInput, Log};
use alloy::rpc::types::{self as rpc, Filter};

use super::EventSource;
use super::blocks::contradicts;
use super::header::BlockHeader;
use super::receipts::{self, RpcReceipt};
use super::rpc::Rpc;
use crate::SourceError;
use crate::error::Contradiction;

/// A log and its index in the block.
pub(crate) type IndexedLog = (u64, Log);

/// The addresses and events that are read. Their product is asked for, which may be more than the sources need.
pub(crate) struct Wanted {
    addresses: BTreeSet<Address>,
    topics: BTreeSet<B256>,
}

impl Wanted {
    pub(crate) fn by(sources: &[EventSource]) -> Self {
        Self {
            addresses: sources.iter().map(EventSource::address).collect(),
            topics: sources.iter().map(EventSource::topic).collect(),
        }
    }

    fn includes(&self, log: &Log) -> bool {
        self.addresses.contains(&log.address)
            && log
                .topics()
                .first()
                .is_some_and(|topic| self.topics.contains(topic))
    }

    /// `false` only where the block has none of these logs for certain.
    fn may_be_in(&self, header: &BlockHeader) -> bool {
        let bloom = &header.logs_bloom;
        self.addresses
            .iter()
            .any(|address| bloom.contains_input(BloomInput::Raw(address.as_slice())))
            && self
                .topics
                .iter()
                .any(|topic| bloom.contains_input(BloomInput::Raw(topic.as_slice())))
    }
}

/// Reads the wanted logs of the block.
///
/// By block hash, so that they cannot come from another fork. Where the bloom filter rules them out there must be none; where
/// it does not, they must be the ones in the receipts, since a node that is short of an index answers with no logs, or with
/// some, and no error.
pub(crate) async fn read(
    node: &Rpc,
    header: &BlockHeader,
    wanted: &Wanted,
) -> Result<Vec<IndexedLog>, SourceError> {
    let attempt = node.attempt("eth_getLogs", about(header));
    let filter = Filter::new()
        .at_block_hash(header.hash)
        .address(wanted.addresses.iter().copied().collect::<Vec<_>>())
        .event_signature(wanted.topics.iter().copied().collect::<Vec<_>>());
    let answer: Vec<rpc::Log> = node.call(&attempt, [filter]).await?;
    let returned =
        check_all(answer, header, wanted).map_err(|found| contradicts(&attempt, found))?;

    let proven = if wanted.may_be_in(header) {
        from_receipts(node, header, wanted).await?
    } else {
        Vec::new()
    };
    if returned != proven {
        let found = Contradiction::LogsDiffer {
            returned: returned.len(),
            proven: proven.len(),
        };
        return Err(contradicts(&attempt, found));
    }
    Ok(proven)
}

async fn from_receipts(
    node: &Rpc,
    header: &BlockHeader,
    wanted: &Wanted,
) -> Result<Vec<IndexedLog>, SourceError> {
    let attempt = node.attempt("eth_getBlockReceipts", about(header));
    let answer: Option<Vec<RpcReceipt>> = node.call(&attempt, [header.hash]).await?;
    let Some(answer) = answer else {
        return Err(SourceError::MissingBlock { attempt });
    };
    let all = receipts::logs(answer, header.receipts_root, &header.logs_bloom)
        .map_err(|found| contradicts(&attempt, found))?;
    Ok((0..)
        .zip(all)
        .filter(|(_, log)| wanted.includes(log))
        .collect())
}

fn check_all(
    answer: Vec<rpc::Log>,
    header: &BlockHeader,
    wanted: &Wanted,
) -> Result<Vec<IndexedLog>, Contradiction> {
    let mut checked: Vec<IndexedLog> = Vec::with_capacity(answer.len());
    for (index, log) in answer.into_iter().enumerate() {
        let previous = checked.last().map(|(log_index, _)| *log_index);
        let log_index = check(&log, header, wanted, previous)
            .map_err(|reason| Contradiction::ForeignLog { index, reason })?;
        checked.push((log_index, log.inner));
    }
    Ok(checked)
}

/// The index in the block of a log that is what was asked for.
fn check(
    log: &rpc::Log,
    header: &BlockHeader,
    wanted: &Wanted,
    previous: Option<u64>,
) -> Result<u64, String> {
    if log.removed {
        return Err("is marked as removed".to_owned());
    }
    if log.block_hash != Some(header.hash) {
        return Err(match log.block_hash {
            Some(other) => format!("is of block {other}, not {}", header.hash),
            None => "has no block".to_owned(),
        });
    }
    if log.block_number != Some(header.number) {
        return Err(format!(
            "has block number {:?}, not {}",
            log.block_number, header.number
        ));
    }
    if !wanted.includes(&log.inner) {
        return Err(format!(
            "of {} is not of an event that was asked for",
            log.inner.address
        ));
    }
    match (log.log_index, previous) {
        (None, _) => Err("has no log index".to_owned()),
        (Some(index), Some(previous)) if index <= previous => {
            Err(format!("has index {index} after index {previous}"))
        }
        (Some(index), _) => Ok(index),
    }
}

fn about(header: &BlockHeader) -> String {
    format!("block {} {}", header.number, header.hash)
}
