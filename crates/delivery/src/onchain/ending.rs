//! What cannot be taken back, as far as endpoints have to agree on it.

use alloy::primitives::B256;

use super::action::Action;
use super::view::{ChainView, Cost, DeliveryView, Fate};

/// An action that ends a delivery or gives up its nonce, with what was final when it was decided. Two endpoints that show
/// the same ending have the same blocks as far as the delivery is concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ending {
    kind: Kind,
    /// The delivery's own transactions that are mined, finally, each with its block and what it cost.
    mined: Vec<(B256, u64, bool, Cost)>,
    /// Or somebody else's, that used the nonce.
    stranger: Option<B256>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Done { transaction: B256, block: u64 },
    NonceSpent,
    GivenUp,
}

impl Ending {
    /// `None` for an action that can be repeated or corrected.
    pub(super) fn of(action: &Action, delivery: &DeliveryView, chain: &ChainView) -> Option<Self> {
        let kind = match *action {
            Action::Finish { transaction, block } => Kind::Done { transaction, block },
            // A nonce without a transaction can be forgotten whatever the chain says.
            Action::PutBack { release_nonce, .. }
                if release_nonce
                    && delivery
                        .held
                        .as_ref()
                        .is_some_and(|held| !held.attempts.is_empty()) =>
            {
                Kind::NonceSpent
            }
            Action::GiveUp { .. } => Kind::GivenUp,
            Action::PutBack { .. }
            | Action::TakeNonce { .. }
            | Action::Sign(_)
            | Action::Broadcast { .. }
            | Action::Wait { .. } => return None,
        };
        let attempts = delivery.held.iter().flat_map(|held| &held.attempts);
        let mined = attempts
            .zip(&chain.fates)
            .filter_map(|(attempt, fate)| match *fate {
                Fate::Mined {
                    block,
                    success,
                    is_final: true,
                    cost,
                } => Some((attempt.hash, block, success, cost)),
                Fate::Mined { .. } | Fate::Pooled | Fate::Unknown => None,
            });
        Some(Self {
            kind,
            mined: mined.collect(),
            stranger: chain.stranger,
        })
    }
}
