//! Errors as RFC 9457 problem details: `type` is a path that stays, with a page at it.

mod kinds;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tocsin_store::StoreError;
use utoipa::ToSchema;

use crate::requests::RequestId;

pub(crate) use self::kinds::Kind;

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// There is no such thing.
    NotFound(String),
    /// The request is not one that is understood.
    BadRequest(String),
    /// Of this kind, for this reason.
    Said {
        /// The kind.
        kind: Kind,
        /// The reason, and what to do.
        detail: String,
    },
    /// What was sent is not valid, at these places.
    Flawed {
        /// What was sent.
        detail: String,
        /// What is wrong with it.
        errors: Vec<Flaw>,
    },
    /// It may be asked again after some seconds.
    Later {
        /// The kind.
        kind: Kind,
        /// The reason.
        detail: String,
        /// When.
        seconds: u32,
    },
    /// Nobody, or nobody known, has signed it.
    Unauthenticated {
        /// What would be taken, in the words of the header `Accept-Signature` (RFC 9421).
        accepted: String,
        /// What anybody can see to be wrong with how it is signed.
        flaw: Option<String>,
    },
    /// The store failed.
    Store(StoreError),
    /// Something else inside failed.
    Failed(String),
}

/// What is wrong at one place of what was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Flaw {
    /// The place in a JSON body, as a JSON pointer (RFC 6901); where the body is lines, the first part counts them from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of a text (a cover's), counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column there, in characters, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What is wrong.
    pub detail: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// An error: RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// Which kind of problem: a path at which there is a page about it.
    #[schema(example = "/problems/not-found")]
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// What is wrong, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Flaw>,
    /// The name of the request, as its header `X-Request-Id` and the operator's log have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadRequest(format!("the query: {}", rejection.body_text()))
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::BadRequest(format!("the path: {}", rejection.body_text()))
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status().as_u16() {
            413 => Kind::TooLarge,
            415 => Kind::MediaType,
            422 => Kind::Invalid,
            _ => Kind::BadRequest,
        };
        let detail = rejection.body_text();
        Self::Said { kind, detail }
    }
}

/// There is no registered scheme for RFC 9421: this name is the one in use, and `Accept-Signature` has the rest.
const CHALLENGE: &str = "Signature realm=\"tocsin-api-v1\"";
/// What would have to be signed, and how (RFC 9421, 5.1).
const ACCEPT_SIGNATURE: HeaderName = HeaderName::from_static("accept-signature");

impl Problem {
    /// Another process does this; `done` says what, as in "covers are taken".
    pub(crate) fn elsewhere(done: &str) -> Self {
        Self::Said {
            kind: Kind::Elsewhere,
            detail: format!(
                "{done} by the process that fills the database (`tocsin run`), and this one (`tocsin serve`) only answers from it: \
                 ask at the address of the API of that one"
            ),
        }
    }

    /// What RFC 9110 (15.5.2) has an answer 401 say of how to do better.
    fn challenge(&self) -> Option<(HeaderValue, HeaderValue)> {
        let Self::Unauthenticated { accepted, .. } = self else {
            return None;
        };
        let accepted = HeaderValue::from_str(accepted).ok()?;
        Some((HeaderValue::from_static(CHALLENGE), accepted))
    }

    fn parts(self) -> (Kind, String, Vec<Flaw>, Option<u32>) {
        match self {
            Self::NotFound(detail) => (Kind::NotFound, detail, Vec::new(), None),
            Self::BadRequest(detail) => (Kind::BadRequest, detail, Vec::new(), None),
            Self::Said { kind, detail } => (kind, detail, Vec::new(), None),
            Self::Flawed { detail, errors } => (Kind::Invalid, detail, errors, None),
            Self::Later {
                kind,
                detail,
                seconds,
            } => (kind, detail, Vec::new(), Some(seconds)),
            Self::Unauthenticated { flaw, .. } => {
                let detail = flaw.unwrap_or_else(|| {
                    "the request is signed in the right form; but its key is not known or not active here, the signature is not the key's, \
                     the body is another one, or the same signature was sent before: sign it anew with a key that is good"
                        .to_owned()
                });
                (Kind::Unauthenticated, detail, Vec::new(), None)
            }
            Self::Store(error) if error.is_transient() => {
                let detail = "try again in a few seconds".to_owned();
                (Kind::Busy, detail, Vec::new(), Some(1))
            }
            Self::Store(error) => failed(&error),
            Self::Failed(reason) => failed(&reason),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let challenge = self.challenge();
        let (kind, detail, errors, retry_after) = self.parts();
        let details = ProblemDetails {
            r#type: format!("/problems/{}", kind.name()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail,
            errors,
            request_id: RequestId::current().map(|id| id.to_string()),
        };
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (kind.status(), headers, Json(details)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if let Some((scheme, accepted)) = challenge {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, scheme);
            headers.insert(ACCEPT_SIGNATURE, accepted);
        }
        response
    }
}

/// What broke inside is for the operator, not for strangers.
fn failed(error: &dyn core::fmt::Display) -> (Kind, String, Vec<Flaw>, Option<u32>) {
    tracing::error!(%error, "a request failed");
    let detail = "the operator can find the reason in the log".to_owned();
    (Kind::Internal, detail, Vec::new(), None)
}
