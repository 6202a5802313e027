//! The tree against the vectors of RFC 6962's reference implementation, a naive tree, and another library.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tocsin_log::{
    Edge, Hash, Nodes, TileId, Tiles, consistency_proof, empty_root, inclusion_proof, leaf_hash,
    node_hash, root, tiles_at, verify_consistency, verify_inclusion,
};

/// The leaves and the roots of Certificate Transparency's own tests.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A tree as it is kept: its edge, and every tile that it gave back.
#[derive(Default)]
struct Kept {
    edge: Edge,
    tiles: std::collections::BTreeMap<TileId, Vec<Hash>>,
}

impl Kept {
    fn append(&mut self, leaves: &[Hash]) {
        for tile in self.edge.append(leaves).unwrap() {
            self.tiles.insert(tile.id, tile.hashes);
        }
    }

    fn make(&self, nodes: &Nodes) -> Vec<Hash> {
        let mut tiles = Tiles::default();
        for id in nodes.tiles() {
            let bytes: Vec<u8> = self.tiles[&id].iter().flat_map(|hash| hash.0).collect();
            tiles.add(id, 1, &bytes).unwrap();
        }
        nodes.hashes(&tiles).unwrap()
    }
}

fn leaf(n: u64) -> Vec<u8> {
    n.to_be_bytes().to_vec()
}

/// RFC 9162, section 2.1.1, as it is written there.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        many => {
            let split = many.len().next_power_of_two() / 2;
            let (left, right) = many.split_at(split);
            node_hash(naive(left), naive(right))
        }
    }
}

#[test]
fn the_roots_are_those_of_certificate_transparency() {
    let mut edge = Edge::default();
    assert_eq!(
        hex::encode(edge.root().0),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        edge.append(&[leaf_hash(&hex::decode(leaf).unwrap())])
            .unwrap();
        assert_eq!(hex::encode(edge.root().0), root);
    }
}

/// Roots and proofs of another implementation are the same, at sizes around those where tiles fill.
#[test]
fn another_library_makes_the_same_trees_and_proofs() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut ours = Kept::default();
    let mut roots = vec![empty_root()];
    for n in 0..700 {
        theirs.push(leaf(n));
        ours.append(&[leaf_hash(&leaf(n))]);
        let root = theirs.root();
        assert_eq!(
            ours.edge.root().0.as_slice(),
            root.as_bytes().as_slice(),
            "{n}"
        );
        roots.push(ours.edge.root());
    }
    let size = 700;
    for index in [0, 1, 254, 255, 256, 511, 512, 640, 698, 699] {
        let proof = ours.make(&inclusion_proof(index, size).unwrap());
        let ours: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
        let place = usize::try_from(index).unwrap();
        assert_eq!(ours, theirs.prove_inclusion(place).as_bytes(), "{index}");
    }
    for earlier in [1, 2, 255, 256, 257, 512, 513, 699] {
        let proof = ours.make(&consistency_proof(earlier, size).unwrap());
        let added = usize::try_from(size - earlier).unwrap();
        let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
        assert_eq!(
            bytes,
            theirs.prove_consistency(added).as_bytes(),
            "{earlier}"
        );
        let before = roots[usize::try_from(earlier).unwrap()];
        verify_consistency((earlier, before), (size, ours.edge.root()), &proof).unwrap();
    }
}

/// Three levels of tiles.
#[test]
fn a_tree_of_many_leaves_is_proven_from_its_tiles() {
    let hashes: Vec<Hash> = (0..66_000).map(|n| leaf_hash(&leaf(n))).collect();
    let mut kept = Kept::default();
    for chunk in hashes.chunks(4_000) {
        kept.append(chunk);
    }
    assert_eq!(kept.edge.root(), naive(&hashes));
    let size = kept.edge.size();
    assert_eq!(kept.tiles.len(), tiles_at(size).count());
    for (id, width) in tiles_at(size) {
        assert_eq!(kept.tiles[&id].len() as u64, width, "{id:?}");
    }
    for index in [0, 65_535, 65_536, 65_999] {
        let proof = kept.make(&inclusion_proof(index, size).unwrap());
        let leaf = hashes[usize::try_from(index).unwrap()];
        verify_inclusion(leaf, index, size, &proof, kept.edge.root()).unwrap();
    }
    // Loaded from the stored tiles, it goes on as if nothing had been.
    let stored = Edge::tiles_of(size).map(|(id, _)| (id, kept.tiles[&id].clone()));
    let loaded = Edge::load(size, stored).unwrap();
    assert_eq!(loaded, kept.edge);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// However appends are cut, the tree is the naive one; every proof holds, for its own leaf and tree only.
    #[test]
    fn proofs_hold_and_nothing_else_does(
        cuts in proptest::collection::vec(0_usize..90, 1..8),
        picks in any::<(u16, u16, u16)>(),
        bend in any::<(u8, u8)>(),
    ) {
        let size: usize = cuts.iter().sum::<usize>() + 1;
        let hashes: Vec<Hash> = (0..size as u64).map(|n| leaf_hash(&leaf(n))).collect();
        let mut kept = Kept::default();
        let mut rest = hashes.as_slice();
        for cut in cuts.iter().chain([&1]) {
            let (now, later) = rest.split_at(*cut);
            kept.append(now);
            rest = later;
        }
        let top = kept.edge.root();
        prop_assert_eq!(top, naive(&hashes));
        let index = usize::from(picks.0) % size;
        let earlier = usize::from(picks.1) % size + 1;
        let (index_n, earlier_n, size_n) = (index as u64, earlier as u64, size as u64);
        prop_assert_eq!(kept.make(&root(earlier_n)), vec![naive(&hashes[..earlier])]);

        let proof = kept.make(&inclusion_proof(index_n, size_n).unwrap());
        prop_assert!(verify_inclusion(hashes[index], index_n, size_n, &proof, top).is_ok());
        let other = usize::from(picks.2) % size;
        if other != index {
            prop_assert!(verify_inclusion(hashes[other], index_n, size_n, &proof, top).is_err());
            prop_assert!(verify_inclusion(hashes[index], other as u64, size_n, &proof, top).is_err());
        }
        let before = naive(&hashes[..earlier]);
        let grown = kept.make(&consistency_proof(earlier_n, size_n).unwrap());
        prop_assert!(verify_consistency((earlier_n, before), (size_n, top), &grown).is_ok());
        for proof in [proof, grown] {
            if proof.is_empty() { continue }
            let mut bent = proof.clone();
            let at = usize::from(bend.0) % bent.len();
            bent[at].0[usize::from(bend.1) % 32] ^= 1;
            prop_assert!(verify_inclusion(hashes[index], index_n, size_n, &bent, top).is_err());
            prop_assert!(verify_consistency((earlier_n, before), (size_n, top), &bent).is_err());
            let mut longer = proof.clone();
            longer.push(top);
            prop_assert!(verify_inclusion(hashes[index], index_n, size_n, &longer, top).is_err());
            prop_assert!(verify_consistency((earlier_n, before), (size_n, top), &longer).is_err());
        }
    }
}
