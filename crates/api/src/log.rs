//! The eligibility log, for anybody: its signed state, its tiles and entries as C2SP `tlog-tiles` names them, and proofs.
//!
//! A tile of one width never changes, so that it may be kept for ever; only the checkpoint is new each time.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_log::{
    Checkpoint, Hash, LogError, Nodes, Note, TileId, TilePath, Tiles, consistency_proof,
    inclusion_proof, leaf_hash, write_bundle,
};
use tocsin_store::log::{Leaf, StoredCheckpoint};
use tocsin_store::{Store, StoreError};
use utoipa::ToSchema;

use crate::extract::{Counted, Path, Query};
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;

/// How many entries a list shows.
const LISTED: u32 = 256;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NEVER: &str = "no-cache";

/// The newest signed state of the eligibility log: a C2SP checkpoint.
#[utoipa::path(get, path = "/v1/log/checkpoint", operation_id = "get_log_checkpoint", tag = "log", responses((status = 200, description = "A signed note", body = String, content_type = "text/plain"), (status = 404, description = "No state is signed yet", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn checkpoint(State(api): State<Served>) -> Result<Response, Problem> {
    let stored = newest(&*api.store).await?;
    Ok(served(
        "text/plain; charset=utf-8",
        NEVER,
        stored.note.into_bytes(),
    ))
}

/// What verifies the checkpoints, as `name+hash+base64`.
#[utoipa::path(get, path = "/v1/log/key", operation_id = "get_log_key", tag = "log", responses((status = 200, description = "The verifier key", body = String, content_type = "text/plain"), (status = 404, description = "No log is kept", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn key(State(api): State<Served>) -> Result<Response, Problem> {
    let key = api
        .log_key
        .as_deref()
        .ok_or_else(|| Problem::NotFound("this service keeps no log".to_owned()))?;
    Ok(served(
        "text/plain; charset=utf-8",
        NEVER,
        format!("{key}\n").into_bytes(),
    ))
}

/// A tile of hashes, or a bundle of entries, as C2SP `tlog-tiles` names them.
#[utoipa::path(get, path = "/v1/log/tile/{path}", operation_id = "get_log_tile", tag = "log", params(("path" = String, Path, description = "As `0/x001/x234/067.p/16` or `entries/000`, with its slashes")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 404, description = "The log does not have it", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn tile(
    State(api): State<Served>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let missing = |what: String| Problem::NotFound(format!("the log does not have {what}"));
    let named: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|error: LogError| Problem::BadRequest(error.to_string()))?;
    let (TilePath::Hashes {
        id: TileId { index, .. },
        ..
    }
    | TilePath::Entries { index, .. }) = named;
    let end = index
        .checked_add(1)
        .and_then(|end| end.checked_mul(tocsin_log::TILE_WIDTH));
    if end.is_none_or(|end| i64::try_from(end).is_err()) {
        return Err(missing(named.to_string()));
    }
    let bytes = match named {
        TilePath::Hashes { id, width } => {
            let mut bytes = api.store.tile(id).await?.unwrap_or_default();
            let wanted = bytes_of(width);
            if bytes.len() < wanted {
                return Err(missing(named.to_string()));
            }
            bytes.truncate(wanted);
            bytes
        }
        TilePath::Entries { index, width } => {
            let first = index.checked_mul(tocsin_log::TILE_WIDTH);
            let first = first.ok_or_else(|| missing(named.to_string()))?;
            let limit = u32::try_from(width).unwrap_or(LISTED);
            let leaves = api.store.leaves(first, limit).await?;
            if u64::try_from(leaves.len()) != Ok(width) {
                return Err(missing(named.to_string()));
            }
            let entries = leaves.iter().map(|leaf| leaf.entry.as_bytes());
            write_bundle(entries).map_err(broken)?
        }
    };
    Ok(served("application/octet-stream", FOR_EVER, bytes))
}

