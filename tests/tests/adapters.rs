//! The adapters of other protocols on a real chain: each is deployed from what is committed of it, and takes the very call
//! that is made to a cover.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(
    missing_docs,
    reason = "what is generated from an ABI documents no enum"
)]

use alloy::primitives::{Address, B256, Bytes, I256, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::{SolCall, SolConstructor};
use serde_json::{Value, json};
use tocsin_delivery::onchain::claim_calldata;
use tocsin_domain::attestation::{
    AttestationDomain, ClaimAttestation, QuorumSignature, SignatureSet,
};
use tocsin_tests::anvil::{Anvil, CHAIN_ID, repository};

sol!(TocsinVerifier, "../contracts-abi/abi/TocsinVerifier.json");
sol!(
    AttestedFeed,
    "../contracts-abi/abi/adapters/AttestedFeed.json"
);
sol!(
    CozyTrigger,
    "../contracts-abi/abi/adapters/CozyTrigger.json"
);
sol!(
    EasMirrorResolver,
    "../contracts-abi/abi/adapters/EasMirrorResolver.json"
);
sol!(
    GifV2Oracle,
    "../contracts-abi/abi/adapters/GifV2Oracle.json"
);
sol!(
    GifV3Responder,
    "../contracts-abi/abi/adapters/GifV3Responder.json"
);
sol!(
    NaymsClaims,
    "../contracts-abi/abi/adapters/NaymsClaims.json"
);
sol!(
    Y2kCondition,
    "../contracts-abi/abi/adapters/Y2kCondition.json"
);

const GENESIS: u64 = 1_678_000_000;
/// Stands for a contract of another protocol.
const THEIRS: Address = Address::repeat_byte(0x71);

fn attestor() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0xa7)).unwrap()
}

struct World {
    node: Anvil,
    verifier: Address,
    terms: B256,
    policy: B256,
}

impl World {
    async fn new() -> Self {
        let node = Anvil::start(GENESIS).await;
        let owner = node.account().await;
        let constructor = TocsinVerifier::constructorCall {
            owner_: owner,
            guardian_: owner,
            noticeSeconds_: 0,
        };
        let verifier = deploy(&node, "TocsinVerifier", constructor.abi_encode()).await;
        let announce = TocsinVerifier::announceEpochCall {
            activeFrom: 0,
            signUntil: u64::MAX,
            acceptUntil: u64::MAX,
            threshold: 1,
            signers: vec![attestor().address()],
            contractSigners: U256::ZERO,
        };
        let world = Self {
            node,
            verifier,
            terms: keccak256("terms"),
            policy: keccak256("policy"),
        };
        world.transact(verifier, announce.abi_encode().into()).await;
        world
    }

    async fn transact(&self, to: Address, data: Bytes) {
        let hash = self.node.send(Some(to), data).await;
        self.node.mine(1).await;
        self.node.receipt(hash).await;
    }

    async fn read<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let request = json!({"to": to, "data": Bytes::from(call.abi_encode())});
        let answer = self.node.ask("eth_call", json!([request, "latest"])).await;
        let answer: Bytes = serde_json::from_value(answer).unwrap();
        C::abi_decode_returns(&answer).unwrap()
    }

    /// What the deliverer sends for a loss of half of what is insured.
    fn call_for(&self, adapter: Address) -> Bytes {
        let attestation = ClaimAttestation {
            policyId: self.policy,
            termsHash: self.terms,
            eventId: keccak256("event"),
            consumer: adapter,
            verdict: 1,
            payoutFraction: 500_000_000_000_000_000,
            measuredValue: I256::ZERO,
            occurredAt: GENESIS,
            confirmedAt: GENESIS,
            windowStart: GENESIS,
            windowEnd: GENESIS + 1,
            sourceChainId: 0,
            sourceBlock: 0,
            sourceBlockHash: B256::ZERO,
            evidenceRoot: B256::ZERO,
            evidenceCount: 0,
            issuedAt: GENESIS,
            validAfter: 0,
            validUntil: u64::MAX,
            signerEpoch: 1,
            revision: 0,
            supersedes: B256::ZERO,
        };
        let domain = AttestationDomain {
            chain_id: CHAIN_ID,
            verifier: self.verifier,
        };
        let digest = domain.digest(&attestation);
        let signature = attestor().sign_hash_sync(&digest.0).unwrap();
        let signatures = SignatureSet::single(0, QuorumSignature::new(signature).unwrap());
        claim_calldata(&attestation, &signatures.encode())
    }
}

