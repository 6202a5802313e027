//! `/v1/keys`: the keys of clients, what they were used for, and what is done to them.
//!
//! Everything here needs `keys:manage`, and so a key of ed25519. In production a second person, with another client's key,
//! approves what the first one proposes; only a revocation does not wait.

pub(crate) mod proposals;

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tocsin_auth::{Environment, KeyId, LifeCycle, State as LifeState, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::{Credential, Usage};
use utoipa::ToSchema;

use super::admin::{Act, ActError, Admin, Done, is_laggard};
use super::{Auth, Caller};
use crate::problem::{Kind, Problem};
use crate::served::Served;

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

/// Every key and what it was used for.
#[utoipa::path(get, path = "/v1/keys", operation_id = "list_keys", tag = "keys", responses((status = 200, body = KeyList)))]
pub(crate) async fn list(State(api): State<Served>) -> Result<Json<KeyList>, Problem> {
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
    State(api): State<Served>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Problem> {
    let act: Act = serde_json::from_slice(&body)
        .map_err(|error| Problem::BadRequest(format!("the body is no act: {error}")))?;
    let auth = &api.auth;
    if caller.environment == Environment::Prod && !act.is_urgent() {
        return proposals::propose(auth, &caller, &act).await;
    }
    let done = auth.perform(&act, &[&caller]).await?;
    Ok((StatusCode::OK, Json(answer(done))).into_response())
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
