//! Endpoints and their secrets.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tocsin_domain::time::Seconds;
use tocsin_store::webhook::lane::Backlog;
use tocsin_store::webhook::{
    Endpoint, EndpointId, Filter, NewEndpoint, Profile, Scheme, SecretRecord, Standing,
};
use utoipa::ToSchema;

use super::{Asker, client, desk, is_own, own};
use crate::Api;
use crate::extract::Path;
use crate::problem::{Kind, Problem};

/// How long the secrets before a new one sign, where the request does not say: a day.
const USUAL_OVERLAP: i64 = 86_400;
/// And at the most: 30 days.
const MOST_OVERLAP: i64 = 30 * 86_400;

/// Which events are wanted. A list that is empty or left out does not ask.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterBody {
    /// Kinds of events; one that ends in `.*` stands for all that begin like it.
    #[serde(default)]
    kinds: Vec<String>,
    /// Hashes of the terms of covers.
    #[serde(default)]
    terms: Vec<String>,
    /// Addresses of policy holders.
    #[serde(default)]
    holders: Vec<String>,
}

/// What the owner of an endpoint says of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileBody {
    /// Where messages go.
    #[schema(example = "https://example.com/tocsin")]
    url: String,
    /// For people.
    #[serde(default)]
    description: String,
    /// Which events it wants.
    #[serde(default)]
    filter: FilterBody,
    /// How messages are signed: `hmac` (otherwise) or `ed25519`. Only where an endpoint is registered.
    #[serde(default)]
    scheme: Option<String>,
}

/// Whether an endpoint is to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StandingBody {
    /// `active` or `paused`.
    standing: String,
}

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
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointEntry {
    id: String,
    url: String,
    description: String,
    filter: FilterBody,
    created_at: String,
    /// `active`, `paused` or `disabled`.
    standing: &'static str,
    /// Since when it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_since: Option<String>,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<String>,
    /// Events that it has not come to; some of them it may not want.
    waiting: u64,
    /// When the oldest of them happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_waiting: Option<String>,
    /// Events that it did not take in all attempts.
    dead_letters: u64,
    /// Events that were forgotten before it came to them, while it was paused or disabled.
    missed: u64,
}

/// Endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointList {
    webhooks: Vec<EndpointEntry>,
}

/// A secret, this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretEntry {
    /// The endpoint's.
    id: String,
    /// Its number among the endpoint's.
    generation: u32,
    /// `hmac` or `ed25519`.
    scheme: &'static str,
    /// What messages are verified with: `whsec_…`, or the public key `whpk_…`. It is shown here and never again.
    secret: String,
}

/// A secret as it may be listed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretLine {
    generation: u32,
    scheme: &'static str,
    created_at: String,
    /// Until when it signs, where another one replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
}

/// The secrets that sign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretList {
    secrets: Vec<SecretLine>,
}

/// What came of a test message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestAnswer {
    /// Whether it was taken.
    taken: bool,
    /// The status of the answer, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The endpoints of the client that asks.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks", responses((status = 200, body = EndpointList), (status = 404)))]
pub(crate) async fn list(
    State(api): State<Api>,
    asker: Asker,
) -> Result<Json<EndpointList>, Problem> {
    desk(&api)?;
    let backlogs = api.store.webhook_backlogs().await?;
    let endpoints = api.store.endpoints().await?;
    let own = endpoints.iter().filter(|endpoint| is_own(endpoint, &asker));
    Ok(Json(EndpointList {
        webhooks: own.map(|endpoint| entry(endpoint, &backlogs)).collect(),
    }))
}

/// Registers an endpoint. Its first secret is in the answer, and nowhere else.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = ProfileBody,
               responses((status = 201, body = SecretEntry), (status = 404)))]
pub(crate) async fn register(
    State(api): State<Api>,
    asker: Asker,
    body: Result<Json<ProfileBody>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let desk = desk(&api)?;
    let Json(body) = body?;
    let scheme = scheme(body.scheme.as_deref())?;
    let endpoint = NewEndpoint {
        id: desk.new_id(),
        client: client(&asker),
        created_at: desk.now(),
        profile: profile(&api, body)?,
    };
    let most = desk.most_endpoints();
    let added = api.store.add_endpoint(&endpoint, scheme, most).await;
    added.map_err(refused)?;
    let record = SecretRecord {
        generation: 1,
        scheme,
        created_at: endpoint.created_at,
        ends_at: None,
    };
    let place = format!("/v1/webhooks/{}", endpoint.id);
    let shown = shown(&api, endpoint.id, &record)?;
    Ok((
        StatusCode::CREATED,
        [
            (header::LOCATION, place),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ],
        Json(shown),
    ))
}

