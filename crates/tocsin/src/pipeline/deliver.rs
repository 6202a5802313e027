//! Deliver: what the outbox holds reaches the settlement chain.
//!
//! The submitter decides from what is stored and what the chain says, this stage stores what follows before it does
//! anything that cannot be undone: a nonce with its delivery, a transaction's bytes before their broadcast. It can be
//! killed anywhere.

use std::sync::Arc;
use std::time::Duration;

use tocsin_delivery::onchain::{Action, AttemptView, DeliveryView, HeldNonce, Submitter, Waiting};
use tocsin_store::delivery::{Attempt, Delivery, DeliveryState};

use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

/// No delivery needs more steps than this to come to rest; one that does would starve the others.
const MAX_STEPS: u32 = 16;

/// Delivers to one chain.
pub struct Deliverer {
    name: String,
    submitter: Arc<Submitter>,
    poll_interval: Duration,
}

impl Deliverer {
    /// A deliverer that looks at the chain every `poll_interval`.
    pub fn new(submitter: Arc<Submitter>, poll_interval: Duration) -> Self {
        let name = format!("deliver eip155:{}", submitter.settings().chain_id);
        Self {
            name,
            submitter,
            poll_interval,
        }
    }

    /// Takes one delivery as far as it goes now.
    async fn deliver(&self, stage: &Stage, mut delivery: Delivery) -> Result<(), StageError> {
        for _ in 0..MAX_STEPS {
            if !self.step(stage, &delivery).await? {
                return Ok(());
            }
            match stage.store.delivery(delivery.attestation).await? {
                Some(current) => delivery = current,
                None => return Ok(()),
            }
        }
        tracing::warn!(attestation = %delivery.attestation, "a delivery did not come to rest; it goes on next turn");
        Ok(())
    }

    /// One action; whether another may follow at once.
    async fn step(&self, stage: &Stage, delivery: &Delivery) -> Result<bool, StageError> {
        let Some(view) = view(delivery)? else {
            return Ok(false);
        };
        let now = stage.clock.now();
        let id = delivery.attestation;
        let (action, chain_view) = self.submitter.decide(&view, now).await?;
        match action {
            Action::TakeNonce { chain_nonce } => {
                let nonce = stage
                    .store
                    .take_nonce(id, self.submitter.sender(), chain_nonce)
                    .await?;
                tracing::info!(attestation = %id, nonce, "delivery took a nonce");
                Ok(true)
            }
            Action::Sign(order) => {
                let signed = self.submitter.sign(&view, &order)?;
                let attempt = Attempt {
                    hash: signed.hash,
                    raw: signed.raw.to_vec(),
                    max_fee_per_gas: signed.fees.max_fee_per_gas,
                    max_priority_fee_per_gas: signed.fees.max_priority_fee_per_gas,
                    gas_limit: signed.gas_limit,
                    signed_at: now,
                };
                // Its bytes are stored before anybody else sees them; the next step broadcasts.
                stage.store.add_attempt(id, &attempt).await?;
                Ok(true)
            }
            Action::Broadcast { hash } => {
                let held = view.held.iter().flat_map(|held| &held.attempts);
                let Some(attempt) = held.into_iter().find(|attempt| attempt.hash == hash) else {
                    return Ok(false);
                };
                let answer = self
                    .submitter
                    .broadcast(hash, &attempt.raw, chain_view.latest_block, now)
                    .await?;
                tracing::info!(attestation = %id, transaction = %hash, ?answer, "transaction broadcast");
                Ok(false)
            }
            Action::Wait { waiting, .. } => {
                report_wait(delivery, waiting);
                Ok(false)
            }
            Action::Finish { transaction, block } => {
                stage.store.finish(id, transaction, block).await?;
                tracing::info!(attestation = %id, %transaction, block, "claim consumed, finally");
                Ok(false)
            }
            Action::PutBack {
                reason,
                not_before,
                release_nonce,
            } => {
                tracing::warn!(attestation = %id, %reason, %not_before, "delivery put back");
                stage
                    .store
                    .put_back(id, &reason, not_before, release_nonce)
                    .await?;
                Ok(false)
            }
            Action::GiveUp { reason } => {
                tracing::error!(attestation = %id, %reason, "delivery given up: a person has to look");
                stage.store.give_up(id, &reason).await?;
                Ok(false)
            }
        }
    }
}

impl Work for Deliverer {
    fn name(&self) -> &str {
        &self.name
    }

    fn nap(&self) -> Duration {
        self.poll_interval
    }

    /// One delivery's trouble does not hold up the others: it is reported when all had their turn.
    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let now = stage.clock.now();
        let chain_id = self.submitter.settings().chain_id;
        let mut trouble = None;
        for delivery in stage.store.unfinished(chain_id, now, WORK_PER_TURN).await? {
            match self.deliver(stage, delivery).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        trouble.map_or(Ok(Turn::Idle), Err)
    }
}

/// Waiting for blocks is how it goes; waiting for an operator is not.
fn report_wait(delivery: &Delivery, waiting: Waiting) {
    let attestation = delivery.attestation;
    match waiting {
        Waiting::FeeCap { .. } | Waiting::OtherSigner { .. } | Waiting::EarlierNonce { .. } => {
            tracing::warn!(%attestation, "{waiting}");
        }
        Waiting::ConsumptionFinal
        | Waiting::NonceFinal { .. }
        | Waiting::Inclusion { .. }
        | Waiting::Rebroadcast { .. } => tracing::debug!(%attestation, "{waiting}"),
    }
}

/// The stored delivery as the submitter sees it; `None` for one that has ended.
fn view(delivery: &Delivery) -> Result<Option<DeliveryView>, StageError> {
    let held = match &delivery.state {
        DeliveryState::Queued => None,
        DeliveryState::Sending {
            sender,
            nonce,
            attempts,
        } => Some(HeldNonce {
            sender: *sender,
            nonce: *nonce,
            attempts: attempts
                .iter()
                .map(|attempt| AttemptView::decode(attempt.hash, attempt.raw.clone().into()))
                .collect::<Result<_, _>>()?,
        }),
        DeliveryState::Done { .. } | DeliveryState::Failed => return Ok(None),
    };
    Ok(Some(DeliveryView {
        attestation: delivery.attestation,
        claim_key: delivery.claim_key,
        consumer: delivery.consumer,
        calldata: delivery.calldata.clone().into(),
        failures: delivery.failures,
        held,
    }))
}
