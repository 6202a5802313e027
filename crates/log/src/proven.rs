//! A leaf that somebody else is shown, with what shows that it is in a log.

use crate::checkpoint::Checkpoint;
use crate::error::LogError;
use crate::hash::{Hash, leaf_hash};
use crate::proof::verify_inclusion;

/// An entry of a log, its place, and the hashes that lead from it to a root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenLeaf {
    /// Its place, from 0.
    pub index: u64,
    /// The bytes whose hash it is.
    pub entry: String,
    /// RFC 9162's inclusion proof.
    pub path: Vec<Hash>,
}

impl ProvenLeaf {
    /// Whether it is in the tree of this checkpoint; who signed that is for [`Checkpoint::verify`] to say.
    ///
    /// # Errors
    ///
    /// [`LogError::Proof`] or [`LogError::Range`] where it is not.
    pub fn verify(&self, checkpoint: &Checkpoint) -> Result<(), LogError> {
        verify_inclusion(
            leaf_hash(self.entry.as_bytes()),
            self.index,
            checkpoint.size,
            &self.path,
            checkpoint.root,
        )
    }
}
