//! Reads final blocks again, through another endpoint, and compares them with what is stored.

use tocsin_domain::observation::{Observation, Provenance};

use super::logs::Task;
use super::node::Node;
use super::nodes::Seen;
use super::{ChainReader, Endpoint};
use crate::SourceError;

/// What came of reading blocks again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recheck {
    /// The endpoint gives the same observations.
    Agrees {
        /// Who was asked.
        endpoint: Endpoint,
    },
    /// It does not.
    Differs {
        /// Who was asked.
        endpoint: Endpoint,
        /// What is stored and is not there.
        gone: Vec<Observation>,
        /// What is there and is not stored.
        unknown: Vec<Observation>,
    },
    /// No other endpoint has these blocks, or can be asked now.
    NobodyElse,
}

impl ChainReader {
    /// Reads the final blocks from `first` to `last` again for the sources at the indices `which`, through an endpoint that is
    /// not among `not_through` (named as coverage names them), and compares them with `stored`: what is stored of these sources
    /// and blocks.
    ///
    /// # Errors
    ///
    /// Whatever keeps the blocks from being read whole.
    pub async fn recheck(
        &self,
        first: u64,
        last: u64,
        which: &[usize],
        not_through: &[String],
        stored: &[Observation],
    ) -> Result<Recheck, SourceError> {
        let seen = self.nodes.poll().await?;
        let others: Vec<&Node> = seen
            .iter()
            .filter(|seen| seen.counts)
            .filter(|seen| seen.head.as_ref().is_some_and(|head| head.number >= last))
            .map(|seen| seen.node)
            .filter(|node| {
                let name = node.endpoint().to_string();
                !not_through.contains(&name)
            })
            .collect();
        let Some(node) = self.nodes.lead(&others) else {
            return Ok(Recheck::NobodyElse);
        };
        let read = self.read_again(node, &seen, first, last, which).await;
        if let Err(error) = &read {
            self.nodes.blame(error);
        }
        Ok(compare(node.endpoint(), stored, read?))
    }

    async fn read_again(
        &self,
        node: &Node,
        seen: &[Seen<'_>],
        first: u64,
        last: u64,
        which: &[usize],
    ) -> Result<Vec<Observation>, SourceError> {
        let (parent, headers) = self.blocks(node, None, first, last).await?;
        self.check_links(node, parent, None, &headers).await?;
        // What it says of blocks that the others do not have says nothing about what was read.
        if let Some(top) = headers.last() {
            self.nodes.agree(node, top, seen).await?;
        }
        let wanted = self.wanted(which);
        let task = Task {
            headers: &headers,
            wanted: &wanted,
            most: usize::MAX,
        };
        let logs = self.logs_of_one(node, task).await?;
        let parent = parent.map(|parent| parent.timestamp);
        self.observations(&[node], &wanted, parent, &headers, logs.found)
            .await
    }
}

fn compare(endpoint: &Endpoint, stored: &[Observation], read: Vec<Observation>) -> Recheck {
    let mut stored: Vec<&Observation> = stored.iter().collect();
    let mut read: Vec<Observation> = read;
    stored.sort_by(|a, b| place(a).cmp(&place(b)));
    read.sort_by(|a, b| place(a).cmp(&place(b)));
    if stored.iter().copied().eq(read.iter()) {
        return Recheck::Agrees {
            endpoint: endpoint.clone(),
        };
    }
    let gone = stored
        .iter()
        .filter(|seen| !read.contains(seen))
        .map(|seen| (*seen).clone())
        .collect();
    read.retain(|seen| !stored.contains(&seen));
    Recheck::Differs {
        endpoint: endpoint.clone(),
        gone,
        unknown: read,
    }
}

/// The order of a chain, and then of the sources.
fn place(seen: &Observation) -> (u64, u64, &str) {
    let source = seen.source.as_str();
    match &seen.provenance {
        Provenance::Chain(at) => (at.block, at.log_index.unwrap_or(u64::MAX), source),
        Provenance::Raw { .. } => (0, 0, source),
    }
}
