//! Reads what is final after a cursor, one batch at a time.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::time::{Seconds, Timestamp};

use super::blocks::Block;
use super::node::{Accounts, Node};
use super::source::Kind;
use super::{Pubkey, SolanaSettings, SolanaSource, account, event};
use crate::chain::Endpoint;
use crate::chain::{EndpointReport, Standing, Troubles};
use crate::error::Contradiction;
use crate::{BlockBatch, BlockSource, Heads, SourceError, Watched};

/// Requests under way at once: a block is large, and providers count.
const CONCURRENT_READS: usize = 4;

/// What one `getMultipleAccounts` may ask for.
const ACCOUNTS_MAX: usize = 100;

/// Reads one cluster.
pub struct SolanaReader {
    settings: SolanaSettings,
    sources: Vec<SolanaSource>,
    watched: Vec<Watched>,
    node: Node,
}

/// The accounts that were looked at.
struct Looked {
    asked: Vec<Pubkey>,
    read: Accounts,
}

impl SolanaReader {
    /// Connects to the node, which must serve the configured cluster.
    ///
    /// # Errors
    ///
    /// [`SourceError::WrongGenesis`], sources that cannot be read together, or why the node does not answer.
    pub async fn connect(
        settings: SolanaSettings,
        sources: Vec<SolanaSource>,
    ) -> Result<Self, SourceError> {
        let watched = watched(&settings, &sources)?;
        let node = Node::new(&settings)?;
        let reported = node.genesis_hash().await?;
        if !settings.chain.begins_with(&reported) {
            return Err(SourceError::WrongGenesis {
                endpoint: node.endpoint().clone(),
                configured: settings.chain.to_string(),
                reported: reported.chars().take(64).collect(),
            });
        }
        Ok(Self {
            settings,
            sources,
            watched,
            node,
        })
    }

    /// The node, as it may be shown.
    pub fn endpoint(&self) -> &Endpoint {
        self.node.endpoint()
    }

    /// Reads the blocks after the cursor, and the accounts with the last of them if they are due.
    async fn next_blocks(
        &self,
        after: Option<&SourceCursor>,
        head: u64,
        sources: &[&SolanaSource],
    ) -> Result<Option<BlockBatch>, SourceError> {
        let begin = sources.iter().filter(|source| reads_blocks(source));
        let first = match after {
            Some(cursor) => cursor.number.saturating_add(1),
            None => begin.map(|source| source.from_slot()).min().unwrap_or(0),
        };
        if head < first {
            return Ok(None);
        }
        let limit = self.settings.max_blocks_per_batch.get();
        let within_reach = head - first < u64::from(limit);
        let looked = if within_reach && self.due(after, head) {
            self.look(after, sources).await?
        } else {
            None
        };
        let target = looked.as_ref().map_or(head, |looked| looked.read.slot);
        let mut slots = self.node.slots(first, limit, target).await?;
        slots.retain(|slot| *slot <= target);
        let blocks = self.blocks(&slots).await?;
        self.check_links(after, first, &blocks).await?;

        let mut observations = Vec::new();
        for block in &blocks {
            let seen = event::observe(sources, block)
                .map_err(|found| self.node.contradiction(block.slot, found))?;
            observations.extend(seen);
        }
        let Some(last) = blocks.last() else {
            return Ok(None);
        };
        if let Some(looked) = looked.filter(|looked| looked.read.slot == last.slot) {
            observations.extend(looked.observations(sources, last.time));
        }
        Ok(Some(self.batch(first, last, observations)))
    }

    /// Reads the accounts as of now, and no block but the one of that slot.
    async fn next_look(
        &self,
        after: Option<&SourceCursor>,
        head: u64,
        sources: &[&SolanaSource],
    ) -> Result<Option<BlockBatch>, SourceError> {
        let begun = sources.iter().any(|source| source.from_slot() <= head);
        if !begun || !self.due(after, head) {
            return Ok(None);
        }
        let Some(looked) = self.look(after, sources).await? else {
            return Ok(None);
        };
        let block = self.node.header(looked.read.slot).await?;
        if let Some(cursor) = after {
            self.check_time(cursor.timestamp, &block)?;
            if block.parent_hash != cursor.hash {
                self.check_still_on_chain(cursor).await?;
            }
        }
        let observations = looked.observations(sources, block.time);
        Ok(Some(self.batch(block.slot, &block, observations)))
    }

