//! Reservations, which make a signature possible once, and the attestations that follow.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId, RiskId};
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::check::Flaw;
use crate::delivery::NewDelivery;

/// The intent to sign one payload for one claim key in one signing domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// The EIP-712 domain separator.
    pub domain_separator: B256,
    /// The consumption key.
    pub claim_key: ClaimKey,
    /// The digest of the payload.
    pub attestation_id: AttestationId,
    /// The whole payload, ABI-encoded.
    pub payload: Vec<u8>,
}

/// What became of a reservation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reserved {
    /// The key was free; it is now held by this payload.
    New,
    /// The key is held by a payload that says the same of the claim (times, epoch and revision may differ). The stored
    /// one is what may be signed.
    Identical(Reservation),
    /// The key is held by a payload that says something else. Nothing may be signed; somebody must look.
    Conflict(Reservation),
}

impl Reserved {
    /// What it means that `stored` holds the key that `wanted` asks for; the rule that every backend shares.
    /// [`StoreError::InvalidRow`] where the stored payload cannot be read.
    pub fn judge(wanted: &Reservation, stored: Reservation) -> Result<Self, StoreError> {
        let wanted_claim = ClaimAttestation::from_bytes(&wanted.payload)
            .map_err(|error| Flaw(error.to_string()).refused("reservation", wanted.claim_key))?;
        let stored_claim = ClaimAttestation::from_bytes(&stored.payload).map_err(|error| {
            Flaw(error.to_string()).invalid_row("reservation", stored.claim_key)
        })?;
        Ok(if wanted_claim.same_claim(&stored_claim) {
            Self::Identical(stored)
        } else {
            Self::Conflict(stored)
        })
    }
}

/// Reservations, keyed by (domain separator, claim key).
#[async_trait]
pub trait Reservations: Send + Sync {
    /// Reserves the key for the payload, durably before it returns. Two callers at the same time: one is `New`.
    /// [`StoreError::Halted`] where the policy's risk listens to a halted source, also where the key is held already.
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved, StoreError>;
}

/// A signed claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttestationRecord {
    /// The digest.
    pub id: AttestationId,
    /// The signing domain.
    pub domain_separator: B256,
    /// The consumption key.
    pub claim_key: ClaimKey,
    /// The policy that it pays.
    pub policy: PolicyId,
    /// The risk of the loss event.
    pub risk: RiskId,
    /// The loss event.
    pub ordinal: u32,
    /// The payload, ABI-encoded.
    pub payload: Vec<u8>,
    /// The quorum's signatures as contracts take them: bitmap, then signatures in index order.
    pub signatures: Vec<u8>,
    /// When it was signed.
    pub attested_at: Timestamp,
}

/// Attestations.
#[async_trait]
pub trait Attestations: Send + Sync {
    /// Records an attestation and queues its delivery, if it has one; its claim is attested from then on. An identical one
    /// is no error and queues nothing again. [`StoreError::Missing`] without its reservation or its claim,
    /// [`StoreError::Conflict`] where another payload is reserved, or the same was stored with other signatures.
    async fn add_attestation(
        &self,
        attestation: &AttestationRecord,
        deliveries: &[NewDelivery],
    ) -> Result<(), StoreError>;

    /// One attestation.
    async fn attestation(&self, id: AttestationId)
    -> Result<Option<AttestationRecord>, StoreError>;

    /// The attestations of a policy, oldest first.
    async fn attestations_of(&self, policy: PolicyId)
    -> Result<Vec<AttestationRecord>, StoreError>;

    /// The newest attestations first, at most `limit`.
    async fn recent_attestations(&self, limit: u32) -> Result<Vec<AttestationRecord>, StoreError>;
}
