//! What shows somebody else that leaves are in the log.

use tocsin_domain::bundle::LogProof;
use tocsin_domain::claim::Claim;
use tocsin_log::{
    Hash, LogError, Nodes, ProvenLeaf, TileId, Tiles, consistency_proof, empty_root,
    inclusion_proof, verify_consistency,
};

use super::{Leaf, Log, Tree};
use crate::StoreError;

/// How many leaves of one claim or loss event are looked through for the newest.
const LEAVES: u32 = 1_000;

/// A leaf with what shows that it is in the tree of `size` leaves.
///
/// # Errors
///
/// Those of reading; [`StoreError::Missing`] and [`StoreError::InvalidRow`] where the tree does not hold together.
pub async fn prove<S: Log + ?Sized>(
    store: &S,
    leaf: Leaf,
    size: u64,
) -> Result<ProvenLeaf, StoreError> {
    let broken = |error: LogError| StoreError::InvalidRow {
        noun: "leaf",
        key: leaf.index.to_string(),
        reason: error.to_string(),
    };
    let nodes = inclusion_proof(leaf.index, size).map_err(broken)?;
    let tiles = tiles(store, &nodes).await?;
    let path = nodes.hashes(&tiles).map_err(broken)?;
    Ok(ProvenLeaf {
        index: leaf.index,
        entry: leaf.entry,
        path,
    })
}

/// Whether the stored tree begins with an earlier state, by its size and root.
///
/// # Errors
///
/// Those of reading; [`StoreError::Missing`] and [`StoreError::InvalidRow`] where the tree does not hold together.
pub async fn begins_with<S: Log + ?Sized>(
    store: &S,
    earlier: (u64, Hash),
    tree: Tree,
) -> Result<bool, StoreError> {
    if earlier.0 > tree.size {
        return Ok(false);
    }
    if earlier.0 == 0 {
        return Ok(earlier.1 == empty_root());
    }
    let broken = |error: LogError| StoreError::InvalidRow {
        noun: "log",
        key: format!("{} leaves", tree.size),
        reason: error.to_string(),
    };
    let nodes = consistency_proof(earlier.0, tree.size).map_err(broken)?;
    let tiles = tiles(store, &nodes).await?;
    let proof = nodes.hashes(&tiles).map_err(broken)?;
    Ok(verify_consistency(earlier, (tree.size, tree.root), &proof).is_ok())
}

/// The tiles that nodes are made from.
async fn tiles<S: Log + ?Sized>(store: &S, nodes: &Nodes) -> Result<Tiles, StoreError> {
    let mut tiles = Tiles::default();
    for id in nodes.tiles() {
        let TileId { level, index } = id;
        let name = || format!("{level}/{index}");
        let bytes = store.tile(id).await?;
        let bytes = bytes.ok_or_else(|| StoreError::Missing {
            noun: "tile of the log",
            key: name(),
        })?;
        tiles
            .add(id, 1, &bytes)
            .map_err(|error| StoreError::InvalidRow {
                noun: "tile of the log",
                key: name(),
                reason: error.to_string(),
            })?;
    }
    Ok(tiles)
}

/// The newest leaves of a claim and of its loss event, under the first signed state that has both; so that the same is
/// shown whenever it is asked for. `None` while there is no such state.
///
/// # Errors
///
/// Those of [`prove`].
pub async fn decision<S: Log + ?Sized>(
    store: &S,
    claim: &Claim,
) -> Result<Option<LogProof>, StoreError> {
    let mut leaves = Vec::with_capacity(2);
    for (subject, kind) in [
        (claim.risk.to_string(), "determination"),
        (claim.policy.to_string(), "claim"),
    ] {
        let about = store.leaves_about(&subject, Some(kind), LEAVES).await?;
        let ordinal = u64::from(claim.ordinal);
        let newest = about.into_iter().find(|leaf| leaf.ordinal == ordinal);
        leaves.extend(newest);
    }
    leaves.sort_unstable_by_key(|leaf| leaf.index);
    let Some(last) = leaves.last() else {
        return Ok(None);
    };
    let Some(state) = store.checkpoint_with(last.index).await? else {
        return Ok(None);
    };
    let mut proven = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        proven.push(prove(store, leaf, state.size).await?);
    }
    Ok(Some(LogProof {
        checkpoint: state.note,
        leaves: proven,
    }))
}
