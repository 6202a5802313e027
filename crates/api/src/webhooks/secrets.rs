//! The secrets of endpoints, and what is done to them. They live as keys of clients do.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tocsin_auth::life::{DAY, NoTransition};
use tocsin_auth::{Algorithm, KeyId, LifeCycle, State as LifeState, UnixTime};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::credential::{Credential, CredentialChange, LifeChange};
use tocsin_store::webhook::EndpointId;
use utoipa::ToSchema;

use super::entry::{SecretEntry, named};
use super::{Asker, desk, once, own, said};
use crate::Api;
use crate::extract::{Path, Whole};
use crate::problem::{Kind, Problem};
use crate::served::Served;
use crate::strict;

/// How long the secrets before a new one sign, where the request does not say: a day.
const USUAL_OVERLAP: i64 = 86_400;
/// And at the most: 30 days.
const MOST_OVERLAP: i64 = 30 * 86_400;
/// Secrets of an endpoint that have not ended: each is one more signature in every message.
const MOST_SECRETS: usize = 8;
/// Of an endpoint, within a day: each stays in the books for ever, and so do the leaves about it.
const MOST_A_DAY: usize = 20;

/// A new secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationBody {
    /// `hmac` (otherwise) or `ed25519`.
    #[serde(default)]
    scheme: Option<String>,
    /// For how long the secrets before it go on signing: a day unless said; 0 where they are known to others.
    #[serde(default)]
    overlap_seconds: Option<i64>,
    /// Make it, and let it wait to be activated: nothing else changes yet.
    #[serde(default)]
    pending: bool,
}

/// What is done to a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretActBody {
    /// `activate` a pending one: the others retire; `roll_back` a retiring one: it is active again; `retire`; or `revoke`, at
    /// once and for good.
    act: String,
    /// For how long the ones that retire go on signing: a day unless said.
    #[serde(default)]
    overlap_seconds: Option<i64>,
}

/// A secret as it may be listed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretLine {
    key: String,
    scheme: &'static str,
    /// pending, active or retiring.
    state: &'static str,
    created_at: String,
    /// Until when it signs.
    ends_at: String,
}

/// The secrets that have not ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretList {
    secrets: Vec<SecretLine>,
}

/// The secrets that sign, or wait to: which, not what they are. The newest first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/secrets", operation_id = "secrets", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = SecretList), (status = 404)))]
pub(crate) async fn list(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<SecretList>, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let now = unix(desk(&api)?.now());
    let known = living(&api, endpoint, now).await?;
    let lines = known.iter().rev().map(|secret| SecretLine {
        key: secret.id.to_string(),
        scheme: named(secret.material.algorithm()),
        state: secret.life.state().name(),
        created_at: Timestamp(secret.created_at.0).to_string(),
        ends_at: Timestamp(end(secret.life).0).to_string(),
    });
    Ok(Json(SecretList {
        secrets: lines.collect(),
    }))
}

/// Gives an endpoint a new secret, which signs from now on; those before it sign too, until the overlap is over.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secrets", tag = "webhooks", params(("id" = String, Path), ("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), request_body = RotationBody,
               responses((status = 201, body = SecretEntry), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn rotate(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let what = format!("POST /v1/webhooks/{endpoint}/secrets");
    let (asked, body): (_, RotationBody) = once::read(&asker, &headers, &what, body)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let overlap = overlap(body.overlap_seconds)?;
    let algorithm = algorithm(body.scheme.as_deref())?;
    let at = desk(&api)?.now();
    let now = unix(at);
    let known = living(&api, endpoint, now).await?;
    if known.len() >= MOST_SECRETS {
        return Err(conflict(format!(
            "there are {MOST_SECRETS} secrets that have not ended: retire or revoke one first"
        )));
    }
    check_pace(&api, endpoint, now).await?;
    let made = desk(&api)?.make_secret(endpoint, algorithm);
    let (mut made, shown) = made.map_err(Problem::Failed)?;
    let mut change = Vec::new();
    if !body.pending {
        made.life = made.life.activate(now).map_err(no_transition)?;
        change = retiring(&known, now, overlap)?;
    }
    let entry = SecretEntry::of(endpoint, &made, &shown);
    let detail = json!({ "key": entry.key, "state": made.life.state().name() });
    let whole = CredentialChange {
        add: vec![made],
        change,
        audit: vec![said(at, &asker, endpoint, "webhook-secret-made", detail)],
        answer: Some(once::again(asked.clone(), &entry, at)?),
        ..CredentialChange::default()
    };
    match api.store.change_credentials(&whole).await {
        Ok(()) => Ok(once::first(entry)),
        Err(error) => once::after(error, &asked, &*api.store).await,
    }
}

/// Activates, rolls back, retires or revokes a secret.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secrets/{key}", operation_id = "act_on_secret", tag = "webhooks", params(("id" = String, Path), ("key" = String, Path)),
               request_body = SecretActBody, responses((status = 200, body = SecretList), (status = 404), (status = 409)))]
