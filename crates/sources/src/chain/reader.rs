//! Reads the final blocks after a cursor, one batch at a time.

use std::collections::BTreeMap;

use alloy::primitives::U64;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;

use super::blocks::{Blocks, CONCURRENT_READS};
use super::header::{BlockHeader, watermark};
use super::logs::{self, IndexedLog, Wanted};
use super::observe::{OpenTime, observe, once_a_place};
use super::rpc::Rpc;
use super::{ChainSettings, Endpoint, EventSource};
use crate::error::Contradiction;
use crate::{Heads, SourceError};

/// Reads one chain.
pub struct ChainReader {
    settings: ChainSettings,
    blocks: Blocks,
}

/// What some final blocks said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainBatch {
    /// The first block of the batch.
    pub first_block: u64,
    /// The last block of the batch: where reading goes on.
    pub cursor: SourceCursor,
    /// Everything that the chain says about times up to this one has been read.
    pub watermark: Timestamp,
    /// By block, log index, and then the order of the sources.
    pub observations: Vec<Observation>,
}

impl ChainReader {
    /// Connects to the node, which must serve the configured chain.
    ///
    /// # Errors
    ///
    /// [`SourceError::WrongChain`], or why the node does not answer.
    pub async fn connect(settings: ChainSettings) -> Result<Self, SourceError> {
        let node = Rpc::to(&settings.url, settings.request_timeout)?;
        let attempt = node.attempt("eth_chainId", "which chain it serves");
        let reported: U64 = node.call(&attempt, [(); 0]).await?;
        let reported = reported.to::<u64>();
        if reported != settings.chain_id {
            return Err(SourceError::WrongChain {
                endpoint: node.endpoint().clone(),
                configured: settings.chain_id,
                reported,
            });
        }
        let blocks = Blocks {
            node,
            finality: settings.finality,
        };
        Ok(Self { settings, blocks })
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.settings.chain_id
    }

    /// The node, as it may be shown.
    pub fn endpoint(&self) -> &Endpoint {
        self.blocks.node.endpoint()
    }

    /// How far the chain has come, for health.
    ///
    /// # Errors
    ///
    /// Why the node does not answer.
    pub async fn heads(&self) -> Result<Heads, SourceError> {
        let latest = self.blocks.latest().await?;
        let final_head = self.blocks.final_head().await?.map(|head| head.number);
        Ok(Heads { latest, final_head })
    }

    /// Reads the final blocks after the cursor, or from the sources' first block where there is none; `None` where there
    /// is nothing new.
    ///
    /// The sources share the cursor: those that have been read to different blocks are asked for in separate calls. A source
    /// gives nothing from blocks before its own first one.
    ///
    /// # Errors
    ///
    /// Whatever keeps any block of the batch from being read whole; nothing of the batch counts then, and the same
    /// call may be made again where [`SourceError::is_transient`].
    pub async fn next(
        &self,
        after: Option<&SourceCursor>,
        sources: &[EventSource],
    ) -> Result<Option<ChainBatch>, SourceError> {
        let Some(from_block) = sources.iter().map(EventSource::from_block).min() else {
            return Err(SourceError::NoSources {
                chain_id: self.settings.chain_id,
            });
        };
        let head = self.blocks.final_head().await?;
        if let Some(cursor) = after
            && head.is_none_or(|head| head.number < cursor.number)
        {
            return Err(self.blocks.lagging(head, cursor));
        }
        if let Some((cursor, head)) = after.zip(head)
            && let Err(found) = head.check(cursor.number, cursor.hash)
        {
            self.blocks.check_still_on_chain(cursor).await?;
            return Err(self.blocks.contradiction(cursor.number, found));
        }
        let first = after.map_or(from_block, |cursor| cursor.number.saturating_add(1));
        let Some(head) = head.filter(|head| head.number >= first) else {
            return Ok(None);
        };
        let most = u64::from(self.settings.max_blocks_per_batch.get());
        let last = head.number.min(first.saturating_add(most - 1));

        let parent = self.parent_of(first, after).await?;
        let headers = self.blocks.headers(first..=last).await?;
        if let Some(last) = headers.last() {
            head.check(last.number, last.hash)
                .map_err(|found| self.blocks.contradiction(last.number, found))?;
        }
        self.check_links(parent, after, &headers).await?;
        let logs = self.logs(&headers, sources).await?;
        Ok(self.batch(parent, &headers, logs, sources))
    }

