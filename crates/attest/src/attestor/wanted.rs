//! What of many payloads is to be reserved: claims that pay, of the epoch that signs, each key once.

use std::collections::HashSet;

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::Reservation;
use tocsin_store::spread;

use super::check_claim;
use crate::{AttestError, Seat};

/// Payloads with what they are reserved as, and those that are not.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// The places of those to reserve among the given ones, in their order.
    pub(super) given: Vec<usize>,
    /// Those.
    pub(super) payloads: Vec<&'a ClaimAttestation>,
    /// What each is reserved as.
    pub(super) reservations: Vec<Reservation>,
    /// The others, by their place among the given ones, and why.
    pub(super) refused: Vec<(usize, AttestError)>,
}

impl Seat<'_> {
    /// Sorts payloads out; each is hashed once, on all cores.
    pub(super) async fn wanted<'a>(&self, payloads: &'a [ClaimAttestation]) -> Wanted<'a> {
        let mut wanted = Wanted::default();
        let mut keys = HashSet::with_capacity(payloads.len());
        let named = spread::map(payloads, |payload| self.reservation(payload)).await;
        for (given, (payload, reservation)) in payloads.iter().zip(named).enumerate() {
            let claim_key = reservation.claim_key;
            match check_claim(payload).and_then(|()| self.check_epoch(payload)) {
                Ok(()) if keys.insert(claim_key) => {
                    wanted.given.push(given);
                    wanted.payloads.push(payload);
                    wanted.reservations.push(reservation);
                }
                Ok(()) => wanted
                    .refused
                    .push((given, AttestError::TwiceInBatch { claim_key })),
                Err(error) => wanted.refused.push((given, error)),
            }
        }
        wanted
    }
}
