//! What attestors ask each other, as strict JSON: unknown and missing members are refused.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tocsin_domain::attestation::signatures_json::{one_signature, packed_signatures};
use tocsin_domain::attestation::{QuorumSignature, SignatureSet};
use tocsin_domain::ids::{AttestationId, ClaimKey, EventKey, PolicyId};
use tocsin_domain::quorum::{Certificate, Event, SignedReport};
use tocsin_domain::time::Timestamp;

use crate::refusal::{Reason, Refusal};

/// What is asked for, and where.
pub mod path {
    /// Reports.
    pub const REPORT: &str = "/quorum/v1/report";
    /// Votes of the first step.
    pub const VOTE: &str = "/quorum/v1/vote";
    /// Votes of the second step.
    pub const LOCK: &str = "/quorum/v1/lock";
    /// Shares in attestations.
    pub const SIGN: &str = "/quorum/v1/sign";
    /// Tells of attestations.
    pub const SIGNED: &str = "/quorum/v1/signed";
    /// Asks for attestations.
    pub const WANTED: &str = "/quorum/v1/wanted";
}

/// Something, or why not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// It.
    Yes(T),
    /// Why not.
    No(Refusal),
}

/// Asks what an attestor has seen of events, and what it is bound to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// The epoch that signs.
    pub epoch: u32,
    /// The events.
    pub events: Vec<Event>,
}

/// Of each event, in the order of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportResponse {
    /// What was asked for.
    pub heard: Vec<Heard>,
}

/// What an attestor says of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Its report.
    pub report: Answer<SignedReport>,
    /// The highest round that it has taken part in; 0 for none.
    pub round: u32,
    /// What it is locked to.
    pub locked: Option<Backed>,
    /// The decision that it has seen.
    pub decided: Option<Backed>,
}

/// A certificate with the reports that it is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backed {
    /// The votes.
    pub certificate: Certificate,
    /// The reports.
    pub reports: Vec<SignedReport>,
}

/// Asks for votes of the first step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteRequest {
    /// The epoch that signs.
    pub epoch: u32,
    /// On what.
    pub proposals: Vec<Proposal>,
}

/// Reports that are to be settled on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Of which event.
    pub event: Event,
    /// In which round.
    pub round: u32,
    /// The reports, in the order of their signers' indices.
    pub reports: Vec<SignedReport>,
    /// A certificate of an earlier round for the same reports, where somebody is locked to one.
    pub certificate: Option<Certificate>,
}

/// Asks for votes of the second step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockRequest {
    /// The epoch that signs.
    pub epoch: u32,
    /// On what.
    pub certified: Vec<Certified>,
}

/// An event with a certificate, or with a decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certified {
    /// The event.
    pub event: Event,
    /// What was voted on it.
    pub backed: Backed,
}

/// Of each proposal or certificate the vote, in the order of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteResponse {
    /// The votes.
    pub votes: Vec<Answer<Signature>>,
}

/// One signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signature(#[serde(with = "one_signature")] pub QuorumSignature);

/// A quorum's signatures, packed as contracts take them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signatures(#[serde(with = "packed_signatures")] pub SignatureSet);

/// Claims that are to be attested, on decided events: enough for each attestor to make the payloads itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The epoch that signs.
    pub epoch: u32,
    /// When all of them are issued; the rest of their times follows by the attestors' common settings.
    pub issued_at: Timestamp,
    /// Whether they are signed as one batch.
    pub batched: bool,
    /// What was decided.
    pub events: Vec<Certified>,
    /// The claims, in the order of their places in a batch.
    pub claims: Vec<IssuedClaim>,
}

impl Issue {
    /// Whose claims they are.
    pub(crate) fn policies(&self) -> impl Iterator<Item = PolicyId> {
        self.claims.iter().map(|claim| claim.policy)
    }
}

/// One of the claims.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedClaim {
    /// Whose.
    pub policy: PolicyId,
    /// The place of its event in the list.
    pub event: usize,
    /// Which statement of it this is.
    pub revision: Revision,
    /// The digest of the payload.
    pub id: AttestationId,
}

/// Which statement of a claim it is: the first, or a corrected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// 0 for the first.
    pub number: u32,
    /// The digest of the statement that was revoked; zero for the first.
    pub supersedes: B256,
}

/// An attestor's part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignResponse {
    /// Of each claim its share, or why not; of claims in a batch only those that are refused count.
    pub claims: Vec<Answer<Option<Signature>>>,
    /// Its share in the batch; none if it refuses one of the claims, or if there is no batch.
    pub batch: Option<Signature>,
}

/// Attestations that a quorum has signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What was signed.
    pub issue: Issue,
    /// Of each claim; or the one of the batch.
    pub signatures: Vec<Signatures>,
}

/// Says what became of a result that was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedResponse {
    /// Whether it is kept.
    pub kept: Answer<bool>,
}

/// Asks for attestations of claims.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedRequest {
    /// The claims.
    pub claims: Vec<ClaimKey>,
}

/// The attestations of some of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedResponse {
    /// What quorums have signed.
    pub signed: Vec<Signed>,
}

impl<T> Answer<T> {
    /// As a result.
    pub fn result(self) -> Result<T, Refusal> {
        match self {
            Self::Yes(it) => Ok(it),
            Self::No(refusal) => Err(refusal),
        }
    }
}

impl<T> From<Result<T, Refusal>> for Answer<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(it) => Self::Yes(it),
            Err(refusal) => Self::No(refusal),
        }
    }
}

impl Heard {
    /// In the place of what does not fit into the answer any more.
    pub(crate) fn later(self) -> Self {
        let again = Refusal::new(
            Reason::AskAgain,
            "it is too much for one answer with the events before it",
        );
        Self {
            report: Answer::No(again),
            round: self.round,
            locked: None,
            decided: None,
        }
    }

    /// Whether it was left for later.
    pub(crate) fn is_for_later(&self) -> bool {
        matches!(&self.report, Answer::No(refusal) if refusal.reason == Reason::AskAgain)
    }
}

impl Certified {
    /// What the event is known by.
    pub fn key(&self) -> EventKey {
        self.event.key()
    }
}