    /// What the first block must link to: the cursor, or the block before the first that is ever read.
    async fn parent_of(
        &self,
        first: u64,
        after: Option<&SourceCursor>,
    ) -> Result<Option<SourceCursor>, SourceError> {
        match (after, first.checked_sub(1)) {
            (Some(cursor), _) => Ok(Some(*cursor)),
            (None, Some(before)) => Ok(Some(self.blocks.header(before).await?.cursor())),
            (None, None) => Ok(None),
        }
    }

    async fn logs(
        &self,
        headers: &[BlockHeader],
        sources: &[EventSource],
    ) -> Result<Vec<Vec<IndexedLog>>, SourceError> {
        let wanted = Wanted::by(sources);
        // Collected first: a stream that holds the closure is not `Send` for every lifetime, as a task must be.
        let reads: Vec<_> = headers
            .iter()
            .map(|header| logs::read(&self.blocks.node, header, &wanted))
            .collect();
        stream::iter(reads)
            .buffered(CONCURRENT_READS)
            .try_collect()
            .await
    }

    async fn check_links(
        &self,
        parent: Option<SourceCursor>,
        after: Option<&SourceCursor>,
        headers: &[BlockHeader],
    ) -> Result<(), SourceError> {
        let mut previous = parent;
        for header in headers {
            if let Some(before) = previous {
                if header.parent_hash != before.hash {
                    if let Some(cursor) = after.filter(|cursor| **cursor == before) {
                        self.blocks.check_still_on_chain(cursor).await?;
                    }
                    let found = Contradiction::BrokenLink {
                        number: header.number,
                        parent: header.parent_hash,
                        previous: before.hash,
                    };
                    return Err(self.blocks.contradiction(header.number, found));
                }
                self.check_time(before.timestamp, header)?;
            }
            previous = Some(header.cursor());
        }
        Ok(())
    }

    fn check_time(&self, parent: Timestamp, header: &BlockHeader) -> Result<(), SourceError> {
        let BlockHeader {
            number, timestamp, ..
        } = *header;
        if timestamp < parent {
            let found = Contradiction::TimeRunsBackwards {
                number,
                timestamp,
                parent,
            };
            return Err(self.blocks.contradiction(number, found));
        }
        if timestamp == parent && self.settings.strictly_rising_timestamps {
            return Err(SourceError::TimestampsNotRising {
                chain_id: self.settings.chain_id,
                number,
                timestamp,
            });
        }
        Ok(())
    }

    fn batch(
        &self,
        parent: Option<SourceCursor>,
        headers: &[BlockHeader],
        logs: Vec<Vec<IndexedLog>>,
        sources: &[EventSource],
    ) -> Option<ChainBatch> {
        let chain_id = self.settings.chain_id;
        let rising = self.settings.strictly_rising_timestamps;
        let mut closed = parent.map(|parent| watermark(parent.timestamp, rising));
        let mut observations = Vec::new();
        for (header, logs) in headers.iter().zip(logs) {
            let open = OpenTime {
                after: closed,
                until: header.timestamp,
            };
            let mut said = BTreeMap::new();
            for (log_index, log) in &logs {
                for source in sources
                    .iter()
                    .filter(|source| source.reads(header.number, log))
                {
                    let seen = observe(source, chain_id, header, open, *log_index, log);
                    observations.extend(once_a_place(seen, &mut said));
                }
            }
            closed = Some(watermark(header.timestamp, rising));
        }
        Some(ChainBatch {
            first_block: headers.first()?.number,
            cursor: headers.last()?.cursor(),
            watermark: closed?,
            observations,
        })
    }
}
