//! How the feeds are doing, what is known of their subjects, and the raw responses that observations name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::B256;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::observation::{Provenance, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::look::{Look, LookState};
use utoipa::ToSchema;

use crate::Api;
use crate::extract::Path;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::known::ValueView;

/// How many subjects that need a person a list shows.
const LISTED: u32 = 100;

/// Shared by the stages that poll, which write their own feed, and the API, which reads all.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Arc<RwLock<BTreeMap<SourceId, FeedStatus>>>);

/// A feed as it was last seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeedStatus {
    /// `closed` while it is asked, `open` while it is left alone, `half_open` while one question tries whether it is back.
    pub breaker: String,
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
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

    /// What another process knows of all of them.
    pub fn replace(&self, feeds: BTreeMap<SourceId, FeedStatus>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = feeds;
    }

    /// Every feed that was reported.
    pub fn all(&self) -> BTreeMap<SourceId, FeedStatus> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Every feed, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedList {
    feeds: BTreeMap<String, FeedView>,
}

/// A feed: its health, its quotas, and its subjects.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedView {
    #[serde(flatten)]
    status: FeedStatus,
    subjects: SubjectCounts,
    /// When something is asked next: RFC 3339.
    next_due_at: Option<String>,
    /// Subjects that a person has to look at.
    needs_person: Vec<LookView>,
}

/// How many subjects are in which state.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubjectCounts {
    open: u64,
    over: u64,
    needs_person: u64,
    /// Of the open ones, those in trouble.
    troubled: u64,
}

/// What is known of a subject, and what is to be done about it next.
#[derive(Serialize, ToSchema)]
pub(crate) struct LookView {
    feed: String,
    subject: String,
    /// `open`, `over` or `needs_person`.
    state: &'static str,
    /// Why it needs a person.
    needs_person: Option<String>,
    looked_at: Option<String>,
    due_at: Option<String>,
    seen_until: Option<String>,
    /// What was wrong the last time.
    trouble: Option<String>,
}

/// A subject, with what was seen last.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubjectView {
    #[serde(flatten)]
    look: LookView,
    seen: Vec<SeenView>,
}

/// The last observation of a metric.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeenView {
    metric: String,
    /// The value, with its type; none where the source reported that it had none.
    value: Option<ValueView>,
    /// The same as text.
    text: Option<String>,
    observed_at: String,
    /// The raw response that said so: `/v1/responses/{hash}`.
    #[schema(value_type = Option<String>)]
    response: Option<B256>,
}

/// Every feed: its health, its quotas, how many subjects are in which state, and those that a person has to look at.
#[utoipa::path(get, path = "/v1/feeds", operation_id = "list_feeds", tag = "sources", responses((status = 200, description = "The feeds", body = FeedList)))]
pub(crate) async fn feeds(State(api): State<Served>) -> Result<Json<FeedList>, Problem> {
    let mut feeds = BTreeMap::new();
    for (feed, status) in api.feeds.all() {
        let counts = api.store.count_looks(&feed).await?;
        let next_due = api.store.next_due(&feed).await?;
        let waiting = api.store.looks_for_a_person(&feed, None, LISTED).await?;
        let view = FeedView {
            status,
            subjects: SubjectCounts {
                open: counts.open,
                over: counts.over,
                needs_person: counts.needs_person,
                troubled: counts.troubled,
            },
            next_due_at: next_due.map(|at| at.to_string()),
            needs_person: waiting.iter().map(written).collect(),
        };
        feeds.insert(feed.to_string(), view);
    }
    Ok(Json(FeedList { feeds }))
}

/// What is known of one subject, and what is to be done about it next.
#[utoipa::path(get, path = "/v1/feeds/{feed}/subjects/{subject}", operation_id = "get_subject", tag = "sources", params(("feed" = String, Path, description = "The feed"), ("subject" = String, Path, description = "The subject, with its slashes")), responses((status = 200, description = "The subject", body = SubjectView), (status = 404, description = "The feed is not asked about it", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn subject(
    State(api): State<Served>,
    Path((feed, subject)): Path<(String, String)>,
) -> Result<Json<SubjectView>, Problem> {
    let (feed, subject) = (
        SourceId::from(feed.as_str()),
        Subject::from(subject.as_str()),
    );
    let look = api.store.look(&feed, &subject).await?;
    let nobody = || Problem::NotFound(format!("{feed} is not asked about {subject}"));
    let look = written(&look.ok_or_else(nobody)?);
    let seen = last_seen(&api, &feed, &subject).await?;
    Ok(Json(SubjectView { look, seen }))
}

/// The last observation of each metric that a risk listens to.
async fn last_seen(
    api: &Api,
    feed: &SourceId,
    subject: &Subject,
) -> Result<Vec<SeenView>, StoreError> {
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
        let response = match observation.provenance {
            Provenance::Raw { hash } => Some(hash),
            Provenance::Chain(_) => None,
        };
        Some(SeenView {
            metric: stream.metric.to_string(),
            value: observation.value.as_ref().map(ValueView::from),
            text: observation.value.as_ref().map(ToString::to_string),
            observed_at: observation.observed_at.to_string(),
            response,
        })
    };
    Ok(streams.iter().filter_map(last).collect())
}

fn written(look: &Look) -> LookView {
    let (state, reason) = match &look.state {
        LookState::Open => ("open", None),
        LookState::Over => ("over", None),
        LookState::NeedsPerson(reason) => ("needs_person", Some(reason.clone())),
    };
    LookView {
        feed: look.source.to_string(),
        subject: look.subject.to_string(),
        state,
        needs_person: reason,
        looked_at: look.looked_at.map(|at| at.to_string()),
        due_at: look.due_at.map(|at| at.to_string()),
        seen_until: look.watermark.map(|at| at.to_string()),
        trouble: look.trouble.clone(),
    }
}
