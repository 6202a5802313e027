//! How the feeds are doing, what is known of their subjects, and the raw responses that observations name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::B256;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tocsin_domain::observation::{Provenance, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::look::{Look, LookState};
use tocsin_store::response::Archived;

use crate::Api;
use crate::problem::Problem;

/// How many subjects that need a person a list shows.
const LISTED: u32 = 100;

/// Shared by the stages that poll, which write their own feed, and the API, which reads all.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Arc<RwLock<BTreeMap<SourceId, FeedStatus>>>);

/// A feed as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FeedStatus {
    /// `closed` while it is asked, `open` while it is left alone, `half_open` while one question tries whether it is back.
    pub breaker: &'static str,
    /// The keys that it is asked with.
    pub keys: Vec<KeyStatus>,
    /// When the last complete answer came.
    pub last_answer_at: Option<String>,
    /// Its last trouble, also where it is over.
    pub last_trouble: Option<String>,
    /// When that was.
    pub last_trouble_at: Option<String>,
}

/// A key as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyStatus {
    /// Its name, never the key.
    pub name: String,
    /// Requests that it made this UTC day.
    pub used_today: u32,
    /// Requests that it may make in a UTC day; none where there is no limit.
    pub per_day: Option<u32>,
    /// The difference.
    pub left_today: Option<u32>,
    /// Why it is not used now.
    pub resting: Option<String>,
}

impl Feeds {
    /// What is known of a feed now.
    pub fn report(&self, feed: &SourceId, status: FeedStatus) {
        // The lock is held for a map access only, and nothing in there panics: a poisoned one is still good.
        let mut feeds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        feeds.insert(feed.clone(), status);
    }

    /// Every feed that was reported.
    pub fn all(&self) -> BTreeMap<SourceId, FeedStatus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Every feed: its health, its quotas, how many subjects are in which state, and those that a person has to look at.
pub(crate) async fn feeds(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let mut listed = BTreeMap::new();
    for (feed, status) in api.feeds.all() {
        let counts = api.store.count_looks(&feed).await?;
        let next_due = api.store.next_due(&feed).await?;
        let waiting = api.store.looks_for_a_person(&feed, None, LISTED).await?;
        let mut shown = json!(status);
        shown["subjects"] = json!({
            "open": counts.open,
            "over": counts.over,
            "needs_person": counts.needs_person,
            "troubled": counts.troubled,
        });
        shown["next_due_at"] = json!(next_due.map(|at| at.to_string()));
        shown["needs_person"] = waiting.iter().map(written).collect();
        listed.insert(feed.to_string(), shown);
    }
    Ok(Json(json!({ "feeds": listed })))
}

/// What is known of one subject, and what is to be done about it next.
pub(crate) async fn subject(
    State(api): State<Api>,
    Path((feed, subject)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (feed, subject) = (SourceId::from(&*feed), Subject::from(&*subject));
    let look = api.store.look(&feed, &subject).await?;
    let nobody = || Problem::NotFound(format!("{feed} is not asked about {subject}"));
    let mut shown = written(&look.ok_or_else(nobody)?);
    shown["seen"] = json!(last_seen(&api, &feed, &subject).await?);
    Ok(Json(shown))
}

/// The last observation of each metric that a risk listens to.
async fn last_seen(
    api: &Api,
    feed: &SourceId,
    subject: &Subject,
) -> Result<Vec<Value>, StoreError> {
    let asked = [(feed.clone(), subject.clone())];
    let listening = api.store.snapshots_of(&asked).await?;
    let streams: BTreeSet<Stream> = listening
        .into_iter()
        .flat_map(|risk| risk.streams)
        .filter(|stream| stream.source == *feed && stream.subject == *subject)
        .collect();
    let streams: Vec<Stream> = streams.into_iter().collect();
    let seen = api
        .store
        .history(&streams, Timestamp(i64::MIN), Timestamp(i64::MAX))
        .await?;
    let last = |stream: &Stream| {
        let observation = seen.iter().rfind(|seen| stream.carries(seen))?;
        let raw = match observation.provenance {
            Provenance::Raw { hash } => Some(hash),
            Provenance::Chain(_) => None,
        };
        Some(json!({
            "metric": stream.metric,
            "value": observation.value,
            "text": observation.value.as_ref().map(ToString::to_string),
            "observed_at": observation.observed_at.to_string(),
            "response": raw,
        }))
    };
    Ok(streams.iter().filter_map(last).collect())
}

fn written(look: &Look) -> Value {
    let (state, reason) = match &look.state {
        LookState::Open => ("open", None),
        LookState::Over => ("over", None),
        LookState::NeedsPerson(reason) => ("needs_person", Some(reason)),
    };
    json!({
        "feed": look.source,
        "subject": look.subject,
        "state": state,
        "needs_person": reason,
        "looked_at": look.looked_at.map(|at| at.to_string()),
        "due_at": look.due_at.map(|at| at.to_string()),
        "seen_until": look.watermark.map(|at| at.to_string()),
        "trouble": look.trouble,
    })
}

/// A raw response, byte by byte, as something to be stored and never to be shown: who sent it may be hostile.
pub(crate) async fn response(
    State(api): State<Api>,
    Path(hash): Path<String>,
) -> Result<Response, Problem> {
    let (hash, archived) = find(&api, &hash).await?;
    let name = format!("attachment; filename=\"{hash:#x}.bin\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    let mut answer = (headers, archived.body).into_response();
    let text = |text: String| {
        HeaderValue::try_from(text).map_err(|error| Problem::BadRequest(error.to_string()))
    };
    answer
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, text(name)?);
    answer
        .headers_mut()
        .insert(header::ETAG, text(format!("\"{hash:#x}\""))?);
    Ok(answer)
}

/// Who sent it, when, and how it was read.
pub(crate) async fn fetches(
    State(api): State<Api>,
    Path(hash): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (hash, archived) = find(&api, &hash).await?;
    let fetches: Vec<Value> = archived
        .fetches
        .iter()
        .map(|fetch| {
            json!({
                "feed": fetch.source,
                "url": fetch.url,
                "status": fetch.status,
                "first_at": fetch.first_at.to_string(),
                "last_at": fetch.last_at.to_string(),
                "reading": fetch.reading,
            })
        })
        .collect();
    Ok(Json(json!({
        "hash": hash,
        "bytes": archived.body.len(),
        "fetches": fetches,
    })))
}

async fn find(api: &Api, text: &str) -> Result<(B256, Archived), Problem> {
    let hash: B256 = text.parse().map_err(|_not_hex| {
        Problem::BadRequest(format!(
            "`{text}` is not a hash: write its 32 bytes as 0x and 64 digits, as observations name it"
        ))
    })?;
    let found = api.store.response(hash).await?;
    let archived = found.ok_or_else(|| {
        Problem::NotFound(format!("the response {hash} is not here, or not any more"))
    })?;
    Ok((hash, archived))
}
