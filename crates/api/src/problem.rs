//! Errors as RFC 9457 problem details.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tocsin_store::StoreError;

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// There is no such thing.
    NotFound(String),
    /// The request is not one that is understood.
    BadRequest(String),
    /// The store failed.
    Store(StoreError),
    /// Something else inside failed.
    Failed(String),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, kind, title, detail) = match self {
            Self::NotFound(detail) => (
                StatusCode::NOT_FOUND,
                "not-found",
                "There is no such thing",
                detail,
            ),
            Self::BadRequest(detail) => (
                StatusCode::BAD_REQUEST,
                "bad-request",
                "The request is not understood",
                detail,
            ),
            Self::Store(error) if error.is_transient() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "The service is busy",
                "try again in a few seconds".to_owned(),
            ),
            Self::Store(error) => failed(&error),
            Self::Failed(reason) => failed(&reason),
        };
        let body = Json(json!({
            "type": format!("urn:tocsin:problem:{kind}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        }));
        (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response()
    }
}

/// What broke inside is for the operator, not for strangers.
fn failed(error: &dyn core::fmt::Display) -> (StatusCode, &'static str, &'static str, String) {
    tracing::error!(%error, "a request failed");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The service failed",
        "the operator can find the reason in the log".to_owned(),
    )
}
