//! What one request may cost, and how many there may be at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Uri};

use crate::problem::{Kind, Problem};

/// Requests that are worked on at once; each takes a connection to the database for a moment.
const AT_ONCE: usize = 256;
/// Bytes of a path with its query.
const URI_MAX: usize = 4_096;
/// Bytes of a body.
pub(crate) const BODY_MAX: usize = 8 << 20;
/// How long a request may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(60);

/// The requests that are worked on. Nobody waits for a place, so that a count is enough.
#[derive(Default)]
pub(crate) struct Places(Arc<AtomicUsize>);

/// The place of one request, given back when it is dropped.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Places {
    /// A place; none for what is too much, before anything is done for it.
    pub(crate) fn take(&self, uri: &Uri) -> Result<Place, Problem> {
        let length = uri.path_and_query().map_or(0, |whole| whole.as_str().len());
        if length > URI_MAX {
            return Err(Problem::Said {
                kind: Kind::TooLong,
                detail: format!("path and query have {length} bytes: {URI_MAX} at the most"),
            });
        }
        let taken = self.0.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.0));
        if taken < AT_ONCE {
            return Ok(place);
        }
        Err(Problem::Later {
            kind: Kind::Busy,
            detail: format!("{AT_ONCE} requests are being worked on: try again in a moment"),
            seconds: 1,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What comes of `answer`, in its place if it needs one, unless it takes too long.
pub(crate) async fn in_time<T>(
    _place: Option<Place>,
    answer: impl Future<Output = T>,
) -> Result<T, Problem> {
    let answered = tokio::time::timeout(PATIENCE, answer).await;
    answered.map_err(|_elapsed| Problem::Later {
        kind: Kind::Busy,
        detail: "it took too long".to_owned(),
        seconds: 10,
    })
}

/// Browsers are told not to guess, not to tell and not to frame, where the answer says nothing of its own.
pub(crate) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ] {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
}
