//! Reserve, then sign.

mod batch;
mod each;
mod journal;
mod wanted;

pub use batch::{AttestedBatch, BatchOutcome, Included};

use std::sync::{Arc, PoisonError, RwLock};

use alloy::primitives::{Address, B256};
use tocsin_domain::attestation::payload::verdict_number;
use tocsin_domain::attestation::{ClaimAttestation, Epoch, SignatureSet, SignerSet, SigningDomain};
use tocsin_domain::determination::Verdict;
use tocsin_domain::ids::{AttestationId, ClaimKey};
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::Reservations;

use crate::{AttestError, Seat, Signer};

/// The keys of one node, and the epochs of one verifier, or of one programme off-chain, that they may sign for.
#[derive(Debug)]
pub struct Attestor {
    domain: SigningDomain,
    keys: Vec<Signer>,
    /// By number. Replaced as a whole when the verifier announces or revokes one; the store has them too.
    epochs: RwLock<Arc<[Epoch]>>,
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
    /// One key in one epoch without bounds. Refuses a key that the epoch does not have.
    pub fn new(
        domain: impl Into<SigningDomain>,
        signers: SignerSet,
        signer: Signer,
    ) -> Result<Self, AttestError> {
        let domain = domain.into();
        let epoch = Epoch::unbounded(signers);
        Seat::new(domain, epoch.clone(), &signer)?;
        Ok(Self::with_keys(domain, vec![signer], vec![epoch]))
    }

    /// Several keys, of which each may be in some of the epochs.
    pub fn with_keys(
        domain: impl Into<SigningDomain>,
        keys: Vec<Signer>,
        epochs: Vec<Epoch>,
    ) -> Self {
        let attestor = Self {
            domain: domain.into(),
            keys,
            epochs: RwLock::new(Arc::default()),
        };
        attestor.learn(epochs);
        attestor
    }

    /// Replaces the epochs by these.
    pub fn learn(&self, mut epochs: Vec<Epoch>) {
        epochs.sort_by_key(Epoch::number);
        // Whoever panicked in between left a whole list behind.
        *self.epochs.write().unwrap_or_else(PoisonError::into_inner) = epochs.into();
    }

    /// The epochs that it knows, by number.
    pub fn epochs(&self) -> Arc<[Epoch]> {
        Arc::clone(&self.epochs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who signs in an epoch, where that is known.
    pub fn signers_of(&self, epoch: u32) -> Option<SignerSet> {
        let epochs = self.epochs();
        let found = epochs.iter().find(|known| known.number() == epoch)?;
        Some(found.signers.clone())
    }

    /// Where its signatures are valid.
    pub fn domain(&self) -> SigningDomain {
        self.domain
    }

    /// The addresses of its keys.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.keys.iter().map(Signer::address)
    }

    /// How often each key could not sign since this was asked last; keys that could are left out. Who cannot write it down gives
    /// it back with [`Self::put_back`].
    pub fn take_failures(&self) -> Vec<(Address, u64)> {
        let failures = self
            .keys
            .iter()
            .map(|key| (key.address(), key.take_failures()));
        failures.filter(|(_, times)| *times > 0).collect()
    }

    /// Counts these failures as if they had not been taken.
    pub fn put_back(&self, failures: &[(Address, u64)]) {
        for (address, times) in failures {
            if let Some(key) = self.keys.iter().find(|key| key.address() == *address) {
                key.failed(*times);
            }
        }
    }

    /// The newest epoch that signs at `now`, and this node's place in it.
    ///
    /// While two epochs overlap, a node that has no key in the newer one still signs for the older.
    pub fn seat(&self, now: Timestamp) -> Result<Seat<'_>, AttestError> {
        let at = now.to_u64().unwrap_or(0);
        let epochs = self.epochs();
        let signing = epochs.iter().rev().filter(|epoch| epoch.signs_at(at));
        signing
            .clone()
            .find_map(|epoch| self.seat_in(epoch))
            .ok_or_else(|| AttestError::NoSeat {
                at: now,
                keys: self.addresses().collect(),
                signing: signing.map(Epoch::number).collect(),
            })
    }

    pub(crate) fn seat_in(&self, epoch: &Epoch) -> Option<Seat<'_>> {
        let mut keys = self.keys.iter();
        keys.find_map(|key| Seat::new(self.domain, epoch.clone(), key).ok())
    }

    /// Reserves the payload's claim key, then signs what is reserved: the payload, or one that says the same and was
    /// reserved before a crash. Nothing is signed if the key is held by another statement, or if the store fails.
    pub async fn attest(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payload: &ClaimAttestation,
    ) -> Result<Attested, AttestError> {
        let seat = self.seat_for(payload.signerEpoch, payload.issuedAt)?;
        check_claim(payload)?;
        let (reserved, answered) = seat
            .journal(reservations, &[payload], &[seat.reservation(payload)])
            .await
            .map_err(|error| error.of_one(payload.claim_key()))
            .map(|mut reserved| (reserved.pop(), reserved.len()))?;
        let stated = reserved.ok_or(AttestError::Unanswered { asked: 1, answered })??;
        seat.attested(stated).await
    }

    /// This node's place in an epoch, for what is issued at `issued_at`, where one signature is a quorum.
    fn seat_for(&self, number: u32, issued_at: u64) -> Result<Seat<'_>, AttestError> {
        let at = i64::try_from(issued_at).map_or(Timestamp(i64::MAX), Timestamp);
        let seat = self.seat_of(number, at)?;
        match seat.signers().threshold() {
            1 => Ok(seat),
            threshold => Err(AttestError::QuorumOfSeveral {
                epoch: number,
                threshold,
            }),
        }
    }
}

/// Only a claim that pays has a key to reserve.
fn check_claim(payload: &ClaimAttestation) -> Result<(), AttestError> {
    if payload.verdict != verdict_number(Verdict::Triggered) || payload.eventId == B256::ZERO {
        return Err(AttestError::NotAClaim {
            verdict: payload.verdict,
        });
    }
    Ok(())
}
