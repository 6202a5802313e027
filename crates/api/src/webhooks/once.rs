//! Writes with a key. Who repeats one that makes a secret makes no second, and is not shown the first.

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tocsin_domain::time::Timestamp;
use tocsin_store::answer::Answer;
use tocsin_store::{Store, StoreError};

use super::Asker;
use super::entry::SecretEntry;
use crate::idempotency::Asked;
use crate::problem::{Kind, Problem};
use crate::strict;

/// The key of a request, and what is in its body.
pub(super) fn read<T: DeserializeOwned>(
    asker: &Asker,
    headers: &HeaderMap,
    what: &str,
    body: Bytes,
) -> Result<(Asked, T), Problem> {
    let caller = asker.as_ref().map(|Extension(caller)| caller);
    let asked = Asked::of(caller, headers, what, &body)?;
    let body = strict::read(headers, &body)?;
    Ok((asked, body))
}

/// What is answered to whoever asks again: what was made, and what to do where its secret is lost.
pub(super) fn again(asked: Asked, made: &SecretEntry, at: Timestamp) -> Result<Answer, Problem> {
    let known = SecretEntry {
        secret: None,
        secret_lost: Some(
            "the secret was shown in the first answer, and is not shown again: whoever has not got it makes another with POST …/secrets",
        ),
        ..made.clone()
    };
    let body = serde_json::to_vec(&known).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(asked.with(StatusCode::CREATED, body, at))
}

/// Somebody sent the same at the same time, and came first; or the store failed.
pub(super) async fn after(
    error: StoreError,
    asked: &Asked,
    store: &dyn Store,
) -> Result<Response, Problem> {
    match error {
        StoreError::Stale { .. } => Err(Problem::Later {
            kind: Kind::InProgress,
            detail: "the secrets of this endpoint were changed at the same moment: ask again"
                .to_owned(),
            seconds: 1,
        }),
        // What the store refuses here is the client's mistake.
        StoreError::Refused { reason, .. } => Err(Problem::Said {
            kind: Kind::Invalid,
            detail: reason,
        }),
        other => asked.after(other, store).await,
    }
}

/// The first answer, the only one with the secret.
pub(super) fn first(made: SecretEntry) -> Response {
    let place = HeaderValue::try_from(format!("/v1/webhooks/{}", made.id));
    let headers = [(header::CACHE_CONTROL, "no-store")];
    let mut response = (StatusCode::CREATED, headers, Json(made)).into_response();
    // An endpoint's id can stand in a header.
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}