async fn deploy(node: &Anvil, name: &str, arguments: Vec<u8>) -> Address {
    let path = repository().join(format!("contracts-abi/abi/{name}.json"));
    let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let code: Bytes = serde_json::from_value(artifact["bytecode"].clone()).unwrap();
    let hash = node.send(None, [&*code, &*arguments].concat().into()).await;
    node.mine(1).await;
    let receipt = node.receipt(hash).await;
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}

#[tokio::test]
async fn a_feed_and_a_trigger_take_the_call_that_is_made_to_covers() {
    let world = World::new().await;
    let feed = AttestedFeed::constructorCall {
        verifier_: world.verifier,
        termsHash_: world.terms,
        policyId_: world.policy,
        description_: "a policy".to_owned(),
    };
    let feed = deploy(&world.node, "adapters/AttestedFeed", feed.abi_encode()).await;
    world.transact(feed, world.call_for(feed)).await;
    let answer = world.read(feed, AttestedFeed::latestAnswerCall {}).await;
    assert_eq!(answer.to_string(), "500000000000000000");

    let trigger = CozyTrigger::constructorCall {
        verifier_: world.verifier,
        termsHash_: world.terms,
        policyId_: world.policy,
        leastFraction_: 500_000_000_000_000_000,
    };
    let trigger = deploy(&world.node, "adapters/CozyTrigger", trigger.abi_encode()).await;
    assert_eq!(world.read(trigger, CozyTrigger::stateCall {}).await, 0);
    world.transact(trigger, world.call_for(trigger)).await;
    assert_eq!(world.read(trigger, CozyTrigger::stateCall {}).await, 1);
}

#[tokio::test]
async fn every_other_adapter_is_deployed_from_what_is_committed() {
    let world = World::new().await;
    let others = [
        (
            "EasMirrorResolver",
            EasMirrorResolver::constructorCall {
                eas_: THEIRS,
                verifier_: world.verifier,
            }
            .abi_encode(),
        ),
        (
            "GifV2Oracle",
            GifV2Oracle::constructorCall {
                verifier_: world.verifier,
                termsHash_: world.terms,
                registry_: THEIRS,
                name_: B256::right_padding_from(b"Tocsin"),
                owner_: THEIRS,
            }
            .abi_encode(),
        ),
        (
            "GifV3Responder",
            GifV3Responder::constructorCall {
                verifier_: world.verifier,
                termsHash_: world.terms,
                oracle_: THEIRS,
                oracleNftId_: alloy::primitives::Uint::from(1),
                productNftId_: alloy::primitives::Uint::from(2),
                instanceReader_: THEIRS,
            }
            .abi_encode(),
        ),
        (
            "NaymsClaims",
            NaymsClaims::constructorCall {
                verifier_: world.verifier,
                termsHash_: world.terms,
                nayms_: THEIRS,
                underwriter_: THEIRS,
            }
            .abi_encode(),
        ),
        (
            "Y2kCondition",
            Y2kCondition::constructorCall {
                verifier_: world.verifier,
                termsHash_: world.terms,
                premiumVault_: THEIRS,
                marketId_: U256::from(1),
                conditionType_: U256::from(2),
                leastFraction_: 1,
            }
            .abi_encode(),
        ),
    ];
    for (name, arguments) in others {
        let adapter = deploy(&world.node, &format!("adapters/{name}"), arguments).await;
        // Each names the verifier that it believes.
        let verifier = world.read(adapter, GifV2Oracle::verifierCall {}).await;
        assert_eq!(verifier, world.verifier, "{name}");
    }
}
