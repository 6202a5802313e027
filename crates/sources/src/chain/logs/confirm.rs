//! That nothing is missing from what a node's index gave: other endpoints have the same, or receipts prove it.
//!
//! Promises: where several endpoints must agree, as many have the same logs; where one is enough, every block that could have
//! had logs and gave none is proven by its receipts or, where nobody has those, was asked for again at another endpoint.
//! Whoever is shown to be wrong is named in an error.

use alloy::rpc::types::Filter;
use futures_util::future::join_all;

use super::ranges::{check_all, ranges};
use super::{Found, IndexedLogs, Logs, Task, proven};
use crate::SourceError;
use crate::chain::blocks::contradicts;
use crate::chain::header::BlockHeader;
use crate::chain::node::Node;
use crate::chain::nodes::Nodes;
use crate::error::{Contradiction, RequestFailure};

const METHOD: &str = "eth_getLogs";

impl Nodes {
    /// Reads the wanted logs from the index of the first of these endpoints, all of which have the blocks. Gives the
    /// endpoints, too, that were found to have the same.
    pub(crate) async fn indexed_logs<'a>(
        &self,
        agreed: &[&'a Node],
        task: Task<'_>,
    ) -> Result<(Logs, Vec<&'a Node>), SourceError> {
        let Some((lead, others)) = agreed.split_first() else {
            return Err(self.too_few(0));
        };
        let logs = ranges(lead, task).await?;
        let task = task.up_to(logs.blocks);
        if self.needed <= 1 {
            self.confirm_absence(lead, others, task, &logs).await?;
            return Ok((logs, vec![lead]));
        }
        let mut same = vec![*lead];
        let mut rest = others;
        while same.len() < self.needed {
            let missing = (self.needed - same.len()).min(rest.len());
            if missing == 0 {
                return Err(self.too_few(same.len()));
            }
            let (asked, later) = rest.split_at(missing);
            rest = later;
            // The whole of what the first has, also if it is a little more than enough.
            let task = Task {
                most: usize::MAX,
                ..task
            };
            let questions: Vec<_> = asked.iter().map(|node| ranges(node, task)).collect();
            let answers = join_all(questions).await;
            for (node, answer) in asked.iter().zip(answers) {
                match answer {
                    Ok(theirs) if theirs.found == logs.found => same.push(node),
                    Ok(theirs) => {
                        let block = first_difference(&logs.found, &theirs.found);
                        let claims = [(*lead, &logs.found), (*node, &theirs.found)];
                        self.settle(task, block, claims).await?;
                    }
                    Err(error) => self.blame(&error),
                }
            }
        }
        Ok((logs, same))
    }

    /// The same of one endpoint, whatever the others have: for what is provisional, and for second readings.
    pub(crate) async fn indexed_logs_of_one(
        &self,
        node: &Node,
        task: Task<'_>,
    ) -> Result<Logs, SourceError> {
        let logs = ranges(node, task).await?;
        self.confirm_absence(node, &[], task.up_to(logs.blocks), &logs)
            .await?;
        Ok(logs)
    }

    /// Two endpoints have different logs for a block: its receipts say which is wrong. An error, if it is the first, or if nobody
    /// can say; the second is only benched.
    async fn settle(
        &self,
        task: Task<'_>,
        block: usize,
        claims: [(&Node, &Vec<Found>); 2],
    ) -> Result<(), SourceError> {
        let Some(header) = task.headers.get(block) else {
            return Ok(());
        };
        let one = Task {
            headers: core::slice::from_ref(header),
            ..task
        };
        for (node, _) in claims {
            match proven(node, one).await {
                Ok(truth) => {
                    for (place, (node, claim)) in claims.into_iter().enumerate() {
                        let claimed = claim
                            .iter()
                            .filter(|log| log.block == block)
                            .map(|log| (log.index, &log.log));
                        let proven = truth.found.iter().map(|log| (log.index, &log.log));
                        if !claimed.eq(proven) {
                            let error = omitted(node, header);
                            if place == 0 {
                                return Err(error);
                            }
                            self.blame(&error);
                        }
                    }
                    return Ok(());
                }
                Err(error) => self.blame(&error),
            }
        }
        let votes = claims.map(|(node, claim)| {
            let count = claim.iter().filter(|log| log.block == block).count();
            format!("{} has {count} logs", node.endpoint())
        });
        Err(SourceError::Disagreement {
            chain_id: self.chain_id,
            about: format!("the logs of block {}", header.number),
            votes: votes.join(", "),
        })
    }

