//! Long lists, a part at a time, for people and clients who look around.
//!
//! Each method gives at most `limit` entries that come after the one that a cursor names, in an order that stays: what is
//! added meanwhile neither repeats nor hides an entry that was there before.

use alloy_primitives::Address;
use async_trait::async_trait;
use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{AttestationId, ClaimKey, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::attestation::AttestationRecord;
use crate::cover::RiskRecord;
use crate::delivery::Delivery;

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

/// Which claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClaimFilter {
    /// Those of this policy.
    pub policy: Option<PolicyId>,
    /// Those of policies that pay this address.
    pub holder: Option<Address>,
    /// Those that have come so far, and no further.
    pub state: Option<ClaimState>,
}

/// How far a claim has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClaimState {
    /// It is not paid.
    Refused,
    /// It is to be attested.
    Waiting,
    /// It is attested, and not paid as far as a final block says.
    Attested,
    /// What was said of it is revoked, and nobody has allowed a corrected statement.
    Barred,
    /// It is paid, as a final block says.
    Paid,
}

impl ClaimState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Refused,
        Self::Waiting,
        Self::Attested,
        Self::Barred,
        Self::Paid,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Attested => "attested",
            Self::Barred => "barred",
            Self::Paid => "paid",
        }
    }
}

/// A claim, and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimEntry {
    /// The claim.
    pub claim: Claim,
    /// How far it has come.
    pub state: ClaimState,
}

/// Which attestations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttestationFilter {
    /// All.
    All,
    /// Those of this policy.
    Policy(PolicyId),
    /// Those of policies that pay this address.
    Holder(Address),
    /// Those of claims on this loss event of a risk.
    Determination(RiskId, u32),
}

/// Which deliveries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryFilter {
    /// All.
    All,
    /// Waiting for a nonce.
    Queued,
    /// On their way.
    Sending,
    /// Consumed, in a final block.
    Done,
    /// Given up.
    Failed,
    /// Replaced by a newer attestation.
    Superseded,
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

    /// Claims, by policy and loss event; `after` is exclusive. With a holder, its policies' only.
    async fn browse_every_claim(
        &self,
        filter: ClaimFilter,
        after: Option<(PolicyId, u32)>,
        limit: u32,
    ) -> Result<Vec<ClaimEntry>, StoreError>;

    /// The claim that was attested under a consumption key; `None` also for one that nothing was attested of yet.
    async fn claim_of_key(&self, key: ClaimKey) -> Result<Option<ClaimEntry>, StoreError>;

    /// Attestations, the last recorded first; `before` is exclusive, and [`StoreError::Missing`] where it is not recorded.
    async fn browse_attestations(
        &self,
        filter: AttestationFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<AttestationRecord>, StoreError>;

    /// Deliveries, the last queued first; `before` is exclusive, and [`StoreError::Missing`] where there is none of it.
    async fn browse_deliveries(
        &self,
        filter: DeliveryFilter,
        before: Option<AttestationId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
}
