//! Reserve all, then sign each.

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::Reservations;

use super::journal::Stated;
use super::{Attested, Attestor};
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
        let wanted = seat.wanted(payloads).await;
        let mut outcome: Vec<Option<Result<Attested, AttestError>>> = Vec::new();
        outcome.resize_with(payloads.len(), || None);
        let mut settle = |given: usize, of_it: Result<Attested, AttestError>| {
            if let Some(slot) = outcome.get_mut(given) {
                *slot = Some(of_it);
            }
        };
        for (given, error) in wanted.refused {
            settle(given, Err(error));
        }
        let asked = wanted.payloads.len();
        let journaled = seat
            .journal(reservations, &wanted.payloads, &wanted.reservations)
            .await
            .map_err(|error| error.of_batch(asked))?;
        let answered = journaled.len();
        for (given, journaled) in wanted.given.into_iter().zip(journaled) {
            let attested = match journaled {
                Ok(stated) => seat.attested(stated).await,
                Err(error) => Err(error),
            };
            settle(given, attested);
        }
        let unanswered = || Err(AttestError::Unanswered { asked, answered });
        Ok(outcome
            .into_iter()
            .map(|one| one.unwrap_or_else(unanswered))
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
