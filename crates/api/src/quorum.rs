//! The other attestors, as this node sees them, and where they disagree with it.

use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::Address;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::EventKey;
use tocsin_domain::time::Timestamp;
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// How many disagreements are shown.
const SHOWN: u32 = 100;

/// Shared by the stage that attests, which writes, and the API, which reads.
#[derive(Clone, Debug, Default)]
pub struct Quorum(Arc<RwLock<Option<QuorumStatus>>>);

/// The quorum, as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuorumStatus {
    /// This node's key.
    pub address: Address,
    /// The epoch that signs.
    pub epoch: u32,
    /// How many must sign.
    pub threshold: u8,
    /// How many can.
    pub signers: usize,
    /// The others.
    pub peers: Vec<PeerStatus>,
    /// The last rounds, newest first.
    pub rounds: Vec<RoundStatus>,
}

/// Another attestor, as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its key.
    pub address: Address,
    /// When it answered last.
    pub answered_at: Option<Timestamp>,
    /// When it asked something last.
    pub asked_at: Option<Timestamp>,
    /// Why it did not answer when it was asked last.
    pub trouble: Option<String>,
}

/// A round of the agreement on one event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoundStatus {
    /// The event.
    pub event: EventKey,
    /// Which round.
    pub round: u32,
    /// Who proposed.
    pub proposer: Address,
    /// How far it came.
    pub stage: String,
    /// When.
    pub at: Timestamp,
}

impl Quorum {
    /// What is seen now.
    pub fn report(&self, status: QuorumStatus) {
        self.replace(Some(status));
    }

    /// What another process sees.
    pub fn replace(&self, status: Option<QuorumStatus>) {
        // The lock is held for an assignment only, which does not panic: a poisoned one is still good.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// What was seen last; `None` where no quorum attests.
    pub fn status(&self) -> Option<QuorumStatus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The quorum: who is in it, how the others answer, and where they disagree with this node.
#[derive(Serialize, ToSchema)]
pub(crate) struct QuorumView {
    /// This node's key.
    address: String,
    epoch: u32,
    /// How many must sign.
    threshold: u8,
    /// How many can.
    signers: usize,
    peers: Vec<PeerView>,
    /// The last rounds, newest first.
    rounds: Vec<RoundView>,
    disagreements: Vec<DisagreementView>,
}

/// Another attestor.
#[derive(Serialize, ToSchema)]
pub(crate) struct PeerView {
    address: String,
    answered_at: Option<String>,
    asked_at: Option<String>,
    /// Why it did not answer when it was asked last.
    trouble: Option<String>,
}

/// A round of the agreement on one event.
#[derive(Serialize, ToSchema)]
pub(crate) struct RoundView {
    #[schema(value_type = String)]
    event: EventKey,
    round: u32,
    proposer: String,
    /// How far it came.
    stage: String,
    at: String,
}

/// A contradiction, a refusal or a lie.
#[derive(Serialize, ToSchema)]
pub(crate) struct DisagreementView {
    /// Who; none for somebody who could not prove who it is.
    peer: Option<String>,
    /// A short word that does not change.
    kind: String,
    #[schema(value_type = Option<String>)]
    event: Option<EventKey>,
    /// What was said last.
    detail: String,
    count: u64,
    first_at: String,
    last_at: String,
}

/// The other attestors, as this node sees them.
#[utoipa::path(get, path = "/v1/quorum", operation_id = "get_quorum", tag = "quorum", responses((status = 200, description = "The quorum", body = QuorumView), (status = 404, description = "This service attests alone, or not yet with others", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn quorum(State(api): State<Served>) -> Result<Json<QuorumView>, Problem> {
    let Some(status) = api.quorum.status() else {
        let nothing = "this service attests alone, or not yet with others";
        return Err(Problem::NotFound(nothing.to_owned()));
    };
    let address = |address: Address| format!("{address:#x}");
    let peers = status.peers.into_iter().map(|peer| PeerView {
        address: address(peer.address),
        answered_at: peer.answered_at.map(|at| at.to_string()),
        asked_at: peer.asked_at.map(|at| at.to_string()),
        trouble: peer.trouble,
    });
    let rounds = status.rounds.into_iter().map(|round| RoundView {
        event: round.event,
        round: round.round,
        proposer: address(round.proposer),
        stage: round.stage,
        at: round.at.to_string(),
    });
    let disagreements = api.store.disagreements(SHOWN).await?;
    let disagreements = disagreements.into_iter().map(|noted| DisagreementView {
        peer: noted.peer.map(address),
        kind: noted.kind,
        event: noted.event,
        detail: noted.detail,
        count: noted.count,
        first_at: noted.first_at.to_string(),
        last_at: noted.last_at.to_string(),
    });
    Ok(Json(QuorumView {
        address: address(status.address),
        epoch: status.epoch,
        threshold: status.threshold,
        signers: status.signers,
        peers: peers.collect(),
        rounds: rounds.collect(),
        disagreements: disagreements.collect(),
    }))
}
