//! What one person proposes and another approves.

use std::collections::BTreeMap;

use alloy_primitives::hex;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Serialize;
use tocsin_auth::life::DAY;
use tocsin_auth::seal::random;
use tocsin_store::credential::Proposal;
use utoipa::ToSchema;

use super::{ActAnswer, named, perform, raced, refused_act};
use crate::Api;
use crate::auth::Caller;
use crate::auth::admin::{Act, ActError};
use crate::extract::Path;
use crate::idempotency::Asked;
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

pub(super) async fn propose(
    api: &Api,
    caller: &Caller,
    act: &Act,
    asked: &Asked,
) -> Result<Response, Problem> {
    let auth = &api.auth;
    let (actor, now) = (named(&[caller]), (auth.0.now)());
    // What cannot be done as things stand is not kept for a second person.
    if let Err(error) = auth.admin().plan(act, &actor, now).await {
        if error.is_of_the_act() {
            auth.admin().refused(act, &actor, &error, now).await?;
        }
        return Err(refused_act(error));
    }
    let mut id = [0; 16];
    random(&mut id).map_err(|error| Problem::Failed(error.to_string()))?;
    let text = serde_json::to_string(act).map_err(|error| Problem::Failed(error.to_string()))?;
    let proposal = Proposal {
        id,
        act: text,
        proposed_by: caller.key.clone(),
        proposer: caller.client.clone(),
        proposed_at: now,
        expires_at: now.plus(PROPOSED_FOR),
    };
    let answer = ActAnswer {
        outcome: "proposed",
        proposal: Some(hex::encode(id)),
        key: None,
        secret: None,
        secret_lost: None,
        changed: BTreeMap::new(),
    };
    let again = answer.again(StatusCode::ACCEPTED, asked, now)?;
    let kept = auth.admin().propose(act, &proposal, &actor, &again).await;
    if let Err(error) = kept.map_err(ActError::Store) {
        if let Some(answered) = raced(&error, asked, api).await? {
            return Ok(answered);
        }
        if error.is_of_the_act() {
            auth.admin().refused(act, &actor, &error, now).await?;
        }
        return Err(refused_act(error));
    }
    Ok(answer.first(StatusCode::ACCEPTED))
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
#[utoipa::path(post, path = "/v1/keys/proposals/{id}/approval", tag = "keys", params(("id" = String, Path, description = "The proposal"), ("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), responses((status = 200, body = ActAnswer), (status = 404)))]
pub(crate) async fn approve(
    State(api): State<Served>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let auth = &api.auth;
    let what = format!("POST /v1/keys/proposals/{id}/approval");
    let asked = Asked::of(Some(&caller), &headers, &what, b"")?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let now = (auth.0.now)();
    let missing = || {
        Problem::NotFound(format!(
            "there is no proposal `{id}` that waits: it was approved already, or is older than a day"
        ))
    };
    let bytes: [u8; 16] = hex::decode(&id)
        .map_or(None, |bytes| bytes.try_into().ok())
        .ok_or_else(missing)?;
    let proposal = auth.0.store.proposal(bytes, now).await?;
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
    let act = read(&proposal.act)?;
    let first = Caller {
        client: proposal.proposer,
        key: proposal.proposed_by,
        scopes: proposer.scopes,
        environment: caller.environment,
    };
    perform(&api, &act, &[&first, &caller], Some(bytes), &asked).await
}

fn read(act: &str) -> Result<Act, Problem> {
    serde_json::from_str(act)
        .map_err(|error| Problem::Failed(format!("a stored proposal: {error}")))
}
