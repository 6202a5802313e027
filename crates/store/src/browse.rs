//! Long lists, a part at a time, for people and clients who look around.
//!
//! Each method gives at most `limit` entries that come after the one that a cursor names, in an order that stays: what is
//! added meanwhile neither repeats nor hides an entry that was there before.

use alloy_primitives::Address;
use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::cover::RiskRecord;

/// Which policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PolicyFilter {
    /// Those that pay this address.
    pub holder: Option<Address>,
    /// Those on this risk.
    pub risk: Option<RiskId>,
}

/// The place of a determination in the order of confirmation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeterminationPlace {
    /// When the terms made it count.
    pub confirmed_at: Timestamp,
    /// The risk.
    pub risk: RiskId,
    /// The loss event.
    pub ordinal: u32,
}

/// Looking around.
#[async_trait]
pub trait Browse: Send + Sync {
    /// Policies, by id.
    async fn browse_policies(
        &self,
        filter: PolicyFilter,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Policy>, StoreError>;

    /// Risks, of one cover or of all, by id.
    async fn browse_risks(
        &self,
        terms: Option<TermsHash>,
        after: Option<RiskId>,
        limit: u32,
    ) -> Result<Vec<RiskRecord>, StoreError>;

    /// The risks of exactly this subject, by id.
    async fn risks_of_subject(&self, subject: &str, limit: u32) -> Result<Vec<RiskId>, StoreError>;

    /// Determinations, the last confirmed first; `before` is exclusive.
    async fn browse_determinations(
        &self,
        before: Option<DeterminationPlace>,
        limit: u32,
    ) -> Result<Vec<Determination>, StoreError>;

    /// The claims on a determination, by policy.
    async fn browse_claims(
        &self,
        risk: RiskId,
        ordinal: u32,
        after: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Claim>, StoreError>;

    /// The observations of a stream, the newest first; `before` is exclusive.
    async fn browse_observations(
        &self,
        stream: &Stream,
        before: Option<(Timestamp, Sequence)>,
        limit: u32,
    ) -> Result<Vec<Observation>, StoreError>;
}
