//! Epochs: who may sign when, and until when that is accepted.
//!
//! An announced epoch never changes but for being revoked, once. Epochs overlap, so that a rotation loses no statement.

use crate::attestation::SignerSet;

/// One epoch, as the verifier knows it. Times are unix seconds, inclusive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Epoch {
    /// Who signs, and how many must; with the epoch's number.
    pub signers: SignerSet,
    /// First `issuedAt` that it may sign.
    pub active_from: u64,
    /// Last `issuedAt` that it may sign.
    pub sign_until: u64,
    /// Last block time at which its signatures are accepted.
    pub accept_until: u64,
    /// Whether nothing that it ever signed is accepted any more.
    pub revoked: bool,
}

impl Epoch {
    /// One without bounds, as a configuration describes it that names signers only.
    pub fn unbounded(signers: SignerSet) -> Self {
        Self {
            signers,
            active_from: 0,
            sign_until: u64::MAX,
            accept_until: u64::MAX,
            revoked: false,
        }
    }

    /// Its number, from 1.
    pub fn number(&self) -> u32 {
        self.signers.epoch()
    }

    /// Whether it may sign what is issued at this instant.
    pub fn signs_at(&self, issued_at: u64) -> bool {
        !self.revoked && (self.active_from..=self.sign_until).contains(&issued_at)
    }

    /// Whether a block of this time takes its signatures.
    pub fn is_accepted_at(&self, block_time: u64) -> bool {
        !self.revoked && block_time <= self.accept_until
    }

    /// The last instant at which a statement that is valid until `valid_until` is accepted; `None` where it never is.
    pub fn redeemable_until(&self, valid_until: u64) -> Option<u64> {
        (!self.revoked).then(|| valid_until.min(self.accept_until))
    }

    /// Whether both are the same announcement; one of them may know of a revocation.
    pub fn is_same_announcement(&self, other: &Self) -> bool {
        let revoked = other.revoked;
        Self {
            revoked,
            ..self.clone()
        } == *other
    }
}