    /// Whether a multiple of the distance between looks lies after the cursor and not after `head`.
    fn due(&self, after: Option<&SourceCursor>, head: u64) -> bool {
        let every = self.settings.account_every_slots.get();
        after.is_none_or(|cursor| head / every > cursor.number / every)
    }

    /// The accounts of these sources; `None` where there are none, or nothing is new.
    async fn look(
        &self,
        after: Option<&SourceCursor>,
        sources: &[&SolanaSource],
    ) -> Result<Option<Looked>, SourceError> {
        let asked = account::wanted(sources);
        if asked.is_empty() {
            return Ok(None);
        }
        let read = self.node.accounts(&asked).await?;
        match after {
            Some(cursor) if read.slot < cursor.number => Err(self.lagging(read.slot, cursor)),
            Some(cursor) if read.slot == cursor.number => Ok(None),
            _ => Ok(Some(Looked { asked, read })),
        }
    }

    async fn blocks(&self, slots: &[u64]) -> Result<Vec<Block>, SourceError> {
        // Collected first: a stream that holds the closure is not `Send` for every lifetime, as a task must be.
        let reads: Vec<_> = slots.iter().map(|slot| self.node.block(*slot)).collect();
        stream::iter(reads)
            .buffered(CONCURRENT_READS)
            .try_collect()
            .await
    }

    /// Every block must follow on the one before it, so that a slot between them is one without a block.
    async fn check_links(
        &self,
        after: Option<&SourceCursor>,
        first: u64,
        blocks: &[Block],
    ) -> Result<(), SourceError> {
        let mut previous = after.copied();
        for block in blocks {
            match previous {
                Some(before) => {
                    let linked = (block.parent_slot, block.parent_hash);
                    if linked != (before.number, before.hash) {
                        if let Some(cursor) = after.filter(|cursor| **cursor == before) {
                            self.check_still_on_chain(cursor).await?;
                        }
                        let found = broken(block, &before);
                        return Err(self.node.contradiction(block.slot, found));
                    }
                    self.check_time(before.timestamp, block)?;
                }
                // Slot 0 is its own parent.
                None if block.slot > 0 && block.parent_slot >= first => {
                    let found = Contradiction::MissingLink {
                        slot: block.slot,
                        parent: block.parent_slot,
                        previous: first.saturating_sub(1),
                    };
                    return Err(self.node.contradiction(block.slot, found));
                }
                None => {}
            }
            previous = Some(block.cursor());
        }
        Ok(())
    }

    fn check_time(&self, parent: Timestamp, block: &Block) -> Result<(), SourceError> {
        if block.time >= parent {
            return Ok(());
        }
        let found = Contradiction::TimeRunsBackwards {
            number: block.slot,
            timestamp: block.time,
            parent,
        };
        Err(self.node.contradiction(block.slot, found))
    }

    /// Tells a chain that changed below finality from an answer that does not fit: it is one only if the node says that the
    /// final block of the cursor's slot is another.
    async fn check_still_on_chain(&self, cursor: &SourceCursor) -> Result<(), SourceError> {
        let theirs = self.node.header(cursor.number).await?.hash;
        if theirs == cursor.hash {
            return Ok(());
        }
        Err(SourceError::ForkBelowFinality {
            endpoint: self.node.endpoint().clone(),
            number: cursor.number,
            ours: cursor.hash,
            theirs,
        })
    }

    fn lagging(&self, final_head: u64, cursor: &SourceCursor) -> SourceError {
        SourceError::Lagging {
            endpoint: self.node.endpoint().clone(),
            final_head: Some(final_head),
            cursor: cursor.number,
        }
    }

