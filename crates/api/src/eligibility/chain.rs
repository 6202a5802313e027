//! The chain of reasons, as it is answered.

use std::collections::BTreeMap;

use serde::Serialize;
use tocsin_domain::ids::AttestationId;
use utoipa::ToSchema;

use super::logged::LoggedView;
use super::outlook::Outlook;
use crate::epochs::StandingView;
use crate::views::record::{ClaimRecord, DeterminationRecord, PolicyRecord};

/// Everything that was decided about a policy, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct Chain {
    pub(crate) policy: PolicyRecord,
    /// How far it has come, as a clause.
    pub(crate) state: &'static str,
    /// How far each source of its risk has been read: RFC 3339; beyond, nothing is known.
    pub(crate) seen_until: BTreeMap<String, Option<String>>,
    /// What is lacking of a loss, where none has been determined.
    pub(crate) outlook: Option<Outlook>,
    /// The claims on each loss event.
    pub(crate) claims: Vec<ClaimReasons>,
    #[schema(value_type = Vec<String>)]
    pub(crate) attestations: Vec<AttestationId>,
    /// Those of them that are held or revoked.
    pub(crate) stopped: Vec<Stopped>,
}

/// A claim, with the reasons for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimReasons {
    pub(crate) claim: ClaimRecord,
    /// The loss event that it is on.
    pub(crate) determination: Option<DeterminationRecord>,
    /// What was seen, what the terms say to it, and what follows.
    pub(crate) sentences: Option<Vec<String>>,
}

/// An attestation that cannot be used now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stopped {
    #[schema(value_type = String)]
    pub(crate) attestation: AttestationId,
    pub(crate) standing: StandingView,
}

/// A chain of reasons, with what the eligibility log says and proves of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedChain {
    #[serde(flatten)]
    pub(crate) chain: Chain,
    /// How the log says that the policy ended, in a sentence; none while it does not.
    pub(crate) outcome: Option<String>,
    /// None while no state of the log is signed.
    pub(crate) log: Option<LoggedView>,
}
