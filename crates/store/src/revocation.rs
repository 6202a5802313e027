//! What ends a claim, or stops it: holds and revocations at the verifier, and this node's part in them.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::ids::{ClaimKey, PolicyId};
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// What the verifier says of a claim in a final block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimNews {
    /// Which.
    pub claim_key: ClaimKey,
    /// It was paid.
    pub consumed: bool,
    /// The ordinal of the hold that is in force.
    pub hold: Option<u32>,
    /// Statements below this revision are revoked.
    pub min_revision: u32,
}

/// A claim that something has happened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What the verifier said last.
    pub news: ClaimNews,
    /// The revision in which a person has allowed a corrected statement; it is `min_revision`, or the correction was revoked
    /// in its turn.
    pub corrected: Option<u32>,
}

impl Standing {
    /// The revision that a statement must have now, or `None` where nothing may be said.
    pub fn revision(&self) -> Option<u32> {
        match (self.news.min_revision, self.corrected) {
            (0, _) => Some(0),
            (least, Some(corrected)) if corrected == least => Some(least),
            (_, _) => None,
        }
    }
}

/// What a node says to stop or to free a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Withdrawal {
    /// Statements below `min_revision` are taken back.
    Revocation {
        /// The least revision that stands.
        min_revision: u32,
        /// Why.
        reason: String,
    },
    /// A hold is over.
    Release {
        /// Its ordinal.
        hold: u32,
    },
}

/// A withdrawal that is about to be signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewWithdrawal {
    /// The signing domain.
    pub domain_separator: B256,
    /// The claim.
    pub claim_key: ClaimKey,
    /// What is signed: an EIP-712 digest.
    pub id: B256,
    /// What it says.
    pub says: Withdrawal,
    /// When.
    pub said_at: Timestamp,
}

/// Holds and revocations.
#[async_trait]
pub trait Standings: Send + Sync {
    /// The block from which on the verifier has not been searched yet; `None` at the beginning.
    async fn standing_cursor(&self, domain_separator: B256) -> Result<Option<u64>, StoreError>;

    /// Records what the verifier says of claims, and how far it was searched. A claim that was consumed is not renewed; one
    /// that is revoked is not said again, and a delivery of what was revoked has ended, or ends with its nonce.
    /// [`StoreError::Conflict`] where a least revision falls or a consumption is taken back, and then nothing is recorded.
    async fn put_standings(
        &self,
        domain_separator: B256,
        next_block: Option<u64>,
        news: &[ClaimNews],
    ) -> Result<(), StoreError>;

    /// One claim, if something has happened to it.
    async fn claim_standing(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
    ) -> Result<Option<Standing>, StoreError>;

    /// The claims that are held or were revoked.
    async fn stopped(&self, domain_separator: B256) -> Result<Vec<Standing>, StoreError>;

    /// Leaves a claim unsaid whose key was revoked before anything was said of it.
    async fn bar(&self, policy: PolicyId, ordinal: u32) -> Result<(), StoreError>;

    /// A person allows a corrected statement of the claim, in the revision that was asked for when it was revoked: it waits
    /// for attestation again. [`StoreError::Refused`] where it is not revoked, [`StoreError::Missing`] without the claim.
    async fn allow_correction(
        &self,
        domain_separator: B256,
        claim_key: ClaimKey,
        policy: PolicyId,
        ordinal: u32,
    ) -> Result<(), StoreError>;

    /// Journals what this node is about to sign. The same content again, with other times, is no error.
    /// [`StoreError::Conflict`] where the same revision was revoked for another reason.
    async fn withdraw(&self, withdrawal: &NewWithdrawal) -> Result<(), StoreError>;
}
