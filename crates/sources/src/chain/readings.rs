//! The state that is due after each of some blocks, as every endpoint that agrees on the blocks has it.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tocsin_domain::observation::Observation;
use tocsin_domain::time::Timestamp;

use super::assemble::Readings;
use super::header::BlockHeader;
use super::logs::Found;
use super::node::Node;
use super::node::health::Offence;
use super::observe::OpenTime;
use super::state::{StateAt, StateSource, read};
use super::wanted::Wanted;
use super::{ChainReader, ChainSource};
use crate::SourceError;

/// Blocks whose state is asked for at once.
const CONCURRENT_BLOCKS: usize = 8;

/// A block at which state is due.
struct Due<'a> {
    /// Its position among the blocks.
    block: usize,
    open: OpenTime,
    sources: Vec<&'a StateSource>,
}

impl ChainReader {
    /// Everything that these blocks say, which follow one of time `parent`, or none. `nodes` have the same blocks. Where they
    /// do not say the same about the state, all are asked, and it is an error unless most say one thing: nothing but their
    /// word shows it.
    pub(super) async fn observations(
        &self,
        nodes: &[&Node],
        wanted: &Wanted<'_>,
        parent: Option<Timestamp>,
        headers: &[BlockHeader],
        found: Vec<Found>,
    ) -> Result<Vec<Observation>, SourceError> {
        let assembly = self.assembly(wanted);
        let due = due(
            wanted,
            &assembly.open_times(parent, headers),
            headers,
            &found,
        );
        let readings = self.readings(nodes, headers, due).await?;
        Ok(assembly.observations(parent, headers, found, readings))
    }

    /// What every state source says as of the block with this number, as one endpoint has it: for trying out settings before
    /// money depends on them. A feed that says the same as at the block before has no observation.
    ///
    /// # Errors
    ///
    /// Why the endpoint does not answer, or what is wrong with its answer.
    pub async fn probe(&self, number: u64) -> Result<Vec<Observation>, SourceError> {
        let counting = self.nodes.counting()?;
        let Some(node) = self.nodes.lead(&counting) else {
            return Err(self.nodes.too_few(0));
        };
        let (parent, headers) = self.blocks(node, None, number, number).await?;
        let wanted = self.all_wanted();
        let parent = parent.map(|parent| parent.timestamp);
        let open = self.assembly(&wanted).open_times(parent, &headers);
        let mut said = Vec::new();
        for (block, (header, open)) in headers.iter().zip(open).enumerate() {
            let sources = states(&wanted);
            let due = Due {
                block,
                open,
                sources,
            };
            said.extend(self.reading(&[node], header, due).await?);
        }
        Ok(said)
    }

    async fn readings(
        &self,
        nodes: &[&Node],
        headers: &[BlockHeader],
        due: Vec<Due<'_>>,
    ) -> Result<Readings, SourceError> {
        // Collected first: a stream that holds the closure is not `Send` for every lifetime, as a task must be.
        let reads: Vec<_> = due
            .into_iter()
            .filter_map(|due| Some((due.block, self.reading(nodes, headers.get(due.block)?, due))))
            .map(|(block, reading)| async move { Ok((block, reading.await?)) })
            .collect();
        stream::iter(reads)
            .buffered(CONCURRENT_BLOCKS)
            .try_collect()
            .await
    }

    async fn reading(
        &self,
        nodes: &[&Node],
        header: &BlockHeader,
        due: Due<'_>,
    ) -> Result<Vec<Observation>, SourceError> {
        let at = StateAt {
            chain_id: self.settings.chain_id,
            header,
            open: due.open,
            multicall: self.settings.multicall,
        };
        let mut votes = Vec::with_capacity(nodes.len());
        for node in nodes {
            let said = read(&node.rpc, at, &due.sources).await?;
            votes.push(Vote { node, said });
        }
        // Nobody asked is not nothing said.
        let Some(first) = votes.first() else {
            return Err(self.nodes.too_few(0));
        };
        if votes.iter().any(|vote| vote.said != first.said) {
            for node in self.nodes.counting()? {
                if nodes.iter().any(|asked| asked.index == node.index) {
                    continue;
                }
                match read(&node.rpc, at, &due.sources).await {
                    Ok(said) => votes.push(Vote { node, said }),
                    // No answer is no vote.
                    Err(error) => self.nodes.blame(&error),
                }
            }
        }
        self.count(header, votes)
    }

    /// What most of them say, if so many do as must agree; the others answer for it.
    fn count(
        &self,
        header: &BlockHeader,
        votes: Vec<Vote<'_>>,
    ) -> Result<Vec<Observation>, SourceError> {
        let all = votes.len();
        let support = |said: &[Observation]| votes.iter().filter(|vote| vote.said == said).count();
        let majority = votes
            .iter()
            .map(|vote| (&vote.said, support(&vote.said)))
            .find(|(_, count)| *count == all || (*count * 2 > all && *count >= self.nodes.needed));
        let Some((majority, by)) = majority else {
            let votes: Vec<String> = votes
                .iter()
                .map(|vote| vote.node.endpoint().to_string())
                .collect();
            return Err(SourceError::Disagreement {
                chain_id: self.settings.chain_id,
                about: format!("the state after block {} {}", header.number, header.hash),
                votes: votes.join(", "),
            });
        };
        for Vote { node, said } in &votes {
            if said != majority {
                let reason = format!(
                    "its state after block {} is not what {by} others have",
                    header.number
                );
                self.nodes.punish(node, Offence::Lied, &reason);
            }
        }
        Ok(majority.clone())
    }
}

/// What an endpoint says of the state after a block.
struct Vote<'a> {
    node: &'a Node,
    said: Vec<Observation>,
}

fn states<'a>(wanted: &Wanted<'a>) -> Vec<&'a StateSource> {
    let sources = wanted.sources();
    sources
        .filter_map(|source| match source {
            ChainSource::State(source) => Some(source),
            ChainSource::Event(_) | ChainSource::Rounds(_) => None,
        })
        .collect()
}

fn due<'a>(
    wanted: &Wanted<'a>,
    open: &[OpenTime],
    headers: &[BlockHeader],
    found: &[Found],
) -> Vec<Due<'a>> {
    let states = states(wanted);
    if states.is_empty() {
        return Vec::new();
    }
    let mut logs: BTreeMap<usize, Vec<&Found>> = BTreeMap::new();
    for log in found {
        logs.entry(log.block).or_default().push(log);
    }
    let mut due = Vec::new();
    for (block, (header, open)) in headers.iter().zip(open).enumerate() {
        let here = || {
            logs.get(&block)
                .into_iter()
                .flatten()
                .map(|found| &found.log)
        };
        let sources: Vec<&StateSource> = states
            .iter()
            .copied()
            .filter(|source| source.is_due(header.number, here()))
            .collect();
        if !sources.is_empty() {
            due.push(Due {
                block,
                open: *open,
                sources,
            });
        }
    }
    due
}
