//! Batches: many attestations under one signature.
//!
//! What is signed is the Merkle root over the ids of the attestations, in the form of OpenZeppelin's `StandardMerkleTree`
//! for leaves of one `bytes32`, and their number. An attestation together with the proof that its id is below the root is
//! as good as one that was signed alone: the same statement, the same claim key, the same checks.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::sol;

use crate::attestation::ClaimAttestation;
use crate::evidence::MerkleTree;
use crate::evidence::merkle;
use crate::ids::AttestationId;

sol! {
    /// The attestations that one signature vouches for. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct AttestationBatch {
        bytes32 root;
        uint32 count;
        uint64 issuedAt;
        uint32 signerEpoch;
    }
}

/// Why an attestation does not count as one of a batch: the rules of the verifier contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    /// In a tree of so many leaves none lies so deep.
    #[error(
        "a proof of {length} sibling(s) does not fit a batch of {count}: it is of another tree"
    )]
    ProofLength {
        /// How many siblings the proof has.
        length: usize,
        /// How many attestations the batch has.
        count: u32,
    },
    /// The proof leads to another root.
    #[error("the proof does not lead from {id} to the batch's root {root}")]
    NotInBatch {
        /// The attestation.
        id: AttestationId,
        /// The root.
        root: B256,
    },
    /// Signed by others than the attestation says.
    #[error("the batch is of epoch {batch}, the attestation of epoch {attestation}")]
    OtherEpoch {
        /// The batch's.
        batch: u32,
        /// The attestation's.
        attestation: u32,
    },
    /// A signature cannot vouch for a statement of later.
    #[error(
        "the batch was issued at {batch}, before the attestation, which was issued at {attestation}"
    )]
    BeforeAttestation {
        /// The batch's time.
        batch: u64,
        /// The attestation's.
        attestation: u64,
    },
}

/// What an attestation is hashed to at the bottom of a batch's tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLeaf(B256);

/// The tree under a batch, which has the proofs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchTree {
    tree: MerkleTree,
    count: u32,
}

/// A batch, and the proof that one attestation is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// What was signed.
    pub batch: AttestationBatch,
    /// The siblings from the attestation's leaf up to the root.
    pub proof: Vec<B256>,
}

impl BatchTree {
    /// The tree over attestations in any order; `None` for none and for more than 2³² − 1.
    pub fn new(ids: impl IntoIterator<Item = AttestationId>) -> Option<Self> {
        Self::over(ids.into_iter().map(BatchLeaf::of))
    }

    /// The same, of leaves that were hashed before, on several cores for example.
    pub fn over(leaves: impl IntoIterator<Item = BatchLeaf>) -> Option<Self> {
        let leaves: Vec<B256> = leaves.into_iter().map(|leaf| leaf.0).collect();
        let count = u32::try_from(leaves.len())
            .ok()
            .filter(|&count| count > 0)?;
        Some(Self {
            tree: MerkleTree::new(leaves),
            count,
        })
    }

    /// What a quorum of `signer_epoch` signs at `issued_at`.
    pub fn batch(&self, issued_at: u64, signer_epoch: u32) -> AttestationBatch {
        AttestationBatch {
            root: self.tree.root(),
            count: self.count,
            issuedAt: issued_at,
            signerEpoch: signer_epoch,
        }
    }

    /// The proof of the `given`-th attestation; `None` where there is no such.
    pub fn proof(&self, given: usize) -> Option<Vec<B256>> {
        self.tree.proof(given)
    }

    /// The whole tree, root first: the children of node `i` are `2i + 1` and `2i + 2`.
    pub fn nodes(&self) -> &[B256] {
        self.tree.nodes()
    }

    /// Which of the nodes is the leaf of the `given`-th attestation.
    pub fn leaf_of(&self, given: usize) -> Option<usize> {
        self.tree.place(given)
    }

    /// The nodes that prove a leaf, from its sibling up to a child of the root.
    pub fn siblings(leaf: u32) -> impl Iterator<Item = u32> {
        let parent = |&node: &u32| (node > 0).then(|| (node - 1) / 2);
        core::iter::successors(Some(leaf), parent)
            .take_while(|&node| node > 0)
            .map(|node| {
                if node % 2 == 1 {
                    node.saturating_add(1)
                } else {
                    node - 1
                }
            })
    }
}

impl AttestationBatch {
    /// Whether `proof` leads from the attestation to the root of a tree of this size.
    pub fn check_contains(&self, id: AttestationId, proof: &[B256]) -> Result<(), BatchError> {
        // In a tree of n leaves each lies ⌊log₂ n⌋ or ⌈log₂ n⌉ below the root.
        let (shortest, longest) = (self.count.checked_ilog2(), self.count.checked_sub(1));
        let longest = longest.map(|last| last.checked_ilog2().map_or(0, |log| log + 1));
        let length = u32::try_from(proof.len()).ok();
        if length.is_none() || (length != shortest && length != longest) {
            return Err(BatchError::ProofLength {
                length: proof.len(),
                count: self.count,
            });
        }
        if merkle::verify(self.root, BatchLeaf::of(id).0, proof) {
            Ok(())
        } else {
            let root = self.root;
            Err(BatchError::NotInBatch { id, root })
        }
    }
}

impl Membership {
    /// Whether the batch vouches for this attestation, whose id is `id`. The batch's signatures are another matter.
    pub fn check(
        &self,
        attestation: &ClaimAttestation,
        id: AttestationId,
    ) -> Result<(), BatchError> {
        let batch = &self.batch;
        if batch.signerEpoch != attestation.signerEpoch {
            return Err(BatchError::OtherEpoch {
                batch: batch.signerEpoch,
                attestation: attestation.signerEpoch,
            });
        }
        if batch.issuedAt < attestation.issuedAt {
            return Err(BatchError::BeforeAttestation {
                batch: batch.issuedAt,
                attestation: attestation.issuedAt,
            });
        }
        batch.check_contains(id, &self.proof)
    }
}

impl BatchLeaf {
    /// Hashed twice, so that no inner node, which is the hash of two words, can pass for a leaf.
    pub fn of(id: AttestationId) -> Self {
        Self(keccak256(keccak256(id.0)))
    }
}
