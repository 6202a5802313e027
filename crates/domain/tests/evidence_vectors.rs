//! Evidence trees are those that OpenZeppelin's merkle-tree builds.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{B256, I256, U256};
use serde_json::Value as Json;
use tocsin_domain::evidence::{EvidenceLeaf, MerkleTree, merkle};

fn golden() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts-abi/vectors/merkle.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Json) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn words(values: &Json) -> Vec<B256> {
    values.as_array().unwrap().iter().map(parse).collect()
}

fn leaf(values: &Json) -> EvidenceLeaf {
    EvidenceLeaf {
        index: parse(&values["index"]),
        source: parse(&values["source"]),
        subject: parse(&values["subject"]),
        metric: parse(&values["metric"]),
        value: parse::<I256>(&values["value"]),
        observedAt: parse(&values["observedAt"]),
        sequence: parse::<U256>(&values["sequence"]),
        chainId: parse(&values["chainId"]),
        block: parse(&values["block"]),
        blockHash: parse(&values["blockHash"]),
        rawHash: parse(&values["rawHash"]),
    }
}

#[test]
fn leaves_trees_and_proofs_are_the_same() {
    let golden = golden();
    let trees = golden["trees"].as_array().unwrap();
    assert!(trees.len() >= 6);
    for expected in trees {
        let size = &expected["size"];
        let leaves = expected["leaves"].as_array().unwrap();
        let hashes: Vec<B256> = leaves
            .iter()
            .map(|one| leaf(&one["values"]).hash())
            .collect();
        let tree = MerkleTree::new(hashes.clone());
        assert_eq!(tree.nodes(), words(&expected["dump"]["tree"]), "{size}");
        assert_eq!(tree.root(), parse::<B256>(&expected["root"]), "{size}");
        for (index, one) in leaves.iter().enumerate() {
            assert_eq!(hashes[index], parse::<B256>(&one["hash"]), "{size}/{index}");
            let proof = tree.proof(index).unwrap();
            assert_eq!(proof, words(&one["proof"]), "{size}/{index}");
            assert!(merkle::verify(tree.root(), hashes[index], &proof));
        }
        assert_eq!(tree.proof(leaves.len()), None);
    }
}

#[test]
fn dumps_of_other_trees_are_the_same() {
    let golden = golden();
    let dumps = golden["dumps"].as_array().unwrap();
    assert!(dumps.len() >= 3);
    for expected in dumps {
        let name = &expected["name"];
        let hashes = words(&expected["hashes"]);
        let tree = MerkleTree::new(hashes.clone());
        assert_eq!(tree.nodes(), words(&expected["dump"]["tree"]), "{name}");
        assert_eq!(tree.root(), parse::<B256>(&expected["root"]), "{name}");
        // The dump says of each value where its leaf is.
        for (hash, value) in hashes
            .iter()
            .zip(expected["dump"]["values"].as_array().unwrap())
        {
            assert_eq!(
                *hash,
                tree.nodes()[parse::<usize>(&value["treeIndex"])],
                "{name}"
            );
        }
        for one in expected["proofs"].as_array().unwrap() {
            let (index, proof) = (parse::<usize>(&one[0]), words(&one[1]));
            // Of equal leaves, either's proof is as good.
            assert!(
                merkle::verify(tree.root(), hashes[index], &proof),
                "{name}/{index}"
            );
            assert!(merkle::verify(
                tree.root(),
                hashes[index],
                &tree.proof(index).unwrap()
            ));
            let equal = hashes.iter().filter(|hash| **hash == hashes[index]).count();
            if equal == 1 {
                assert_eq!(tree.proof(index).unwrap(), proof, "{name}/{index}");
            }
        }
    }
}

#[test]
fn a_proof_proves_its_leaf_only() {
    let leaves: Vec<B256> = (0..7u64).map(|n| B256::from(U256::from(n))).collect();
    let tree = MerkleTree::new(leaves.clone());
    for (index, &own) in leaves.iter().enumerate() {
        let proof = tree.proof(index).unwrap();
        for &other in &leaves {
            assert_eq!(merkle::verify(tree.root(), other, &proof), own == other);
        }
        assert!(!merkle::verify(tree.root(), own, &proof[1..]));
    }
}
