//! The largest batch that is signed: 100,000 claims in one tree, whose proofs the verifier contract takes.

use alloy::primitives::{Address, B256, Bytes};
use alloy::signers::SignerSync;
use alloy::sol_types::{SolCall, SolError, SolValue};
use serde_json::{Value, json};
use tocsin_delivery::onchain::batched_claim_calldata;
use tocsin_domain::attestation::{
    AttestationBatch, AttestationDomain, BatchTree, ClaimAttestation, QuorumSignature, SignatureSet,
};
use tocsin_tests::anvil::CHAIN_ID;
use tocsin_tests::http;

use super::world::{SUM_INSURED, TODAY, TocsinVerifier, World, attestor};

const CLAIMS: u64 = 100_000;

/// First, last, even, odd, and on both levels of the tree's leaves: its lowest level is half full.
const LOOKED_AT: [usize; 8] = [0, 1, 2, 49_999, 65_535, 65_536, 77_777, 99_999];

struct Signed {
    claims: Vec<ClaimAttestation>,
    tree: BatchTree,
    batch: AttestationBatch,
    signatures: Vec<u8>,
}

impl Signed {
    fn new(world: &World) -> Self {
        let domain = AttestationDomain {
            chain_id: CHAIN_ID,
            verifier: world.verifier,
        };
        let claims: Vec<_> = (1..=CLAIMS)
            .map(|number| world.attestation(number))
            .collect();
        let ids = claims.iter().map(|claim| domain.digest(claim));
        let tree = BatchTree::new(ids).unwrap();
        let batch = tree.batch(TODAY, 1);
        let digest = domain.batch_digest(&batch);
        let signature = attestor().sign_hash_sync(&digest.0).unwrap();
        let signatures = SignatureSet::single(0, QuorumSignature::new(signature).unwrap()).encode();
        Self {
            claims,
            tree,
            batch,
            signatures,
        }
    }

    /// What the contract says of the claim at one place with the proof of another.
    async fn verified(&self, world: &World, place: usize, proof: Vec<B256>) -> Value {
        let claim = self.claims[place].abi_encode();
        let batch = self.batch.abi_encode();
        let call = TocsinVerifier::verifyBatchedCall {
            a: SolValue::abi_decode(&claim).unwrap(),
            batch: SolValue::abi_decode(&batch).unwrap(),
            proof,
            signatures: self.signatures.clone().into(),
        };
        call_contract(world, world.verifier, call.abi_encode()).await
    }
}

/// The node's whole answer: a refusal is one too.
async fn call_contract(world: &World, to: Address, data: Vec<u8>) -> Value {
    let call = json!({"to": to, "data": Bytes::from(data)});
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]});
    let sent = http::client().post(world.node.url()).json(&request).send();
    sent.await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_contract_takes_each_place_of_a_batch_of_100_000_by_its_own_proof_only() {
    let world = World::new().await;
    let signed = Signed::new(&world);
    for place in LOOKED_AT {
        let proof = signed.tree.proof(place).unwrap();
        let answer = signed.verified(&world, place, proof.clone()).await;
        let domain = AttestationDomain {
            chain_id: CHAIN_ID,
            verifier: world.verifier,
        };
        let id = domain.digest(&signed.claims[place]);
        assert_eq!(answer["result"], json!(id.0), "{place}: {answer}");

        let another = signed
            .tree
            .proof((place + 1) % signed.claims.len())
            .unwrap();
        let mut shorter = proof.clone();
        shorter.pop();
        let mut swapped = proof;
        swapped.swap(0, 1);
        for wrong in [another, shorter, swapped] {
            let answer = signed.verified(&world, place, wrong).await;
            let refusal = answer["error"]["data"].as_str().unwrap_or_default();
            let expected = [
                TocsinVerifier::NotInBatch::SELECTOR,
                TocsinVerifier::WrongProofLength::SELECTOR,
            ];
            let is_expected =
                |selector: [u8; 4]| refusal.starts_with(&Bytes::from(selector).to_string());
            assert!(expected.into_iter().any(is_expected), "{place}: {answer}");
        }
    }
    // And the holder of one of them is paid.
    let proof = signed.tree.proof(1).unwrap();
    let calldata =
        batched_claim_calldata(&signed.claims[1], &signed.batch, &proof, &signed.signatures);
    world.transact(world.cover, calldata.to_vec()).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}
