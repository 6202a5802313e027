//! What one request may cost, and how many there may be at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use crate::problem::{Kind, Problem};

/// Requests that are worked on at once; each takes a connection to the database for a moment.
const AT_ONCE: usize = 256;
/// Bytes of a path with its query.
const URI_MAX: usize = 4_096;
/// Bytes of a body.
pub(crate) const BODY_MAX: usize = 8 << 20;
/// How long a request may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(60);

/// The requests that are worked on.
#[derive(Clone)]
pub(crate) struct Limits(Arc<Semaphore>);

impl Default for Limits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Refuses what is too much, before anything is done for it.
pub(crate) async fn limit(
    State(Limits(places)): State<Limits>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |whole| whole.as_str().len());
    if length > URI_MAX {
        return Err(Problem::Said {
            kind: Kind::TooLong,
            detail: format!("path and query have {length} bytes: {URI_MAX} at the most"),
        });
    }
    let Ok(_place) = places.try_acquire() else {
        return Err(Problem::Later {
            kind: Kind::Busy,
            detail: format!("{AT_ONCE} requests are being worked on: try again in a moment"),
            seconds: 1,
        });
    };
    let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
    let mut response = answered.map_err(|_elapsed| Problem::Later {
        kind: Kind::Busy,
        detail: "it took too long".to_owned(),
        seconds: 10,
    })?;
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    Ok(response)
}
