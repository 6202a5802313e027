//! Determinations awaiting their claims, and claims.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};

use crate::StoreError;

/// Determinations and claims.
#[async_trait]
pub trait Claims: Send + Sync {
    /// One determination.
    async fn determination(
        &self,
        risk: RiskId,
        ordinal: u32,
    ) -> Result<Option<Determination>, StoreError>;

    /// Every determination of a risk, by ordinal.
    async fn determinations_of(&self, risk: RiskId) -> Result<Vec<Determination>, StoreError>;

    /// Determinations for which some policy on their risk has no claim yet, oldest confirmation first; without those that an
    /// unwinding kept and evaluation has not found again.
    async fn unclaimed(&self, limit: u32) -> Result<Vec<Determination>, StoreError>;

    /// Records claims, all or none; one that is stored already must be identical. [`StoreError::Missing`] without its policy
    /// or its determination, [`StoreError::Stale`] where its determination was kept by an unwinding since.
    async fn add_claims(&self, claims: &[Claim]) -> Result<(), StoreError>;

    /// The claims of a policy, by ordinal.
    async fn claims_of(&self, policy: PolicyId) -> Result<Vec<Claim>, StoreError>;

    /// The claims of many policies, in one read; those of a policy by ordinal.
    async fn claims_of_each(
        &self,
        policies: &[PolicyId],
    ) -> Result<BTreeMap<PolicyId, Vec<Claim>>, StoreError>;

    /// Eligible claims that have no attestation yet, oldest confirmation first; without those on a risk that listens to a
    /// halted source, and those on a determination that an unwinding kept and evaluation has not found again.
    async fn unattested(&self, limit: u32) -> Result<Vec<Claim>, StoreError>;
}
