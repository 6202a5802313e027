//! Renewal: what was said in an epoch that has ended is said again in the next one, under the same claim key.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId};

use crate::StoreError;

/// Which statements of an epoch cannot be redeemed much longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cutoff {
    /// The epoch.
    pub epoch: u32,
    /// Those that are valid until then at the latest.
    pub valid_until: u64,
}

/// A claim that was attested and not paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unredeemed {
    /// The policy.
    pub policy: PolicyId,
    /// The loss event.
    pub ordinal: u32,
    /// Its consumption key.
    pub claim_key: ClaimKey,
    /// The newest attestation.
    pub attestation: AttestationId,
}

/// Claims that were attested and not paid yet.
#[async_trait]
pub trait Renewals: Send + Sync {
    /// Those whose newest attestation in a domain is before a cutoff, oldest policies first. Held, revoked and paid claims
    /// are none of them.
    async fn renewable(
        &self,
        domain_separator: B256,
        cutoffs: &[Cutoff],
        limit: u32,
    ) -> Result<Vec<Unredeemed>, StoreError>;

    /// Lets them wait for attestation again, and their old deliveries end: at once, or with the nonce that they hold. One
    /// that has changed since it was read is left alone. How many there were.
    async fn renew(&self, claims: &[Unredeemed]) -> Result<u64, StoreError>;

    /// How many unpaid claims there are under each epoch, by its number, after their newest attestation in a domain.
    async fn unredeemed(&self, domain_separator: B256) -> Result<Vec<(u32, u64)>, StoreError>;
}
