//! Epochs: who signs now, as the verifier says, learned while the service runs.
//!
//! Guarantee: what is learned is from a final block and stored before the attestor hears of it, so evidence always finds
//! the signers of its epoch. A rotation needs no restart; a node that has no key in any epoch that signs says so.

use std::sync::Arc;
use std::time::Duration;

use tocsin_attest::Attestor;
use tocsin_delivery::onchain::Submitter;
use tocsin_domain::attestation::Epoch;
use tocsin_store::epoch::EpochOrigin;

use super::bell::Bell;
use super::{Stage, StageError, Turn, Work};

/// Learns epochs from one verifier.
pub struct EpochWatch {
    submitter: Arc<Submitter>,
    attestor: Arc<Attestor>,
    poll_interval: Duration,
    next: [Bell; 3],
}

impl EpochWatch {
    /// Asks through `submitter` every `poll_interval`, tells `attestor`, and rings `next` when something has changed.
    pub fn new(
        submitter: Arc<Submitter>,
        attestor: Arc<Attestor>,
        poll_interval: Duration,
        next: [Bell; 3],
    ) -> Self {
        Self {
            submitter,
            attestor,
            poll_interval,
            next,
        }
    }

    /// Stores and tells what the verifier says, where it says something new.
    async fn refresh(&self, stage: &Stage) -> Result<(), StageError> {
        let separator = self.attestor.domain().domain_separator();
        let known = stage.store.epochs(separator).await?;
        let seen = self.submitter.epochs(&known).await?;
        let store = &stage.store;
        if seen.iter().any(|epoch| !known.contains(epoch)) {
            store
                .put_epochs(separator, EpochOrigin::Announced, &seen)
                .await?;
        }
        let current = store.epochs(separator).await?;
        if current[..] == self.attestor.epochs()[..] {
            return Ok(());
        }
        tell(&known, &current);
        self.attestor.learn(current);
        self.next.iter().for_each(Bell::ring);
        Ok(())
    }
}

impl Work for EpochWatch {
    fn name(&self) -> &str {
        "epochs"
    }

    fn nap(&self) -> Duration {
        self.poll_interval
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        self.refresh(stage).await?;
        self.attestor.seat(stage.clock.now())?;
        Ok(Turn::Idle)
    }
}

fn tell(known: &[Epoch], current: &[Epoch]) {
    for epoch in current {
        let before = known.iter().find(|one| one.number() == epoch.number());
        let Epoch {
            active_from,
            sign_until,
            accept_until,
            ..
        } = epoch;
        if epoch.revoked && before.is_none_or(|one| !one.revoked) {
            tracing::warn!(
                epoch = epoch.number(),
                "an epoch is revoked: nothing that it signed is accepted any more"
            );
        } else if before.is_none() {
            tracing::info!(
                epoch = epoch.number(),
                active_from,
                sign_until,
                accept_until,
                "an epoch is announced"
            );
        }
    }
}
