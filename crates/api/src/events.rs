//! Events as they happen: server-sent, and resumed where a client left off.

mod news;
pub(crate) mod streams;

use core::time::Duration;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event as Sent, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use tocsin_auth::KeyId;
use tocsin_store::Store;
use tocsin_store::event::{Event, Seq};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use self::news::News;
use self::streams::{STREAMS, Streams};
use crate::addresses::Address;
use crate::auth::{Auth, Caller};
use crate::extract::Query;
use crate::problem::{Kind, Problem};
use crate::served::Served;

/// Events that are read ahead for a stream. A slow client is sent them as it takes them, so this is all it holds.
const AHEAD: u32 = 100;
/// How often something is sent where nothing happens, so that both sides notice an end.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often, at the least, a stream looks whether the key that it was opened with is still good; with the time that a key is kept in memory,
/// a revoked one follows for less than a minute.
const LOOK: Duration = Duration::from_secs(20);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    /// The number of the last event that the client has seen; the header `Last-Event-ID` says the same and comes first.
    /// Without either, the stream begins with what happens from now on.
    after: Option<u64>,
}

/// A stream in the middle of its work.
struct Following {
    store: Arc<dyn Store>,
    after: Seq,
    waiting: VecDeque<Event>,
    /// Events that the client has missed, because they are forgotten.
    missed: Option<Seq>,
    /// The newest event that there is, where the client has seen a later one: an older state of the service is back.
    rewound: Option<Seq>,
    ending: watch::Receiver<bool>,
    news: Arc<News>,
    /// Who follows, where that takes a key, and when to look whether the key is still good.
    asker: Option<(Auth, KeyId)>,
    look_at: Instant,
    _places: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

/// Everything that happens, in order, as server-sent events: `id` is the event's number, `event` its kind, `data` a JSON object.
/// An event of the kind `missed` says that some after `Last-Event-ID` are forgotten; one of the kind `rewound`, that there is none
/// of that number: the service has an older state back, the newest event is `last`, and what follows it is sent.
#[utoipa::path(get, path = "/v1/events", operation_id = "follow_events", tag = "events", params(From, ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last event that the client has seen")), responses((status = 200, description = "A stream of events, which ends with the service", content_type = "text/event-stream", body = String)))]
pub(crate) async fn follow(
    State(api): State<Served>,
    State(streams): State<Streams>,
    address: Option<Extension<Arc<Address>>>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let place = Arc::clone(&streams.places).try_acquire_owned();
    let Ok(place) = place else {
        return Err(Problem::Later {
            kind: Kind::TooMany,
            detail: format!("there are {STREAMS} streams already"),
            seconds: 30,
        });
    };
    let own = address.map(|Extension(address)| address.stream());
    let own = own.transpose()?;
    let named = match headers.get("last-event-id") {
        None => from.after,
        Some(text) => Some(number(text.to_str().unwrap_or_default())?),
    };
    if named.is_some_and(|named| i64::try_from(named).is_err()) {
        return Err(no_number());
    }
    let kept = api.store.events_kept().await?;
    let after = named.map_or(kept.last, Seq);
    let following = Following {
        store: Arc::clone(&api.store),
        missed: (after < kept.forgotten).then_some(kept.forgotten),
        rewound: (after > kept.last).then_some(kept.last),
        after: after.max(kept.forgotten).min(kept.last),
        waiting: VecDeque::new(),
        ending: streams.ending,
        news: streams.news,
        asker: caller.map(|Extension(caller)| (api.auth.clone(), caller.key)),
        look_at: Instant::now() + api.auth.cached_for().min(LOOK),
        _places: (place, own),
    };
    let stream = unfold(following, next);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

impl Following {
    /// Whether whoever follows still may. Where that cannot be found out, the client comes back and is told so.
    async fn may_follow(&mut self) -> bool {
        let Some((auth, key)) = &self.asker else {
            return true;
        };
        if Instant::now() < self.look_at {
            return true;
        }
        self.look_at = Instant::now() + auth.cached_for().min(LOOK);
        auth.is_good(key).await
    }
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_not_digits| no_number())
}

fn no_number() -> Problem {
    Problem::BadRequest("Last-Event-ID is not the number of an event".to_owned())
}

/// The next event of a stream, as soon as there is one; none when the service ends or the store fails, and the client
/// comes back where it was.
async fn next(mut following: Following) -> Option<(Result<Sent, Infallible>, Following)> {
    if let Some(forgotten) = following.missed.take() {
        let said = format!("{{\"forgotten\":{forgotten}}}");
        let sent = Sent::default().event("missed").data(said);
        return Some((Ok(sent), following));
    }
    if let Some(last) = following.rewound.take() {
        let said = format!("{{\"last\":{last}}}");
        let sent = Sent::default().event("rewound").data(said);
        return Some((Ok(sent), following));
    }
    loop {
        if *following.ending.borrow() || !following.may_follow().await {
            return None;
        }
        if let Some(event) = following.waiting.pop_front() {
            let sent = Sent::default()
                .id(event.seq.to_string())
                .event(event.event.kind)
                .data(event.event.body);
            return Some((Ok(sent), following));
        }
        match following.store.events_after(following.after, AHEAD).await {
            Ok(events) => following.waiting = events.into(),
            Err(error) if error.is_transient() => {}
            Err(error) => {
                tracing::error!(%error, "a stream of events ends");
                return None;
            }
        }
        match following.waiting.back() {
            Some(last) => following.after = last.seq,
            None => {
                tokio::select! {
                    () = following.news.after(&*following.store, following.after) => {}
                    () = tokio::time::sleep_until(following.look_at), if following.asker.is_some() => {}
                    ended = following.ending.changed() => {
                        // An error means that the service is gone, which is an end as well.
                        if ended.is_err() { return None; }
                    }
                }
            }
        }
    }
}
