//! Declaring a cover while the service runs: its terms come into force, and are evaluated from an instant after that.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use utoipa::ToSchema;

use super::check::{self, NewCover};
use crate::auth::Caller;
use crate::books::{self, Asked, Flaw};
use crate::extract::{Query, Whole};
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// From when on the cover is to be evaluated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclareQuery {
    evaluate_from: Option<String>,
}

/// A cover that is in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct CoverDeclared {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The hash of its terms.
    #[schema(value_type = String)]
    pub terms_hash: TermsHash,
    /// From when on it is evaluated. What was observed earlier serves to look back only.
    pub evaluate_from: String,
    /// When it was declared; none where the configuration names it.
    pub declared_at: Option<String>,
    /// What is legal, but probably not what was meant.
    pub warnings: Vec<Flaw>,
}

/// Brings a cover (TOML) into force: the running service evaluates it, and takes policies on it, from now on and after every
/// restart. Terms that are in force already are answered with a 200; terms never change, so other terms need another version.
#[utoipa::path(post, path = "/v1/covers", operation_id = "declare_cover", tag = "covers", params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated"), ("evaluate_from" = Option<String>, Query, description = "An instant that is still to come: RFC 3339 or unix seconds. Without it, the next second. A node of a quorum needs it, so that every node evaluates from the same instant")), request_body(content = String, content_type = "application/toml"), responses((status = 200, description = "It was in force before", body = CoverDeclared), (status = 201, description = "It is in force", body = CoverDeclared), (status = 409, description = "Other terms have its name and version, it is evaluated from another instant, or the same request is being worked on", body = ProblemDetails, content_type = "application/problem+json"), (status = 422, description = "It cannot come into force: the errors say why; or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn declare(
    State(api): State<Served>,
    Query(query): Query<DeclareQuery>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    let caller = caller.map(|Extension(caller)| caller);
    let wanted = query.evaluate_from.as_deref();
    let what = format!("POST /v1/covers {}", wanted.unwrap_or_default());
    let asked = Asked::of(caller.as_ref(), &headers, &what, &body)?;
    let books = books::of(&api)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let evaluate_from = wanted.map(Timestamp::parse).transpose();
    let evaluate_from = evaluate_from
        .map_err(|error| Problem::BadRequest(format!("the query: evaluate_from: {error}")))?;
    let cover = NewCover {
        evaluate_from,
        ..check::read(&headers, &body)?
    };
    let outcome = books.clone().declare(cover, asked.clone()).await;
    books::told(&api, &asked, outcome, check::flawed).await
}
