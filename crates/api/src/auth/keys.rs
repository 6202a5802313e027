//! `/v1/keys`: the keys of clients, what they were used for, and what is done to them.
//!
//! Everything here needs `keys:manage`, and so a key of ed25519. In production a second person, with another client's key,
//! approves what the first one proposes; only a revocation does not wait.

pub(crate) mod proposals;

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tocsin_auth::{Environment, KeyId, LifeCycle, State as LifeState, UnixTime};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::Answer;
use tocsin_store::credential::{Credential, Usage};
use utoipa::ToSchema;

use super::admin::{Act, ActError, Admin, Done, is_laggard};
use super::{Auth, Caller};
use crate::Api;
use crate::idempotency::Asked;
use crate::problem::{Kind, Problem};
use crate::served::Served;
use crate::strict;

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
#[derive(Clone, Serialize, ToSchema)]
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
    /// Why there is no secret in an answer that is given again, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_lost: Option<&'static str>,
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
#[utoipa::path(post, path = "/v1/keys", tag = "keys", params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), request_body = serde_json::Value, responses((status = 200, body = ActAnswer), (status = 202, body = ActAnswer), (status = 404)))]
pub(crate) async fn act(
    State(api): State<Served>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let asked = Asked::of(Some(&caller), &headers, "POST /v1/keys", &body)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let act = read(&body)
        .map_err(|reason| Problem::BadRequest(format!("the body is no act: {reason}")))?;
    if caller.environment == Environment::Prod && !act.is_urgent() {
        return proposals::propose(&api, &caller, &act, &asked).await;
    }
    perform(&api, &act, &[&caller], None, &asked).await
}

fn read(body: &[u8]) -> Result<Act, String> {
    let tree = strict::tree(body)?;
    if !tree.is_object() {
        return Err("write an object with the member `act`".to_owned());
    }
    strict::typed(tree, "").map_err(|flaw| flaw.detail)
}

impl ActAnswer {
    fn done(done: &Done) -> Self {
        Self {
            outcome: "done",
            proposal: None,
            key: done.key.as_ref().map(ToString::to_string),
            secret: done.secret.as_ref().map(|secret| secret.text().to_owned()),
            secret_lost: None,
            changed: states(&done.changed),
        }
    }

    /// What is answered to whoever asks again. A secret is shown once.
    fn again(&self, status: StatusCode, asked: &Asked, at: UnixTime) -> Result<Answer, Problem> {
        let mut known = self.clone();
        if known.secret.take().is_some() {
            known.secret_lost = Some(
                "the secret was shown in the first answer, and is not shown again: whoever has not got it rotates the key",
            );
        }
        let body =
            serde_json::to_vec(&known).map_err(|error| Problem::Failed(error.to_string()))?;
        Ok(Answer {
            caller: asked.caller.clone(),
            key: asked.key.clone(),
            request: asked.request,
            status: status.as_u16(),
            body,
            at: Timestamp(at.0),
        })
    }

    fn first(self, status: StatusCode) -> Response {
        let headers = [(header::CACHE_CONTROL, "no-store")];
        (status, headers, Json(self)).into_response()
    }
}

/// Does an act for these people, of whom the second one approves the proposal; what is refused is in the log too.
async fn perform(
    api: &Api,
    act: &Act,
    by: &[&Caller],
    proposal: Option<[u8; 16]>,
    asked: &Asked,
) -> Result<Response, Problem> {
    let auth = &api.auth;
    let (actor, now) = (named(by), (auth.0.now)());
    match auth.carry_out(act, &actor, now, proposal, asked).await {
        Ok(done) => {
            tracing::info!(act = act.name(), subject = act.subject(), by = %actor, "keys are managed");
            Ok(done.first(StatusCode::OK))
        }
        Err(Undone::Act(error)) => {
            if let Some(answered) = raced(&error, asked, api).await? {
                return Ok(answered);
            }
            if error.is_of_the_act() {
                auth.admin().refused(act, &actor, &error, now).await?;
            }
            Err(refused_act(error))
        }
        Err(Undone::Problem(problem)) => Err(problem),
    }
}

/// What the same request was answered that came at the same time and was first.
async fn raced(error: &ActError, asked: &Asked, api: &Api) -> Result<Option<Response>, Problem> {
    match error {
        ActError::Store(StoreError::Conflict { noun: "answer", .. }) => {
            asked.answered(&*api.store).await
        }
        _ => Ok(None),
    }
}

/// Why an act was not done.
enum Undone {
    Act(ActError),
    Problem(Problem),
}

impl From<ActError> for Undone {
    fn from(error: ActError) -> Self {
        Self::Act(error)
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

    /// The act, the end of its proposal, its entry in the log and its answer are one step.
    async fn carry_out(
        &self,
        act: &Act,
        actor: &str,
        now: UnixTime,
        proposal: Option<[u8; 16]>,
        asked: &Asked,
    ) -> Result<ActAnswer, Undone> {
        let mut plan = self.admin().plan(act, actor, now).await?;
        let answer = ActAnswer::done(&plan.done);
        let again = answer.again(StatusCode::OK, asked, now);
        plan.change.proposal = proposal;
        plan.change.answer = Some(again.map_err(Undone::Problem)?);
        let done = self.admin().carry_out(plan).await;
        // Whatever became of it: what is cached may be old.
        self.0.cache.clear();
        done?;
        Ok(answer)
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
        ActError::Store(
            StoreError::Conflict { reason, .. } | StoreError::Refused { reason, .. },
        ) => Problem::Said {
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
