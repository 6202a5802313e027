//! What a node has said to the other attestors of its quorum, and what it has heard from them.
//!
//! A node that forgot what it has voted for could be led to vote for its opposite. So every vote is journaled before it
//! leaves, under the rule of [`Ballot`], which every backend shares.

mod ballot;

pub use ballot::{Ballot, BallotRefusal, Held, Said, Saying, Voted};

use alloy_primitives::{Address, B256};
use async_trait::async_trait;
use tocsin_domain::ids::{ClaimKey, EventKey, ReportsHash};
use tocsin_domain::quorum::{Certificate, SignedReport};
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::check::Flaw;

/// Something that is said about an event, to be journaled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The key of the event.
    pub event: EventKey,
    /// What is said about it.
    pub saying: Saying,
    /// The reports that it is about, as a JSON list of [`SignedReport`]; kept under their hash.
    pub reports: Vec<u8>,
}

/// Attestations that a quorum has signed, as the attestors tell each other of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuorumResult {
    /// keccak-256 of the body.
    pub id: B256,
    /// Whose claims it pays.
    pub claims: Vec<ClaimKey>,
    /// The whole, as it is told.
    pub body: Vec<u8>,
}

/// What another attestor did that an operator has to know of: it contradicted, refused, lied, or did not answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// Who; `None` for somebody who could not prove who it is.
    pub peer: Option<Address>,
    /// What kind of disagreement: a short word that does not change.
    pub kind: String,
    /// About which event; `None` where it is about none.
    pub event: Option<EventKey>,
    /// What was said last, for people.
    pub detail: String,
    /// How often.
    pub count: u64,
    /// When for the first time.
    pub first_at: Timestamp,
    /// When for the last time.
    pub last_at: Timestamp,
}

/// What a quorum has settled: on these reports the claims of an event are attested.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The votes of the second step.
    pub certificate: Certificate,
    /// The reports.
    pub reports: Vec<SignedReport>,
}

/// The longest detail of a disagreement that is kept, in bytes: what a stranger says must not fill the disk.
pub const MAX_DETAIL: usize = 1_000;

/// The books of a quorum.
#[async_trait]
pub trait Quorums: Send + Sync {
    /// What this node has said of an event in a signing domain; empty where it has said nothing.
    async fn ballot(&self, domain_separator: B256, event: EventKey) -> Result<Ballot, StoreError>;

    /// Journals statements, each by the rule of [`Ballot`], and says of each what became of it, in their order. A refused
    /// one is no error: the others are journaled. An error journals none.
    async fn say(
        &self,
        domain_separator: B256,
        statements: &[Statement],
    ) -> Result<Vec<Said>, StoreError>;

    /// What a quorum decided of an event: the votes of its second step, and the reports that they are about.
    /// [`StoreError::InvalidRow`] where what is stored is not that.
    async fn decision(
        &self,
        domain_separator: B256,
        event: EventKey,
    ) -> Result<Option<Decision>, StoreError> {
        let Some(held) = self.ballot(domain_separator, event).await?.decided else {
            return Ok(None);
        };
        let reports = self.reports(held.reports_hash).await?;
        let reports = reports.ok_or_else(|| StoreError::Missing {
            noun: "reports of a decision on event",
            key: event.to_string(),
        })?;
        let unreadable = |error: serde_json::Error| {
            Flaw(format!("it cannot be read: {error}")).invalid_row("decision", event)
        };
        Ok(Some(Decision {
            certificate: serde_json::from_slice(&held.certificate).map_err(unreadable)?,
            reports: serde_json::from_slice(&reports).map_err(unreadable)?,
        }))
    }

    /// The reports with this hash that some statement was about.
    async fn reports(&self, reports_hash: ReportsHash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps what a quorum has signed. The same id again is no error and changes nothing.
    async fn add_result(&self, result: &QuorumResult) -> Result<(), StoreError>;

    /// What quorums have signed for these claims, each once, newest first, at most `limit`.
    async fn results_of(&self, claims: &[ClaimKey], limit: u32)
    -> Result<Vec<Vec<u8>>, StoreError>;

    /// Records disagreements; one of the same peer, kind and event as before is counted again, with its newest detail. What
    /// is over [`MAX_DETAIL`] is cut.
    async fn note(&self, disagreements: &[Disagreement]) -> Result<(), StoreError>;

    /// The disagreements, newest first, at most `limit`.
    async fn disagreements(&self, limit: u32) -> Result<Vec<Disagreement>, StoreError>;

    /// How often there was each kind of disagreement with each peer.
    async fn count_disagreements(&self) -> Result<Vec<(Option<Address>, String, u64)>, StoreError>;
}
