//! What a bundle shows of the eligibility log: the leaves of its decision, under a signed state.

use tocsin_log::ProvenLeaf;

/// A signed state of the log, and leaves that are in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogProof {
    /// The signed note: origin, number of leaves, root, signature.
    pub checkpoint: String,
    /// In the order of the log.
    pub leaves: Vec<ProvenLeaf>,
}
