//! Raw responses, which observations name by their hash.

use alloy_primitives::B256;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tocsin_store::response::Archived;
use utoipa::ToSchema;

use crate::Api;
use crate::extract::{Path, id};
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// Who sent a response, when, and how it was read.
#[derive(Serialize, ToSchema)]
pub(crate) struct FetchList {
    #[schema(value_type = String)]
    hash: B256,
    bytes: usize,
    fetches: Vec<FetchView>,
}

/// One place that it came from.
#[derive(Serialize, ToSchema)]
pub(crate) struct FetchView {
    feed: String,
    /// What was asked, without keys.
    url: String,
    /// The status of the answer.
    status: u16,
    first_at: String,
    last_at: String,
    /// Hash of what decided how it was read.
    #[schema(value_type = String)]
    reading: B256,
}

/// A raw response, byte by byte, as something to be stored and never to be shown: who sent it may be hostile.
#[utoipa::path(get, path = "/v1/responses/{hash}", operation_id = "get_response", tag = "observations", params(("hash" = String, Path, description = "keccak-256 of the bytes")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, description = "It is not here, or not any more", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn response(
    State(api): State<Served>,
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
#[utoipa::path(get, path = "/v1/responses/{hash}/fetches", operation_id = "list_fetches", tag = "observations", params(("hash" = String, Path, description = "keccak-256 of the bytes")), responses((status = 200, description = "Where it came from", body = FetchList), (status = 404, description = "It is not here, or not any more", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn fetches(
    State(api): State<Served>,
    Path(hash): Path<String>,
) -> Result<Json<FetchList>, Problem> {
    let (hash, archived) = find(&api, &hash).await?;
    let fetches = archived
        .fetches
        .iter()
        .map(|fetch| FetchView {
            feed: fetch.source.to_string(),
            url: fetch.url.clone(),
            status: fetch.status,
            first_at: fetch.first_at.to_string(),
            last_at: fetch.last_at.to_string(),
            reading: fetch.reading,
        })
        .collect();
    Ok(Json(FetchList {
        hash,
        bytes: archived.body.len(),
        fetches,
    }))
}

async fn find(api: &Api, text: &str) -> Result<(B256, Archived), Problem> {
    let hash: B256 = id(text, "a hash of a response")?;
    let found = api.store.response(hash).await?;
    let archived = found.ok_or_else(|| {
        Problem::NotFound(format!("the response {hash} is not here, or not any more"))
    })?;
    Ok((hash, archived))
}
