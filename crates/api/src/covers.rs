//! Covers: the terms that decide.

pub(crate) mod check;
pub(crate) mod declare;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_domain::ids::TermsHash;
use tocsin_store::StoreError;
use utoipa::ToSchema;

use crate::extract::{Path, Query, id};
use crate::page::{self, PageQuery};
use crate::problem::Problem;
use crate::served::Served;

/// A cover, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverSummary {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: u64,
    /// keccak-256 of its canonical terms.
    #[schema(value_type = String)]
    pub(crate) terms_hash: TermsHash,
}

/// Covers, by name and version.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverList {
    covers: Vec<CoverSummary>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// A cover with its terms.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverView {
    name: String,
    version: u64,
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    /// The terms; their RFC 8785 form has the hash.
    #[schema(value_type = Object)]
    terms: serde_json::Value,
    /// How it came into force, where a client declared it.
    declared: Option<DeclaredView>,
}

/// A declaration.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeclaredView {
    /// When.
    at: String,
    /// From when on the cover is evaluated.
    evaluate_from: String,
}

/// Every cover, by name and version.
#[utoipa::path(get, path = "/v1/covers", operation_id = "list_covers", tag = "covers", params(PageQuery), responses((status = 200, description = "A page of covers", body = CoverList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(page): Query<PageQuery>,
) -> Result<Json<CoverList>, Problem> {
    let limit = page.limit()?;
    let after: Option<(String, u64)> = page.after()?;
    let covers: Vec<CoverSummary> = api
        .store
        .covers()
        .await?
        .into_iter()
        .map(|cover| CoverSummary {
            name: cover.name,
            version: cover.version,
            terms_hash: cover.terms_hash,
        })
        .filter(|cover| {
            after.as_ref().is_none_or(|(name, version)| {
                (cover.name.as_str(), cover.version) > (name.as_str(), *version)
            })
        })
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    let next = page::next(&covers, limit, |last| (last.name.clone(), last.version))?;
    Ok(Json(CoverList { covers, next }))
}

/// One cover, with its terms.
#[utoipa::path(get, path = "/v1/covers/{terms_hash}", operation_id = "get_cover", tag = "covers", params(("terms_hash" = String, Path, description = "The terms hash: 0x and 64 digits")), responses((status = 200, description = "The cover", body = CoverView), (status = 404, description = "There is none", body = crate::problem::ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(terms): Path<String>,
) -> Result<Json<CoverView>, Problem> {
    let terms: TermsHash = id(&terms, "a terms hash")?;
    let found = api.store.cover(terms).await?;
    let cover =
        found.ok_or_else(|| Problem::NotFound(format!("there is no cover with terms {terms}")))?;
    let read = serde_json::from_str(&cover.canonical_terms);
    let declared = api.store.declaration(cover.terms_hash).await?;
    let terms = read.map_err(|error| StoreError::InvalidRow {
        noun: "cover",
        key: cover.terms_hash.to_string(),
        reason: error.to_string(),
    })?;
    Ok(Json(CoverView {
        name: cover.name,
        version: cover.version,
        terms_hash: cover.terms_hash,
        terms,
        declared: declared.map(|declared| DeclaredView {
            at: declared.declared_at.to_string(),
            evaluate_from: declared.evaluate_from.to_string(),
        }),
    }))
}
