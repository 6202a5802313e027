//! One row of an outbox, and the loop that does what the submitter decides: store first, then broadcast.

use alloy::primitives::B256;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::{
    Action, AttemptView, Broadcast, DeliveryView, Fees, HeldNonce, Submitter,
};
use tocsin_domain::time::Timestamp;

use super::world::{TODAY, World};

/// A delivery on its way.
pub(crate) struct Outbox {
    pub(crate) delivery: DeliveryView,
    pub(crate) now: Timestamp,
    /// The node's answer to the last broadcast.
    pub(crate) answer: Option<Broadcast>,
    /// The lowest nonce that no delivery has taken.
    pub(crate) next_nonce: u64,
}

impl Outbox {
    pub(crate) fn new(delivery: DeliveryView) -> Self {
        let now = Timestamp(TODAY.try_into().unwrap());
        Self {
            delivery,
            now,
            answer: None,
            next_nonce: 0,
        }
    }

    /// Decides, does it, and says what it was.
    pub(crate) async fn step(&mut self, submitter: &Submitter) -> Result<Action, DeliveryError> {
        let (action, chain) = submitter.decide(&self.delivery, self.now).await?;
        match &action {
            Action::TakeNonce { chain_nonce } => {
                let nonce = self.next_nonce.max(*chain_nonce);
                self.next_nonce = nonce + 1;
                self.delivery.held = Some(HeldNonce {
                    sender: submitter.sender(),
                    nonce,
                    attempts: Vec::new(),
                });
            }
            Action::Sign(order) => {
                let signed = submitter.sign(&self.delivery, order)?;
                let stored = AttemptView::decode(signed.hash, signed.raw.clone())?;
                assert_eq!((stored.fees, stored.purpose), (order.fees, order.purpose));
                self.delivery.held.as_mut().unwrap().attempts.push(stored);
            }
            Action::Broadcast { hash } => {
                let attempt = self
                    .attempts()
                    .iter()
                    .find(|attempt| attempt.hash == *hash)
                    .unwrap();
                let raw = attempt.raw.clone();
                self.answer = Some(
                    submitter
                        .broadcast(*hash, &raw, chain.latest_block, self.now)
                        .await?,
                );
            }
            Action::PutBack {
                not_before,
                release_nonce,
                ..
            } => {
                self.delivery.failures += 1;
                self.now = self.now.max(*not_before);
                if *release_nonce {
                    self.delivery.held = None;
                }
            }
            Action::Wait { .. } | Action::Finish { .. } | Action::GiveUp { .. } => {}
        }
        Ok(action)
    }

    /// Steps until there is something to wait for or nothing left to do.
    pub(crate) async fn rest(&mut self, submitter: &Submitter) -> Action {
        for _ in 0..20 {
            let action = self.step(submitter).await.unwrap();
            if !matches!(
                action,
                Action::TakeNonce { .. } | Action::Sign(_) | Action::Broadcast { .. }
            ) {
                return action;
            }
        }
        panic!("it does not come to rest: {:?}", self.delivery);
    }

    /// Lets blocks come until the delivery is done.
    pub(crate) async fn finish(&mut self, submitter: &Submitter, world: &World) -> (B256, u64) {
        for _ in 0..40 {
            if let Action::Finish { transaction, block } = self.rest(submitter).await {
                return (transaction, block);
            }
            world.node.mine(1).await;
            self.now.0 += 12;
        }
        panic!("it is never done: {:?}", self.delivery);
    }

    pub(crate) fn attempts(&self) -> &[AttemptView] {
        self.delivery
            .held
            .as_ref()
            .map_or(&[], |held| &held.attempts)
    }

    pub(crate) fn newest(&self) -> B256 {
        self.attempts().last().unwrap().hash
    }

    pub(crate) fn fees(&self) -> Vec<Fees> {
        self.attempts().iter().map(|attempt| attempt.fees).collect()
    }
}
