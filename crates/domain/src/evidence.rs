//! Evidence: the observations that a determination rests on, and their Merkle root.
//!
//! The root is in the attestation, so whoever holds the observations can prove that these, in this order and no others,
//! were what the attestors saw; and one observation can be proved without showing the rest.

pub mod leaf;
pub mod look_back;
pub mod merkle;
pub mod select;

pub use leaf::EvidenceLeaf;
pub use look_back::LookBack;
pub use merkle::MerkleTree;
pub use select::{EvidenceError, Extent, select};

use alloy_primitives::B256;

use crate::observation::{ChainPosition, Observation, Provenance};
use crate::time::Timestamp;

/// The root over observations in evidence order and their number, as attestations carry them; `None` for more than
/// 2³² − 1. The root of no observations is zero.
pub fn commit(observations: &[Observation]) -> Option<(B256, u32)> {
    let count = u32::try_from(observations.len()).ok()?;
    Some((tree(observations)?.root(), count))
}

/// The Merkle tree over observations in evidence order; `None` for more than 2³² − 1.
pub fn tree(observations: &[Observation]) -> Option<MerkleTree> {
    let leaves: Option<Vec<B256>> = observations
        .iter()
        .enumerate()
        .map(|(index, observation)| {
            let index = u32::try_from(index).ok()?;
            Some(EvidenceLeaf::of(index, observation).hash())
        })
        .collect();
    Some(MerkleTree::new(leaves?))
}

/// The place of the confirming observation, where that came from a chain: of the evidence, in its order, the last one
/// until the confirmation. What comes later only settles the payout.
pub fn confirmed_on(
    observations: &[Observation],
    confirmed_at: Timestamp,
) -> Option<ChainPosition> {
    let until_then = |row: &&Observation| row.observed_at <= confirmed_at;
    match observations.iter().rfind(until_then)?.provenance {
        Provenance::Chain(position) => Some(position),
        Provenance::Raw { .. } => None,
    }
}
