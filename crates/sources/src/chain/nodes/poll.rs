//! The final heads of all endpoints, asked for at once.

use core::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::Nodes;
use crate::SourceError;
use crate::chain::blocks::FinalHead;
use crate::chain::node::Node;
use crate::chain::node::health::Offence;

/// Endpoints that are not needed for an agreement are waited for this long, and this much longer than the needed ones took.
const GRACE: Duration = Duration::from_millis(500);
const GRACE_FACTOR: u32 = 4;
const GRACE_MAX: Duration = Duration::from_secs(2);

/// An endpoint that answered, and its final head.
#[derive(Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) node: &'a Node,
    /// Whether its word counts; otherwise it is on probation.
    pub(crate) counts: bool,
    /// `None` where no block is final.
    pub(crate) head: Option<FinalHead>,
}

impl Nodes {
    /// Asks all that are not left alone for their final head. Returns when as many as must agree have answered, and the others
    /// have had their time.
    pub(crate) async fn poll(&self) -> Result<Vec<Seen<'_>>, SourceError> {
        let counting = self.counting()?;
        let counts = |node: &Node| counting.iter().any(|other| other.index == node.index);
        let mut waiting: Vec<&Node> = self
            .nodes
            .iter()
            .filter(|node| counts(node) || node.health().probation().is_some())
            .collect();
        let mut asked: FuturesUnordered<_> =
            waiting.iter().map(|node| self.head_of(node)).collect();
        let begun = Instant::now();
        let mut end = None;
        let mut seen = Vec::new();
        let mut trouble = None;
        loop {
            let answer = match end {
                None => asked.next().await,
                Some(end) => match timeout_at(end, asked.next()).await {
                    Ok(answer) => answer,
                    Err(_late) => break,
                },
            };
            let Some((node, answer)) = answer else { break };
            waiting.retain(|other| other.index != node.index);
            match answer {
                Ok(head) => {
                    let number = head.as_ref().map(|head: &FinalHead| head.number);
                    node.health().answered(number);
                    seen.push(Seen {
                        node,
                        counts: counts(node),
                        head,
                    });
                }
                Err(error) => {
                    self.blame(&error);
                    trouble = trouble.or(Some(error));
                }
            }
            if seen.iter().filter(|seen| seen.counts).count() >= self.needed {
                // Who was late the last time is not waited for again.
                if waiting.iter().all(|node| node.health().is_silent()) {
                    break;
                }
                end.get_or_insert_with(|| {
                    let longer = begun.elapsed() * GRACE_FACTOR;
                    Instant::now() + longer.clamp(GRACE, GRACE_MAX)
                });
            }
        }
        drop(asked);
        for node in waiting {
            let late = node.health().is_late();
            if late > self.patience {
                let reason = format!("no answer for {} s, while others answer", late.as_secs());
                self.punish(node, Offence::Unreachable, &reason);
            }
        }
        let answered = seen.iter().filter(|seen| seen.counts).count();
        if answered >= self.needed {
            return Ok(seen);
        }
        match trouble {
            Some(error) if self.nodes.len() == 1 => Err(error),
            _ => Err(self.too_few(answered)),
        }
    }

    async fn head_of<'a>(
        &self,
        node: &'a Node,
    ) -> (&'a Node, Result<Option<FinalHead>, SourceError>) {
        let answer = async {
            let due = node.health().is_due();
            if due {
                node.greet(self.chain_id).await?;
                node.health().greeted();
            }
            node.final_head(self.finality).await
        };
        (node, answer.await)
    }
}
