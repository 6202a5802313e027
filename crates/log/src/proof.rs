//! Proofs that an entry is in a tree, and that a tree begins with an earlier one; made from tiles, verified without them.

use std::collections::BTreeSet;

use crate::error::LogError;
use crate::hash::{Hash, empty_root, join, node_hash};
use crate::tile::{Node, TileId, Tiles};

/// Leaves `from` (included) to `to` (excluded) whose common root is part of a proof.
type Range = (u64, u64);

/// What a proof, or a root, is made of: first ask [`Self::tiles`], then make it from them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nodes(Vec<Range>);

impl Nodes {
    /// The tiles that are needed; those at the edge of the tree are partial.
    pub fn tiles(&self) -> BTreeSet<TileId> {
        let nodes = self.0.iter().flat_map(|range| perfect(*range));
        nodes.map(Node::tile).collect()
    }

    /// The hashes, in the order of the proof.
    pub fn hashes(&self, tiles: &Tiles) -> Result<Vec<Hash>, LogError> {
        let hash = |range: &Range| {
            let parts = perfect(*range).into_iter().map(|node| tiles.node(node));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            Ok(join(&parts).unwrap_or_else(empty_root))
        };
        self.0.iter().map(hash).collect()
    }
}

/// The largest perfect trees that the leaves of a range make, from the left.
fn perfect((mut from, to): Range) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(height) = to.saturating_sub(from).checked_ilog2() {
        let height = height.min(from.trailing_zeros());
        nodes.push(Node {
            height,
            index: from >> height,
        });
        from += 1 << height;
    }
    nodes
}

/// The largest power of two below `leaves`, which are at least two.
fn split(leaves: u64) -> u64 {
    (leaves - 1).checked_ilog2().map_or(1, |log| 1 << log)
}

/// The root of a tree of `size` leaves: one hash.
pub fn root(size: u64) -> Nodes {
    Nodes(vec![(0, size)])
}

/// That leaf `index` is in a tree of `size` leaves.
pub fn inclusion_proof(index: u64, size: u64) -> Result<Nodes, LogError> {
    if index >= size {
        return Err(LogError::Range("the tree does not have that leaf"));
    }
    let (mut from, mut to) = (0, size);
    let mut ranges = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
        }
    }
    ranges.reverse();
    Ok(Nodes(ranges))
}

/// That a tree of `size` leaves begins with the one of `earlier` leaves.
pub fn consistency_proof(earlier: u64, size: u64) -> Result<Nodes, LogError> {
    if earlier > size {
        return Err(LogError::Range(
            "the earlier tree must not be the larger one",
        ));
    }
    let mut ranges = Vec::new();
    if earlier == 0 || earlier == size {
        return Ok(Nodes(ranges));
    }
    let (mut from, mut to, mut whole) = (0, size, true);
    while earlier != to {
        let middle = from + split(to - from);
        if earlier <= middle {
            ranges.push((middle, to));
            to = middle;
        } else {
            ranges.push((from, middle));
            from = middle;
            whole = false;
        }
    }
    if !whole {
        ranges.push((from, to));
    }
    ranges.reverse();
    Ok(Nodes(ranges))
}

/// RFC 9162, section 2.1.3.2: the leaf is the `index`-th of the tree with this root.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), LogError> {
    if index >= size {
        return Err(LogError::Range("the tree does not have that leaf"));
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(LogError::Proof(size));
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == root {
        Ok(())
    } else {
        Err(LogError::Proof(size))
    }
}

/// RFC 9162, section 2.1.4.2: the tree of `size` leaves begins with the earlier one.
pub fn verify_consistency(
    (earlier, earlier_root): (u64, Hash),
    (size, root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), LogError> {
    if earlier > size {
        return Err(LogError::Range(
            "the earlier tree must not be the larger one",
        ));
    }
    let wrong = LogError::Proof(size);
    if earlier == size || earlier == 0 {
        let same = proof.is_empty()
            && if earlier == 0 {
                earlier_root == empty_root()
            } else {
                earlier_root == root
            };
        return if same { Ok(()) } else { Err(wrong) };
    }
    let (first, rest) = if earlier.is_power_of_two() {
        (earlier_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(wrong.clone())?;
        (*first, rest)
    };
    let (mut node, mut last) = (earlier - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut of_earlier, mut of_later) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(wrong);
        }
        if node & 1 == 1 || node == last {
            of_earlier = node_hash(*sibling, of_earlier);
            of_later = node_hash(*sibling, of_later);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            of_later = node_hash(of_later, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && of_earlier == earlier_root && of_later == root {
        Ok(())
    } else {
        Err(wrong)
    }
}
