//! A local server that speaks AeroAPI, version 4, about the flights of a slice, as its clock has it.
//!
//! Of the interface it has `/flights/{ident}` with `ident_type`, `start`, `end`, `max_pages` and `cursor`, the key in
//! `x-apikey`, links to further pages, and errors in the documented form. Its `Date` is that of its clock. Things can
//! be made to go wrong with it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tocsin_domain::time::{Seconds, Timestamp};

use super::answer::record;
use super::board;
use super::slice::Flight;
use crate::clock::Clock;

/// Records on a page.
const PAGE: usize = 15;

/// How far the description lets one ask back and ahead.
const BACK: Seconds = Seconds(10 * 86_400);
const AHEAD: Seconds = Seconds(2 * 86_400);

/// The header with the key.
const KEY: &str = "x-apikey";

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A page for people where there should be an answer.
    Html,
    /// An internal error.
    ServerError,
    /// The answer ends in the middle.
    Truncated,
    /// A status that no version of the interface has had.
    UnheardOfStatus,
}

/// The provider. Clones share everything.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    flights: Vec<Flight>,
    /// Places in `flights` by IATA and ICAO designator, latest departure first.
    by_ident: BTreeMap<String, Vec<usize>>,
    clock: Arc<dyn Clock>,
    key: String,
    page: usize,
    /// By designator; a lock for as long as a map access.
    faults: Mutex<BTreeMap<String, Fault>>,
    requests: AtomicU64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ident_type: Option<String>,
    start: Option<String>,
    end: Option<String>,
    max_pages: Option<usize>,
    cursor: Option<usize>,
}

impl Provider {
    /// One that knows `flights`, lives by `clock` and wants `key`.
    pub fn new(flights: Vec<Flight>, clock: Arc<dyn Clock>, key: &str) -> Self {
        Self::with_pages(flights, clock, key, PAGE)
    }

    /// The same, with another number of records on a page.
    pub fn with_pages(flights: Vec<Flight>, clock: Arc<dyn Clock>, key: &str, page: usize) -> Self {
        let mut by_ident: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, flight) in flights.iter().enumerate() {
            let icao = format!("{}{}", flight.carrier.icao, flight.number);
            for ident in [flight.ident(), icao] {
                by_ident.entry(ident).or_default().push(place);
            }
        }
        for places in by_ident.values_mut() {
            places.sort_by_key(|place| flights.get(*place).map(|flight| -flight.scheduled_out.0));
        }
        Self(Arc::new(Inner {
            flights,
            by_ident,
            clock,
            key: key.to_owned(),
            page: page.max(1),
            faults: Mutex::default(),
            requests: AtomicU64::new(0),
        }))
    }

    /// Lets answers about a designator go wrong until [`Self::heal`].
    pub fn fail(&self, ident: &str, fault: Fault) {
        self.faults().insert(ident.to_owned(), fault);
    }

    /// Lets everything go right again.
    pub fn heal(&self) {
        self.faults().clear();
    }

    /// How often it was asked.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Where it answers, below `/aeroapi`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/aeroapi/flights/{ident}", get(flights))
            .fallback(async || refusal(StatusCode::NOT_FOUND, "Undefined path"))
            .layer(axum::middleware::map_response_with_state(
                self.clone(),
                dated,
            ))
            .with_state(self.clone())
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Fault>> {
        // Nothing panics under the lock: a poisoned one is still good.
        self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the provider's own clock.
async fn dated(State(provider): State<Provider>, mut response: Response) -> Response {
    let now = jiff::Timestamp::from_second(provider.0.clock.now().0);
    let date = now.map(|now| now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn flights(
    State(provider): State<Provider>,
    Path(ident): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Inner {
        clock,
        key,
        requests,
        ..
    } = &*provider.0;
    requests.fetch_add(1, Ordering::Relaxed);
    if headers.get(KEY).map(HeaderValue::as_bytes) != Some(key.as_bytes()) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "Invalid authentication credentials",
        );
    }
    let fault = provider.faults().get(&ident).copied();
    match fault {
        Some(Fault::Html) => return people(),
        Some(Fault::ServerError) => {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal error");
        }
        Some(Fault::Truncated | Fault::UnheardOfStatus) | None => {}
    }
    let mut body = match answer(&provider.0, &ident, &asked, clock.now()) {
        Ok(body) => body,
        Err(problem) => return refusal(StatusCode::BAD_REQUEST, &problem),
    };
    if fault == Some(Fault::UnheardOfStatus)
        && let Some(records) = body["flights"].as_array_mut()
    {
        for record in records {
            record["status"] = json!("Circling / Out of Coffee");
        }
    }
    if fault == Some(Fault::Truncated) {
        let text = body.to_string();
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        return ([(header::CONTENT_TYPE, "application/json")], half).into_response();
    }
    Json(body).into_response()
}

fn answer(inner: &Inner, ident: &str, asked: &Asked, now: Timestamp) -> Result<Value, String> {
    let (start, end) = (
        bound("start", &asked.start, now)?,
        bound("end", &asked.end, now)?,
    );
    let start = start.unwrap_or(now - BACK);
    let end = end.unwrap_or(now + AHEAD);
    let pages = asked.max_pages.unwrap_or(1);
    if pages < 1 {
        return Err("max_pages is below 1".to_owned());
    }
    // Registrations and flight ids are other idents, which nobody here asks about.
    if let Some(kind) = asked
        .ident_type
        .as_ref()
        .filter(|kind| *kind != "designator")
    {
        return Err(format!("ident_type {kind} is not served"));
    }
    let known = inner
        .by_ident
        .get(ident)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let listed: Vec<&Flight> = known
        .iter()
        .filter_map(|place| inner.flights.get(*place))
        .filter(|flight| (start..end).contains(&flight.scheduled_out))
        .collect();
    let first = asked.cursor.unwrap_or(0);
    let most = pages.saturating_mul(inner.page);
    let shown: Vec<Value> = listed
        .iter()
        .skip(first)
        .take(most)
        .map(|flight| record(flight, &board::line(flight, now)))
        .collect();
    let next = first.saturating_add(shown.len());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let given = [
        ("ident_type", asked.ident_type.clone()),
        ("start", asked.start.clone()),
        ("end", asked.end.clone()),
        ("max_pages", asked.max_pages.map(|pages| pages.to_string())),
        ("cursor", Some(next.to_string())),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let link = format!("/flights/{ident}?{}", query.finish());
    Ok(json!({
        "links": (next < listed.len()).then(|| json!({ "next": link })),
        "num_pages": shown.len().div_ceil(inner.page).max(1),
        "flights": shown,
    }))
}

/// A date or an instant, not too far away.
fn bound(name: &str, text: &Option<String>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else {
        return Ok(None);
    };
    let full = if text.contains('T') {
        text.clone()
    } else {
        format!("{text}T00:00:00Z")
    };
    let at = Timestamp::parse(&full).map_err(|error| format!("{name} is no date: {error}"))?;
    if at < now - BACK || at > now + AHEAD {
        return Err(format!(
            "{name} must be at most 10 days in the past and 2 days in the future"
        ));
    }
    Ok(Some(at))
}

/// An error as the description has it.
fn refusal(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({
        "title": title,
        "reason": title.replace(' ', "_").to_uppercase(),
        "detail": detail,
        "status": status.as_u16(),
    });
    (status, Json(body)).into_response()
}

fn people() -> Response {
    let page = "<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>";
    ([(header::CONTENT_TYPE, "text/html")], page).into_response()
}
