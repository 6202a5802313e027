//! Reservations, which make a signature possible once, and the attestations that follow.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation};
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId, RiskId};
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
    /// The payload was not journaled before, and is now: it may be signed.
    New,
    /// A payload that says the same of the claim (times, epoch and revision may differ) was journaled before. The stored
    /// one is what may be signed.
    Identical(Reservation),
    /// The key is held by a payload that says something else. Nothing may be signed; somebody must look.
    Conflict(Reservation),
    /// What was said under the key is revoked, and the payload's revision is below the one that may be said now.
    Revoked {
        /// The least revision that stands.
        min_revision: u32,
    },
}

/// What a store is to do with a payload that asks for a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// To journal it, as the newest statement of the key.
    Journal,
    /// To answer so.
    Answer(Reserved),
}

impl Verdict {
    /// What is done with `wanted`, where `newest` holds its key and statements below `min_revision` are revoked; the rule
    /// that every backend shares. [`StoreError::InvalidRow`] where the stored payload cannot be read.
    ///
    /// A corrected statement, which may say something else, takes the place of what was revoked. It names one of those
    /// statements; which, is for whoever made it to get right.
    pub fn judge(
        wanted: &Reservation,
        newest: Option<&Reservation>,
        min_revision: u32,
    ) -> Result<Self, StoreError> {
        let claim = ClaimAttestation::from_bytes(&wanted.payload)
            .map_err(|error| Flaw(error.to_string()).refused("reservation", wanted.claim_key))?;
        if claim.revision < min_revision {
            return Ok(Self::Answer(Reserved::Revoked { min_revision }));
        }
        let Some(newest) = newest else {
            return Ok(Self::Journal);
        };
        let stored = ClaimAttestation::from_bytes(&newest.payload).map_err(|error| {
            Flaw(error.to_string()).invalid_row("reservation", newest.claim_key)
        })?;
        let newest = newest.clone();
        let corrects = stored.revision < min_revision && claim.supersedes != B256::ZERO;
        Ok(if corrects {
            Self::Journal
        } else if claim.same_claim(&stored) {
            Self::Answer(Reserved::Identical(newest))
        } else {
            Self::Answer(Reserved::Conflict(newest))
        })
    }
}

/// Reservations, keyed by (domain separator, claim key): one content each, in any number of statements.
///
/// Whatever is journaled under one key, by whichever method, in whatever order and by however many callers, says the same
/// of the claim; only after a revocation may a corrected statement of a higher revision say something else, once.
#[async_trait]
pub trait Reservations: Send + Sync {
    /// Reserves the key for the payload, durably before it returns. Two callers at the same time: one is `New`. Where the
    /// key is held the answer is about its newest statement.
    /// [`StoreError::Halted`] where the policy's risk listens to a halted source, also where the key is held already.
    async fn reserve(&self, reservation: &Reservation) -> Result<Reserved, StoreError> {
        let one = core::slice::from_ref(reservation);
        let unanswered = || StoreError::Missing {
            noun: "answer to the reservation",
            key: reservation.claim_key.to_string(),
        };
        self.reserve_all(one).await?.pop().ok_or_else(unanswered)
    }

    /// Reserves many, and says of each what became of it, in their order. A conflict is no error: the others are reserved.
    /// An error, also a halted policy among them, reserves none.
    async fn reserve_all(&self, reservations: &[Reservation]) -> Result<Vec<Reserved>, StoreError>;

    /// Journals these very payloads: each becomes the newest statement of its key (`New`), also where the key is free, or
    /// was journaled before (`Identical`, with itself, and the newest one stays what it was). `Conflict` where the key is
    /// held by another content. Otherwise as [`Self::reserve_all`].
    async fn restate_all(&self, reservations: &[Reservation]) -> Result<Vec<Reserved>, StoreError>;

    /// What was journaled under a key, oldest first.
    async fn statements(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Vec<Reservation>, StoreError>;
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
    /// What makes it valid.
    pub signed: Signed,
    /// When it was signed.
    pub attested_at: Timestamp,
}

/// What makes an attestation valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signed {
    /// The quorum's own signatures of it, as contracts take them: bitmap, then signatures in index order.
    Alone(Vec<u8>),
    /// The signatures of a batch that it is in.
    InBatch {
        /// Which.
        batch: BatchId,
        /// Its place there, counted from 0.
        place: u32,
        /// The siblings from its leaf up to the root.
        proof: Vec<B256>,
    },
}

/// Many attestations under one signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchRecord {
    /// The digest.
    pub id: BatchId,
    /// The signing domain.
    pub domain_separator: B256,
    /// What was signed.
    pub batch: AttestationBatch,
    /// The quorum's signatures as contracts take them: bitmap, then signatures in index order.
    pub signatures: Vec<u8>,
    /// When it was signed.
    pub attested_at: Timestamp,
}

/// One of a batch, with the call that delivers it, if it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchMember {
    /// The attestation.
    pub attestation: AttestationRecord,
    /// Its delivery.
    pub delivery: Option<NewDelivery>,
}

/// A signed claim, with the calls that deliver it.
#[derive(Clone, Copy, Debug)]
pub struct Issued<'a> {
    /// The attestation.
    pub attestation: &'a AttestationRecord,
    /// Its deliveries.
    pub deliveries: &'a [NewDelivery],
}

/// Attestations.
#[async_trait]
pub trait Attestations: Send + Sync {
    /// Records an attestation and queues its delivery, if it has one; its claim is attested from then on. An identical one
    /// is no error and queues nothing again. One that is signed by its batch comes with that, never alone, and is
    /// [`StoreError::Refused`]. [`StoreError::Missing`] without its reservation or its claim,
    /// [`StoreError::Conflict`] where another payload is reserved, or the same was stored with other signatures.
    async fn add_attestation(
        &self,
        attestation: &AttestationRecord,
        deliveries: &[NewDelivery],
    ) -> Result<(), StoreError> {
        self.add_attestations(&[Issued {
            attestation,
            deliveries,
        }])
        .await
    }

    /// Many at once, so that one durable commit serves all of them. The rules are those of [`Self::add_attestation`] for
    /// each: all are recorded, or none.
    async fn add_attestations(&self, issued: &[Issued<'_>]) -> Result<(), StoreError>;

    /// Records a batch with all of its attestations, in the order of their places, and queues their deliveries. The same
    /// batch again is no error and queues nothing again. Otherwise the rules are those of [`Self::add_attestation`] for
    /// each: all are recorded, or none.
    async fn add_batch(
        &self,
        batch: &BatchRecord,
        members: &[BatchMember],
    ) -> Result<(), StoreError>;

    /// One batch.
    async fn batch(&self, id: BatchId) -> Result<Option<BatchRecord>, StoreError>;

    /// One attestation.
    async fn attestation(&self, id: AttestationId)
    -> Result<Option<AttestationRecord>, StoreError>;

    /// The attestations of a policy, oldest first.
    async fn attestations_of(&self, policy: PolicyId)
    -> Result<Vec<AttestationRecord>, StoreError>;

    /// The newest attestations first, at most `limit`.
    async fn recent_attestations(&self, limit: u32) -> Result<Vec<AttestationRecord>, StoreError>;
}
