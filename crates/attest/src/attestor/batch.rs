//! Reserve all, then sign once.

use alloy::primitives::B256;
use tocsin_domain::attestation::{
    AttestationBatch, BatchLeaf, BatchTree, ClaimAttestation, SignatureSet,
};
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey};
use tocsin_store::attestation::Reservations;
use tocsin_store::spread;

use super::Attestor;
use super::journal::Stated;
use crate::signer::{Content, Statement};
use crate::{AttestError, Seat};

/// Many claims under one signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestedBatch {
    /// What was signed.
    pub batch: AttestationBatch,
    /// Its digest.
    pub id: BatchId,
    /// A quorum's signatures.
    pub signatures: SignatureSet,
    /// The claims that it vouches for, in the order of their places in it.
    pub included: Vec<Included>,
}

/// A claim in a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Included {
    /// Which of the given payloads it is of.
    pub given: usize,
    /// The payload that was reserved, which on a retry may carry earlier times than the one asked for.
    pub attestation: ClaimAttestation,
    /// Its digest.
    pub id: AttestationId,
    /// The key that it is reserved and consumed under.
    pub claim_key: ClaimKey,
    /// The siblings from its leaf up to the batch's root.
    pub proof: Vec<B256>,
}

/// What became of many payloads.
#[derive(Debug)]
pub struct BatchOutcome {
    /// What was signed; `None` if every payload was refused.
    pub signed: Option<AttestedBatch>,
    /// The payloads that are not in it, by their place among the given ones, and why.
    pub refused: Vec<(usize, AttestError)>,
}

impl Attestor {
    /// Reserves the claim key of every payload, then signs one batch of what is reserved. A payload that is refused or
    /// whose key is held by another statement is left out; the claims of others do not wait for a person to look at it.
    /// Nothing is signed if the store fails.
    ///
    /// A retry after a crash finds the reserved payloads again and may put them into another batch: their ids and claim
    /// keys are the same, so no claim can be used twice.
    pub async fn attest_batch(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[ClaimAttestation],
        issued_at: u64,
    ) -> Result<BatchOutcome, AttestError> {
        // One signature is of one epoch: that of the first.
        let Some(epoch) = payloads.first().map(|payload| payload.signerEpoch) else {
            return Ok(BatchOutcome {
                signed: None,
                refused: Vec::new(),
            });
        };
        let seat = self.seat_for(epoch, issued_at)?;
        let mut wanted = seat.wanted(payloads).await;
        let journaled = seat
            .journal(reservations, &wanted.payloads, &wanted.reservations)
            .await
            .map_err(|error| error.of_batch(wanted.payloads.len()))?;
        let mut reserved = Vec::new();
        for (given, journaled) in wanted.given.into_iter().zip(journaled) {
            match journaled {
                Ok(stated) => reserved.push((given, stated)),
                Err(error) => wanted.refused.push((given, error)),
            }
        }
        Ok(BatchOutcome {
            signed: seat.sign_batch(reserved, issued_at).await?,
            refused: wanted.refused,
        })
    }
}

impl Seat<'_> {
    pub(crate) fn check_epoch(&self, payload: &ClaimAttestation) -> Result<(), AttestError> {
        if payload.signerEpoch == self.epoch.number() {
            Ok(())
        } else {
            Err(AttestError::OtherEpoch {
                payload: payload.signerEpoch,
                attestor: self.epoch.number(),
            })
        }
    }

    async fn sign_batch(
        &self,
        reserved: Vec<(usize, Stated)>,
        issued_at: u64,
    ) -> Result<Option<AttestedBatch>, AttestError> {
        let leaves = spread::map(&reserved, |(_, stated)| BatchLeaf::of(stated.id));
        let Some(tree) = BatchTree::over(leaves.await) else {
            return Ok(None);
        };
        // A clock that was set back cannot make a batch older than what it vouches for.
        let latest = reserved
            .iter()
            .map(|(_, stated)| stated.attestation.issuedAt);
        let issued_at = latest.fold(issued_at, u64::max);
        let batch = tree.batch(issued_at, self.epoch.number());
        let id = self.domain.batch_digest(&batch);
        let content = Content::Batch(self.domain, &batch);
        let signatures = self.quorum(Statement::with_content(id, content)).await?;
        let included = reserved
            .into_iter()
            .enumerate()
            .filter_map(|(place, (given, stated))| {
                let Stated {
                    attestation,
                    id,
                    claim_key,
                } = stated;
                Some(Included {
                    given,
                    attestation,
                    id,
                    claim_key,
                    // There is one for every leaf.
                    proof: tree.proof(place)?,
                })
            })
            .collect();
        Ok(Some(AttestedBatch {
            batch,
            id,
            signatures,
            included,
        }))
    }
}
