//! Who is to blame for what, and what follows.

use super::Nodes;
use crate::SourceError;
use crate::chain::Endpoint;
use crate::chain::node::Node;
use crate::chain::node::health::Offence;
use crate::error::{Contradiction, whole};

impl Nodes {
    /// Notes who is to blame for an error, and benches who has to be.
    pub(crate) fn blame(&self, error: &SourceError) {
        let (endpoint, offence) = match error {
            SourceError::Request { attempt, .. } | SourceError::MissingBlock { attempt } => {
                (&attempt.endpoint, None)
            }
            SourceError::Contradiction {
                attempt,
                contradiction,
            } => (&attempt.endpoint, offence_of(contradiction)),
            SourceError::Lagging { endpoint, .. } => (endpoint, None),
            SourceError::WrongChain { endpoint, .. } => {
                if let Some(node) = self.named(endpoint) {
                    node.health().refuse(whole(error), endpoint);
                }
                return;
            }
            _ => return,
        };
        let Some(node) = self.named(endpoint) else {
            return;
        };
        let reason = whole(error);
        match (offence, error) {
            (Some(offence), _) => self.punish(node, offence, &reason),
            // To be behind, or to be short of a block, is no failure.
            (None, SourceError::Lagging { .. }) => node.health().note(&reason),
            // The last one that can be asked is asked on, at the pace that its failures leave it.
            (None, _) if self.is_last(node) => node.health().note(&reason),
            (None, _) => node.health().failed(&reason, self.rules, endpoint),
        }
    }

    /// Benches an endpoint, unless there is no other to go on with: then its errors speak for themselves.
    pub(crate) fn punish(&self, node: &Node, offence: Offence, reason: &str) {
        if self.is_alone(node) {
            node.health().note(reason);
        } else {
            node.health()
                .bench(offence, reason, self.rules, node.endpoint());
        }
    }

    /// This endpoint said the same as the others.
    pub(crate) fn praise(&self, node: &Node) {
        let mut health = node.health();
        health.succeeded();
        health.agreed(self.rules, node.endpoint());
    }

    fn named(&self, endpoint: &Endpoint) -> Option<&Node> {
        self.nodes.iter().find(|node| node.endpoint() == endpoint)
    }

    /// Whether no other endpoint is trusted.
    fn is_last(&self, node: &Node) -> bool {
        self.nodes
            .iter()
            .all(|other| other.index == node.index || !other.health().is_trusted())
    }

    fn is_alone(&self, node: &Node) -> bool {
        self.nodes
            .iter()
            .all(|other| other.index == node.index || other.health().is_refused())
    }
}

/// What an endpoint has done that said this; `None` where several nodes behind its address may just have disagreed.
fn offence_of(contradiction: &Contradiction) -> Option<Offence> {
    match contradiction {
        Contradiction::BrokenLink { .. } | Contradiction::NotTheFinalHead { .. } => None,
        Contradiction::Outvoted { .. } => Some(Offence::Forked),
        _ => Some(Offence::Lied),
    }
}
