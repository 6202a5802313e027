//! Determinations, and the claims on them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::time::Timestamp;
use tocsin_store::browse::DeterminationPlace;
use utoipa::ToSchema;

use crate::extract::{Path, Query, determination};
use crate::page::{self, PageQuery};
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::{ClaimView, DeterminationView};

/// Determinations, the last confirmed first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeterminationList {
    determinations: Vec<DeterminationView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// The claims on a determination, by policy.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimList {
    claims: Vec<ClaimView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// Every determination, the last confirmed first.
#[utoipa::path(get, path = "/v1/determinations", operation_id = "list_determinations", tag = "determinations", params(PageQuery), responses((status = 200, description = "A page of determinations", body = DeterminationList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(page): Query<PageQuery>,
) -> Result<Json<DeterminationList>, Problem> {
    let limit = page.limit()?;
    let before: Option<(Timestamp, RiskId, u32)> = page.after()?;
    let before = before.map(|(confirmed_at, risk, ordinal)| DeterminationPlace {
        confirmed_at,
        risk,
        ordinal,
    });
    let found = api.store.browse_determinations(before, limit).await?;
    let next = page::next(&found, limit, |last| {
        (last.confirmed_at, last.risk, last.ordinal)
    })?;
    let determinations = found.iter().map(DeterminationView::from).collect();
    Ok(Json(DeterminationList {
        determinations,
        next,
    }))
}

/// One determination.
#[utoipa::path(get, path = "/v1/determinations/{determination}", operation_id = "get_determination", tag = "determinations", params(("determination" = String, Path, description = "The risk id, a dash, and the number of the loss event")), responses((status = 200, description = "The determination", body = DeterminationView), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(text): Path<String>,
) -> Result<Json<DeterminationView>, Problem> {
    let (risk, ordinal) = determination(&text)?;
    let found = api.store.determination(risk, ordinal).await?;
    let loss = found.ok_or_else(|| nothing(risk, ordinal))?;
    Ok(Json(DeterminationView::from(&loss)))
}

/// The claims on a determination: who is paid, how much, and who is not, and why.
#[utoipa::path(get, path = "/v1/determinations/{determination}/claims", operation_id = "list_claims_of_determination", tag = "claims", params(("determination" = String, Path, description = "The risk id, a dash, and the number of the loss event"), PageQuery), responses((status = 200, description = "A page of claims", body = ClaimList), (status = 404, description = "There is no such determination", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn claims(
    State(api): State<Served>,
    Path(text): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<ClaimList>, Problem> {
    let (risk, ordinal) = determination(&text)?;
    let limit = page.limit()?;
    let after: Option<PolicyId> = page.after()?;
    if api.store.determination(risk, ordinal).await?.is_none() {
        return Err(nothing(risk, ordinal));
    }
    let found = api.store.browse_claims(risk, ordinal, after, limit).await?;
    let next = page::next(&found, limit, |last| last.policy)?;
    let claims = found.iter().map(ClaimView::from).collect();
    Ok(Json(ClaimList { claims, next }))
}

/// The claims of a policy, by loss event.
#[utoipa::path(get, path = "/v1/policies/{policy}/claims", operation_id = "list_claims_of_policy", tag = "claims", params(("policy" = String, Path, description = "The policy id: 0x and 64 digits")), responses((status = 200, description = "Its claims", body = ClaimList), (status = 404, description = "There is no such policy", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn claims_of_policy(
    State(api): State<Served>,
    Path(policy): Path<String>,
) -> Result<Json<ClaimList>, Problem> {
    let policy: PolicyId = crate::extract::id(&policy, "a policy id")?;
    if api.store.policy(policy).await?.is_none() {
        return Err(Problem::NotFound(format!("there is no policy {policy}")));
    }
    let found = api.store.claims_of(policy).await?;
    let claims = found.iter().map(ClaimView::from).collect();
    Ok(Json(ClaimList { claims, next: None }))
}

fn nothing(risk: RiskId, ordinal: u32) -> Problem {
    Problem::NotFound(format!("there is no loss event {ordinal} of risk {risk}"))
}
