//! From payloads that are wanted to payloads that may be signed.

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_store::StoreError;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};

use crate::{AttestError, Seat};

/// Of each payload what may be signed in its place, or why nothing may.
type Journaled = Vec<Result<Stated, AttestError>>;

/// A journaled payload, with the names that it is journaled under, so that nothing is hashed twice.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) attestation: ClaimAttestation,
    pub(super) id: AttestationId,
    pub(super) claim_key: ClaimKey,
}

impl Stated {
    fn new(attestation: ClaimAttestation, journaled: &Reservation) -> Self {
        Self {
            attestation,
            id: journaled.attestation_id,
            claim_key: journaled.claim_key,
        }
    }
}

/// Why nothing was journaled at all.
#[derive(Debug)]
pub(super) enum JournalError {
    Store(StoreError),
    Unanswered { asked: usize, answered: usize },
}

impl JournalError {
    pub(super) fn of_one(self, claim_key: ClaimKey) -> AttestError {
        match self {
            Self::Store(source) => AttestError::Reserve { claim_key, source },
            Self::Unanswered { asked, answered } => AttestError::Unanswered { asked, answered },
        }
    }

    pub(super) fn of_batch(self, count: usize) -> AttestError {
        match self {
            Self::Store(source) => AttestError::ReserveBatch { count, source },
            Self::Unanswered { asked, answered } => AttestError::Unanswered { asked, answered },
        }
    }
}

impl Seat<'_> {
    /// Reserves the claim key of each, as `wanted`, in the same order, says. A key that is held by the same content is said with the stored bytes, so that a
    /// retry after a crash signs what it may have signed before; where those are of another epoch, or nearly expired, it is
    /// said anew with the wanted ones, which are journaled first too.
    pub(super) async fn journal(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[&ClaimAttestation],
        wanted: &[Reservation],
    ) -> Result<Journaled, JournalError> {
        let answers = reservations.reserve_all(wanted).await;
        let answers = all(answers, wanted.len())?;
        let mut journaled = Vec::with_capacity(wanted.len());
        let mut anew = Vec::new();
        for ((wanted, payload), answer) in wanted.iter().zip(payloads).zip(answers) {
            let judged = self.judge(wanted, payload, answer);
            if let Ok(stored) = &judged
                && !self.is_fresh(&stored.attestation, payload)
            {
                anew.push((journaled.len(), wanted.clone()));
            }
            journaled.push(judged);
        }
        if anew.is_empty() {
            return Ok(journaled);
        }
        let (places, wanted): (Vec<usize>, Vec<Reservation>) = anew.into_iter().unzip();
        let answers = all(reservations.restate_all(&wanted).await, wanted.len())?;
        for ((place, wanted), answer) in places.into_iter().zip(&wanted).zip(answers) {
            if let (Some(slot), Some(payload)) = (journaled.get_mut(place), payloads.get(place)) {
                *slot = said_anew(wanted, payload, answer);
            }
        }
        Ok(journaled)
    }

    /// Whether a stored statement is signed as it is: by this epoch, and with at least half of the wanted one's time left.
    fn is_fresh(&self, stored: &ClaimAttestation, wanted: &ClaimAttestation) -> bool {
        let half = wanted.validUntil.saturating_sub(wanted.issuedAt) / 2;
        stored.signerEpoch == self.epoch.number()
            && stored.revision == wanted.revision
            && self.epoch.signs_at(stored.issuedAt)
            && stored.validUntil >= wanted.validUntil.saturating_sub(half)
    }

    /// What may be signed, now that the store has answered.
    fn judge(
        &self,
        wanted: &Reservation,
        payload: &ClaimAttestation,
        reserved: Reserved,
    ) -> Result<Stated, AttestError> {
        match reserved {
            Reserved::New => Ok(Stated::new(payload.clone(), wanted)),
            Reserved::Identical(stored) => {
                let read = self.read_reserved(wanted, payload, &stored)?;
                Ok(Stated::new(read, &stored))
            }
            Reserved::Conflict(stored) => Err(conflict(wanted, &stored)),
            Reserved::Revoked { min_revision } => Err(revoked(wanted, min_revision)),
        }
    }

    pub(super) fn reservation(&self, payload: &ClaimAttestation) -> Reservation {
        let domain_separator = self.domain.domain_separator();
        Reservation {
            domain_separator,
            claim_key: payload.claim_key(),
            attestation_id: payload.digest_in(domain_separator),
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
        Ok(attestation)
    }
}

/// What may be signed of what was to be journaled as it is.
fn said_anew(
    wanted: &Reservation,
    payload: &ClaimAttestation,
    answer: Reserved,
) -> Result<Stated, AttestError> {
    match answer {
        Reserved::New => Ok(Stated::new(payload.clone(), wanted)),
        Reserved::Identical(stored) if stored == *wanted => {
            Ok(Stated::new(payload.clone(), wanted))
        }
        Reserved::Identical(_) => Err(AttestError::DamagedReservation {
            claim_key: wanted.claim_key,
            problem: "another payload was journaled than the one that was to be",
        }),
        Reserved::Conflict(stored) => Err(conflict(wanted, &stored)),
        Reserved::Revoked { min_revision } => Err(revoked(wanted, min_revision)),
    }
}

fn revoked(wanted: &Reservation, min_revision: u32) -> AttestError {
    AttestError::Revoked {
        claim_key: wanted.claim_key,
        min_revision,
    }
}

fn conflict(wanted: &Reservation, stored: &Reservation) -> AttestError {
    AttestError::Conflict {
        claim_key: wanted.claim_key,
        reserved: stored.attestation_id,
        wanted: wanted.attestation_id,
    }
}

fn all(
    answers: Result<Vec<Reserved>, StoreError>,
    asked: usize,
) -> Result<Vec<Reserved>, JournalError> {
    let answers = answers.map_err(JournalError::Store)?;
    let answered = answers.len();
    if answered == asked {
        Ok(answers)
    } else {
        Err(JournalError::Unanswered { asked, answered })
    }
}
