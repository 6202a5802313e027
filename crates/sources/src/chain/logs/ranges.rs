//! Logs from a node's index, over ranges of blocks that adapt to what the node answers.
//!
//! Promises: every log is one that was asked for, of the very block that was read, and in that block's bloom filter. That none is
//! missing is for [`super::confirm`] to show.

use core::sync::atomic::Ordering;

use alloy::rpc::types::Filter;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{Found, IndexedLog, IndexedLogs, Logs, Task, about};
use crate::SourceError;
use crate::chain::blocks::contradicts;
use crate::chain::header::BlockHeader;
use crate::chain::node::Node;
use crate::chain::wanted::{Judgement, Wanted};
use crate::error::{Attempt, Contradiction, RequestFailure};

const METHOD: &str = "eth_getLogs";

/// Providers refuse longer ranges.
const SPAN_MAX: u64 = 10_000;

/// A range with more logs than this makes the next ones no longer.
const LOGS_ENOUGH: usize = 4_000;

/// A range that takes too long is split this often; every time costs the whole patience.
const TIMEOUTS_MAX: u32 = 3;

/// Reads the wanted logs of the blocks whose bloom filters do not rule them out.
pub(super) async fn ranges(node: &Node, task: Task<'_>) -> Result<Logs, SourceError> {
    let rooms = task.rooms();
    let mut logs = Logs {
        found: Vec::new(),
        blocks: task.headers.len(),
        by_root: false,
    };
    let mut rest = rooms.as_slice();
    while !rest.is_empty() && logs.found.len() < task.most {
        let span = usize::try_from(node.span.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        while let Some(first) = rest.first().filter(|_| parts.len() < node.rpc.in_flight()) {
            let count = rest.partition_point(|room| *room < first.saturating_add(span));
            let (now, later) = rest.split_at(count);
            rest = later;
            if let (Some(first), Some(last)) = (now.first(), now.last()) {
                parts.push(range(node, task, *first, *last));
            }
        }
        let mut parts = stream::iter(parts).buffered(node.rpc.in_flight());
        while let Some(found) = parts.try_next().await? {
            logs.found.extend(found);
        }
    }
    Ok(logs.cut(task.most))
}

/// Reads a range, in parts if the node does not give it whole.
async fn range(
    node: &Node,
    task: Task<'_>,
    first: usize,
    last: usize,
) -> Result<Vec<Found>, SourceError> {
    let mut found = Vec::new();
    let mut todo = vec![(first, last)];
    let mut timeouts = 0;
    while let Some((first, last)) = todo.pop() {
        let span = u64::try_from(last - first + 1).unwrap_or(u64::MAX);
        match ask(node, task, first, last).await {
            Ok(some) => {
                if some.len() < LOGS_ENOUGH && span >= node.span.load(Ordering::Relaxed) {
                    let longer = span.saturating_mul(2).min(SPAN_MAX);
                    node.span.fetch_max(longer, Ordering::Relaxed);
                }
                found.extend(some);
            }
            Err(error) if first < last && timeouts < TIMEOUTS_MAX && is_of_the_size(&error) => {
                timeouts += u32::from(is_timeout(&error));
                let middle = first + (last - first) / 2;
                node.span.fetch_min(span.div_ceil(2), Ordering::Relaxed);
                todo.push((middle + 1, last));
                todo.push((first, middle));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn ask(
    node: &Node,
    task: Task<'_>,
    first: usize,
    last: usize,
) -> Result<Vec<Found>, SourceError> {
    let headers = task.headers.get(first..=last).unwrap_or(&[]);
    let (Some(from), Some(to)) = (headers.first(), headers.last()) else {
        return Ok(Vec::new());
    };
    let filter = Filter::new()
        .address(task.wanted.addresses())
        .event_signature(task.wanted.topics());
    let (filter, attempt) = if from.number == to.number {
        (
            filter.at_block_hash(from.hash),
            node.rpc.attempt(METHOD, about(from)),
        )
    } else {
        let blocks = format!("blocks {} to {}", from.number, to.number);
        (
            filter.from_block(from.number).to_block(to.number),
            node.rpc.attempt(METHOD, blocks),
        )
    };
    let answer: IndexedLogs = node.rpc.call(&attempt, [filter]).await?;
    check_all(&attempt, answer, headers, first, task.wanted)
}

/// The logs of an answer about these blocks, the first of which is at position `first`.
pub(super) fn check_all(
    attempt: &Attempt,
    answer: IndexedLogs,
    headers: &[BlockHeader],
    first: usize,
    wanted: &Wanted<'_>,
) -> Result<Vec<Found>, SourceError> {
    let IndexedLogs(answer) = answer;
    let mut found: Vec<Found> = Vec::with_capacity(answer.len());
    for (place, log) in answer.into_iter().enumerate() {
        let previous = found.last().map(|log| (log.block, log.index));
        let checked = check(&log, headers, first, wanted, previous).map_err(|reason| {
            let index = place;
            contradicts(attempt, Contradiction::ForeignLog { index, reason })
        })?;
        if let Some((block, index)) = checked {
            found.push(Found {
                block,
                index,
                raw_hash: log.raw_hash,
                log: log.log.log,
            });
        }
    }
    Ok(found)
}

/// The place of a log that is what was asked for; `None` if nobody reads it.
fn check(
    indexed: &IndexedLog,
    headers: &[BlockHeader],
    first: usize,
    wanted: &Wanted<'_>,
    previous: Option<(usize, u64)>,
) -> Result<Option<(usize, u64)>, String> {
    let log = &indexed.log;
    if log.removed {
        return Err("is marked as removed".to_owned());
    }
    let number = log
        .block_number
        .ok_or_else(|| "has no block number".to_owned())?;
    let position = headers
        .first()
        .and_then(|from| number.checked_sub(from.number))
        .and_then(|position| usize::try_from(position).ok());
    let header = position.and_then(|position| headers.get(position));
    let (Some(position), Some(header)) = (position, header) else {
        return Err(format!(
            "has block number {number}, which was not asked for"
        ));
    };
    if log.block_hash != Some(header.hash) {
        return Err(match log.block_hash {
            Some(other) => format!("is of block {other}, not {}", header.hash),
            None => "has no block hash".to_owned(),
        });
    }
    match wanted.judge(header, &log.log, indexed.topic_hashes()) {
        Judgement::Fits => {}
        Judgement::Unread => return Ok(None),
        Judgement::Unasked => {
            return Err(format!(
                "of {} is not of an event that was asked for",
                log.log.address
            ));
        }
        Judgement::OutsideBloom => {
            return Err(format!(
                "of {} is not in the bloom filter of block {number}",
                log.log.address
            ));
        }
    }
    let Some(index) = log.index else {
        return Err("has no log index".to_owned());
    };
    let place = (first + position, index);
    match previous {
        Some(previous) if place <= previous => Err(format!(
            "has index {index} in block {number}, and comes after a later one"
        )),
        _ => Ok(Some(place)),
    }
}

/// Whether fewer blocks may succeed where these have failed. Nodes say "too many results" in as many ways as there are nodes.
fn is_of_the_size(error: &SourceError) -> bool {
    let SourceError::Request { failure, .. } = error else {
        return false;
    };
    match &**failure {
        RequestFailure::Status { status, .. } => (400..500).contains(status) && *status != 429,
        RequestFailure::Node { .. }
        | RequestFailure::TooLarge { .. }
        | RequestFailure::Timeout { .. } => true,
        _ => false,
    }
}

fn is_timeout(error: &SourceError) -> bool {
    matches!(error, SourceError::Request { failure, .. } if matches!(**failure, RequestFailure::Timeout { .. }))
}
