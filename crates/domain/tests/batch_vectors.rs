//! Batches are those that viem and OpenZeppelin's merkle-tree make.
#![expect(
    clippy::unwrap_used,
    reason = "test support: what cannot be set up is a failed test"
)]

use alloy_primitives::{Address, B256, hex};
use alloy_sol_types::SolStruct;
use serde_json::Value as Json;
use tocsin_domain::attestation::{
    AttestationBatch, AttestationDomain, BatchError, BatchTree, ClaimAttestation, Membership,
    SignatureSet, SignerSet,
};
use tocsin_domain::ids::{AttestationId, BatchId};

fn golden() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts-abi/vectors/batches.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Json) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn list<T: std::str::FromStr<Err: std::fmt::Debug>>(values: &Json) -> Vec<T> {
    values.as_array().unwrap().iter().map(parse).collect()
}

fn domain(vector: &Json) -> AttestationDomain {
    AttestationDomain {
        chain_id: parse(&vector["domain"]["chainId"]),
        verifier: parse(&vector["domain"]["verifyingContract"]),
    }
}

fn batch(vector: &Json) -> AttestationBatch {
    serde_json::from_value(vector["batch"].clone()).unwrap()
}

#[test]
fn the_type_is_the_same() {
    assert_eq!(
        AttestationBatch::eip712_encode_type(),
        golden()["typeString"].as_str().unwrap()
    );
}

#[test]
fn trees_proofs_digests_and_signatures_are_the_same() {
    let golden = golden();
    let addresses: Vec<Address> = list(&golden["signerAddresses"]);
    let vectors = golden["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let (domain, batch) = (domain(vector), batch(vector));
        let claims = vector["claims"].as_array().unwrap();
        let ids: Vec<AttestationId> = claims.iter().map(|claim| parse(&claim["digest"])).collect();
        let tree = BatchTree::new(ids.clone()).unwrap();
        assert_eq!(tree.batch(batch.issuedAt, batch.signerEpoch), batch);
        assert_eq!(
            batch.eip712_hash_struct(),
            parse::<B256>(&vector["structHash"])
        );
        let id = domain.batch_digest(&batch);
        assert_eq!(id, parse::<BatchId>(&vector["digest"]));

        let signatures = hex::decode(vector["packedSignatures"].as_str().unwrap()).unwrap();
        let signatures = SignatureSet::parse(&signatures).unwrap();
        let signers = SignerSet::new(1, parse(&vector["threshold"]), addresses.clone()).unwrap();
        signatures.verify(id, &signers).unwrap();

        for (place, claim) in claims.iter().enumerate() {
            let attestation: ClaimAttestation =
                serde_json::from_value(claim["attestation"].clone()).unwrap();
            assert_eq!(domain.digest(&attestation), ids[place]);
            let proof: Vec<B256> = list(&claim["proof"]);
            assert_eq!(tree.proof(place), Some(proof.clone()));
            let membership = Membership {
                batch: batch.clone(),
                proof,
            };
            membership.check(&attestation, ids[place]).unwrap();
        }
        assert_eq!(tree.proof(claims.len()), None);
    }
}

#[test]
fn nothing_is_no_batch() {
    assert_eq!(BatchTree::new([]), None);
}

#[test]
fn a_proof_is_as_long_as_a_tree_of_the_signed_size_needs() {
    let id = AttestationId(B256::repeat_byte(1));
    for count in 1_u32..70 {
        let ids = (0..count)
            .map(|number| AttestationId(B256::with_last_byte(number.try_into().unwrap())));
        let tree = BatchTree::new(ids).unwrap();
        let batch = tree.batch(0, 1);
        let mut lengths = Vec::new();
        for place in 0..count {
            let id = AttestationId(B256::with_last_byte(place.try_into().unwrap()));
            let proof = tree.proof(place.try_into().unwrap()).unwrap();
            batch.check_contains(id, &proof).unwrap();
            lengths.push(proof.len());
        }
        for length in 0..40 {
            let refused = batch
                .check_contains(id, &vec![B256::ZERO; length])
                .unwrap_err();
            assert_eq!(
                matches!(refused, BatchError::ProofLength { .. }),
                !lengths.contains(&length),
                "{length} of {count}"
            );
        }
    }
    let empty = AttestationBatch {
        count: 0,
        ..BatchTree::new([id]).unwrap().batch(0, 1)
    };
    assert!(empty.check_contains(id, &[]).is_err());
}