fn bytes_of(hashes: u64) -> usize {
    usize::try_from(hashes)
        .unwrap_or(usize::MAX)
        .saturating_mul(Hash::BYTES)
}

/// Entries of the log, in its order.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryList {
    entries: Vec<EntryView>,
    /// The place to go on from; none where there is nothing.
    next: Option<u64>,
}

/// A leaf of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView {
    /// Its place, from 0.
    pub(crate) index: u64,
    /// The hash that the tree has of it, in base64.
    leaf_hash: String,
    /// What it says, as docs/log.md describes it.
    #[schema(value_type = Object)]
    says: Value,
    /// The very bytes that are hashed.
    entry: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    #[serde(default)]
    start: Counted,
    limit: Option<u32>,
}

/// Entries of the log, for people.
#[utoipa::path(get, path = "/v1/log/entries", operation_id = "list_log_entries", tag = "log", params(("start" = Option<u64>, Query, description = "The first one; 0 if absent"), ("limit" = Option<u32>, Query, description = "At most so many, up to 256")), responses((status = 200, description = "Entries, and where to go on", body = EntryList)))]
pub(crate) async fn entries(
    State(api): State<Served>,
    Query(asked): Query<Listed>,
) -> Result<Json<EntryList>, Problem> {
    let limit = asked.limit.unwrap_or(LISTED).min(LISTED);
    let leaves = api.store.leaves(asked.start.0, limit).await?;
    let next = leaves.last().map(|leaf| leaf.index.saturating_add(1));
    let mut shown = Vec::with_capacity(leaves.len());
    for leaf in &leaves {
        shown.push(described(leaf)?);
    }
    Ok(Json(EntryList {
        entries: shown,
        next,
    }))
}

/// A leaf with what it says, and the very bytes that are hashed.
pub(crate) fn described(leaf: &Leaf) -> Result<EntryView, Problem> {
    let says: Value =
        serde_json::from_str(&leaf.entry).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(EntryView {
        index: leaf.index,
        leaf_hash: leaf_hash(leaf.entry.as_bytes()).to_string(),
        says,
        entry: leaf.entry.clone(),
    })
}

/// The proof that a leaf is in a tree. Hashes are in base64.
#[derive(Serialize, ToSchema)]
pub(crate) struct InclusionProof {
    index: u64,
    size: u64,
    root: String,
    /// None where the log has no such leaf.
    leaf_hash: Option<String>,
    /// From the leaf to the root.
    proof: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inclusion {
    index: Counted,
    size: Option<Counted>,
}

/// The proof that a leaf is in the tree of `size` leaves; of the newest checkpoint if absent.
#[utoipa::path(get, path = "/v1/log/proof/inclusion", operation_id = "prove_inclusion", tag = "log", params(("index" = u64, Query, description = "The leaf"), ("size" = Option<u64>, Query, description = "The tree")), responses((status = 200, description = "The proof", body = InclusionProof), (status = 404, description = "No state is signed yet", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn inclusion(
    State(api): State<Served>,
    Query(asked): Query<Inclusion>,
) -> Result<Json<InclusionProof>, Problem> {
    let Counted(index) = asked.index;
    let size = size(&*api.store, asked.size).await?;
    let proof = included(&*api.store, index, size).await?;
    let leaf = api.store.leaves(index, 1).await?;
    let leaf = leaf.first().map(|leaf| leaf_hash(leaf.entry.as_bytes()));
    Ok(Json(InclusionProof {
        index,
        size,
        root: root(&*api.store, size).await?.to_string(),
        leaf_hash: leaf.map(|hash| hash.to_string()),
        proof,
    }))
}

/// The proof that a leaf is in the tree of `size` leaves, in base64.
pub(crate) async fn included(
    store: &dyn Store,
    index: u64,
    size: u64,
) -> Result<Vec<String>, Problem> {
    let nodes =
        inclusion_proof(index, size).map_err(|error| Problem::BadRequest(error.to_string()))?;
    texts(store, &nodes).await
}

