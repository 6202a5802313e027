//! A settlement chain with the real contracts on it, a policy that has a claim, and the claim's attestation.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, I256, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::sol_types::{SolCall, SolConstructor, SolValue};
use serde_json::{Value, json};
use tocsin_delivery::onchain::{
    BumpPermille, DeliveryView, FeePolicy, OnchainSettings, Policy, Pricing, Submitter,
    SubmitterKey, claim_calldata,
};
use tocsin_domain::attestation::{
    AttestationDomain, ClaimAttestation, QuorumSignature, SignatureSet,
};
use tocsin_domain::cover::Finality;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::time::Seconds;
use tocsin_tests::anvil::{Anvil, CHAIN_ID, quantity};

use ParametricCover::Config;

sol!(DemoToken, "../contracts-abi/abi/DemoToken.json");
sol!(TocsinVerifier, "../contracts-abi/abi/TocsinVerifier.json");
sol!(ParametricCover, "../contracts-abi/abi/ParametricCover.json");

/// The second of the accounts that every anvil funds; its key is public knowledge.
pub(crate) const SUBMITTER_KEY: &str =
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
/// An attestor that nothing is worth.
const ATTESTOR_KEY: B256 = B256::repeat_byte(0xa7);

/// Where the money goes.
pub(crate) const HOLDER: Address = Address::repeat_byte(0x40);
/// 1000 demoUSD.
pub(crate) const SUM_INSURED: u64 = 1_000_000_000;

pub(crate) const GENESIS: u64 = 1_678_000_000;
const INCEPTION: u64 = GENESIS + 10_000;
const EXPIRY: u64 = GENESIS + 1_000_000;
/// The chain's time when a test begins, and the attestation's.
pub(crate) const TODAY: u64 = GENESIS + 100_000;
pub(crate) const VALID_UNTIL: u64 = TODAY + 500_000;

pub(crate) const GWEI: u128 = 1_000_000_000;

/// A chain on which a loss has been attested.
pub(crate) struct World {
    pub(crate) node: Anvil,
    pub(crate) token: Address,
    pub(crate) verifier: Address,
    pub(crate) cover: Address,
}

impl World {
    /// Deploys everything, sells two policies to [`HOLDER`], and lets time pass until [`TODAY`].
    pub(crate) async fn new() -> Self {
        Self::with_veto(0).await
    }

    /// The same with a cover that pays no sooner than `veto_seconds` after a claim was presented.
    pub(crate) async fn with_veto(veto_seconds: u64) -> Self {
        let node = Anvil::start(GENESIS).await;
        let owner = node.account().await;
        let token = deploy(&node, "DemoToken", Vec::new()).await;
        let verifier = deploy_verifier(&node, owner).await;
        let constructor = ParametricCover::constructorCall {
            config: Config {
                vetoSeconds: veto_seconds,
                ..config(verifier, token, owner)
            },
        };
        let cover = deploy(&node, "ParametricCover", constructor.abi_encode()).await;
        let world = Self {
            node,
            token,
            verifier,
            cover,
        };
        world.announce_attestor().await;
        world.sell_policies(owner, 2).await;
        world.node.set_next_time(TODAY).await;
        world.node.mine(1).await;
        world
    }

    async fn announce_attestor(&self) {
        let announce = TocsinVerifier::announceEpochCall {
            activeFrom: GENESIS,
            signUntil: EXPIRY,
            acceptUntil: u64::MAX,
            threshold: 1,
            signers: vec![attestor().address()],
            contractSigners: U256::ZERO,
        };
        self.transact(self.verifier, announce.abi_encode()).await;
    }

    async fn sell_policies(&self, owner: Address, count: u64) {
        let capital = U256::from(SUM_INSURED) * U256::from(100);
        let mint = DemoToken::mintCall {
            to: owner,
            amount: capital,
        };
        self.transact(self.token, mint.abi_encode()).await;
        let approve = DemoToken::approveCall {
            spender: self.cover,
            value: U256::MAX,
        };
        self.transact(self.token, approve.abi_encode()).await;
        let fund = ParametricCover::fundCall {
            amount: capital / U256::from(2),
        };
        self.transact(self.cover, fund.abi_encode()).await;
        for _ in 0..count {
            let buy = ParametricCover::buyForCall {
                holder: HOLDER,
                sumInsured: U256::from(SUM_INSURED),
                inception: INCEPTION,
                expiry: EXPIRY,
            };
            self.transact(self.cover, buy.abi_encode()).await;
        }
    }

