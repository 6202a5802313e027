//! Reads the final blocks after a cursor, one batch at a time.

use alloy::primitives::B256;
use async_trait::async_trait;
use futures_util::future::try_join;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tokio::time::Instant;

use super::announcements::Announcements;
use super::assemble::Assembly;
use super::batch_size::{BatchSize, Went};
use super::header::BlockHeader;
use super::logs::{Logs, Task, proven};
use super::node::Node;
use super::nodes::{Nodes, Seen};
use super::wanted::Wanted;
use super::{ChainSettings, EndpointReport, EventSource, LogProof};
use crate::error::Contradiction;
use crate::{BlockBatch, BlockSource, Heads, SourceError, Watched};

/// Reads one chain.
pub struct ChainReader {
    pub(super) settings: ChainSettings,
    name: String,
    events: Vec<EventSource>,
    watched: Vec<Watched>,
    pub(super) nodes: Nodes,
    size: BatchSize,
    announcements: Announcements,
}

/// Blocks that were read and checked, and their wanted logs.
pub(super) struct Span<'a> {
    /// The block before the first.
    pub(super) parent: Option<SourceCursor>,
    pub(super) headers: Vec<BlockHeader>,
    pub(super) logs: Logs,
    /// Who has the same.
    pub(super) agreed: Vec<&'a Node>,
}

/// Which blocks are read, and for what.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) after: Option<&'a SourceCursor>,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) most_logs: usize,
}

impl ChainReader {
    /// Connects to the chain's endpoints. As many as must agree have to answer with the configured chain; others that
    /// do not answer are tried again later, and one that serves another chain is never asked again.
    ///
    /// # Errors
    ///
    /// [`SourceError::WrongChain`], [`SourceError::NoSources`], [`SourceError::Agreement`], or why too few endpoints answer.
    pub async fn connect(
        settings: ChainSettings,
        events: Vec<EventSource>,
    ) -> Result<Self, SourceError> {
        if events.is_empty() {
            return Err(SourceError::NoSources {
                chain_id: settings.chain_id,
            });
        }
        let nodes = Nodes::connect(&settings).await?;
        let watched = events
            .iter()
            .map(|source| Watched {
                id: source.id().clone(),
                reading: source.fingerprint(),
                from_block: source.from_block(),
            })
            .collect();
        Ok(Self {
            name: format!("eip155:{}", settings.chain_id),
            size: BatchSize::new(u64::from(settings.max_blocks_per_batch.get())),
            settings,
            events,
            watched,
            announcements: Announcements::of(&nodes),
            nodes,
        })
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.settings.chain_id
    }

    /// How its endpoints are doing, in the order of the settings.
    pub fn endpoints(&self) -> Vec<EndpointReport> {
        self.nodes.report()
    }

