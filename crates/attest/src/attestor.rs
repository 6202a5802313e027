//! Reserve, then sign.

mod batch;

pub use batch::{AttestedBatch, BatchOutcome, Included};

use alloy::primitives::{Address, B256};
use tocsin_domain::attestation::payload::verdict_number;
use tocsin_domain::attestation::{
    AttestationDomain, ClaimAttestation, Signable, SignatureSet, SignerSet,
};
use tocsin_domain::determination::Verdict;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};

use crate::{AttestError, Seat, Signer};

/// One signer of one epoch of one verifier.
#[derive(Debug)]
pub struct Attestor {
    domain: AttestationDomain,
    signers: SignerSet,
    signer: Signer,
    /// Of `signer` in `signers`.
    index: u8,
}

/// A signed claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attested {
    /// The payload that was signed: the reserved one, which on a retry may carry earlier times than the one asked for.
    pub attestation: ClaimAttestation,
    /// Its digest.
    pub id: AttestationId,
    /// The key that it is reserved and consumed under.
    pub claim_key: ClaimKey,
    /// A quorum's signatures.
    pub signatures: SignatureSet,
}

impl Attestor {
    /// Refuses a key that the epoch does not have.
    pub fn new(
        domain: AttestationDomain,
        signers: SignerSet,
        signer: Signer,
    ) -> Result<Self, AttestError> {
        let epoch = signers.epoch();
        let address = signer.address();
        let index = signers
            .index_of(address)
            .ok_or(AttestError::NotASigner { address, epoch })?;
        Ok(Self {
            domain,
            signers,
            signer,
            index,
        })
    }

    /// Where its signatures are valid.
    pub fn domain(&self) -> AttestationDomain {
        self.domain
    }

    /// The epoch that it signs for.
    pub fn signers(&self) -> &SignerSet {
        &self.signers
    }

    /// The epoch that signs at `_now`, and this node's place in it.
    pub fn seat(&self, _now: Timestamp) -> Result<Seat<'_>, AttestError> {
        Ok(Seat {
            domain: self.domain,
            signers: &self.signers,
            signer: &self.signer,
            index: self.index,
        })
    }

    /// Who signs in an epoch, where that is known.
    pub fn signers_of(&self, epoch: u32) -> Option<SignerSet> {
        (self.signers.epoch() == epoch).then(|| self.signers.clone())
    }

    /// The address of its key.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Reserves the payload's claim key, then signs what is reserved: the payload, or one that says the same and was
    /// reserved before a crash. Nothing is signed if the key is held by another statement, or if the store fails.
    pub async fn attest(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payload: &ClaimAttestation,
    ) -> Result<Attested, AttestError> {
        self.check_claim(payload)?;
        let wanted = self.reservation(payload);
        let claim_key = wanted.claim_key;
        let reserved = reservations
            .reserve(&wanted)
            .await
            .map_err(|source| AttestError::Reserve { claim_key, source })?;
        self.sign(self.judge(&wanted, payload, reserved)?).await
    }

    fn check_claim(&self, payload: &ClaimAttestation) -> Result<(), AttestError> {
        if payload.verdict != verdict_number(Verdict::Triggered) || payload.eventId == B256::ZERO {
            return Err(AttestError::NotAClaim {
                verdict: payload.verdict,
            });
        }
        self.check_epoch(payload)
    }

    /// What may be signed, now that the store has answered.
    fn judge(
        &self,
        wanted: &Reservation,
        payload: &ClaimAttestation,
        reserved: Reserved,
    ) -> Result<ClaimAttestation, AttestError> {
        match reserved {
            Reserved::New => Ok(payload.clone()),
            Reserved::Identical(stored) => self.read_reserved(wanted, payload, &stored),
            Reserved::Conflict(stored) => Err(AttestError::Conflict {
                claim_key: wanted.claim_key,
                reserved: stored.attestation_id,
                wanted: wanted.attestation_id,
            }),
        }
    }

    fn reservation(&self, payload: &ClaimAttestation) -> Reservation {
        Reservation {
            domain_separator: self.domain.domain_separator(),
            claim_key: payload.claim_key(),
            attestation_id: self.domain.digest(payload),
            payload: payload.to_bytes(),
        }
    }

    /// The stored payload, if it is what the store says: it comes from a disk, and is about to be signed.
    fn read_reserved(
        &self,
        wanted: &Reservation,
        payload: &ClaimAttestation,
        stored: &Reservation,
    ) -> Result<ClaimAttestation, AttestError> {
        let claim_key = wanted.claim_key;
        let damaged = |problem| AttestError::DamagedReservation { claim_key, problem };
        let attestation = ClaimAttestation::from_bytes(&stored.payload)
            .map_err(|source| AttestError::UnreadableReservation { claim_key, source })?;
        if stored.domain_separator != wanted.domain_separator || stored.claim_key != claim_key {
            return Err(damaged("it is for another key"));
        }
        if stored.attestation_id != self.domain.digest(&attestation) {
            return Err(damaged("its payload has another digest"));
        }
        if !attestation.same_claim(payload) {
            return Err(damaged(
                "its payload says something else, and yet it was called identical",
            ));
        }
        self.check_epoch(&attestation)?;
        Ok(attestation)
    }

    fn check_epoch(&self, payload: &ClaimAttestation) -> Result<(), AttestError> {
        let (epoch, threshold) = (self.signers.epoch(), self.signers.threshold());
        if threshold != 1 {
            return Err(AttestError::QuorumOfSeveral { epoch, threshold });
        }
        if payload.signerEpoch == self.signers.epoch() {
            Ok(())
        } else {
            Err(AttestError::OtherEpoch {
                payload: payload.signerEpoch,
                attestor: self.signers.epoch(),
            })
        }
    }

    async fn sign(&self, attestation: ClaimAttestation) -> Result<Attested, AttestError> {
        let id = self.domain.digest(&attestation);
        let signatures = self.quorum(id).await?;
        Ok(Attested {
            claim_key: attestation.claim_key(),
            attestation,
            id,
            signatures,
        })
    }

    /// Reaches the key. Called with what is reserved only.
    async fn quorum(&self, what: impl Into<Signable>) -> Result<SignatureSet, AttestError> {
        let what = what.into();
        let signatures = SignatureSet::single(self.index, self.signer.sign(what).await?);
        // A signer that errs (a fault, a wrong key behind an address) is found here, not by a reverting transaction.
        signatures
            .verify(what, &self.signers)
            .map_err(|source| AttestError::SelfCheck {
                address: self.address(),
                source,
            })?;
        Ok(signatures)
    }
}
