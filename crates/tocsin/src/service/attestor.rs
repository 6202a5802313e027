//! Who signs: the keys are opened, and the epochs gathered from the configuration, the books and the verifier.

use std::sync::Arc;
use std::time::Duration;

use tocsin_attest::{AttestError, Attestor, Signer};
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::Submitter;
use tocsin_domain::attestation::Epoch;
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tocsin_store::epoch::EpochOrigin;

use super::ServiceError;
use super::connect::patiently;
use crate::config::AttestorConfig;
use crate::pipeline::attest::Issuing;

/// Opens the keys.
pub(super) async fn open_keys(config: &AttestorConfig) -> Result<Vec<Signer>, ServiceError> {
    let mut keys = Vec::new();
    for key in &config.keys {
        let opened = patiently(AttestError::is_transient, async || {
            Signer::connect(key).await
        });
        keys.push(opened.await?);
    }
    Ok(keys)
}

/// Finds the epochs of the keys. That none of them signs now is no reason not to start: the next epoch may be about to
/// begin, and everything else goes on.
pub(super) async fn seat(
    config: &AttestorConfig,
    keys: Vec<Signer>,
    store: &dyn Store,
    submitters: &[(Arc<Submitter>, Duration)],
    now: Timestamp,
) -> Result<(Arc<Attestor>, Issuing), ServiceError> {
    let separator = config.domain.domain_separator();
    let known = store.epochs(separator).await?;
    if config.domain.programme().is_some() {
        refuse_forgotten(config, &known, now)?;
    }
    let is_news = |epoch: &&Epoch| match config.domain.verifier() {
        // What it has announced has times, which no configuration knows.
        Some(_) => !known.iter().any(|one| one.signers == epoch.signers),
        None => !known.contains(epoch),
    };
    let news: Vec<Epoch> = config.epochs.iter().filter(is_news).cloned().collect();
    if !news.is_empty() {
        store
            .put_epochs(separator, EpochOrigin::Configured, &news)
            .await?;
    }
    for (submitter, _) in submitters {
        let known = store.epochs(separator).await?;
        let announced = patiently(DeliveryError::is_transient, async || {
            submitter.epochs(&known).await
        });
        let announced = match announced.await {
            Ok(announced) => announced,
            // Too few endpoints to believe anything new. What is known goes on, and the stage that learns epochs says so.
            Err(error) if error.is_transient() => {
                tracing::warn!(error = %crate::report::chain(&error), "epochs are not learned yet");
                continue;
            }
            Err(source) => {
                let chain_id = submitter.settings().chain_id;
                return Err(ServiceError::Delivery { chain_id, source });
            }
        };
        if announced.iter().any(|epoch| !known.contains(epoch)) {
            store
                .put_epochs(separator, EpochOrigin::Announced, &announced)
                .await?;
        }
    }
    let attestor = Attestor::with_keys(config.domain, keys, store.epochs(separator).await?);
    match attestor.seat(now) {
        Ok(seat) => {
            tracing::info!(attestor = %seat.address(), epoch = seat.epoch().number(), "claims are attested");
        }
        Err(error) => {
            tracing::warn!(error = %crate::report::chain(&error), "claims cannot be attested now");
        }
    }
    Ok((
        Arc::new(attestor),
        Issuing {
            hold: config.hold,
            valid_for: config.valid_for,
            batch_from: config.batch_from,
            fetched_by: config.fetched_by.clone(),
        },
    ))
}

/// What a programme's earlier epoch has signed is out in the world: that it is not accepted any more has to be said.
fn refuse_forgotten(
    config: &AttestorConfig,
    known: &[Epoch],
    now: Timestamp,
) -> Result<(), ServiceError> {
    let at = now.to_u64().unwrap_or(0);
    let is_kept = |known: &Epoch| {
        let mut kept = config.epochs.iter();
        kept.any(|epoch| epoch.number() == known.number())
    };
    let mut accepted = known.iter().filter(|epoch| epoch.is_accepted_at(at));
    match accepted.find(|epoch| !is_kept(epoch)) {
        Some(forgotten) => Err(ServiceError::ForgottenEpoch {
            number: forgotten.number(),
            domain: config.domain,
        }),
        None => Ok(()),
    }
}
