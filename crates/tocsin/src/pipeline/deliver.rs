//! Deliver: what the outbox holds reaches the settlement chain.
//!
//! The submitter decides from what is stored and what the chain says, this stage stores what follows before it does
//! anything that cannot be undone: a nonce with its delivery, a transaction's bytes before their broadcast, what a mined
//! transaction cost before its nonce is let go. It can be killed anywhere.
//!
//! A delivery that waits for a person, or for a cheaper chain, is no silent one: the stage is not ready until it goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_delivery::onchain::{
    Action, AttemptView, ChainView, DeliveryView, Fate, HeldNonce, Submitter, Waiting,
};
use tocsin_domain::ids::AttestationId;
use tocsin_store::StoreError;
use tocsin_store::delivery::{Attempt, Charge, Delivery, DeliveryState};

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
    async fn deliver(
        &self,
        stage: &Stage,
        mut delivery: Delivery,
        round: &mut Round,
    ) -> Result<(), StageError> {
        for _ in 0..MAX_STEPS {
            round.note_nonce(&delivery);
            let step = match self.step(stage, &delivery).await {
                Ok(step) => step,
                Err(error) if ended_meanwhile(stage, &delivery, &error).await? => return Ok(()),
                Err(error) => return Err(error),
            };
            match step {
                Step::Again => {}
                Step::Rest => return Ok(()),
                Step::Waits(waiting) => {
                    tracing::debug!(attestation = %delivery.attestation, ?waiting, "{waiting}");
                    round.note_wait(&delivery, waiting);
                    return Ok(());
                }
            }
            match stage.store.delivery(delivery.attestation).await? {
                Some(current) => delivery = current,
                None => return Ok(()),
            }
        }
        tracing::warn!(attestation = %delivery.attestation, "a delivery did not come to rest; it goes on next turn");
        Ok(())
    }

    /// One action, and whether another may follow at once.
    async fn step(&self, stage: &Stage, delivery: &Delivery) -> Result<Step, StageError> {
        let Some(view) = view(delivery)? else {
            return Ok(Step::Rest);
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
                Ok(Step::Again)
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
                Ok(Step::Again)
            }
            Action::Broadcast { hash } => {
                let held = view.held.iter().flat_map(|held| &held.attempts);
                let Some(attempt) = held.into_iter().find(|attempt| attempt.hash == hash) else {
                    return Ok(Step::Rest);
                };
                let answer = self
                    .submitter
                    .broadcast(hash, &attempt.raw, chain_view.latest_block, now)
                    .await?;
                tracing::info!(attestation = %id, transaction = %hash, ?answer, "transaction broadcast");
                Ok(Step::Rest)
            }
            Action::Wait { waiting, .. } => Ok(Step::Waits(waiting)),
            Action::Finish { transaction, block } => {
                self.charge(stage, &view, &chain_view).await?;
                stage.store.finish(id, transaction, block).await?;
                tracing::info!(attestation = %id, %transaction, block, "claim consumed, finally");
                Ok(Step::Rest)
            }
            Action::PutBack {
                reason,
                not_before,
                release_nonce,
            } => {
                if release_nonce {
                    self.charge(stage, &view, &chain_view).await?;
                }
                tracing::warn!(attestation = %id, %reason, %not_before, "delivery put back");
                stage
                    .store
                    .put_back(id, &reason, not_before, release_nonce)
                    .await?;
                Ok(Step::Rest)
            }
            Action::GiveUp { reason } => {
                self.charge(stage, &view, &chain_view).await?;
                tracing::error!(attestation = %id, %reason, "delivery given up: a person has to look");
                stage.store.give_up(id, &reason).await?;
                Ok(Step::Rest)
            }
        }
    }

    /// Writes down what the delivery's mined transactions cost. The nonce is let go afterwards only, so that a process that
    /// dies in between writes it again.
    async fn charge(
        &self,
        stage: &Stage,
        view: &DeliveryView,
        chain: &ChainView,
    ) -> Result<(), StageError> {
        let attempts = view.held.iter().flat_map(|held| &held.attempts);
        for (attempt, fate) in attempts.zip(&chain.fates) {
            let Fate::Mined {
                block,
                success,
                is_final: true,
                cost,
            } = *fate
            else {
                continue;
            };
            let charge = Charge {
                block,
                succeeded: success,
                gas_used: cost.gas_used,
                gas_price: cost.gas_price,
            };
            let id = view.attestation;
            if stage.store.charge(id, attempt.hash, &charge).await? {
                tracing::info!(attestation = %id, transaction = %attempt.hash, wei = %charge.wei(), "gas paid");
                stage.metrics.transaction_paid(
                    self.submitter.settings().chain_id,
                    charge.succeeded,
                    charge.gas_used,
                    charge.wei(),
                );
            }
        }
        Ok(())
    }
}

/// What came of one action.
enum Step {
    /// Another may follow at once.
    Again,
    /// There is nothing more to do now.
    Rest,
    /// It waits.
    Waits(Waiting),
}

/// One look at all unfinished deliveries.
#[derive(Default)]
struct Round {
    held: BTreeSet<(Address, u64)>,
    waits: Vec<(AttestationId, Option<Address>, Waiting)>,
}

impl Round {
    fn note_nonce(&mut self, delivery: &Delivery) {
        if let DeliveryState::Sending { sender, nonce, .. } = delivery.state {
            self.held.insert((sender, nonce));
        }
    }

    fn note_wait(&mut self, delivery: &Delivery, waiting: Waiting) {
        let sender = match delivery.state {
            DeliveryState::Sending { sender, .. } => Some(sender),
            _ => None,
        };
        self.waits.push((delivery.attestation, sender, waiting));
    }

    /// What does not go on by itself, or not soon: the first of it, and how many deliveries it is about.
    fn stuck(&self) -> Option<StageError> {
        let lasts = |(_, sender, waiting): &&(AttestationId, Option<Address>, Waiting)| {
            let comes_by_itself = match (waiting, sender) {
                (Waiting::EarlierNonce { next, .. }, Some(sender)) => {
                    self.held.contains(&(*sender, *next))
                }
                _ => false,
            };
            waiting.may_last() && !comes_by_itself
        };
        let mut stuck = self.waits.iter().filter(lasts);
        let (attestation, _, waiting) = stuck.next()?;
        Some(StageError::Undelivered {
            attestation: *attestation,
            waiting: Box::new(*waiting),
            others: stuck.count(),
        })
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
        let mut round = Round::default();
        for delivery in stage.store.unfinished(chain_id, now, WORK_PER_TURN).await? {
            match self.deliver(stage, delivery, &mut round).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        trouble
            .or_else(|| round.stuck())
            .map_or(Ok(Turn::Idle), Err)
    }
}

/// The stored delivery as the submitter sees it; `None` for one that has ended.
/// Whether a move was refused because the claim was attested anew since the delivery was read, which ended it.
async fn ended_meanwhile(
    stage: &Stage,
    delivery: &Delivery,
    error: &StageError,
) -> Result<bool, StageError> {
    if !matches!(error, StageError::Store(StoreError::Refused { .. })) {
        return Ok(false);
    }
    let current = stage.store.delivery(delivery.attestation).await?;
    Ok(current.is_some_and(|current| current.state == DeliveryState::Superseded))
}

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
        DeliveryState::Done { .. } | DeliveryState::Failed | DeliveryState::Superseded => {
            return Ok(None);
        }
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
