//! What endpoints were told, what they did not take, and telling it once more.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tocsin_store::event::Seq;
use tocsin_store::webhook::lane::{Lane, LaneId, Record, RecordId, Replay};
use utoipa::ToSchema;

use super::{Asker, desk, once, own, said};
use crate::extract::{Counted, Path, Query, Whole};
use crate::idempotency;
use crate::page::{self, PageQuery};
use crate::problem::Problem;
use crate::served::Served;

/// Replays of an endpoint that may wait.
const MOST_REPLAYS: u32 = 16;

/// What happened at an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryEntry {
    /// `delivered` or `failed`.
    outcome: &'static str,
    /// The first event.
    first: u64,
    /// The last event: runs that were taken one after the other are one entry.
    last: u64,
    /// How many events.
    count: u64,
    /// When the last of them was sent.
    at: String,
    /// Whether that was a replay.
    replayed: bool,
    /// How often it was tried by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What happened, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    deliveries: Vec<DeliveryEntry>,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An event that was not taken in all attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterEntry {
    /// The event.
    seq: u64,
    /// Its kind.
    kind: String,
    /// How often it was tried.
    attempts: u32,
    /// Since when it is dead.
    at: String,
    /// Why it failed last.
    reason: String,
}

/// Dead letters, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterList {
    dead_letters: Vec<DeadLetterEntry>,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is to be told once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// After this event; from the oldest that is kept unless said.
    #[serde(default)]
    #[schema(value_type = u64)]
    after: Counted,
    /// Up to this event; to the newest unless said.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    until: Option<Counted>,
    /// Only dead letters, which are dead no more where they are taken.
    #[serde(default)]
    only_dead: bool,
}

/// How far telling has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LaneEntry {
    id: u64,
    /// `live` or `replay`.
    lane: &'static str,
    /// The last event that it is done with.
    cursor: u64,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_dead: Option<bool>,
    /// The event that is not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The live lane, and replays that are under way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LaneList {
    lanes: Vec<LaneEntry>,
}

/// A replay that has begun.
#[derive(Debug, ToSchema)]
pub(crate) struct ReplayAnswer {
    /// Its lane.
    id: u64,
}

impl ReplayAnswer {
    fn written(&self) -> Vec<u8> {
        json!({ "id": self.id }).to_string().into_bytes()
    }
}

/// What an endpoint took and what failed, the newest first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = String, Path), PageQuery),
               responses((status = 200, body = DeliveryList), (status = 404)))]
pub(crate) async fn deliveries(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<DeliveryList>, Problem> {
    let (limit, before) = (query.limit()?, query.after::<Counted>()?);
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let records = api
        .store
        .deliveries_to(
            endpoint,
            before.map(|Counted(before)| RecordId(before)),
            limit,
        )
        .await?;
    let next = page::next(&records, limit, |(id, _)| id.0)?;
    let deliveries = records.into_iter().map(|(_, record)| delivery(record));
    Ok(Json(DeliveryList {
        deliveries: deliveries.collect(),
        next,
    }))
}

/// What an endpoint did not take in all attempts, in order.
#[utoipa::path(get, path = "/v1/webhooks/{id}/dead-letters", tag = "webhooks", params(("id" = String, Path), PageQuery),
               responses((status = 200, body = DeadLetterList), (status = 404)))]
pub(crate) async fn dead_letters(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<DeadLetterList>, Problem> {
    let (limit, after) = (query.limit()?, query.after::<Counted>()?);
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let dead = api
        .store
        .dead_letters(endpoint, Seq(after.unwrap_or_default().0), limit)
        .await?;
    let next = page::next(&dead, limit, |letter| letter.seq.0)?;
    let letters = dead.into_iter().map(|letter| DeadLetterEntry {
        seq: letter.seq.0,
        kind: letter.kind,
        attempts: letter.attempts,
        at: letter.at.to_string(),
        reason: letter.reason,
    });
    Ok(Json(DeadLetterList {
        dead_letters: letters.collect(),
        next,
    }))
}

/// How far an endpoint has been told, and what is told once more.
#[utoipa::path(get, path = "/v1/webhooks/{id}/replays", tag = "webhooks", params(("id" = String, Path)),
               responses((status = 200, body = LaneList), (status = 404)))]
pub(crate) async fn lanes(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<LaneList>, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let lanes = api.store.lanes(endpoint).await?;
    Ok(Json(LaneList {
        lanes: lanes.into_iter().map(lane).collect(),
    }))
}

/// Tells an endpoint a range of events once more, or its dead letters. They come with the ids that they had. The same request
/// again, with its key, begins nothing, and gets the same answer.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replays", tag = "webhooks", params(("id" = String, Path), ("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")),
               request_body = ReplayBody, responses((status = 202, body = ReplayAnswer), (status = 404), (status = 409), (status = 422)))]
pub(crate) async fn replay(
    State(api): State<Served>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    let endpoint = own(&api, &asker, &id).await?.endpoint.id;
    let what = format!("POST /v1/webhooks/{endpoint}/replays");
    let (asked, body): (_, ReplayBody) = once::read(&asker, &headers, &what, body)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let kept = api.store.events_kept().await?;
    let replay = Replay {
        after: Seq(body.after.0.max(kept.forgotten.0)),
        until: body
            .until
            .map_or(kept.last, |Counted(until)| Seq(until.min(kept.last.0))),
        only_dead: body.only_dead,
    };
    let detail = json!({
        "after": replay.after.0,
        "until": replay.until.0,
        "only_dead": replay.only_dead,
    });
    let now = desk(&api)?.now();
    let audit = said(now, &asker, endpoint, "webhook-replayed", detail);
    let answer = |lane: LaneId| {
        let body = ReplayAnswer { id: lane.0 }.written();
        asked.with(StatusCode::ACCEPTED, body, now)
    };
    let begun = api
        .store
        .replay(endpoint, &replay, MOST_REPLAYS, &audit, Some(&answer))
        .await;
    match begun {
        Ok(lane) => {
            desk(&api)?.ring();
            idempotency::written(answer(lane))
        }
        Err(error) => once::after(error, &asked, &*api.store).await,
    }
}

fn delivery(record: Record) -> DeliveryEntry {
    match record {
        Record::Delivered {
            first,
            last,
            count,
            at,
            replayed,
        } => DeliveryEntry {
            outcome: "delivered",
            first: first.0,
            last: last.0,
            count,
            at: at.to_string(),
            replayed,
            attempt: None,
            status: None,
            reason: None,
        },
        Record::Failed {
            seq,
            attempt,
            at,
            status,
            reason,
            replayed,
        } => DeliveryEntry {
            outcome: "failed",
            first: seq.0,
            last: seq.0,
            count: 1,
            at: at.to_string(),
            replayed,
            attempt: Some(attempt),
            status,
            reason: Some(reason),
        },
    }
}

fn lane(lane: Lane) -> LaneEntry {
    let trouble = lane.trouble.as_ref();
    LaneEntry {
        id: lane.id.0,
        lane: if lane.replay.is_some() {
            "replay"
        } else {
            "live"
        },
        cursor: lane.cursor.0,
        until: lane.replay.map(|replay| replay.until.0),
        only_dead: lane.replay.map(|replay| replay.only_dead),
        failing: trouble.map(|trouble| trouble.seq.0),
        attempts: trouble.map(|trouble| trouble.attempts),
        next_attempt_at: trouble.map(|trouble| trouble.next_at.to_string()),
        reason: trouble.map(|trouble| trouble.reason.clone()),
    }
}