    fn batch(&self, first: u64, last: &Block, observations: Vec<Observation>) -> BlockBatch {
        BlockBatch {
            cursor: last.cursor(),
            // The next block may have the same time.
            watermark: last.time - Seconds(1),
            observations,
            coverage: Coverage {
                first,
                last: last.slot,
                proof: Proof::Word,
                agreed: 1,
                endpoints: vec![self.node.endpoint().to_string()],
            },
        }
    }
}

impl Looked {
    fn observations(&self, sources: &[&SolanaSource], time: Timestamp) -> Vec<Observation> {
        account::observe(sources, &self.asked, &self.read, time)
    }
}

#[async_trait]
impl BlockSource for SolanaReader {
    fn chain(&self) -> &str {
        self.settings.chain.as_str()
    }

    fn watched(&self) -> &[Watched] {
        &self.watched
    }

    async fn next(
        &self,
        after: Option<&SourceCursor>,
        which: &[usize],
    ) -> Result<Option<BlockBatch>, SourceError> {
        let sources: Vec<&SolanaSource> = which
            .iter()
            .filter_map(|index| self.sources.get(*index))
            .collect();
        if sources.is_empty() || sources.len() != which.len() {
            let chain = self.settings.chain.to_string();
            return Err(SourceError::NothingWatched { chain });
        }
        let head = self.node.slot("finalized").await?;
        match after {
            Some(cursor) if head < cursor.number => return Err(self.lagging(head, cursor)),
            Some(cursor) if head == cursor.number => return Ok(None),
            _ => {}
        }
        if sources.iter().any(|source| reads_blocks(source)) {
            self.next_blocks(after, head, &sources).await
        } else {
            self.next_look(after, head, &sources).await
        }
    }

    async fn heads(&self) -> Result<Heads, SourceError> {
        let latest = self.node.slot("processed").await?;
        let final_head = Some(self.node.slot("finalized").await?);
        Ok(Heads { latest, final_head })
    }

    fn endpoints(&self) -> Vec<EndpointReport> {
        // There is one, and nobody to compare it with.
        vec![EndpointReport {
            endpoint: self.node.endpoint().clone(),
            weight: 1,
            standing: Standing::Trusted,
            resting: self.node.is_resting(),
            final_head: None,
            behind: 0,
            last_trouble: None,
            troubles: Troubles::default(),
        }]
    }

    async fn stirred(&self) {
        tokio::time::sleep(self.settings.poll_interval).await;
    }
}

/// Whether every block must be read for it.
fn reads_blocks(source: &SolanaSource) -> bool {
    matches!(source.kind, Kind::Event(_))
}

/// How a block does not follow on the one before it.
fn broken(block: &Block, before: &SourceCursor) -> Contradiction {
    if block.parent_slot == before.number {
        Contradiction::BrokenLink {
            number: block.slot,
            parent: block.parent_hash,
            previous: before.hash,
        }
    } else {
        Contradiction::MissingLink {
            slot: block.slot,
            parent: block.parent_slot,
            previous: before.number,
        }
    }
}

/// The sources as the pipeline knows them.
fn watched(
    settings: &SolanaSettings,
    sources: &[SolanaSource],
) -> Result<Vec<Watched>, SourceError> {
    if sources.is_empty() {
        let chain = settings.chain.to_string();
        return Err(SourceError::NothingWatched { chain });
    }
    let mut ids: Vec<&SourceId> = Vec::new();
    for source in sources {
        if ids.contains(&source.id()) {
            return Err(
                source.refused("is configured twice: give each field its own name".to_owned())
            );
        }
        ids.push(source.id());
    }
    let all: Vec<&SolanaSource> = sources.iter().collect();
    let accounts = account::wanted(&all).len();
    if let Some(source) = sources.first().filter(|_| accounts > ACCOUNTS_MAX) {
        return Err(source.refused(format!(
            "is one of sources on {accounts} accounts; a node answers for {ACCOUNTS_MAX} at once"
        )));
    }
    Ok(sources
        .iter()
        .map(|source| Watched {
            id: source.id().clone(),
            // The distance between looks is left out: another selection of slots has no other meaning.
            reading: source.fingerprint(),
            from_block: source.from_slot(),
            proof: Proof::Word,
        })
        .collect())
}
