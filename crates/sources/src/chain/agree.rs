//! Whether enough endpoints say the same of a block, and what follows for those that do not.
//!
//! Promises: a block counts as agreed only where as many counting endpoints as configured gave its hash; where one gave another
//! hash, only where most of those that were asked are for it. Who is outvoted is benched.

use alloy::primitives::B256;
use futures_util::future::join_all;
use tocsin_domain::cursor::SourceCursor;
use tokio::time::timeout;

use super::header::BlockHeader;
use super::node::Node;
use super::node::health::Offence;
use super::nodes::{Nodes, Seen};
use crate::SourceError;
use crate::error::Contradiction;

/// Endpoints on probation are not waited for longer.
const PROBATION_PATIENCE: core::time::Duration = core::time::Duration::from_millis(500);

struct Vote<'a> {
    node: &'a Node,
    hash: B256,
}

impl Nodes {
    /// The endpoints that have this block, which `lead` has read, `lead` first; as many as must agree, or more.
    pub(crate) async fn agree<'a>(
        &self,
        lead: &'a Node,
        block: &BlockHeader,
        seen: &[Seen<'a>],
    ) -> Result<Vec<&'a Node>, SourceError> {
        let mut votes = vec![Vote {
            node: lead,
            hash: block.hash,
        }];
        let mut unasked = Vec::new();
        let mut doubtful = Vec::new();
        for Seen { node, counts, head } in seen {
            let Some(head) = head.as_ref().filter(|head| head.number >= block.number) else {
                continue;
            };
            if node.index == lead.index {
                continue;
            }
            match (head.hash_at(block.number), counts) {
                (Some(hash), true) => votes.push(Vote { node, hash }),
                (None, true) => unasked.push(*node),
                (hash, false) => doubtful.push((*node, hash)),
            }
        }
        unasked.sort_by_key(|node| (node.health().is_shaky(), core::cmp::Reverse(node.weight)));
        loop {
            let support = votes.iter().filter(|vote| vote.hash == block.hash).count();
            let missing = if support < votes.len() {
                unasked.len()
            } else {
                self.needed.saturating_sub(support).min(unasked.len())
            };
            if missing == 0 {
                break;
            }
            let asked: Vec<&Node> = unasked.drain(..missing).collect();
            votes.extend(self.ask(&asked, block.number).await);
        }
        let agreed = self.count(block, votes)?;
        self.compare(block, doubtful).await;
        Ok(agreed)
    }

    async fn ask<'a>(&self, nodes: &[&'a Node], number: u64) -> Vec<Vote<'a>> {
        let asked: Vec<_> = nodes.iter().map(|node| node.header(number)).collect();
        let answers = join_all(asked).await;
        let mut votes = Vec::new();
        for (node, answer) in nodes.iter().zip(answers) {
            match answer {
                Ok(header) => votes.push(Vote {
                    node,
                    hash: header.hash,
                }),
                // No answer is no vote; the count says whether the others suffice.
                Err(error) => self.blame(&error),
            }
        }
        votes
    }

    fn count<'a>(
        &self,
        block: &BlockHeader,
        votes: Vec<Vote<'a>>,
    ) -> Result<Vec<&'a Node>, SourceError> {
        let number = block.number;
        let all = votes.len();
        let (majority, count) = most(votes.iter().map(|vote| vote.hash)).unwrap_or((block.hash, 0));
        if count < all && count * 2 <= all {
            return Err(self.disagreement(format!("block {number}"), &votes));
        }
        if count < self.needed {
            return Err(self.too_few(count));
        }
        let mut outvoted = None;
        let mut agreed = Vec::new();
        for Vote { node, hash } in votes {
            if hash == majority {
                self.praise(node);
                agreed.push(node);
                continue;
            }
            let found = Contradiction::Outvoted {
                number,
                theirs: hash,
                majority,
                by: count,
            };
            if majority == block.hash {
                self.punish(node, Offence::Forked, &found.to_string());
            } else if hash == block.hash {
                // Whoever is outvoted together with the reader answers for itself the next time.
                outvoted = outvoted.or(Some(node.contradiction(number, found)));
            }
        }
        outvoted.map_or(Ok(agreed), Err)
    }

    /// Those on probation say what they have there; nothing depends on it but their own standing.
    async fn compare(&self, block: &BlockHeader, doubtful: Vec<(&Node, Option<B256>)>) {
        let asked: Vec<_> = doubtful
            .into_iter()
            .map(|(node, hash)| hash_at(node, hash, block.number))
            .collect();
        let answers = join_all(asked).await;
        for (node, answer) in answers.into_iter().flatten() {
            match answer {
                Ok(hash) if hash == block.hash => self.praise(node),
                Ok(hash) => {
                    let found = Contradiction::Outvoted {
                        number: block.number,
                        theirs: hash,
                        majority: block.hash,
                        by: self.needed,
                    };
                    self.punish(node, Offence::Forked, &found.to_string());
                }
                Err(error) => self.blame(&error),
            }
        }
    }

    /// Tells a reorganisation below finality from answers of nodes that are behind or confused: it is one only if as many nodes
    /// as must agree say, each in a single answer, that the cursor's block is final and is the same other one, and fewer
    /// say that it is ours.
    pub(crate) async fn check_still_on_chain(
        &self,
        cursor: &SourceCursor,
    ) -> Result<(), SourceError> {
        let counting = self.counting()?;
        let asked = counting
            .iter()
            .map(|node| node.final_hash_at(self.finality, cursor))
            .collect::<Vec<_>>();
        let answers = join_all(asked).await;
        let mut votes = Vec::new();
        let mut trouble = None;
        for (node, answer) in counting.iter().zip(answers) {
            match answer {
                Ok(hash) => votes.push(Vote { node, hash }),
                Err(error) => {
                    self.blame(&error);
                    trouble = trouble.or(Some(error));
                }
            }
        }
        let ours = votes.iter().filter(|vote| vote.hash == cursor.hash).count();
        let others = votes.iter().filter(|vote| vote.hash != cursor.hash);
        let (theirs, count) = most(others.map(|vote| vote.hash)).unwrap_or((cursor.hash, 0));
        if count >= self.needed && count > ours {
            let endpoint = votes
                .iter()
                .find(|vote| vote.hash == theirs)
                .map_or_else(|| counting.first(), |vote| Some(&vote.node));
            if let Some(node) = endpoint {
                return Err(SourceError::ForkBelowFinality {
                    endpoint: node.endpoint().clone(),
                    number: cursor.number,
                    ours: cursor.hash,
                    theirs,
                });
            }
        }
        if ours * 2 <= votes.len() {
            return Err(match trouble {
                Some(error) if votes.is_empty() => error,
                _ => self.disagreement(format!("final block {}", cursor.number), &votes),
            });
        }
        for vote in votes.iter().filter(|vote| vote.hash != cursor.hash) {
            let found = Contradiction::Outvoted {
                number: cursor.number,
                theirs: vote.hash,
                majority: cursor.hash,
                by: ours,
            };
            self.punish(vote.node, Offence::Forked, &found.to_string());
        }
        Ok(())
    }

    fn disagreement(&self, about: String, votes: &[Vote<'_>]) -> SourceError {
        let votes: Vec<String> = votes
            .iter()
            .map(|vote| format!("{} says {}", vote.node.endpoint(), vote.hash))
            .collect();
        SourceError::Disagreement {
            chain_id: self.chain_id,
            about,
            votes: votes.join(", "),
        }
    }
}

/// The hash of a block at a node on probation, unless it takes too long: then it is asked again with the next block.
async fn hash_at(
    node: &Node,
    known: Option<B256>,
    number: u64,
) -> Option<(&Node, Result<B256, SourceError>)> {
    if let Some(hash) = known {
        return Some((node, Ok(hash)));
    }
    match timeout(PROBATION_PATIENCE, node.header(number)).await {
        Ok(answer) => Some((node, answer.map(|header| header.hash))),
        Err(_late) => None,
    }
}

/// The most frequent hash, and how often it was given.
fn most(hashes: impl Iterator<Item = B256>) -> Option<(B256, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for hash in hashes {
        *counts.entry(hash).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count)
}
