//! Every request by a name of its own: in its answer, in what is logged while it is worked on, in its span and in its problem.
//!
//! A client's `X-Request-Id` is taken over where it is short and harmless, so that a request has one name on its whole way;
//! otherwise one is made. The span of a request joins the trace of a `traceparent` (W3C Trace Context).

use core::fmt;
use core::hash::BuildHasher as _;
use std::collections::hash_map::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::hex;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a client's name at the most.
const LENGTH_MAX: usize = 64;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The name of a request: 1 to 64 letters, digits, dashes, dots and underscores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RequestId {
    /// The client's.
    Taken(HeaderValue),
    /// One of ours, as digits.
    Made([u8; 32]),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match self {
            Self::Taken(value) => value.as_bytes(),
            Self::Made(digits) => digits,
        };
        f.write_str(core::str::from_utf8(bytes).unwrap_or_default())
    }
}

impl RequestId {
    /// That of the request which is worked on here.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// The client's, if it has sent one that may be repeated.
    fn taken(headers: &HeaderMap) -> Option<Self> {
        let mut sent = headers.get_all(HEADER).iter();
        let (Some(one), None) = (sent.next(), sent.next()) else {
            return None;
        };
        let harmless =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = (1..=LENGTH_MAX).contains(&one.len()) && one.as_bytes().iter().all(harmless);
        is_name.then(|| Self::Taken(one.clone()))
    }

    /// As the answer says it.
    fn into_header(self) -> Option<HeaderValue> {
        match self {
            Self::Taken(value) => Some(value),
            Self::Made(digits) => HeaderValue::from_bytes(&digits).ok(),
        }
    }
}

/// Makes names. They are for finding things again, and nothing is decided by them: each is a count, hashed under two keys
/// that are drawn when the service starts, so that names of two starts differ and no name says how many there are.
#[derive(Default)]
pub(crate) struct Names {
    keys: [RandomState; 2],
    count: AtomicU64,
}

impl Names {
    /// Names a request, and begins its span.
    pub(crate) fn name(&self, request: &Request) -> Named {
        let headers = request.headers();
        let id = RequestId::taken(headers).unwrap_or_else(|| self.made());
        let span = span(&id, request);
        if let Some(parent) = parent(headers) {
            let context = opentelemetry::Context::new().with_remote_span_context(parent);
            if let Err(error) = span.set_parent(context) {
                // Where nobody traces, there is nothing to join.
                tracing::trace!(%error, "the span of a request joins no trace");
            }
        }
        Named { id, span }
    }

    fn made(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut digits = [0; 32];
        for (half, key) in digits.chunks_exact_mut(16).zip(&self.keys) {
            let hash = hex::const_encode::<8, false>(&key.hash_one(count).to_be_bytes());
            half.copy_from_slice(hash.as_bytes());
        }
        RequestId::Made(digits)
    }
}

fn span(id: &RequestId, request: &Request) -> Span {
    let method = request.method();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str);
    tracing::info_span!(
        "request",
        request_id = %id,
        key = Empty,
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        url.path = request.uri().path(),
        http.response.status_code = Empty,
    )
}

/// A request by its name.
pub(crate) struct Named {
    id: RequestId,
    span: Span,
}

impl Named {
    /// Follows it to its answer, which is given its name.
    pub(crate) async fn follow(self, answer: impl Future<Output = Response>) -> Response {
        let Self { id, span } = self;
        let answered = CURRENT.scope(id.clone(), answer);
        let mut response = answered.instrument(span.clone()).await;
        let status = response.status();
        span.record("http.response.status_code", i64::from(status.as_u16()));
        span.in_scope(|| {
            if status.is_server_error() {
                tracing::warn!(status = status.as_u16(), "answered");
            } else {
                tracing::debug!(status = status.as_u16(), "answered");
            }
        });
        if let Some(name) = id.into_header() {
            response.headers_mut().insert(HEADER, name);
        }
        response
    }
}

/// The span that a request names as the one that it belongs to, if it is written as version 00 of W3C Trace Context has it.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let mut sent = headers.get_all("traceparent").iter();
    let (Some(one), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let mut parts = one.to_str().ok()?.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || parts.next().is_some() {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_bytes(lower_hex(trace)?),
        SpanId::from_bytes(lower_hex(span)?),
        TraceFlags::new(lower_hex::<1>(flags)?[0]) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let mut bytes = [0; N];
    let is_whole = is_lower && hex::decode_to_slice(text, &mut bytes).is_ok();
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn with(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn a_name_is_taken_over_only_if_it_is_short_and_harmless() {
        let taken = RequestId::taken(&with("x-request-id", &["order-7.a_B"]));
        assert_eq!(taken.unwrap().to_string(), "order-7.a_B");
        for strange in ["", "a b", "a\tb", "<b>", "ä", &"x".repeat(65)] {
            let headers = with("x-request-id", &[strange]);
            assert_eq!(RequestId::taken(&headers), None, "{strange}");
        }
        let twice = with("x-request-id", &["a", "b"]);
        assert_eq!(RequestId::taken(&twice), None);
    }

    #[test]
    fn names_are_made_of_digits_and_none_is_made_twice() {
        let (one, other) = (Names::default(), Names::default());
        let made = (0..1_000).flat_map(|_| [one.made(), other.made()]);
        let made: HashSet<String> = made.map(|name| name.to_string()).collect();
        assert_eq!(made.len(), 2_000);
        assert!(made.iter().all(|name| name.len() == 32));
    }

    #[test]
    fn a_parent_is_read_as_the_standard_writes_it() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let whole = format!("00-{trace}-b7ad6b7169203331-01");
        let read = parent(&with("traceparent", &[&whole])).unwrap();
        assert_eq!(read.trace_id().to_string(), trace);
        assert!(read.is_sampled() && read.is_remote());
        for strange in [
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
            format!("ff-{trace}-b7ad6b7169203331-01"),
            format!("{whole}-x"),
            format!("00-{trace}-b7ad6b7169203331"),
        ] {
            assert_eq!(parent(&with("traceparent", &[&strange])), None, "{strange}");
        }
        assert_eq!(parent(&with("traceparent", &[&whole, &whole])), None);
    }
}
