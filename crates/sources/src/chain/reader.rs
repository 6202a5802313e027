//! Reads the final blocks after a cursor, one batch at a time.

mod span;

use async_trait::async_trait;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::Timestamp;
use tokio::time::Instant;

pub(super) use self::span::check_time;
use self::span::{Question, Span};
use super::announcements::{Announcements, Ear};
use super::assemble::Assembly;
use super::batch_size::{BatchSize, Went};
use super::header::watermark;
use super::nodes::{Nodes, Seen};
use super::wanted::Wanted;
use super::{ChainSettings, ChainSource, EndpointReport};
use crate::{BlockBatch, BlockSource, Heads, SourceError, Watched};

/// Reads one chain.
pub struct ChainReader {
    pub(super) settings: ChainSettings,
    name: String,
    sources: Vec<ChainSource>,
    watched: Vec<Watched>,
    pub(super) nodes: Nodes,
    size: BatchSize,
    announcements: Announcements,
    final_ear: Ear,
    tip_ear: Ear,
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
        sources: impl IntoIterator<Item = impl Into<ChainSource>> + Send,
    ) -> Result<Self, SourceError> {
        let sources: Vec<ChainSource> = sources.into_iter().map(Into::into).collect();
        if sources.is_empty() {
            return Err(SourceError::NoSources {
                chain_id: settings.chain_id,
            });
        }
        let nodes = Nodes::connect(&settings).await?;
        let watched = sources.iter().map(ChainSource::watched).collect();
        let announcements = Announcements::of(&nodes);
        Ok(Self {
            name: format!("eip155:{}", settings.chain_id),
            size: BatchSize::new(u64::from(settings.max_blocks_per_batch.get())),
            settings,
            sources,
            watched,
            final_ear: announcements.ear(),
            tip_ear: announcements.ear(),
            announcements,
            nodes,
        })
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.settings.chain_id
    }

    /// As [`BlockSource::stirred`], for whoever follows the tip beside the one who reads what is final.
    pub async fn tip_stirred(&self) {
        self.announcements.heard(&self.tip_ear).await;
    }

    /// Up to when everything is known once a block of this time and all before it are read.
    pub(super) fn watermark(&self, timestamp: Timestamp) -> Timestamp {
        watermark(timestamp, self.settings.strictly_rising_timestamps)
    }

    /// The sources at these indices; those that do not exist are left out.
    pub(super) fn wanted(&self, which: &[usize]) -> Wanted<'_> {
        let sources = which.iter().filter_map(|index| self.sources.get(*index));
        Wanted::by(sources.collect())
    }

    pub(super) fn all_wanted(&self) -> Wanted<'_> {
        Wanted::by(self.sources.iter().collect())
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
        let mut seen = self.nodes.poll().await?;
        let Some(end) = self.end(&seen, after).await? else {
            return Ok(None);
        };
        // Whoever was just found to be on another fork.
        seen.retain(|seen| !seen.node.health().is_benched());
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
        self.batch(&wanted, span).await
    }

    /// The newest block that as many endpoints as must agree have as final.
    pub(super) async fn end(
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

    async fn batch(
        &self,
        wanted: &Wanted<'_>,
        span: Span<'_>,
    ) -> Result<Option<BlockBatch>, SourceError> {
        let Span {
            parent,
            headers,
            logs,
            agreed,
        } = span;
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else {
            return Ok(None);
        };
        let parent = parent.map(|parent| parent.timestamp);
        let mut endpoints: Vec<String> = agreed
            .iter()
            .map(|node| node.endpoint().to_string())
            .collect();
        endpoints.sort_unstable();
        let observations = self
            .observations(&agreed, wanted, parent, &headers, logs.found)
            .await?;
        Ok(Some(BlockBatch {
            cursor: last.cursor(),
            watermark: self.watermark(last.timestamp),
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
            observations,
        }))
    }
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

    fn endpoints(&self) -> Vec<EndpointReport> {
        self.nodes.report()
    }

    async fn stirred(&self) {
        self.announcements.heard(&self.final_ear).await;
    }
}
