//! Warnings: losses that blocks show which are not final.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_store::warning::{Ending, Warning, WarningId};
use utoipa::ToSchema;

use crate::extract::Query;
use crate::page;
use crate::problem::Problem;
use crate::served::Served;
use crate::views::known::UnknownView;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WarningQuery {
    /// Warnings older than the one with this number.
    before: Option<u64>,
    /// `next` of the page before; the same as `before` with the last number.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Warnings, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningList {
    warnings: Vec<WarningView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
    note: &'static str,
}

/// A loss that there would be if the blocks that say so became final. Nothing is signed or paid because of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningView {
    id: u64,
    /// Always: a warning decides nothing.
    provisional: bool,
    /// `standing`, `withdrawn` or `confirmed`.
    state: &'static str,
    raised_at: String,
    ended_at: Option<String>,
    #[schema(value_type = String)]
    risk: RiskId,
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    subject: String,
    ordinal: u32,
    occurred_at: String,
    confirmed_at: String,
    /// The part of the sum insured, as a decimal; none while it has not settled, or is not known.
    payout_fraction: Option<String>,
    /// Why it is not known.
    payout_unknown: Option<UnknownView>,
    /// The chain, by CAIP-2, and the newest block that it rests on.
    chain: String,
    block: u64,
    block_hash: String,
}

/// Losses that blocks show which are not final, the newest first.
#[utoipa::path(get, path = "/v1/warnings", operation_id = "list_warnings", tag = "warnings", params(WarningQuery), responses((status = 200, description = "A page of warnings", body = WarningList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<WarningQuery>,
) -> Result<Json<WarningList>, Problem> {
    let limit = page::limit(query.limit)?;
    let before: Option<u64> = page::after(query.cursor.as_deref())?;
    let before = before.or(query.before);
    if before.is_some_and(|number| i64::try_from(number).is_err()) {
        return Err(Problem::BadRequest(
            "before is no number of a warning".to_owned(),
        ));
    }
    let found = api.store.warnings(before.map(WarningId), limit).await?;
    let next = page::next(&found, limit, |last| last.id.0)?;
    Ok(Json(WarningList {
        warnings: found.iter().map(written).collect(),
        next,
        note: "provisional: nothing is signed or paid because of a warning",
    }))
}

fn written(found: &Warning) -> WarningView {
    let Warning {
        id,
        warning,
        raised_at,
        ended,
    } = found;
    let (state, ended_at) = match ended {
        None => ("standing", None),
        Some((at, Ending::Withdrawn)) => ("withdrawn", Some(at)),
        Some((at, Ending::Confirmed)) => ("confirmed", Some(at)),
    };
    let (payout_fraction, payout_unknown) = match &warning.payout {
        Some(Ok(fraction)) => (Some(fraction.to_string()), None),
        Some(Err(unknown)) => (None, Some(UnknownView::from(unknown))),
        None => (None, None),
    };
    WarningView {
        id: id.0,
        provisional: true,
        state,
        raised_at: raised_at.to_string(),
        ended_at: ended_at.map(ToString::to_string),
        risk: warning.risk,
        terms_hash: warning.terms_hash,
        subject: warning.subject.clone(),
        ordinal: warning.ordinal,
        occurred_at: warning.occurred_at.to_string(),
        confirmed_at: warning.confirmed_at.to_string(),
        payout_fraction,
        payout_unknown,
        chain: warning.chain.clone(),
        block: warning.block,
        block_hash: warning.block_hash.to_string(),
    }
}
