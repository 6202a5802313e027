//! `/v1/keys`: the keys of clients, what they were used for, and what is done to them.
//!
//! Everything here needs `keys:manage`, and so a key of ed25519. In production a second person, with another client's key,
//! approves what the first one proposes; only a revocation does not wait.

use std::collections::BTreeMap;

use alloy_primitives::hex;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tocsin_auth::life::DAY;
use tocsin_auth::seal::random;
use tocsin_auth::{Environment, KeyId, LifeCycle, State as LifeState, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::{Credential, Proposal, Usage};

use utoipa::ToSchema;

use super::admin::{Act, ActError, Admin, Done, is_laggard};
use super::{Auth, Caller};
use crate::Api;
use crate::extract::Path;
use crate::problem::{Kind, Problem};

/// How long a proposal waits for its second person.
const PROPOSED_FOR: i64 = DAY;

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Each with its use.
    keys: Vec<KeyEntry>,
    /// What was refused of no known key, by kind.
    refused: BTreeMap<String, u64>,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyEntry {
    id: String,
    /// `client` or `webhook`.
    kind: &'static str,
    owner: String,
    algorithm: &'static str,
    scopes: Vec<&'static str>,
    /// pending, active, retiring, retired or revoked.
    state: &'static str,
    created_at: i64,
    expires_at: i64,
    /// Until when a retiring key is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    retires_at: Option<i64>,
    /// Requests that were answered.
    answered: u64,
    last_used_at: Option<i64>,
    /// Requests that were refused, by kind.
    refused: BTreeMap<String, u64>,
    /// Networks that it was used from, and since when.
    networks: BTreeMap<String, i64>,
    /// Whether it is still used although it is retiring.
    lagging: bool,
}

/// What was done, or proposed. It may have a secret, and so is never shown for debugging.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActAnswer {
    /// `done` or `proposed`.
    outcome: &'static str,
    /// The proposal that waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<String>,
    /// The new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Its secret. It is shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Keys whose state changed, and their state now.
    changed: BTreeMap<String, String>,
}

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

/// Every key and what it was used for.
#[utoipa::path(get, path = "/v1/keys", operation_id = "list_keys", tag = "keys", responses((status = 200, body = KeyList)))]
pub(crate) async fn list(State(api): State<Api>) -> Result<Json<KeyList>, Problem> {
    let auth = &api.auth.0;
    let now = (auth.now)();
    let keys = auth.store.credentials().await?;
    let usage = auth.store.credential_uses().await?;
    let nothing = Usage::default();
    let used = |key: &KeyId| usage.get(&Some(key.clone())).unwrap_or(&nothing);
    let strangers = usage.get(&None).unwrap_or(&nothing);
    Ok(Json(KeyList {
        keys: keys
            .iter()
            .map(|key| entry(key, used(&key.id), now))
            .collect(),
        refused: refused(strangers),
    }))
}

fn refused(usage: &Usage) -> BTreeMap<String, u64> {
    let failures = usage.failures.iter();
    failures
        .map(|(kind, (count, _last))| (kind.name().to_owned(), *count))
        .collect()
}

fn entry(key: &Credential, usage: &Usage, now: UnixTime) -> KeyEntry {
    let retires_at = match key.life.state() {
        LifeState::Retiring { until, .. } => Some(until.0),
        _ => None,
    };
    let networks = usage.networks.iter();
    KeyEntry {
        id: key.id.to_string(),
        kind: key.owner.kind(),
        owner: key.owner.name().to_string(),
        algorithm: key.material.algorithm().name(),
        scopes: key.scopes.iter().map(tocsin_auth::Scope::name).collect(),
        state: key.life.state().name(),
        created_at: key.created_at.0,
        expires_at: key.life.expires_at().0,
        retires_at,
        answered: usage.answered,
        last_used_at: usage.last_used.map(|used| used.0),
        refused: refused(usage),
        networks: networks
            .map(|(network, since)| (network.clone(), since.0))
            .collect(),
        lagging: is_laggard(key, usage.last_used, now),
    }
}

/// Does what is asked, or in production keeps it for a second person.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = serde_json::Value, responses((status = 200, body = ActAnswer), (status = 202, body = ActAnswer), (status = 404)))]
pub(crate) async fn act(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Problem> {
    let act: Act = serde_json::from_slice(&body)
        .map_err(|error| Problem::BadRequest(format!("the body is no act: {error}")))?;
    let auth = &api.auth;
    if caller.environment == Environment::Prod && !act.is_urgent() {
        return propose(auth, &caller, &act).await;
    }
    let done = auth.perform(&act, &[&caller]).await?;
    Ok((StatusCode::OK, Json(answer(done))).into_response())
}

async fn propose(auth: &Auth, caller: &Caller, act: &Act) -> Result<Response, Problem> {
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
#[utoipa::path(get, path = "/v1/keys/proposals", tag = "keys", responses((status = 200, body = ProposalList)))]
pub(crate) async fn proposals(State(api): State<Api>) -> Result<Json<ProposalList>, Problem> {
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
    State(api): State<Api>,
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

fn answer(done: Done) -> ActAnswer {
    ActAnswer {
        outcome: "done",
        proposal: None,
        key: done.key.map(|key| key.to_string()),
        secret: done.secret.map(|secret| secret.text().to_owned()),
        changed: states(&done.changed),
    }
}

fn states(changed: &[(KeyId, LifeCycle)]) -> BTreeMap<String, String> {
    let changed = changed.iter();
    changed
        .map(|(key, life)| (key.to_string(), life.state().to_string()))
        .collect()
}

impl Auth {
    fn admin(&self) -> Admin<'_> {
        Admin {
            store: &*self.0.store,
            seal: self.0.settings.seal.as_ref(),
            environment: self.0.settings.environment,
        }
    }

    /// Does an act for these people.
    async fn perform(&self, act: &Act, by: &[&Caller]) -> Result<Done, Problem> {
        let actor = named(by);
        let done = self.admin().perform(act, &actor, (self.0.now)()).await;
        // Whatever became of it: what is cached may be old.
        self.0.cache.clear();
        let done = done.map_err(refused_act)?;
        tracing::info!(act = act.name(), subject = act.subject(), by = %actor, "keys are managed");
        Ok(done)
    }
}

/// Who they are, for the log.
fn named(people: &[&Caller]) -> String {
    let named = people
        .iter()
        .map(|caller| format!("{} ({})", caller.client, caller.key));
    named.collect::<Vec<_>>().join(", ")
}

/// What a person can mend is said; the rest is for the operator.
fn refused_act(error: ActError) -> Problem {
    match error {
        ActError::Store(StoreError::Conflict { reason, .. }) => Problem::Said {
            kind: Kind::Conflict,
            detail: reason,
        },
        ActError::Store(StoreError::Missing { noun, key }) => {
            Problem::NotFound(format!("there is no {noun} `{key}`"))
        }
        ActError::Store(error) => Problem::Store(error),
        ActError::NoKey(_) => Problem::NotFound(error.to_string()),
        ActError::Life(_) | ActError::NoActiveKey(_) => Problem::Said {
            kind: Kind::Conflict,
            detail: error.to_string(),
        },
        ActError::PublicKey | ActError::NeedsEd25519(_) | ActError::NoScope => Problem::Said {
            kind: Kind::Invalid,
            detail: error.to_string(),
        },
        ActError::NoMasterKey | ActError::Seal(_) => Problem::Failed(error.to_string()),
    }
}
