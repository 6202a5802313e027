//! Logs from receipts, which their block's header commits to.

use core::sync::atomic::Ordering;

use alloy::primitives::{B256, Log};

use super::{Found, Logs, RpcLog, Task, about};
use crate::SourceError;
use crate::chain::blocks::contradicts;
use crate::chain::header::BlockHeader;
use crate::chain::node::Node;
use crate::chain::observe::raw_hashes;
use crate::chain::receipts::{self, Proven, Receipts};
use crate::error::Contradiction;

const METHOD: &str = "eth_getBlockReceipts";

/// How many bytes of receipts are asked for in one request, about.
const REQUEST_BYTES: u64 = 2 << 20;

/// What a receipt and a log take as JSON, about.
const RECEIPT_BYTES: u64 = 1_100;
const LOG_BYTES: u64 = 700;

/// Reads the wanted logs from the receipts of the blocks whose bloom filters do not rule them out.
pub(crate) async fn proven(node: &Node, task: Task<'_>) -> Result<Logs, SourceError> {
    let rooms = task.rooms();
    let mut logs = Logs {
        found: Vec::new(),
        blocks: task.headers.len(),
        by_root: true,
    };
    let mut rest = rooms.as_slice();
    while !rest.is_empty() && logs.found.len() < task.most {
        // As much at once as the answers are bounded; at first one block a request, to see what they take.
        let bytes = node.receipt_bytes.load(Ordering::Relaxed);
        let most = REQUEST_BYTES.checked_div(bytes).unwrap_or(1).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let group = most.saturating_mul(node.rpc.in_flight()).min(rest.len());
        let (now, later) = rest.split_at(group);
        rest = later;
        let headers: Vec<&BlockHeader> = now
            .iter()
            .filter_map(|place| task.headers.get(*place))
            .collect();
        let answers = ask(node, &headers, most).await?;
        for ((place, header), answer) in now.iter().zip(headers).zip(answers) {
            let proven = check(node, header, answer).await?;
            logs.by_root &= proven.by_root;
            let wanted: Vec<(u64, Log)> = (0..)
                .zip(proven.logs)
                .filter(|(_, log)| task.wanted.includes(log))
                .collect();
            let bare: Vec<&Log> = wanted.iter().map(|(_, log)| log).collect();
            let hashes = raw_hashes(&bare);
            let found = wanted.into_iter().zip(hashes);
            logs.found
                .extend(found.map(|((index, log), raw_hash)| Found {
                    block: *place,
                    index,
                    raw_hash,
                    log,
                }));
        }
    }
    Ok(logs.cut(task.most))
}

async fn ask(
    node: &Node,
    headers: &[&BlockHeader],
    most: usize,
) -> Result<Vec<Option<Receipts>>, SourceError> {
    let params: Vec<[B256; 1]> = headers.iter().map(|header| [header.hash]).collect();
    let subject = |places: core::ops::Range<usize>| {
        let of = |place: usize| headers.get(place).map_or_else(String::new, |at| about(at));
        match places.len() {
            1 => of(places.start),
            _ => format!(
                "{} to {}",
                of(places.start),
                of(places.end.saturating_sub(1))
            ),
        }
    };
    let answers: Vec<Option<Receipts>> = node.rpc.call_each(METHOD, &params, most, subject).await?;
    let mut bytes = 0_u64;
    for receipts in answers.iter().flatten() {
        let take = |count: usize, each: u64| {
            u64::try_from(count)
                .unwrap_or(u64::MAX)
                .saturating_mul(each)
        };
        bytes = bytes
            .saturating_add(take(receipts.count, RECEIPT_BYTES))
            .saturating_add(take(receipts.logs.len(), LOG_BYTES));
    }
    let blocks = u64::try_from(answers.len()).unwrap_or(u64::MAX);
    if let Some(mean) = bytes.checked_div(blocks) {
        let before = node.receipt_bytes.load(Ordering::Relaxed);
        let now = if before == 0 {
            mean
        } else {
            (before * 3 + mean) / 4
        };
        node.receipt_bytes.store(now.max(1), Ordering::Relaxed);
    }
    Ok(answers)
}

async fn check(
    node: &Node,
    header: &BlockHeader,
    answer: Option<Receipts>,
) -> Result<Proven, SourceError> {
    let attempt = || node.rpc.attempt(METHOD, about(header));
    let Some(answer) = answer else {
        return Err(SourceError::MissingBlock { attempt: attempt() });
    };
    let proven = receipts::logs(answer, header.receipts_root, &header.logs_bloom)
        .map_err(|found| contradicts(&attempt(), found))?;
    if !proven.by_root {
        compare_with_index(node, header, &proven).await?;
    }
    Ok(proven)
}

/// What no root proves must at least be what the node's index of logs has.
async fn compare_with_index(
    node: &Node,
    header: &BlockHeader,
    proven: &Proven,
) -> Result<(), SourceError> {
    let attempt = node.rpc.attempt("eth_getLogs", about(header));
    let filter = alloy::rpc::types::Filter::new().at_block_hash(header.hash);
    let answer: Vec<RpcLog> = node.rpc.call(&attempt, [filter]).await?;
    let same = answer.len() == proven.logs.len()
        && (0..)
            .zip(&answer)
            .zip(&proven.logs)
            .all(|((index, indexed), log)| indexed.index == Some(index) && indexed.log == *log);
    if same {
        return Ok(());
    }
    let found = Contradiction::LogsDiffer {
        returned: answer.len(),
        proven: proven.logs.len(),
    };
    Err(contradicts(&attempt, found))
}
