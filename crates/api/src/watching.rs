//! What is watched, how far, how well; and what may be about to happen.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tocsin_store::coverage::Finding;
use tocsin_store::warning::{Ending, Warning, WarningId};

use crate::Api;
use crate::problem::Problem;

/// How many warnings a page shows.
const WARNINGS: u32 = 100;

/// How many ranges and re-checks are shown of a source.
const RANGES: u32 = 100;
const RECHECKS: u32 = 20;

pub(crate) async fn chains(State(api): State<Api>) -> Json<Value> {
    Json(json!({ "chains": api.chains.all() }))
}

/// Every source: how far it was read, which ranges were seen and how they were verified, and whether it is halted.
pub(crate) async fn sources(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let halts = api.store.halts().await?;
    let mut listed = Vec::new();
    for (chain, status) in api.chains.all() {
        for source in status.sources {
            let progress = api.store.progress(&source).await?;
            let coverage = api.store.coverage(&source, None, RANGES).await?;
            let rechecks = api.store.rechecks(&source, RECHECKS).await?;
            let halt = halts.iter().find(|halted| halted.source == source);
            listed.push(json!({
                "source": source,
                "chain": chain,
                "seen_until": progress.as_ref().map(|progress| progress.watermark.to_string()),
                "block": progress.as_ref().map(|progress| progress.cursor.number),
                "block_hash": progress.as_ref().map(|progress| progress.cursor.hash),
                "coverage": coverage,
                "rechecks": rechecks.iter().map(|recheck| json!({
                    "first": recheck.first,
                    "last": recheck.last,
                    "endpoint": recheck.endpoint,
                    "at": recheck.at.to_string(),
                    "differs": match &recheck.finding {
                        Finding::Same => None,
                        Finding::Differs(how) => Some(how),
                    },
                })).collect::<Vec<_>>(),
                "halted": halt.map(|halted| json!({
                    "since": halted.halt.since.to_string(),
                    "block": halted.halt.number,
                    "cause": halted.halt.cause,
                    "said_by": halted.halt.endpoint,
                })),
            }));
        }
    }
    Ok(Json(json!({ "sources": listed })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Warnings older than the one with this number.
    before: Option<u64>,
}

/// Losses that blocks show which are not final. The newest first.
pub(crate) async fn warnings(
    State(api): State<Api>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let found = api
        .store
        .warnings(page.before.map(WarningId), WARNINGS)
        .await?;
    Ok(Json(json!({
        "warnings": found.iter().map(written).collect::<Vec<_>>(),
        "note": "provisional: nothing is signed or paid because of a warning",
    })))
}

fn written(found: &Warning) -> Value {
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
    json!({
        "id": id.0,
        "provisional": true,
        "state": state,
        "raised_at": raised_at.to_string(),
        "ended_at": ended_at.map(ToString::to_string),
        "risk": warning.risk,
        "terms_hash": warning.terms_hash,
        "subject": warning.subject,
        "ordinal": warning.ordinal,
        "occurred_at": warning.occurred_at.to_string(),
        "confirmed_at": warning.confirmed_at.to_string(),
        "payout_fraction": match &warning.payout {
            Some(Ok(fraction)) => Some(fraction.to_string()),
            Some(Err(_)) | None => None,
        },
        "payout_unknown": match &warning.payout {
            Some(Err(unknown)) => Some(unknown),
            Some(Ok(_)) | None => None,
        },
        "chain": warning.chain,
        "block": warning.block,
        "block_hash": warning.block_hash,
    })
}
