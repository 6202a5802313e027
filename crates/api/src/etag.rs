//! Conditional reads: an answer that the client has already is not sent again.

use alloy_primitives::hex;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// Answers up to this size get a tag; larger ones, and streams, do not.
const TAGGED_MAX: u64 = 4 << 20;

/// What a request says about the answer that its client has.
pub(crate) struct Conditional {
    is_read: bool,
    known: Option<HeaderValue>,
}

impl Conditional {
    /// What this one says.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            // The answer to HEAD has no bytes to hash any more, and a tag of its own would be a wrong one.
            is_read: *request.method() == Method::GET,
            known: request.headers().get(header::IF_NONE_MATCH).cloned(),
        }
    }

    /// Gives a successful answer to a read a strong tag, the hash of its bytes where it has none yet; it is 304 where the
    /// client names it.
    pub(crate) async fn tagged(self, response: Response) -> Result<Response, Problem> {
        if !self.is_read || response.status() != StatusCode::OK {
            return Ok(response);
        }
        let mut response = match response.headers().contains_key(header::ETAG) {
            true => response,
            false => hashed(response).await?,
        };
        let headers = response.headers_mut();
        let Some(tag) = headers.get(header::ETAG).cloned() else {
            return Ok(response);
        };
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-cache"));
        if !self.known.is_some_and(|known| names(&known, &tag)) {
            return Ok(response);
        }
        let mut kept = HeaderMap::new();
        for name in [header::ETAG, header::CACHE_CONTROL] {
            if let Some(value) = headers.remove(&name) {
                kept.insert(name, value);
            }
        }
        Ok((StatusCode::NOT_MODIFIED, kept).into_response())
    }
}

/// The tag of an answer with these bytes.
pub(crate) fn tag(bytes: &[u8]) -> Result<HeaderValue, Problem> {
    let hash = hex::encode(&Sha256::digest(bytes)[..16]);
    HeaderValue::try_from(format!("\"{hash}\"")).map_err(|error| Problem::Failed(error.to_string()))
}

/// The answer with a tag, unless it is a large one or a stream.
async fn hashed(response: Response) -> Result<Response, Problem> {
    let exact = response.body().size_hint().exact();
    if exact.is_none_or(|size| size > TAGGED_MAX) {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let limit = usize::try_from(TAGGED_MAX).unwrap_or(usize::MAX);
    let bytes = to_bytes(body, limit)
        .await
        .map_err(|error| Problem::Failed(error.to_string()))?;
    parts.headers.insert(header::ETAG, tag(&bytes)?);
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// Whether a list of tags has this one. Weak ones count: for a read, the comparison is weak (RFC 9110).
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else {
        return false;
    };
    known.split(',').map(str::trim).any(|candidate| {
        candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
    })
}