    /// Sends a transaction of the owner's, mines it, and sees it succeed.
    pub(crate) async fn transact(&self, to: Address, data: Vec<u8>) -> B256 {
        let hash = self.node.send(Some(to), data.into()).await;
        self.node.mine(1).await;
        self.node.receipt(hash).await;
        hash
    }

    /// The attested claim of policy `number`, which pays all of the sum insured.
    pub(crate) fn attestation(&self, number: u64) -> ClaimAttestation {
        ClaimAttestation {
            policyId: PolicyId::derive(CHAIN_ID, self.cover, U256::from(number)).0,
            termsHash: keccak256("terms"),
            eventId: keccak256("event"),
            consumer: self.cover,
            verdict: 1,
            payoutFraction: 1_000_000_000_000_000_000,
            measuredValue: I256::ZERO,
            occurredAt: INCEPTION + 1,
            confirmedAt: INCEPTION + 2,
            windowStart: INCEPTION,
            windowEnd: EXPIRY,
            sourceChainId: 0,
            sourceBlock: 0,
            sourceBlockHash: B256::ZERO,
            evidenceRoot: B256::ZERO,
            evidenceCount: 0,
            issuedAt: TODAY,
            validAfter: TODAY,
            validUntil: VALID_UNTIL,
            signerEpoch: 1,
            revision: 0,
            supersedes: B256::ZERO,
        }
    }

    /// The delivery of `attestation`, as it is queued.
    pub(crate) fn delivery(&self, attestation: &ClaimAttestation) -> DeliveryView {
        let domain = AttestationDomain {
            chain_id: CHAIN_ID,
            verifier: self.verifier,
        };
        let digest = domain.digest(attestation);
        let signature = attestor().sign_hash_sync(&digest.0).unwrap();
        let signatures = SignatureSet::single(0, QuorumSignature::new(signature).unwrap()).encode();
        DeliveryView {
            attestation: digest,
            claim_key: attestation.claim_key(),
            consumer: attestation.consumer,
            calldata: claim_calldata(attestation, &signatures),
            failures: 0,
            held: None,
        }
    }

    pub(crate) fn settings(&self) -> OnchainSettings {
        OnchainSettings {
            chain_id: CHAIN_ID,
            urls: vec![self.node.url()],
            agree: 1,
            verifier: self.verifier,
            verifier_block: 0,
            finality: Finality::Finalized,
            request_timeout: Duration::from_secs(10),
            // Short, so that a search takes several.
            log_range_blocks: 2,
            gas_margin_percent: 25,
            policy: Policy {
                fees: FeePolicy {
                    max_fee_cap: 500 * GWEI,
                    min_tip: GWEI,
                    bump: BumpPermille::LEAST,
                    pricing: Pricing::Node,
                },
                bump_after: Seconds(60),
                resend_after: Seconds(10),
                poll_every: Seconds(5),
                back_off_at_most: Seconds(3600),
            },
        }
    }

    /// A submitter as a fresh process has it.
    pub(crate) async fn submitter(&self) -> Submitter {
        Submitter::connect(self.settings(), raw_key(SUBMITTER_KEY))
            .await
            .unwrap()
    }

