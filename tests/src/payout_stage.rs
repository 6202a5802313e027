//! What an off-chain payout service in another language is tried on: a chain with a verifier, and a running node that has
//! attested losses of policies which such a service has sold.
//!
//! One policy has an attestation of its own; others share a batch. Of those one is revoked by a quorum on the chain, and one
//! is held by the guardian. Whatever they are to be refused for, the attestations themselves are genuine.

use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::{SolCall, SolStruct};
use serde_json::{Value, json};
use tocsin::demo::TocsinVerifier;
use tocsin_domain::attestation::{AttestationDomain, QuorumSignature, SignatureSet};
use tocsin_domain::ids::PolicyId;
use url::Url;

use crate::anvil::CHAIN_ID;
use crate::http::client;
use crate::life::Life;
use crate::market::{FEES, Insured, Market, Submitter, View, attestor};

/// The account of the payout service: the consumer that its policies name. Nobody's key.
pub const SERVICE: Address = Address::repeat_byte(0x5e);

/// The first policy alone is insured when the first loss happens; all are at the second.
const POLICIES: u64 = 8;
const REVOKED: u64 = 7;
const HELD: u64 = 8;

/// The contract of the Ethereum Attestation Service that is mirrored for. A mirror asks no contract, so there need be none.
pub const EAS: Address = Address::repeat_byte(0xea);
/// What it says its version is.
pub const EAS_VERSION: &str = "0.26";

const PATIENCE: Duration = Duration::from_secs(60);

/// A stage, up as long as this lives.
pub struct PayoutStage {
    market: Market,
    _node: Life,
    api: Url,
}

impl PayoutStage {
    /// Sets everything up. `program` is the `node` binary of this package.
    pub async fn set(program: &Path) -> Self {
        let mut market = Market::open("2").await;
        let second_loss = market.now().await + 600;
        let insured: Vec<Insured> = (1..=POLICIES)
            .map(|number| Insured {
                number,
                consumer: SERVICE,
                inception: if number == 1 {
                    market.inception()
                } else {
                    second_loss - 60
                },
            })
            .collect();
        market.write_policies(&insured);
        let (config, api) = market.write_service(&View {
            url: market.anvil.url(),
            websocket: None,
            sinks: Vec::new(),
            submitter: Submitter::First,
            fees: FEES,
            finality: "2".to_owned(),
            poll_ms: 50,
            warnings: false,
        });
        extend(&config);
        let node = Life::of(program, &config, &market.anvil.url(), market.folder());
        market.fall_and_rise().await;
        market.anvil.mine(3).await;
        let mut stage = Self {
            market,
            _node: node,
            api,
        };
        stage.until_attested(1).await;
        stage.market.anvil.set_next_time(second_loss).await;
        stage.market.anvil.mine(1).await;
        stage.market.fall_and_rise().await;
        stage.market.anvil.mine(3).await;
        // The first policy has lost again.
        stage.until_attested(1 + POLICIES).await;
        // What is revoked first is not mirrored any more.
        stage.until_mirrored().await;
        stage.revoke(REVOKED).await;
        stage.hold(HELD).await;
        stage
    }

    /// What a payout service has to be told: where the node, the chain and the verifier are, and what it has sold.
    pub async fn described(&self) -> Value {
        let policies = (1..=POLICIES).map(|number| {
            json!({
                "policy": self.policy(number),
                "terms_hash": self.market.terms(),
                "holder": format!("holder-{number}"),
                "sum_insured": "1000000000",
            })
        });
        json!({
            "api": self.api,
            "rpc": self.market.anvil.url(),
            "chain_id": CHAIN_ID,
            "verifier": format!("{:#x}", self.market.verifier()),
            "consumer": format!("{SERVICE:#x}"),
            "cover": std::fs::read_to_string(self.market.folder().join("cover.toml")).unwrap(),
            "policies": policies.collect::<Vec<_>>(),
            "attestations": self.attestations().await,
            "revoked": self.policy(REVOKED),
            "held": self.policy(HELD),
            "eas": { "address": format!("{EAS:#x}"), "version": EAS_VERSION },
            // Nothing that is signed with it is worth anything.
            "attestor_key": crate::market::ATTESTOR_KEY,
        })
    }

    fn policy(&self, number: u64) -> PolicyId {
        PolicyId::derive(CHAIN_ID, SERVICE, U256::from(number))
    }

    async fn attestations(&self) -> Vec<String> {
        let listed = self.get("v1/attestations").await.unwrap_or_default();
        let listed = listed["attestations"].as_array().cloned();
        let ids = listed.into_iter().flatten();
        ids.map(|listed| listed["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The key of the claim that a policy of the batch has.
    async fn claim_key(&self, policy: PolicyId) -> B256 {
        let mut keys = Vec::new();
        for id in self.attestations().await {
            let found = self.get(&format!("v1/attestations/{id}")).await.unwrap();
            if found["policy"] == json!(policy) {
                keys.push(serde_json::from_value(found["claim_key"].clone()).unwrap());
            }
        }
        keys.pop().expect("the policy has an attestation")
    }

    /// A quorum takes the statement back.
    async fn revoke(&self, number: u64) {
        let revocation = TocsinVerifier::Revocation {
            claimKey: self.claim_key(self.policy(number)).await,
            minRevision: 1,
            reason: keccak256("the feed has corrected itself"),
            issuedAt: self.market.now().await,
            signerEpoch: 1,
        };
        let domain = AttestationDomain {
            chain_id: CHAIN_ID,
            verifier: self.market.verifier(),
        };
        let digest = revocation.eip712_signing_hash(&domain.eip712());
        let signature = alloy::signers::SignerSync::sign_hash_sync(&attestor(), &digest).unwrap();
        let signatures = SignatureSet::single(0, QuorumSignature::new(signature).unwrap());
        let call = TocsinVerifier::revokeClaimCall {
            revocation,
            signatures: signatures.encode().into(),
        };
        self.market.order(call.abi_encode()).await;
    }

    /// The guardian stops the claim.
    async fn hold(&self, number: u64) {
        let claim_key = self.claim_key(self.policy(number)).await;
        let call = TocsinVerifier::holdClaimCall {
            claimKey: claim_key,
        };
        self.market.order(call.abi_encode()).await;
    }

    async fn until_attested(&mut self, count: u64) {
        let begun = Instant::now();
        while self.attestations().await.len() < usize::try_from(count).unwrap() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{count} losses are not attested"
            );
            self.market.anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_mirrored(&self) {
        let begun = Instant::now();
        for id in self.attestations().await {
            let path = format!("v1/attestations/{id}/eas");
            while self
                .get(&path)
                .await
                .is_none_or(|answer| answer.get("sig").is_none())
            {
                assert!(begun.elapsed() < PATIENCE, "{id} is not mirrored");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What the node answers.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let answer = client().get(self.api.join(path).unwrap()).send().await;
        // A node that is starting does not answer.
        answer.ok()?.json().await.ok()
    }
}

/// Batches from two claims at once on, and mirrors.
fn extend(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    let added = format!(
        "valid_for = \"30d\"\nbatch_from = 2\neas = {{ contract = \"eip155:{CHAIN_ID}:{EAS:#x}\", version = \"{EAS_VERSION}\" }}"
    );
    let text = text.replace("valid_for = \"30d\"", &added);
    // Whoever tries what the API describes may also write.
    let text = text.replace("[api]\n", "[api]\nopen_writes = true\n");
    std::fs::write(config, text).unwrap();
}
