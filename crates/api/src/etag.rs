//! Conditional reads: an answer that the client has already is not sent again.

use alloy_primitives::hex;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// Answers up to this size get a tag; larger ones, and streams, do not.
const TAGGED_MAX: u64 = 4 << 20;

/// Gives successful answers to reads a strong tag, the hash of their bytes, and answers 304 where the client names it.
pub(crate) async fn conditional(request: Request, next: Next) -> Result<Response, Problem> {
    // The answer to HEAD has no bytes to hash any more, and a tag of its own would be a wrong one.
    let is_read = *request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let exact = response.body().size_hint().exact();
    if exact.is_none_or(|size| size > TAGGED_MAX) {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let limit = usize::try_from(TAGGED_MAX).unwrap_or(usize::MAX);
    let bytes = to_bytes(body, limit)
        .await
        .map_err(|error| Problem::Failed(error.to_string()))?;
    let tag = match parts.headers.get(header::ETAG) {
        Some(tag) => tag.clone(),
        None => {
            let hash = hex::encode(&Sha256::digest(&bytes)[..16]);
            HeaderValue::try_from(format!("\"{hash}\""))
                .map_err(|error| Problem::Failed(error.to_string()))?
        }
    };
    parts.headers.insert(header::ETAG, tag.clone());
    parts
        .headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    if known.is_some_and(|known| names(&known, &tag)) {
        let mut kept = HeaderMap::new();
        for name in [header::ETAG, header::CACHE_CONTROL] {
            if let Some(value) = parts.headers.remove(&name) {
                kept.insert(name, value);
            }
        }
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
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