    /// The sources at these indices; those that do not exist are left out.
    pub(super) fn wanted(&self, which: &[usize]) -> Wanted<'_> {
        let sources = which.iter().filter_map(|index| self.events.get(*index));
        Wanted::by(sources.collect())
    }

    pub(super) fn all_wanted(&self) -> Wanted<'_> {
        Wanted::by(self.events.iter().collect())
    }

    pub(super) fn assembly<'a>(&self, wanted: &'a Wanted<'a>) -> Assembly<'a> {
        Assembly {
            chain_id: self.settings.chain_id,
            strictly_rising: self.settings.strictly_rising_timestamps,
            wanted,
        }
    }

    /// Reads with one endpoint after the other, until one gives what can be believed.
    async fn read(
        &self,
        after: Option<&SourceCursor>,
        which: &[usize],
    ) -> Result<Option<BlockBatch>, SourceError> {
        let mut tries = self.settings.endpoints.len();
        loop {
            let error = match self.read_once(after, which).await {
                Ok(batch) => return Ok(batch),
                Err(error) => error,
            };
            self.nodes.blame(&error);
            tries -= 1;
            let elsewhere = match &error {
                SourceError::Request { attempt, .. }
                | SourceError::MissingBlock { attempt }
                | SourceError::Contradiction { attempt, .. } => {
                    self.nodes.has_others(&attempt.endpoint)
                }
                _ => false,
            };
            if tries == 0 || !elsewhere {
                return Err(error);
            }
            tracing::debug!(chain = self.name, error = %error, "asking another endpoint");
        }
    }

    async fn read_once(
        &self,
        after: Option<&SourceCursor>,
        which: &[usize],
    ) -> Result<Option<BlockBatch>, SourceError> {
        let sources = which.iter().filter_map(|index| self.watched.get(*index));
        let Some(from_block) = sources.map(|source| source.from_block).min() else {
            return Err(SourceError::NoSources {
                chain_id: self.settings.chain_id,
            });
        };
        let seen = self.nodes.poll().await?;
        let Some(end) = self.end(&seen, after).await? else {
            return Ok(None);
        };
        let first = after.map_or(from_block, |cursor| cursor.number.saturating_add(1));
        if end < first {
            return Ok(None);
        }
        let last = end.min(first.saturating_add(self.size.get() - 1));
        let wanted = self.wanted(which);
        let question = Question {
            after,
            first,
            last,
            wanted: &wanted,
            most_logs: usize::try_from(self.settings.max_logs_per_batch.get())
                .unwrap_or(usize::MAX),
        };
        let begun = Instant::now();
        let span = match self.span(question, &seen).await {
            Ok(span) => span,
            Err(error) => {
                self.size.learn(Went::Failed);
                return Err(error);
            }
        };
        let whole = span
            .headers
            .last()
            .is_some_and(|header| header.number == last);
        self.size.learn(if whole {
            Went::Well {
                full: last < end,
                took: begun.elapsed(),
            }
        } else {
            Went::Cut
        });
        Ok(self.batch(&wanted, span))
    }

    /// The newest block that as many endpoints as must agree have as final.
    async fn end(
        &self,
        seen: &[Seen<'_>],
        after: Option<&SourceCursor>,
    ) -> Result<Option<u64>, SourceError> {
        let mut counting: Vec<&Seen<'_>> = seen.iter().filter(|seen| seen.counts).collect();
        let number = |seen: &Seen<'_>| seen.head.as_ref().map(|head| head.number);
        counting.sort_by_key(|seen| core::cmp::Reverse(number(seen)));
        let Some(decisive) = counting.get(self.nodes.needed.saturating_sub(1)) else {
            return Err(self.nodes.too_few(counting.len()));
        };
        let end = number(decisive);
        if let Some(cursor) = after {
            if end.is_none_or(|end| end < cursor.number) {
                return Err(decisive.node.lagging(decisive.head.as_ref(), cursor));
            }
            // With nothing new to link to the cursor, this is the only sign of a reorganisation.
            for Seen { node, head, .. } in counting {
                if let Some(Err(found)) = head
                    .as_ref()
                    .map(|head| head.check(cursor.number, cursor.hash))
                {
                    self.nodes.check_still_on_chain(cursor).await?;
                    if self.nodes.has_others(node.endpoint()) {
                        continue;
                    }
                    return Err(node.contradiction(cursor.number, found));
                }
            }
        }
        Ok(end)
    }

    /// Reads and checks blocks and logs.
    pub(super) async fn span<'a>(
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
    pub(super) async fn blocks(
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
    pub(super) async fn logs_of_one(
        &self,
        node: &Node,
        task: Task<'_>,
    ) -> Result<Logs, SourceError> {
        match self.settings.proof {
            LogProof::Receipts => proven(node, task).await,
            LogProof::Bloom => self.nodes.indexed_logs_of_one(node, task).await,
        }
    }

    pub(super) async fn check_links(
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

    fn batch(&self, wanted: &Wanted<'_>, span: Span<'_>) -> Option<BlockBatch> {
        let Span {
            parent,
            headers,
            logs,
            agreed,
        } = span;
        let assembly = self.assembly(wanted);
        let (first, last) = (headers.first()?, headers.last()?);
        let parent = parent.map(|parent| parent.timestamp);
        let mut endpoints: Vec<String> = agreed
            .iter()
            .map(|node| node.endpoint().to_string())
            .collect();
        endpoints.sort_unstable();
        Some(BlockBatch {
            cursor: last.cursor(),
            watermark: assembly.watermark(last.timestamp),
            coverage: Coverage {
                first: first.number,
                last: last.number,
                proof: if logs.by_root {
                    Proof::Root
                } else {
                    Proof::Bloom
                },
                agreed: u32::try_from(endpoints.len()).unwrap_or(u32::MAX),
                endpoints,
            },
            observations: assembly.observations(parent, &headers, logs.found),
        })
    }
}

/// Times never run backwards, and stand still only where the settings say so.
pub(super) fn check_time(
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

#[async_trait]
impl BlockSource for ChainReader {
    fn chain(&self) -> &str {
        &self.name
    }

    fn watched(&self) -> &[Watched] {
        &self.watched
    }

    async fn next(
        &self,
        after: Option<&SourceCursor>,
        which: &[usize],
    ) -> Result<Option<BlockBatch>, SourceError> {
        self.read(after, which).await
    }

    async fn heads(&self) -> Result<Heads, SourceError> {
        let seen = self.nodes.poll().await?;
        let final_head = self.end(&seen, None).await?;
        let counting = seen.iter().filter(|seen| seen.counts).map(|seen| seen.node);
        let Some(lead) = self.nodes.lead(&counting.collect::<Vec<_>>()) else {
            return Err(self.nodes.too_few(0));
        };
        let latest = lead.latest().await?.number;
        Ok(Heads { latest, final_head })
    }

    async fn stirred(&self) {
        self.announcements.heard().await;
    }
}
