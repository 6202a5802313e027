//! Reserve all, then sign each.

use std::collections::BTreeSet;

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::Reservations;

use super::journal::Stated;
use super::{Attested, Attestor, check_claim};
use crate::AttestError;
use crate::signer::{Content, Statement};

impl Attestor {
    /// [`Self::attest`] for many claims, whose keys are reserved together: one durable commit serves all. Says of each, in
    /// their order, what became of it. An error means that nothing is reserved and nothing signed.
    pub async fn attest_each(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[ClaimAttestation],
    ) -> Result<Vec<Result<Attested, AttestError>>, AttestError> {
        // A place in one epoch signs: that of the first.
        let Some(first) = payloads.first() else {
            return Ok(Vec::new());
        };
        let seat = self.seat_for(first.signerEpoch, first.issuedAt)?;
        let mut keys = BTreeSet::new();
        let mut wanted = Vec::with_capacity(payloads.len());
        let mut outcome: Vec<Result<Option<Attested>, AttestError>> = Vec::new();
        for (given, payload) in payloads.iter().enumerate() {
            let claim_key = payload.claim_key();
            let sound = check_claim(payload).and_then(|()| seat.check_epoch(payload));
            outcome.push(match sound {
                Ok(()) if keys.insert(claim_key) => {
                    wanted.push((given, payload));
                    Ok(None)
                }
                Ok(()) => Err(AttestError::TwiceInBatch { claim_key }),
                Err(error) => Err(error),
            });
        }
        let asked: Vec<&ClaimAttestation> = wanted.iter().map(|(_, payload)| *payload).collect();
        let journaled = seat
            .journal(reservations, &asked)
            .await
            .map_err(|error| error.of_batch(asked.len()))?;
        let (asked, answered) = (wanted.len(), journaled.len());
        for ((given, _), journaled) in wanted.into_iter().zip(journaled) {
            let attested = match journaled {
                Ok(stated) => seat.attested(stated).await,
                Err(error) => Err(error),
            };
            if let Some(slot) = outcome.get_mut(given) {
                *slot = attested.map(Some);
            }
        }
        let unanswered = || AttestError::Unanswered { asked, answered };
        Ok(outcome
            .into_iter()
            .map(|one| one?.ok_or_else(unanswered))
            .collect())
    }
}

impl crate::Seat<'_> {
    /// Signs what is reserved.
    pub(super) async fn attested(&self, stated: Stated) -> Result<Attested, AttestError> {
        let Stated {
            attestation,
            id,
            claim_key,
        } = stated;
        let content = Content::Claim(self.domain, &attestation);
        let signatures = self.quorum(Statement::with_content(id, content)).await?;
        Ok(Attested {
            attestation,
            id,
            claim_key,
            signatures,
        })
    }
}
