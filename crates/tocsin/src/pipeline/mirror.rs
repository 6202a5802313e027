//! Mirror: what was attested is said once more in the form of the Ethereum Attestation Service, where that is configured.
//!
//! Guarantee: a mirror is made of recorded attestations only, and changes nothing about them. However an attestation was
//! signed (alone, in a batch, by a quorum), its mirror is signed by this node alone. A mirror that cannot be made holds up no
//! claim, and no other mirror.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tocsin_attest::{AttestError, Attestor};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::mirror::MirrorRecord;

use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

/// Mirrors attestations for one contract of the service.
pub struct MirrorAttestations {
    attestor: Arc<Attestor>,
    contract: EasContract,
    /// Up to which position this pass has looked; a new pass begins when there is nothing more.
    looked: AtomicU64,
}

impl MirrorAttestations {
    /// A stage that signs with `attestor`.
    pub fn new(attestor: Arc<Attestor>, contract: EasContract) -> Self {
        Self {
            attestor,
            contract,
            looked: AtomicU64::new(0),
        }
    }

    async fn mirror(
        &self,
        stage: &Stage,
        record: &AttestationRecord,
    ) -> Result<MirrorRecord, StageError> {
        let unmirrored = |reason: String| StageError::Unmirrored {
            attestation: record.id,
            reason,
        };
        let attestation = ClaimAttestation::from_bytes(&record.payload)
            .map_err(|error| unmirrored(error.to_string()))?;
        let failed = |error: AttestError| match error {
            // Its epoch says so for ever.
            AttestError::OutsideEpoch { .. } => unmirrored(error.to_string()),
            error if error.is_transient() => StageError::Attest(error),
            error => unmirrored(crate::report::chain(&error)),
        };
        let seat = self.attestor.seat_to_mirror(&attestation).map_err(failed)?;
        let mirrored = seat.mirror(&*stage.store, &self.contract, &attestation);
        let mirrored = mirrored.await.map_err(failed)?;
        Ok(MirrorRecord {
            attestation: record.id,
            contract: self.contract.clone(),
            signer: mirrored.signer,
            signature: mirrored.signature,
            mirrored_at: stage.clock.now(),
        })
    }
}

impl Work for MirrorAttestations {
    fn name(&self) -> &str {
        "mirror"
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let domain = self.attestor.domain().domain_separator();
        let epochs = self.attestor.mirrored_epochs();
        let after = self.looked.load(Ordering::Relaxed);
        let found = stage
            .store
            .unmirrored(domain, &self.contract, &epochs, after, WORK_PER_TURN)
            .await?;
        let (mut made, mut trouble) = (Vec::with_capacity(found.len()), None);
        for waiting in &found {
            match self.mirror(stage, &waiting.attestation).await {
                Ok(mirror) => made.push(mirror),
                Err(error @ StageError::Unmirrored { .. }) => trouble = trouble.or(Some(error)),
                // The key or the store is not there: what was signed is kept, and the others would fail alike.
                Err(error) => {
                    stage.store.add_mirrors(&made).await?;
                    return Err(error);
                }
            }
        }
        if !made.is_empty() {
            stage.store.add_mirrors(&made).await?;
            tracing::info!(mirrors = made.len(), "attestations are mirrored");
        }
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count == WORK_PER_TURN);
        let last = found.last().map_or(0, |waiting| waiting.position);
        let next = if is_full { last } else { 0 };
        self.looked.store(next, Ordering::Relaxed);
        match trouble {
            Some(error) => Err(error),
            None if made.is_empty() && after == 0 => Ok(Turn::Idle),
            None => Ok(Turn::Worked),
        }
    }
}