    /// What the holder has been paid.
    pub(crate) async fn paid(&self) -> u64 {
        let call = DemoToken::balanceOfCall { account: HOLDER };
        let request = json!({"to": self.token, "data": Bytes::from(call.abi_encode())});
        let answer = self.node.ask("eth_call", json!([request, "latest"])).await;
        u64::from_str_radix(answer.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// Fixes the base fee of the next block.
    pub(crate) async fn set_base_fee(&self, fee: u128) {
        self.node
            .ask(
                "anvil_setNextBlockBaseFeePerGas",
                json!([format!("{fee:#x}")]),
            )
            .await;
    }

    /// Leaves blocks a little too small for a pooled transaction.
    pub(crate) async fn shut_out(&self, transaction: B256) {
        let pooled = self
            .node
            .ask("eth_getTransactionByHash", json!([transaction]))
            .await;
        self.set_block_gas(quantity(&pooled["gas"]) - 1).await;
    }

    /// Makes room again.
    pub(crate) async fn let_in(&self) {
        self.set_block_gas(30_000_000).await;
    }

    async fn set_block_gas(&self, limit: u64) {
        self.node
            .ask("evm_setBlockGasLimit", json!([format!("{limit:#x}")]))
            .await;
    }

    /// How many transactions of `account` are mined.
    pub(crate) async fn mined_nonces(&self, account: Address) -> u64 {
        quantity(
            &self
                .node
                .ask("eth_getTransactionCount", json!([account, "latest"]))
                .await,
        )
    }
}

fn config(verifier: Address, token: Address, underwriter: Address) -> Config {
    Config {
        verifier,
        token,
        underwriter,
        termsHash: keccak256("terms"),
        premiumBps: 100,
        waitingSeconds: 0,
        claimDeadlineSeconds: 200_000,
        settlementSeconds: 2_000_000,
        vetoSeconds: 0,
        maxTermSeconds: 2_000_000,
        policyCap: SUM_INSURED.into(),
        // One full payout a day.
        dailyCap: SUM_INSURED.into(),
    }
}

pub(crate) fn attestor() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&ATTESTOR_KEY).unwrap()
}

pub(crate) fn raw_key(key: &str) -> SubmitterKey {
    SubmitterKey::Raw {
        key: key.to_owned().into(),
    }
}

/// Deploys a verifier that knows no attestor yet.
pub(crate) async fn deploy_verifier(node: &Anvil, owner: Address) -> Address {
    let constructor = TocsinVerifier::constructorCall {
        owner_: owner,
        guardian_: owner,
        noticeSeconds_: 0,
    };
    deploy(node, "TocsinVerifier", constructor.abi_encode()).await
}

async fn deploy(node: &Anvil, name: &str, arguments: Vec<u8>) -> Address {
    let path = tocsin_tests::anvil::repository().join(format!("contracts-abi/abi/{name}.json"));
    let artifact: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut code: Vec<u8> = artifact["bytecode"]
        .as_str()
        .unwrap()
        .parse::<Bytes>()
        .unwrap()
        .to_vec();
    code.extend_from_slice(&arguments);
    create(node, code.into()).await
}

/// Deploys creation code.
pub(crate) async fn create(node: &Anvil, code: Bytes) -> Address {
    let hash = node.send(None, code).await;
    node.mine(1).await;
    let receipt = node.receipt(hash).await;
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}

/// Creation code of a contract that emits a log with four topics (the call data's first four words) and the rest of
/// the call data as its data: a forger of events.
pub(crate) fn forger() -> Bytes {
    // calldatacopy(0, 0, calldatasize); log4(128, calldatasize - 128, m[0], m[32], m[64], m[96]); stop
    let runtime: &[u8] = &[
        0x36, 0x60, 0x00, 0x60, 0x00, 0x37, // calldatacopy
        0x60, 0x60, 0x51, 0x60, 0x40, 0x51, 0x60, 0x20, 0x51, 0x60, 0x00,
        0x51, // topics 4 to 1
        0x60, 0x80, 0x36, 0x03, 0x60, 0x80, // length, offset
        0xa4, 0x00,
    ];
    let length = u8::try_from(runtime.len()).unwrap();
    // codecopy(0, 12, length); return(0, length)
    let mut code = vec![
        0x60, length, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, length, 0x60, 0x00, 0xf3,
    ];
    code.extend_from_slice(runtime);
    code.into()
}

/// What makes the [`forger`] emit the verifier's event for this claim.
pub(crate) fn forged_event(delivery: &DeliveryView) -> Vec<u8> {
    let topics = (
        keccak256("Consumed(bytes32,bytes32,address,bytes32,uint64)"),
        delivery.claim_key.0,
        delivery.attestation.0,
        delivery.consumer,
    );
    (topics, (B256::ZERO, 1_000_000_000_000_000_000_u64)).abi_encode()
}
