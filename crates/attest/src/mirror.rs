//! Mirrors of what was attested, for readers of the Ethereum Attestation Service.
//!
//! Promise: a mirror is signed only of a statement that is journaled, by a key of the statement's own epoch. An attestation
//! has one mirror for each contract of the service, so the attestation's journal is the mirror's too.

use alloy::primitives::Address;
use tocsin_domain::attestation::eas::{EasContract, Mirror};
use tocsin_domain::attestation::{ClaimAttestation, QuorumSignature};
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::Reservations;

use crate::{AttestError, Attestor, Seat};

/// A signed mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirrored {
    /// What was signed.
    pub mirror: Mirror,
    /// By whom.
    pub signer: Address,
    /// This node's own signature: a mirror has one signer, also where a quorum has attested.
    pub signature: QuorumSignature,
}

impl Attestor {
    /// The numbers of the epochs whose statements this node can mirror: those that are not revoked, and that it has a key in.
    /// One that signs nothing new any more is among them.
    pub fn mirrored_epochs(&self) -> Vec<u32> {
        let epochs = self.epochs();
        let own = epochs
            .iter()
            .filter(|epoch| !epoch.revoked && self.seat_in(epoch).is_some());
        own.map(tocsin_domain::attestation::Epoch::number).collect()
    }

    /// This node's place to mirror a statement: in the epoch that has made it, which must have been entitled to then.
    pub fn seat_to_mirror(&self, attestation: &ClaimAttestation) -> Result<Seat<'_>, AttestError> {
        let issued_at = attestation.issuedAt;
        let at = i64::try_from(issued_at).map_or(Timestamp(i64::MAX), Timestamp);
        self.seat_of(attestation.signerEpoch, at)
    }
}

impl Seat<'_> {
    /// Signs the mirror of a statement that is journaled; any other is refused.
    pub async fn mirror(
        &self,
        reservations: &(impl Reservations + ?Sized),
        contract: &EasContract,
        attestation: &ClaimAttestation,
    ) -> Result<Mirrored, AttestError> {
        self.check_epoch(attestation)?;
        let (domain, claim_key) = (self.domain(), attestation.claim_key());
        let id = domain.digest(attestation);
        let journaled = reservations
            .statements(domain.domain_separator(), claim_key)
            .await
            .map_err(|source| AttestError::ReadJournal { claim_key, source })?;
        let payload = attestation.to_bytes();
        let is_journaled = journaled
            .iter()
            .any(|stated| stated.attestation_id == id && stated.payload == payload);
        if !is_journaled {
            return Err(AttestError::NotJournaled {
                claim_key,
                attestation: id,
            });
        }
        let mirror = Mirror::of(contract.clone(), domain, attestation);
        let signature = self.sign(mirror.id()).await?;
        let signer = self.address();
        // A signer that errs is found here, not by a reader.
        if signature.signer(mirror.id()) == Some(signer) {
            Ok(Mirrored {
                mirror,
                signer,
                signature,
            })
        } else {
            Err(AttestError::StrangeMirror { address: signer })
        }
    }
}
