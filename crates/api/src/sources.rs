//! Sources: what is watched, how far, how well, and what was really read.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_store::coverage::Finding;
use tocsin_store::halt::Cause;
use utoipa::ToSchema;

use crate::chains::ChainStatus;
use crate::problem::Problem;
use crate::served::Served;

/// How many ranges and re-checks are shown of a source.
const RANGES: u32 = 100;
const RECHECKS: u32 = 20;

/// Every chain, by its CAIP-2 name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainList {
    chains: BTreeMap<String, ChainStatus>,
}

/// The sources of chains.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceList {
    sources: Vec<SourceView>,
}

/// A source: how far it was read, and how that was verified.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceView {
    source: String,
    chain: String,
    /// Everything that it says about times up to this one is known.
    seen_until: Option<String>,
    /// How many seconds ago that time is by the service's clock; 0 where it is still to come.
    #[schema(minimum = 0)]
    lag_seconds: Option<i64>,
    /// The last block that was read.
    block: Option<u64>,
    #[schema(value_type = Option<String>)]
    block_hash: Option<B256>,
    /// The ranges that were read whole, and what shows that.
    coverage: Vec<CoverageView>,
    rechecks: Vec<RecheckView>,
    /// Why nothing of it is believed now.
    halted: Option<HaltView>,
}

/// A range of blocks that was read whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverageView {
    first: u64,
    last: u64,
    proof: ProofView,
    /// How many endpoints gave the same answer, the one that was read included.
    agreed: u32,
    /// The endpoints.
    endpoints: Vec<String>,
}

/// What shows that a range was read whole, the strongest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProofView {
    /// Everything follows from the blocks' hashes.
    Root,
    /// The blocks' bloom filters have room for nothing else that was asked for.
    Bloom,
    /// The endpoints say so.
    Word,
}

impl From<Coverage> for CoverageView {
    fn from(coverage: Coverage) -> Self {
        Self {
            first: coverage.first,
            last: coverage.last,
            proof: match coverage.proof {
                Proof::Root => ProofView::Root,
                Proof::Bloom => ProofView::Bloom,
                Proof::Word => ProofView::Word,
            },
            agreed: coverage.agreed,
            endpoints: coverage.endpoints,
        }
    }
}

/// How a chain contradicts what was read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CauseView {
    /// Another block is in the place of one that was final.
    TookBack {
        /// The hash that was read.
        #[schema(value_type = String)]
        ours: B256,
        /// The hash that the chain has now.
        #[schema(value_type = String)]
        theirs: B256,
    },
    /// Read again, a part of it says something else; what, in words.
    SaysOtherwise(String),
}

impl From<&Cause> for CauseView {
    fn from(cause: &Cause) -> Self {
        match cause {
            Cause::TookBack { ours, theirs } => Self::TookBack {
                ours: *ours,
                theirs: *theirs,
            },
            Cause::SaysOtherwise(how) => Self::SaysOtherwise(how.clone()),
        }
    }
}

/// A part that was read again, through another endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecheckView {
    first: u64,
    last: u64,
    endpoint: String,
    at: String,
    /// How it differed; none where it did not.
    differs: Option<String>,
}

/// A chain contradicts what was read of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct HaltView {
    since: String,
    block: u64,
    cause: CauseView,
    said_by: String,
}

/// Every chain and its endpoints, as they were last seen.
#[utoipa::path(get, path = "/v1/chains", operation_id = "list_chains", tag = "sources", responses((status = 200, description = "The chains", body = ChainList)))]
pub(crate) async fn chains(State(api): State<Served>) -> Json<ChainList> {
    let chains = api.chains.all();
    Json(ChainList { chains })
}

/// Every source of a chain: how far it was read, which ranges were seen and how they were verified, and whether it is halted.
#[utoipa::path(get, path = "/v1/sources", operation_id = "list_sources", tag = "sources", responses((status = 200, description = "The sources", body = SourceList)))]
pub(crate) async fn list(State(api): State<Served>) -> Result<Json<SourceList>, Problem> {
    let halts = api.store.halts().await?;
    let now = api.auth.now().0;
    let mut sources = Vec::new();
    for (chain, status) in api.chains.all() {
        for source in status.sources {
            let progress = api.store.progress(&source).await?;
            let coverage = api.store.coverage(&source, None, RANGES).await?;
            let rechecks = api.store.rechecks(&source, RECHECKS).await?;
            let halted = halts.iter().find(|halted| halted.source == source);
            let halted = halted.map(|halted| HaltView {
                since: halted.halt.since.to_string(),
                block: halted.halt.number,
                cause: CauseView::from(&halted.halt.cause),
                said_by: halted.halt.endpoint.clone(),
            });
            let rechecks = rechecks.into_iter().map(|recheck| RecheckView {
                first: recheck.first,
                last: recheck.last,
                endpoint: recheck.endpoint,
                at: recheck.at.to_string(),
                differs: match recheck.finding {
                    Finding::Same => None,
                    Finding::Differs(how) => Some(how),
                },
            });
            sources.push(SourceView {
                source: source.to_string(),
                chain: chain.clone(),
                seen_until: progress
                    .as_ref()
                    .map(|progress| progress.watermark.to_string()),
                lag_seconds: progress
                    .as_ref()
                    .map(|progress| now.saturating_sub(progress.watermark.0).max(0)),
                block: progress.as_ref().map(|progress| progress.cursor.number),
                block_hash: progress.as_ref().map(|progress| progress.cursor.hash),
                coverage: coverage.into_iter().map(CoverageView::from).collect(),
                rechecks: rechecks.collect(),
                halted,
            });
        }
    }
    Ok(Json(SourceList { sources }))
}
