//! Some blocks as one endpoint has them, checked, and agreed on by others.

use alloy::primitives::B256;
use futures_util::future::try_join;
use tocsin_domain::cursor::SourceCursor;

use crate::SourceError;
use crate::chain::header::BlockHeader;
use crate::chain::logs::{Logs, Task, proven};
use crate::chain::node::Node;
use crate::chain::nodes::Seen;
use crate::chain::wanted::Wanted;
use crate::chain::{ChainReader, LogProof};
use crate::error::Contradiction;

/// Blocks that were read and checked, and their wanted logs.
pub(crate) struct Span<'a> {
    /// The block before the first.
    pub(crate) parent: Option<SourceCursor>,
    pub(crate) headers: Vec<BlockHeader>,
    pub(crate) logs: Logs,
    /// Who has the same.
    pub(crate) agreed: Vec<&'a Node>,
}

/// Which blocks are read, and for what.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) after: Option<&'a SourceCursor>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) wanted: &'a Wanted<'a>,
    pub(crate) most_logs: usize,
}

impl ChainReader {
    /// Reads and checks blocks and logs.
    pub(crate) async fn span<'a>(
        &self,
        question: Question<'_>,
        seen: &[Seen<'a>],
    ) -> Result<Span<'a>, SourceError> {
        let Question {
            after,
            first,
            last,
            wanted,
            most_logs,
        } = question;
        let able: Vec<&Seen<'a>> = seen
            .iter()
            .filter(|seen| seen.counts)
            .filter(|seen| seen.head.as_ref().is_some_and(|head| head.number >= last))
            .collect();
        let among: Vec<&'a Node> = able.iter().map(|seen| seen.node).collect();
        let Some(lead) = self.nodes.lead(&among) else {
            return Err(self.nodes.too_few(0));
        };
        let head = able
            .iter()
            .find(|seen| seen.node.index == lead.index)
            .and_then(|seen| seen.head.as_ref());
        // One new block is the usual case, and the question about the head has answered it.
        let known = head.and_then(|head| head.header_at(last));
        let (parent, headers) = match (after, known) {
            (Some(cursor), Some(header)) if first == last => (Some(*cursor), vec![header.clone()]),
            _ => self.blocks(lead, after, first, last).await?,
        };
        let Some(top) = headers.last() else {
            return Err(self.nodes.too_few(0));
        };
        if let Some(head) = head {
            head.check(top.number, top.hash)
                .map_err(|found| lead.contradiction(top.number, found))?;
        }
        self.check_links(lead, parent, after, &headers).await?;

        let task = Task {
            headers: &headers,
            wanted,
            most: most_logs,
        };
        let (logs, agreed) = match self.settings.proof {
            LogProof::Receipts => {
                let (logs, mut agreed) =
                    try_join(proven(lead, task), self.nodes.agree(lead, top, seen)).await?;
                // Those that were not needed are left to read it again one day, with other eyes.
                agreed.truncate(self.nodes.needed);
                (logs, agreed)
            }
            LogProof::Bloom => {
                let agreed = self.nodes.agree(lead, top, seen).await?;
                self.nodes.indexed_logs(&agreed, task).await?
            }
        };
        let mut headers = headers;
        headers.truncate(logs.blocks);
        // Links make the agreement on the last block one on all before it, also where the batch ends earlier.
        Ok(Span {
            parent,
            headers,
            logs,
            agreed,
        })
    }

    /// The blocks, and what the first must link to: the cursor, or the block before the first that is ever read.
    pub(crate) async fn blocks(
        &self,
        node: &Node,
        after: Option<&SourceCursor>,
        first: u64,
        last: u64,
    ) -> Result<(Option<SourceCursor>, Vec<BlockHeader>), SourceError> {
        match (after, first.checked_sub(1)) {
            (None, Some(before)) => {
                let mut headers = node.headers(before..=last).await?;
                let before = headers.remove(0);
                Ok((Some(before.cursor()), headers))
            }
            (after, _) => Ok((after.copied(), node.headers(first..=last).await?)),
        }
    }

    /// The logs of blocks as one endpoint has them, proven as the settings say.
    pub(crate) async fn logs_of_one(
        &self,
        node: &Node,
        task: Task<'_>,
    ) -> Result<Logs, SourceError> {
        match self.settings.proof {
            LogProof::Receipts => proven(node, task).await,
            LogProof::Bloom => self.nodes.indexed_logs_of_one(node, task).await,
        }
    }

    pub(crate) async fn check_links(
        &self,
        lead: &Node,
        parent: Option<SourceCursor>,
        after: Option<&SourceCursor>,
        headers: &[BlockHeader],
    ) -> Result<(), SourceError> {
        let broken = |header: &BlockHeader, previous: B256| Contradiction::BrokenLink {
            number: header.number,
            parent: header.parent_hash,
            previous,
        };
        let rising = self.settings.strictly_rising_timestamps;
        let mut previous = parent;
        for header in headers {
            if let Some(before) = previous {
                if header.parent_hash != before.hash {
                    if let Some(cursor) = after.filter(|cursor| **cursor == before) {
                        self.nodes.check_still_on_chain(cursor).await?;
                    }
                    let found = broken(header, before.hash);
                    return Err(lead.contradiction(header.number, found));
                }
                check_time(self.settings.chain_id, lead, before, header, rising)?;
            }
            previous = Some(header.cursor());
        }
        Ok(())
    }
}

/// Times never run backwards, and stand still only where the settings say so.
pub(crate) fn check_time(
    chain_id: u64,
    node: &Node,
    parent: SourceCursor,
    header: &BlockHeader,
    strictly_rising: bool,
) -> Result<(), SourceError> {
    let BlockHeader {
        number, timestamp, ..
    } = *header;
    let parent = parent.timestamp;
    if timestamp < parent {
        let found = Contradiction::TimeRunsBackwards {
            number,
            timestamp,
            parent,
        };
        return Err(node.contradiction(number, found));
    }
    if timestamp == parent && strictly_rising {
        return Err(SourceError::TimestampsNotRising {
            chain_id,
            number,
            timestamp,
        });
    }
    Ok(())
}