    /// Asks again for the blocks that could have logs and gave none: an empty answer is the commonest lie. Receipts prove it,
    /// whoever has them; where nobody does, another endpoint has to have none either.
    async fn confirm_absence(
        &self,
        lead: &Node,
        others: &[&Node],
        task: Task<'_>,
        logs: &Logs,
    ) -> Result<(), SourceError> {
        let mut unproven = Vec::new();
        let mut why = None;
        for header in empty(task, logs) {
            let one = Task {
                headers: core::slice::from_ref(header),
                ..task
            };
            match self.proven_by_any(lead, others, one).await {
                Ok(truth) if truth.found.is_empty() => {}
                Ok(_logs_after_all) => return Err(omitted(lead, header)),
                Err(error) if is_unsupported(&error) => {
                    unproven.push(header);
                    why.get_or_insert(error);
                }
                // They can be had, only not now.
                Err(error) => return Err(error),
            }
        }
        let Some(why) = why else {
            return Ok(());
        };
        for node in others.iter().filter(|node| !node.rpc.is_resting()) {
            match self.absent_at(node, task, &unproven).await {
                Ok(None) => return Ok(()),
                Ok(Some(header)) => return Err(omitted(lead, header)),
                Err(error) => self.blame(&error),
            }
        }
        Err(why)
    }

    async fn proven_by_any(
        &self,
        lead: &Node,
        others: &[&Node],
        task: Task<'_>,
    ) -> Result<Logs, SourceError> {
        let mut failed = match proven(lead, task).await {
            Ok(truth) => return Ok(truth),
            Err(error) => error,
        };
        for node in others.iter().filter(|node| !node.rpc.is_resting()) {
            match proven(node, task).await {
                Ok(truth) => return Ok(truth),
                Err(error @ SourceError::Contradiction { .. }) => self.blame(&error),
                Err(error) if is_unsupported(&failed) => failed = error,
                Err(_as_good_a_reason) => {}
            }
        }
        Err(failed)
    }

    /// The first of these blocks in which the node has wanted logs.
    async fn absent_at<'h>(
        &self,
        node: &Node,
        task: Task<'_>,
        headers: &[&'h BlockHeader],
    ) -> Result<Option<&'h BlockHeader>, SourceError> {
        let params: Vec<[Filter; 1]> = headers
            .iter()
            .map(|header| {
                [Filter::new()
                    .at_block_hash(header.hash)
                    .address(task.wanted.addresses())
                    .event_signature(task.wanted.topics())]
            })
            .collect();
        let about = |places: core::ops::Range<usize>| {
            format!("{} blocks that could have logs", places.len())
        };
        let answers: Vec<IndexedLogs> = node
            .rpc
            .call_each(METHOD, &params, usize::MAX, about)
            .await?;
        for (header, answer) in headers.iter().zip(answers) {
            let attempt = node.rpc.attempt(METHOD, super::about(header));
            let block = core::slice::from_ref(*header);
            if !check_all(&attempt, answer, block, 0, task.wanted)?.is_empty() {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

/// Whether the node says that it never has receipts of whole blocks, which is no offence.
fn is_unsupported(error: &SourceError) -> bool {
    /// "Method not found" of JSON-RPC, and "method not supported" of EIP-1474.
    const CODES: [i64; 2] = [-32_601, -32_004];
    match error {
        SourceError::Request { failure, .. } => {
            matches!(**failure, RequestFailure::Node { code, .. } if CODES.contains(&code))
        }
        _ => false,
    }
}

/// The blocks that could have logs and gave none.
fn empty<'t>(task: Task<'t>, logs: &Logs) -> Vec<&'t BlockHeader> {
    let mut with_logs = logs.found.iter().map(|log| log.block).peekable();
    let mut empty = Vec::new();
    for place in task.rooms() {
        while with_logs.next_if(|block| *block < place).is_some() {}
        if with_logs.peek() != Some(&place) {
            empty.extend(task.headers.get(place));
        }
    }
    empty
}

fn omitted(node: &Node, header: &BlockHeader) -> SourceError {
    let attempt = node.rpc.attempt(METHOD, super::about(header));
    let number = header.number;
    contradicts(&attempt, Contradiction::OmittedLogs { number })
}

/// The position of the first block of which the two have different logs.
fn first_difference(ours: &[Found], theirs: &[Found]) -> usize {
    let differing = ours
        .iter()
        .zip(theirs)
        .find(|(ours, theirs)| ours != theirs);
    match differing {
        Some((ours, theirs)) => ours.block.min(theirs.block),
        None => ours
            .get(theirs.len())
            .or_else(|| theirs.get(ours.len()))
            .map_or(0, |log| log.block),
    }
}