/// The proof that a tree begins with another. Hashes are in base64.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsistencyProof {
    first: u64,
    first_root: String,
    second: u64,
    second_root: String,
    proof: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consistency {
    first: Counted,
    second: Option<Counted>,
}

/// The proof that the tree of `second` leaves, of the newest checkpoint if absent, begins with the one of `first` leaves.
#[utoipa::path(get, path = "/v1/log/proof/consistency", operation_id = "prove_consistency", tag = "log", params(("first" = u64, Query, description = "The earlier tree"), ("second" = Option<u64>, Query, description = "The later tree")), responses((status = 200, description = "The proof", body = ConsistencyProof), (status = 404, description = "No state is signed yet", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn consistency(
    State(api): State<Served>,
    Query(asked): Query<Consistency>,
) -> Result<Json<ConsistencyProof>, Problem> {
    let store = &*api.store;
    let Counted(first) = asked.first;
    if first == 0 {
        return Err(Problem::BadRequest(
            "every tree begins with the one that has no leaves: ask for a `first` of at least 1"
                .to_owned(),
        ));
    }
    let second = size(store, asked.second).await?;
    let nodes =
        consistency_proof(first, second).map_err(|error| Problem::BadRequest(error.to_string()))?;
    Ok(Json(ConsistencyProof {
        first,
        first_root: root(store, first).await?.to_string(),
        second,
        second_root: root(store, second).await?.to_string(),
        proof: texts(store, &nodes).await?,
    }))
}

/// The newest signed state.
pub(crate) async fn newest(store: &dyn Store) -> Result<StoredCheckpoint, Problem> {
    let stored = store.checkpoint().await?;
    stored.ok_or_else(|| Problem::NotFound("no state of the log is signed yet".to_owned()))
}

/// The size that was asked for, if such a state is signed or before one; otherwise that of the newest one.
async fn size(store: &dyn Store, asked: Option<Counted>) -> Result<u64, Problem> {
    let stored = newest(store).await?;
    match asked {
        Some(Counted(size)) if size > stored.size => Err(Problem::BadRequest(format!(
            "the newest signed state of the log has {} leaves, not {size}",
            stored.size
        ))),
        Some(Counted(size)) => Ok(size),
        None => Ok(stored.size),
    }
}

async fn root(store: &dyn Store, size: u64) -> Result<Hash, Problem> {
    if let Some(stored) = store.checkpoint().await?
        && stored.size == size
    {
        let note: Note = stored.note.parse().map_err(broken)?;
        let checkpoint: Checkpoint = note.unverified().parse().map_err(broken)?;
        return Ok(checkpoint.root);
    }
    let nodes = tocsin_log::root(size);
    let tiles = tiles(store, &nodes).await?;
    let root = nodes.hashes(&tiles).map_err(broken)?;
    root.first()
        .copied()
        .ok_or_else(|| Problem::Failed("a tree has no root".to_owned()))
}

async fn texts(store: &dyn Store, nodes: &Nodes) -> Result<Vec<String>, Problem> {
    let tiles = tiles(store, nodes).await?;
    let hashes = nodes.hashes(&tiles).map_err(broken)?;
    Ok(hashes.iter().map(ToString::to_string).collect())
}

async fn tiles(store: &dyn Store, nodes: &Nodes) -> Result<Tiles, Problem> {
    let mut tiles = Tiles::default();
    for id in nodes.tiles() {
        let TileId { level, index } = id;
        let bytes = store.tile(id).await?;
        let bytes = bytes.ok_or(StoreError::Missing {
            noun: "tile of the log",
            key: format!("{level}/{index}"),
        })?;
        tiles.add(id, 1, &bytes).map_err(broken)?;
    }
    Ok(tiles)
}

fn broken(error: LogError) -> Problem {
    Problem::Failed(format!("the log is not in order: {error}"))
}

fn served(kind: &'static str, keep: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)];
    (headers, bytes).into_response()
}
