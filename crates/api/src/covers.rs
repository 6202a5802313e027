//! Covers: the terms that decide.

use axum::Json;
use axum::extract::{Query, State};
use serde::Serialize;
use tocsin_domain::ids::TermsHash;
use utoipa::ToSchema;

use crate::Api;
use crate::page::{self, PageQuery};
use crate::problem::Problem;

/// A cover, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverSummary {
    /// Its name.
    name: String,
    /// Its version.
    version: u64,
    /// keccak-256 of its canonical terms.
    #[schema(value_type = String)]
    terms_hash: TermsHash,
}

/// Covers, by name and version.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverList {
    covers: Vec<CoverSummary>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// Every cover, by name and version.
#[utoipa::path(get, path = "/v1/covers", tag = "covers", params(PageQuery), responses((status = 200, body = CoverList)))]
pub(crate) async fn list(
    State(api): State<Api>,
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
            let place = (&cover.name, cover.version);
            after
                .as_ref()
                .is_none_or(|(name, version)| place > (name, *version))
        })
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .collect();
    let next = page::next(&covers, limit, |last| (last.name.clone(), last.version))?;
    Ok(Json(CoverList { covers, next }))
}
