//! Risks: what is insured.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{RiskId, TermsHash};
use utoipa::ToSchema;

use crate::extract::{Path, Query, id};
use crate::page;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::RiskView;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskQuery {
    /// Only those under these terms.
    terms_hash: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Risks, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct RiskList {
    risks: Vec<RiskView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// Every risk, or those of one cover.
#[utoipa::path(get, path = "/v1/risks", operation_id = "list_risks", tag = "risks", params(RiskQuery), responses((status = 200, description = "A page of risks", body = RiskList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<RiskQuery>,
) -> Result<Json<RiskList>, Problem> {
    let limit = page::limit(query.limit)?;
    let after: Option<RiskId> = page::after(query.cursor.as_deref())?;
    let terms = query.terms_hash.as_deref();
    let terms: Option<TermsHash> = terms.map(|text| id(text, "a terms hash")).transpose()?;
    let found = api.store.browse_risks(terms, after, limit).await?;
    let risks: Vec<RiskView> = found.into_iter().map(RiskView::from).collect();
    let next = page::next(&risks, limit, |last| last.id)?;
    Ok(Json(RiskList { risks, next }))
}

/// One risk.
#[utoipa::path(get, path = "/v1/risks/{risk}", operation_id = "get_risk", tag = "risks", params(("risk" = String, Path, description = "The risk id: 0x and 64 digits")), responses((status = 200, description = "The risk", body = RiskView), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(risk): Path<String>,
) -> Result<Json<RiskView>, Problem> {
    let risk: RiskId = id(&risk, "a risk id")?;
    let found = api.store.risk(risk).await?;
    let record = found.ok_or_else(|| Problem::NotFound(format!("there is no risk {risk}")))?;
    Ok(Json(record.into()))
}
