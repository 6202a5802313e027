//! Endpoints: registering, changing and removing them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tocsin_store::event::KINDS;
use tocsin_store::webhook::lane::Backlog;
use tocsin_store::webhook::{
    Endpoint, EndpointId, Filter, NewEndpoint, Profile, Registration, Standing,
};
use utoipa::ToSchema;

use super::entry::SecretEntry;
use super::{Asker, client, desk, is_own, once, own, said, secrets};
use crate::Api;
use crate::extract::{Path, Whole, shown};
use crate::problem::{Kind, Problem};
use crate::served::Served;
use crate::strict;

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
    State(api): State<Served>,
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

/// Registers an endpoint. Its first secret is in the answer, and nowhere else. The same request again, with its key, registers
/// nothing, and is answered without the secret.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), request_body = ProfileBody,
               responses((status = 201, body = SecretEntry), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn register(
    State(api): State<Served>,
    asker: Asker,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    let desk = desk(&api)?;
    let what = "POST /v1/webhooks";
    let (asked, body): (_, ProfileBody) = once::read(&asker, &headers, what, body)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let algorithm = secrets::algorithm(body.scheme.as_deref())?;
    let (id, at) = (desk.new_id(), desk.now());
    let endpoint = NewEndpoint {
        id,
        client: client(&asker),
        created_at: at,
        profile: profile(&api, body)?,
    };
    let made = desk.make_secret(id, algorithm).map_err(Problem::Failed)?;
    let (mut secret, shown) = made;
    let active = secret.life.activate(secrets::unix(at));
    secret.life = active.map_err(secrets::no_transition)?;
    let entry = SecretEntry::of(id, &secret, &shown);
    let detail = json!({ "key": entry.key });
    let registration = Registration {
        endpoint,
        secret,
        audit: said(at, &asker, id, "webhook-registered", detail),
        answer: Some(once::again(asked.clone(), &entry, at)?),
    };
    let most = desk.most_endpoints();
    match api.store.add_endpoint(&registration, most).await {
        Ok(()) => Ok(once::first(entry)),
        Err(error) => once::after(error, &asked, &*api.store).await,
    }
}

/// One endpoint, and what waits for it.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = EndpointEntry), (status = 404)))]
pub(crate) async fn show(
    State(api): State<Served>,
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
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    strict::Json(body): strict::Json<ProfileBody>,
) -> Result<Json<EndpointEntry>, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    if body.scheme.is_some() {
        let how = "`scheme` cannot be changed here: ask for a new secret with POST …/secrets";
        return Err(Problem::BadRequest(how.to_owned()));
    }
    let profile = profile(&api, body)?;
    let at = desk(&api)?.now();
    let audit = said(at, &asker, endpoint, "webhook-changed", json!({}));
    let changed = api.store.change_endpoint(endpoint, &profile, &audit).await;
    changed.map_err(refused)?;
    show(State(api), asker, Path(id)).await
}

/// Removes an endpoint with everything that is known of it.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 204), (status = 404)))]
pub(crate) async fn remove(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let at = desk(&api)?.now();
    let audit = said(at, &asker, endpoint, "webhook-removed", json!({}));
    api.store.remove_endpoint(endpoint, &audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses an endpoint, or makes it active: it is told at once what it has not been told.
#[utoipa::path(post, path = "/v1/webhooks/{id}/standing", tag = "webhooks", params(("id" = String, Path)),
               request_body = StandingBody, responses((status = 200, body = EndpointEntry), (status = 404)))]
pub(crate) async fn stand(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    strict::Json(body): strict::Json<StandingBody>,
) -> Result<Json<EndpointEntry>, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let (standing, action) = match body.standing.as_str() {
        "active" => (Standing::Active, "webhook-activated"),
        "paused" => (Standing::Paused, "webhook-paused"),
        other => {
            let how = format!("`{other}` is no standing: write active or paused");
            return Err(Problem::BadRequest(how));
        }
    };
    let audit = said(desk(&api)?.now(), &asker, endpoint, action, json!({}));
    api.store.set_standing(endpoint, &standing, &audit).await?;
    desk(&api)?.ring();
    show(State(api), asker, Path(id)).await
}

/// Sends a message of the kind `webhook.test` now, once, and says what came of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = TestAnswer), (status = 404)))]
pub(crate) async fn test(
    State(api): State<Served>,
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
    let filter = Filter {
        terms: terms.collect::<Result<_, _>>()?,
        holders: holders.collect::<Result<_, _>>()?,
        kinds: body.filter.kinds,
    };
    if let Some(kind) = filter.unknown_kind() {
        return Err(Problem::Said {
            kind: Kind::Invalid,
            detail: format!(
                "filter.kinds: `{}` is no kind of event: write some of {}, or the beginning of some and .*",
                shown(kind),
                KINDS.join(", ")
            ),
        });
    }
    Ok(Profile {
        url: body.url,
        description: body.description,
        filter,
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
