//! The other attestors, as this node sees them, and where they disagree with it.

use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::Address;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tocsin_domain::ids::EventKey;
use tocsin_domain::time::Timestamp;

use crate::Api;
use crate::problem::Problem;

/// How many disagreements are shown.
const SHOWN: u32 = 100;

/// Shared by the stage that attests, which writes, and the API, which reads.
#[derive(Clone, Debug, Default)]
pub struct Quorum(Arc<RwLock<Option<QuorumStatus>>>);

/// The quorum, as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
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
        // The lock is held for an assignment only, which does not panic: a poisoned one is still good.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// What was seen last; `None` where no quorum attests.
    pub fn status(&self) -> Option<QuorumStatus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(crate) async fn quorum(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let Some(status) = api.quorum.status() else {
        let nothing = "this service attests alone, or not yet with others";
        return Err(Problem::NotFound(nothing.to_owned()));
    };
    let time = |at: Timestamp| at.to_string();
    let address = |address: Address| format!("{address:#x}");
    let peers = status.peers.into_iter().map(|peer| {
        json!({
            "address": address(peer.address),
            "answered_at": peer.answered_at.map(time),
            "asked_at": peer.asked_at.map(time),
            "trouble": peer.trouble,
        })
    });
    let rounds = status.rounds.into_iter().map(|round| {
        json!({
            "event": round.event,
            "round": round.round,
            "proposer": address(round.proposer),
            "stage": round.stage,
            "at": time(round.at),
        })
    });
    let disagreements = api.store.disagreements(SHOWN).await?;
    let disagreements = disagreements.into_iter().map(|noted| {
        json!({
            "peer": noted.peer.map(address),
            "kind": noted.kind,
            "event": noted.event,
            "detail": noted.detail,
            "count": noted.count,
            "first_at": time(noted.first_at),
            "last_at": time(noted.last_at),
        })
    });
    Ok(Json(json!({
        "address": address(status.address),
        "epoch": status.epoch,
        "threshold": status.threshold,
        "signers": status.signers,
        "peers": peers.collect::<Vec<_>>(),
        "rounds": rounds.collect::<Vec<_>>(),
        "disagreements": disagreements.collect::<Vec<_>>(),
    })))
}
