//! What one person proposes and another approves.

use std::collections::BTreeMap;

use alloy_primitives::hex;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tocsin_auth::life::DAY;
use tocsin_auth::seal::random;
use tocsin_store::credential::Proposal;
use utoipa::ToSchema;

use super::{ActAnswer, answer, named};
use crate::auth::admin::Act;
use crate::auth::{Auth, Caller};
use crate::extract::Path;
use crate::problem::{Kind, Problem};
use crate::served::Served;

/// How long a proposal waits for its second person.
const PROPOSED_FOR: i64 = DAY;

/// What waits for a second person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalList {
    proposals: Vec<ProposalEntry>,
}

/// A proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalEntry {
    id: String,
    act: serde_json::Value,
    proposed_by: String,
    client: String,
    proposed_at: i64,
    expires_at: i64,
}

pub(super) async fn propose(auth: &Auth, caller: &Caller, act: &Act) -> Result<Response, Problem> {
    let mut id = [0; 16];
    random(&mut id).map_err(|error| Problem::Failed(error.to_string()))?;
    let now = (auth.0.now)();
    let text = serde_json::to_string(act).map_err(|error| Problem::Failed(error.to_string()))?;
    let proposal = Proposal {
        id,
        act: text,
        proposed_by: caller.key.clone(),
        proposer: caller.client.clone(),
        proposed_at: now,
        expires_at: now.plus(PROPOSED_FOR),
    };
    auth.0.store.propose(&proposal).await?;
    auth.admin().propose(act, &named(&[caller]), now).await?;
    let answer = ActAnswer {
        outcome: "proposed",
        proposal: Some(hex::encode(id)),
        key: None,
        secret: None,
        changed: BTreeMap::new(),
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

/// What waits for a second person.
#[utoipa::path(get, path = "/v1/keys/proposals", operation_id = "proposals", tag = "keys", responses((status = 200, body = ProposalList)))]
pub(crate) async fn list(State(api): State<Served>) -> Result<Json<ProposalList>, Problem> {
    let auth = &api.auth.0;
    let open = auth.store.proposals((auth.now)()).await?;
    let mut proposals = Vec::new();
    for proposal in open {
        let act = read(&proposal.act)?;
        let act = serde_json::to_value(act).map_err(|error| Problem::Failed(error.to_string()))?;
        proposals.push(ProposalEntry {
            id: hex::encode(proposal.id),
            act,
            proposed_by: proposal.proposed_by.to_string(),
            client: proposal.proposer.to_string(),
            proposed_at: proposal.proposed_at.0,
            expires_at: proposal.expires_at.0,
        });
    }
    Ok(Json(ProposalList { proposals }))
}

/// Approves and does what somebody else has proposed.
#[utoipa::path(post, path = "/v1/keys/proposals/{id}/approval", tag = "keys", params(("id" = String, Path, description = "The proposal")), responses((status = 200, body = ActAnswer), (status = 404)))]
pub(crate) async fn approve(
    State(api): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let auth = &api.auth;
    let now = (auth.0.now)();
    let missing = || {
        Problem::NotFound(format!(
            "there is no proposal `{id}` that waits: it was approved already, or is older than a day"
        ))
    };
    let bytes: [u8; 16] = hex::decode(&id)
        .map_or(None, |bytes| bytes.try_into().ok())
        .ok_or_else(missing)?;
    let open = auth.0.store.proposals(now).await?;
    let proposal = open.into_iter().find(|proposal| proposal.id == bytes);
    let proposal = proposal.ok_or_else(missing)?;
    if proposal.proposer == caller.client || proposal.proposed_by == caller.key {
        return Err(Problem::Said {
            kind: Kind::Forbidden,
            detail: "the client that proposed it cannot approve it: that takes a second person"
                .to_owned(),
        });
    }
    // Whoever proposed it must still be somebody who may.
    let proposer = auth.0.store.credential(&proposal.proposed_by).await?;
    let proposer = proposer.filter(|key| key.life.verifies(now));
    let Some(proposer) = proposer else {
        return Err(Problem::Said {
            kind: Kind::Conflict,
            detail: "the key that proposed it is not active any more: propose it anew".to_owned(),
        });
    };
    let taken = auth.0.store.take_proposal(bytes, now).await?;
    let taken = taken.ok_or_else(missing)?;
    let first = Caller {
        client: taken.proposer,
        key: taken.proposed_by,
        scopes: proposer.scopes,
        environment: caller.environment,
    };
    let act = read(&taken.act)?;
    let done = auth.perform(&act, &[&first, &caller]).await?;
    Ok((StatusCode::OK, Json(answer(done))).into_response())
}

fn read(act: &str) -> Result<Act, Problem> {
    serde_json::from_str(act)
        .map_err(|error| Problem::Failed(format!("a stored proposal: {error}")))
}
