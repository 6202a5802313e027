//! Follows the newest blocks of a chain, which may go again.

use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::{Observation, Provenance};

use super::ChainReader;
use super::header::BlockHeader;
use super::logs::Task;
use super::node::Node;
use super::reader::check_time;
use super::tip::{Meeting, ProvisionalBlock, Tip, TipChange};
use crate::SourceError;
use crate::error::Contradiction;

/// A tip holds no more blocks than this; further ones wait until some are final.
const BLOCKS_MAX: u64 = 4_096;

impl ChainReader {
    /// Brings the tip up to the newest block, as one endpoint has it: for warnings, which need no agreement and no finality.
    /// Every source is read, from its first block on. An endpoint that is behind changes nothing.
    ///
    /// # Errors
    ///
    /// Whatever keeps a new block from being read whole, or [`SourceError::ForkBelowFinality`]; the tip is as it was then.
    pub async fn follow(&self, tip: &mut Tip) -> Result<TipChange, SourceError> {
        let followed = self.follow_once(tip).await;
        if let Err(error) = &followed {
            self.nodes.blame(error);
        }
        followed
    }

    async fn follow_once(&self, tip: &mut Tip) -> Result<TipChange, SourceError> {
        let counting = self.nodes.counting()?;
        let Some(node) = self.nodes.lead(&counting) else {
            return Err(self.nodes.too_few(0));
        };
        let newest = node.latest().await?;
        let known = tip
            .at(newest.number)
            .is_some_and(|at| at.hash == newest.hash);
        if known || newest.number <= tip.anchor().number {
            return Ok(TipChange::default());
        }
        let (after, headers) = self.new_blocks(node, tip, newest).await?;
        if headers.is_empty() {
            return Ok(TipChange::default());
        }
        let parent = match after {
            0 => *tip.anchor(),
            _ => tip
                .blocks()
                .nth(after - 1)
                .map_or(*tip.anchor(), |block| block.cursor),
        };
        self.check_provisional(node, parent, &headers)?;
        let blocks = self.provisional(node, parent, &headers).await?;
        node.health().succeeded();
        Ok(tip.replace(after, blocks))
    }

    /// The blocks up to the newest that are not in the tip, and how many of the tip's remain before them.
    async fn new_blocks(
        &self,
        node: &Node,
        tip: &Tip,
        newest: BlockHeader,
    ) -> Result<(usize, Vec<BlockHeader>), SourceError> {
        let last = newest
            .number
            .min(tip.anchor().number.saturating_add(BLOCKS_MAX));
        let first = tip.head().number.saturating_add(1).min(last);
        let mut headers = if first == newest.number {
            vec![newest]
        } else {
            node.headers(first..=last).await?
        };
        loop {
            let Some(lowest) = headers.first() else {
                return Err(self.nodes.too_few(0));
            };
            match tip.meet(lowest.number, lowest.parent_hash, headers.len()) {
                Meeting::After(after) => {
                    // The search went down in strides, perhaps further than the change did.
                    let same = tip.known(headers.iter().map(BlockHeader::cursor));
                    headers.drain(..same);
                    return Ok((after + same, headers));
                }
                Meeting::Below(numbers) => {
                    let mut lower = node.headers(numbers).await?;
                    lower.append(&mut headers);
                    headers = lower;
                }
                Meeting::Nowhere => {
                    self.nodes.check_still_on_chain(tip.anchor()).await?;
                    let found = Contradiction::BrokenLink {
                        number: lowest.number,
                        parent: lowest.parent_hash,
                        previous: tip.anchor().hash,
                    };
                    return Err(node.contradiction(lowest.number, found));
                }
            }
        }
    }

    /// The chain may have changed between two answers.
    fn check_provisional(
        &self,
        node: &Node,
        parent: SourceCursor,
        headers: &[BlockHeader],
    ) -> Result<(), SourceError> {
        let rising = self.settings.strictly_rising_timestamps;
        let mut before = parent;
        for header in headers {
            if header.parent_hash != before.hash {
                let found = Contradiction::BrokenLink {
                    number: header.number,
                    parent: header.parent_hash,
                    previous: before.hash,
                };
                return Err(node.contradiction(header.number, found));
            }
            check_time(self.settings.chain_id, node, before, header, rising)?;
            before = header.cursor();
        }
        Ok(())
    }

    async fn provisional(
        &self,
        node: &Node,
        parent: SourceCursor,
        headers: &[BlockHeader],
    ) -> Result<Vec<ProvisionalBlock>, SourceError> {
        let wanted = self.all_wanted();
        let task = Task {
            headers,
            wanted: &wanted,
            most: usize::MAX,
        };
        let logs = self.logs_of_one(node, task).await?;
        let said = self
            .assembly(&wanted)
            .observations(Some(parent.timestamp), headers, logs.found);
        let mut said = said.into_iter().peekable();
        let of = |number| move |seen: &Observation| matches!(&seen.provenance, Provenance::Chain(at) if at.block == number);
        let blocks = headers.iter().map(|header| {
            let mut observations = Vec::new();
            while let Some(seen) = said.next_if(of(header.number)) {
                observations.push(seen);
            }
            ProvisionalBlock {
                cursor: header.cursor(),
                observations,
            }
        });
        Ok(blocks.collect())
    }
}