pub(crate) async fn act(
    State(api): State<Served>,
    asker: Asker,
    Path((id, key)): Path<(String, String)>,
    strict::Json(body): strict::Json<SecretActBody>,
) -> Result<Json<SecretList>, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let overlap = overlap(body.overlap_seconds)?;
    let missing = || Problem::NotFound(format!("there is no secret `{key}` of this endpoint"));
    let named: KeyId = key.parse().map_err(|_no_id| missing())?;
    let at = desk(&api)?.now();
    let now = unix(at);
    let mut known = api.store.credentials_of(&endpoint.owner()).await?;
    let place = known.iter().position(|secret| secret.id == named);
    let secret = known.remove(place.ok_or_else(missing)?);
    let mut change = Vec::new();
    let life = secret.life;
    let (action, to) = match body.act.as_str() {
        "activate" => {
            change = retiring(&known, now, overlap)?;
            ("webhook-secret-activated", life.activate(now))
        }
        "roll_back" => ("webhook-secret-rolled-back", life.roll_back(now)),
        "retire" => ("webhook-secret-retired", life.retire(now, overlap)),
        "revoke" => ("webhook-secret-revoked", Ok(life.revoke(now))),
        other => {
            return Err(Problem::BadRequest(format!(
                "`{other}` is no act: write activate, roll_back, retire or revoke"
            )));
        }
    };
    change.push(changed(&secret, to.map_err(no_transition)?));
    let detail = json!({ "key": key });
    let whole = CredentialChange {
        change,
        audit: vec![said(at, &asker, endpoint, action, detail)],
        ..CredentialChange::default()
    };
    match api.store.change_credentials(&whole).await {
        Ok(()) => list(State(api), asker, Path(id)).await,
        Err(StoreError::Stale { .. }) => Err(conflict(
            "the secrets of this endpoint were changed at the same moment: ask again".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

/// Those that sign, or may come to.
async fn living(
    api: &Api,
    endpoint: EndpointId,
    now: UnixTime,
) -> Result<Vec<Credential>, Problem> {
    let mut known = api.store.credentials_of(&endpoint.owner()).await?;
    known.retain(|secret| {
        let waits = secret.life.state() == LifeState::Pending && now < secret.life.expires_at();
        waits || secret.life.verifies(now)
    });
    Ok(known)
}

async fn check_pace(api: &Api, endpoint: EndpointId, now: UnixTime) -> Result<(), Problem> {
    let made = api.store.credentials_of(&endpoint.owner()).await?;
    let lately = made.iter().filter(|one| now.since(one.created_at) < DAY);
    if lately.count() >= MOST_A_DAY {
        return Err(conflict(format!(
            "{MOST_A_DAY} secrets were made within a day: wait, or roll back to one that is retiring"
        )));
    }
    Ok(())
}

/// Those that sign retire, and none signs for longer than it would have.
fn retiring(known: &[Credential], now: UnixTime, overlap: i64) -> Result<Vec<LifeChange>, Problem> {
    let ends = now.plus(overlap);
    known
        .iter()
        .filter(|secret| secret.life.verifies(now))
        .filter(|secret| match secret.life.state() {
            LifeState::Retiring { until, .. } => ends < until,
            _ => true,
        })
        .map(|secret| {
            let to = secret.life.retire(now, overlap);
            to.map(|to| changed(secret, to)).map_err(no_transition)
        })
        .collect()
}

fn changed(secret: &Credential, to: LifeCycle) -> LifeChange {
    LifeChange {
        id: secret.id.clone(),
        from: secret.life,
        to,
    }
}

fn end(life: LifeCycle) -> UnixTime {
    match life.state() {
        LifeState::Retiring { until, .. } => until.min(life.expires_at()),
        _ => life.expires_at(),
    }
}

fn overlap(said: Option<i64>) -> Result<i64, Problem> {
    let overlap = said.unwrap_or(USUAL_OVERLAP);
    if (0..=MOST_OVERLAP).contains(&overlap) {
        return Ok(overlap);
    }
    let how = format!("overlap_seconds is {overlap}: write 0 to {MOST_OVERLAP}");
    Err(Problem::BadRequest(how))
}

pub(super) fn unix(at: Timestamp) -> UnixTime {
    UnixTime(at.0)
}

pub(super) fn no_transition(error: NoTransition) -> Problem {
    conflict(error.to_string())
}

fn conflict(detail: String) -> Problem {
    let kind = Kind::Conflict;
    Problem::Said { kind, detail }
}

pub(super) fn algorithm(text: Option<&str>) -> Result<Algorithm, Problem> {
    match text {
        None | Some("hmac") => Ok(Algorithm::HmacSha256),
        Some("ed25519") => Ok(Algorithm::Ed25519),
        Some(other) => Err(Problem::BadRequest(format!(
            "`{other}` is no scheme: write hmac or ed25519"
        ))),
    }
}
