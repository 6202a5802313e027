//! Policies.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::policy::Policy;

use crate::StoreError;

/// Policies.
#[async_trait]
pub trait Policies: Send + Sync {
    /// Adds policies, all or none. An identical one is fine; one that differs from the stored one of the same id is a
    /// [`StoreError::Conflict`]; one whose risk is not stored is [`StoreError::Missing`],
    /// and one that begins at another inception than its risk's, where that has one, is [`StoreError::Refused`]. A policy added after its risk's
    /// determinations is matched with them too: they become unclaimed work again (see [`crate::claim::Claims`]).
    async fn add_policies(&self, policies: &[Policy]) -> Result<(), StoreError>;

    /// One policy.
    async fn policy(&self, id: PolicyId) -> Result<Option<Policy>, StoreError>;

    /// Many policies, in one read. Those that are not stored are left out.
    async fn policies(&self, ids: &[PolicyId]) -> Result<BTreeMap<PolicyId, Policy>, StoreError>;

    /// The policies on a risk, by id.
    async fn policies_on(&self, risk: RiskId) -> Result<Vec<Policy>, StoreError>;
}
