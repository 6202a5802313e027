//! Merkle trees in the form of OpenZeppelin's `StandardMerkleTree`, so that its Solidity and JavaScript tools accept our
//! proofs: leaf hashes sorted, laid out at the end of a complete binary tree in an array, pairs hashed in ascending
//! order.
//!
//! The form is documented with the library @openzeppelin/merkle-tree ("Standard Merkle Trees").

use alloy_primitives::{B256, keccak256};

/// A tree over leaf hashes, which remembers in which order they were given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MerkleTree {
    /// Root first; the children of node `i` are `2i + 1` and `2i + 2`; the leaves are the last nodes, in descending
    /// order of their hashes.
    nodes: Vec<B256>,
    /// For each leaf as given, its place in `nodes`.
    places: Vec<usize>,
}

impl MerkleTree {
    /// The tree over `leaves` (hashes of leaves, in any order).
    pub fn new(leaves: Vec<B256>) -> Self {
        let count = leaves.len();
        let size = (2 * count).saturating_sub(1);
        let mut ascending: Vec<usize> = (0..count).collect();
        // Stable, so that equal leaves keep their order.
        ascending.sort_by_key(|&given| leaves[given]);

        let mut nodes = vec![B256::ZERO; size];
        let mut places = vec![0; count];
        for (rank, given) in ascending.into_iter().enumerate() {
            let place = size - 1 - rank;
            nodes[place] = leaves[given];
            places[given] = place;
        }
        for parent in (0..count.saturating_sub(1)).rev() {
            nodes[parent] = hash_pair(nodes[2 * parent + 1], nodes[2 * parent + 2]);
        }
        Self { nodes, places }
    }

    /// The root; zero for a tree without leaves.
    pub fn root(&self) -> B256 {
        self.nodes.first().copied().unwrap_or(B256::ZERO)
    }

    /// The whole tree as the library dumps it, root first.
    pub fn nodes(&self) -> &[B256] {
        &self.nodes
    }

    /// Which of the nodes the `given`-th leaf is.
    pub fn place(&self, given: usize) -> Option<usize> {
        self.places.get(given).copied()
    }

    /// The siblings from the `given`-th leaf up to the root; `None` where there is no such leaf.
    pub fn proof(&self, given: usize) -> Option<Vec<B256>> {
        let mut place = *self.places.get(given)?;
        let mut proof = Vec::new();
        while place > 0 {
            let sibling = if place % 2 == 1 { place + 1 } else { place - 1 };
            proof.push(self.nodes[sibling]);
            place = (place - 1) / 2;
        }
        Some(proof)
    }
}

/// Whether `proof` leads from `leaf` to `root`.
pub fn verify(root: B256, leaf: B256, proof: &[B256]) -> bool {
    proof
        .iter()
        .fold(leaf, |node, &sibling| hash_pair(node, sibling))
        == root
}

/// keccak of both, the smaller first, so that a proof needs no directions.
fn hash_pair(one: B256, other: B256) -> B256 {
    let (first, second) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    keccak256([first.0, second.0].as_flattened())
}
