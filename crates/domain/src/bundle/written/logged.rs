//! The proof of the eligibility log, as it is written.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tocsin_log::{Hash, ProvenLeaf};

use super::WrittenWord;
use crate::attestation::json::decimal_text;
use crate::bundle::LogProof;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLog {
    checkpoint: String,
    leaves: Vec<WrittenLeaf>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLeaf {
    #[serde(with = "decimal_text")]
    index: u64,
    entry: String,
    proof: Vec<WrittenWord>,
}

impl From<&LogProof> for WrittenLog {
    fn from(log: &LogProof) -> Self {
        let leaves = log.leaves.iter().map(|leaf| WrittenLeaf {
            index: leaf.index,
            entry: leaf.entry.clone(),
            proof: leaf
                .path
                .iter()
                .map(|hash| WrittenWord(B256::from(hash.0)))
                .collect(),
        });
        Self {
            checkpoint: log.checkpoint.clone(),
            leaves: leaves.collect(),
        }
    }
}

impl From<WrittenLog> for LogProof {
    fn from(written: WrittenLog) -> Self {
        let leaves = written.leaves.into_iter().map(|leaf| ProvenLeaf {
            index: leaf.index,
            entry: leaf.entry,
            path: leaf
                .proof
                .into_iter()
                .map(|WrittenWord(word)| Hash(word.0))
                .collect(),
        });
        Self {
            checkpoint: written.checkpoint,
            leaves: leaves.collect(),
        }
    }
}