/// One endpoint, and what waits for it.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = EndpointEntry), (status = 404)))]
pub(crate) async fn show(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<EndpointEntry>, Problem> {
    let endpoint = own(&api, &asker, &id).await?;
    let backlogs = api.store.webhook_backlogs().await?;
    Ok(Json(entry(&endpoint, &backlogs)))
}

/// Replaces URL, description and filter. What is told from then on follows the new ones.
#[utoipa::path(put, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)), request_body = ProfileBody,
               responses((status = 200, body = EndpointEntry), (status = 404)))]
pub(crate) async fn change(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
    body: Result<Json<ProfileBody>, JsonRejection>,
) -> Result<Json<EndpointEntry>, Problem> {
    let Json(body) = body?;
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    if body.scheme.is_some() {
        let how = "`scheme` cannot be changed here: ask for a new secret with POST …/secrets";
        return Err(Problem::BadRequest(how.to_owned()));
    }
    let changed = api
        .store
        .change_endpoint(endpoint, &profile(&api, body)?)
        .await;
    changed.map_err(refused)?;
    show(State(api), asker, Path(id)).await
}

/// Removes an endpoint with everything that is known of it.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 204), (status = 404)))]
pub(crate) async fn remove(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let endpoint = own(&api, &asker, &id).await?;
    api.store.remove_endpoint(endpoint.endpoint.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses an endpoint, or makes it active: it is told at once what it has not been told.
#[utoipa::path(post, path = "/v1/webhooks/{id}/standing", tag = "webhooks", params(("id" = String, Path)),
               request_body = StandingBody, responses((status = 200, body = EndpointEntry), (status = 404)))]
pub(crate) async fn stand(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
    body: Result<Json<StandingBody>, JsonRejection>,
) -> Result<Json<EndpointEntry>, Problem> {
    let Json(body) = body?;
    let endpoint = own(&api, &asker, &id).await?;
    let standing = match body.standing.as_str() {
        "active" => Standing::Active,
        "paused" => Standing::Paused,
        other => {
            let how = format!("`{other}` is no standing: write active or paused");
            return Err(Problem::BadRequest(how));
        }
    };
    api.store
        .set_standing(endpoint.endpoint.id, &standing)
        .await?;
    desk(&api)?.ring();
    show(State(api), asker, Path(id)).await
}

/// The secrets that sign: which, not what they are.
#[utoipa::path(get, path = "/v1/webhooks/{id}/secrets", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = SecretList), (status = 404)))]
pub(crate) async fn secrets(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<SecretList>, Problem> {
    let endpoint = own(&api, &asker, &id).await?;
    let now = desk(&api)?.now();
    let records = api.store.secrets(endpoint.endpoint.id, now).await?;
    let lines = records.iter().map(|record| SecretLine {
        generation: record.generation,
        scheme: named(record.scheme),
        created_at: record.created_at.to_string(),
        ends_at: record.ends_at.map(|at| at.to_string()),
    });
    Ok(Json(SecretList {
        secrets: lines.collect(),
    }))
}

/// Gives an endpoint a new secret, which signs from now on; those before it sign too, until the overlap is over.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secrets", tag = "webhooks", params(("id" = String, Path)),
               request_body = RotationBody, responses((status = 201, body = SecretEntry), (status = 404)))]
pub(crate) async fn rotate(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
    body: Result<Json<RotationBody>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Json(body) = body?;
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let overlap = body.overlap_seconds.unwrap_or(USUAL_OVERLAP);
    if !(0..=MOST_OVERLAP).contains(&overlap) {
        let how = format!("overlap_seconds is {overlap}: write 0 to {MOST_OVERLAP}");
        return Err(Problem::BadRequest(how));
    }
    let scheme = scheme(body.scheme.as_deref())?;
    let now = desk(&api)?.now();
    let record = api
        .store
        .add_secret(endpoint, scheme, now, now + Seconds(overlap))
        .await?;
    let shown = shown(&api, endpoint, &record)?;
    Ok((
        StatusCode::CREATED,
        [(header::CACHE_CONTROL, "no-store")],
        Json(shown),
    ))
}

