//! The kinds of problems: stable names, each with a page that says what it means and what to do.

use axum::http::StatusCode;

/// What kind of problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// There is no such thing.
    NotFound,
    /// The request is not understood.
    BadRequest,
    /// What is at this path cannot be used so.
    Method,
    /// The URL or a header is too long.
    TooLong,
    /// The body is too large.
    TooLarge,
    /// The body is of a type that is not read.
    MediaType,
    /// Nobody, or nobody known, signed the request.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// Another process of the service does this.
    Elsewhere,
    /// What was sent is understood, and not valid.
    Invalid,
    /// What was sent contradicts what is stored.
    Conflict,
    /// A write came without its key.
    IdempotencyMissing,
    /// The key was used for another request.
    IdempotencyReused,
    /// The same request is being worked on.
    InProgress,
    /// Too many at once.
    TooMany,
    /// It failed for now.
    Busy,
    /// It failed.
    Internal,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 17] = [
        Self::NotFound,
        Self::BadRequest,
        Self::Method,
        Self::TooLong,
        Self::TooLarge,
        Self::MediaType,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Elsewhere,
        Self::Invalid,
        Self::Conflict,
        Self::IdempotencyMissing,
        Self::IdempotencyReused,
        Self::InProgress,
        Self::TooMany,
        Self::Busy,
        Self::Internal,
    ];

    /// The last part of its type, `/problems/<name>`. Never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::BadRequest => "bad-request",
            Self::Method => "method-not-allowed",
            Self::TooLong => "too-long",
            Self::TooLarge => "too-large",
            Self::MediaType => "media-type",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Elsewhere => "elsewhere",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::IdempotencyMissing => "idempotency-key-missing",
            Self::IdempotencyReused => "idempotency-key-reused",
            Self::InProgress => "in-progress",
            Self::TooMany => "too-many-requests",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// Its status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest | Self::IdempotencyMissing => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Elsewhere => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid | Self::IdempotencyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict | Self::InProgress => StatusCode::CONFLICT,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A sentence that is the same for all of the kind.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::NotFound => "There is no such thing",
            Self::BadRequest => "The request is not understood",
            Self::Method => "What is at this path cannot be used so",
            Self::TooLong => "The address of the request is too long",
            Self::TooLarge => "The body of the request is too large",
            Self::MediaType => "The body is of a type that is not read",
            Self::Unauthenticated => "The request is not signed by a known key",
            Self::Forbidden => "The key may not do this",
            Self::Elsewhere => "Another process of the service does this",
            Self::Invalid => "What was sent is not valid",
            Self::Conflict => "What was sent contradicts what is stored",
            Self::IdempotencyMissing => "A write needs a key of its own",
            Self::IdempotencyReused => "The key was used for another request",
            Self::InProgress => "The same request is being worked on",
            Self::TooMany => "Too many requests",
            Self::Busy => "The service is busy",
            Self::Internal => "The service failed",
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => {
                "Compare the path and its ids with /docs. What is not stored yet can be asked for again later."
            }
            Self::BadRequest => {
                "`detail` names the part that is not understood and what to write. Sent again unchanged, it fails again."
            }
            Self::Method => "The header `Allow` of the answer has the methods of this path.",
            Self::TooLong => {
                "Paths, queries and headers have limits, which docs/api.md lists. Shorten the request."
            }
            Self::TooLarge => "Send fewer policies at once; docs/api.md has the limits.",
            Self::MediaType => {
                "Set `Content-Type` to one of the types that /docs shows for the route."
            }
            Self::Unauthenticated => {
                "Sign the request as docs/auth.md describes, with a clock that is right."
            }
            Self::Forbidden => {
                "Use a key whose scopes include the one that `detail` names, or ask the operator for one."
            }
            Self::Elsewhere => {
                "Send the same request, signed anew, to the address at which `tocsin run` serves the API; the operator knows it. Nothing was stored."
            }
            Self::Invalid => {
                "`errors` lists what is wrong, each with its place in the body and what to write. Nothing was stored."
            }
            Self::Conflict => {
                "Terms and policies never change. Give the new one another version or number. Nothing was stored."
            }
            Self::IdempotencyMissing => {
                "Send the header `Idempotency-Key` with a value that is new for every write, such as a UUID, and the same when the write is repeated."
            }
            Self::IdempotencyReused => {
                "A key stands for one request. Make a new one for another request."
            }
            Self::InProgress => {
                "Ask again in a few seconds, with the same key: the answer will be that of the first request."
            }
            Self::TooMany => "Wait as long as `Retry-After` says.",
            Self::Busy => {
                "Try again in a few seconds. A write is safe to repeat with the same `Idempotency-Key`."
            }
            Self::Internal => {
                "The operator finds the reason in the log. A write is safe to repeat with the same `Idempotency-Key`."
            }
        }
    }
}