/// Sends a message of the kind `webhook.test` now, once, and says what came of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = TestAnswer), (status = 404)))]
pub(crate) async fn test(
    State(api): State<Api>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<TestAnswer>, Problem> {
    let endpoint = own(&api, &asker, &id).await?;
    let sent = desk(&api)?.ping(&endpoint).await.map_err(Problem::Failed)?;
    let (status, reason) = match sent {
        Ok(status) => (Some(status), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(Json(TestAnswer {
        taken: status.is_some(),
        status,
        reason,
    }))
}

fn shown(api: &Api, id: EndpointId, record: &SecretRecord) -> Result<SecretEntry, Problem> {
    let secret = desk(api)?.secret(id, record).map_err(Problem::Failed)?;
    Ok(SecretEntry {
        id: id.to_string(),
        generation: record.generation,
        scheme: named(record.scheme),
        secret: secret.expose_secret().to_owned(),
    })
}

fn named(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Hmac => "hmac",
        Scheme::Ed25519 => "ed25519",
    }
}

fn scheme(text: Option<&str>) -> Result<Scheme, Problem> {
    match text {
        None | Some("hmac") => Ok(Scheme::Hmac),
        Some("ed25519") => Ok(Scheme::Ed25519),
        Some(other) => Err(Problem::BadRequest(format!(
            "`{other}` is no scheme: write hmac or ed25519"
        ))),
    }
}

/// What the body says, with an address that messages may go to.
fn profile(api: &Api, body: ProfileBody) -> Result<Profile, Problem> {
    let checked = desk(api)?.check(&body.url);
    checked.map_err(|why| Problem::Said {
        kind: Kind::Invalid,
        detail: format!("url: {why}"),
    })?;
    let terms = body.filter.terms.iter().map(|text| parsed("terms", text));
    let holders = body
        .filter
        .holders
        .iter()
        .map(|text| parsed("holders", text));
    Ok(Profile {
        url: body.url,
        description: body.description,
        filter: Filter {
            terms: terms.collect::<Result<_, _>>()?,
            holders: holders.collect::<Result<_, _>>()?,
            kinds: body.filter.kinds,
        },
    })
}

fn parsed<T: core::str::FromStr>(list: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_wrong| {
        Problem::BadRequest(format!(
            "`{text}` in filter.{list} cannot be read: write 0x and its hexadecimal digits"
        ))
    })
}

/// What the store refuses here is the client's mistake.
fn refused(error: tocsin_store::StoreError) -> Problem {
    match error {
        tocsin_store::StoreError::Refused { reason, .. } => Problem::Said {
            kind: Kind::Invalid,
            detail: reason,
        },
        other => Problem::Store(other),
    }
}

fn entry(endpoint: &Endpoint, backlogs: &[(EndpointId, Backlog)]) -> EndpointEntry {
    let Endpoint { endpoint, standing } = endpoint;
    let backlog = backlogs.iter().find(|(id, _)| *id == endpoint.id);
    let backlog = backlog.map_or_else(Backlog::default, |(_, backlog)| *backlog);
    let (name, since, reason) = match standing {
        Standing::Active => ("active", None, None),
        Standing::Paused => ("paused", None, None),
        Standing::Disabled { since, reason } => {
            ("disabled", Some(since.to_string()), Some(reason.clone()))
        }
    };
    let filter = &endpoint.profile.filter;
    EndpointEntry {
        id: endpoint.id.to_string(),
        url: endpoint.profile.url.clone(),
        description: endpoint.profile.description.clone(),
        filter: FilterBody {
            kinds: filter.kinds.clone(),
            terms: filter.terms.iter().map(ToString::to_string).collect(),
            holders: filter.holders.iter().map(ToString::to_string).collect(),
        },
        created_at: endpoint.created_at.to_string(),
        standing: name,
        disabled_since: since,
        disabled_because: reason,
        waiting: backlog.waiting,
        oldest_waiting: backlog.oldest_at.map(|at| at.to_string()),
        dead_letters: backlog.dead,
        missed: backlog.missed,
    }
}
