//! What a test of dying services begins with: a chain on which the loss has happened and nobody has been told, a service
//! configured to find out, and the way back to this beginning.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, U256};
use alloy::providers::{Provider, ProviderBuilder};
use tempfile::TempDir;
use tocsin::demo::{Chain, Deployed, Layout, ROUNDS, Secrets, write_service};
use tocsin_domain::time::{Seconds, Timestamp};

use crate::anvil;
use crate::http::client;

/// What the policy is owed: 0.0247 of 10,000, with six decimals.
const PAYOUT: u64 = 247_000_000;

/// The chain begins here, 2023-03-02T00:00:00Z: eight days before the depeg.
const GENESIS: Timestamp = Timestamp(1_677_715_200);

/// A chain, contracts, one policy that will be paid, and the files of the service.
pub struct Scene {
    folder: TempDir,
    layout: Layout,
    chain: Chain,
    deployed: Deployed,
    submitter: Address,
    api: u16,
    beginning: U256,
    program: PathBuf,
}

impl Scene {
    /// A scene for `program` (the `node` binary of this package), which reads at most `blocks_per_step` blocks at once.
    pub async fn set(program: &str, blocks_per_step: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let chain = Chain::start(&anvil::binary(), GENESIS).await.unwrap();
        let secrets = Secrets::generate(&layout).unwrap();
        let deployed = chain.deploy(&layout, &secrets).await.unwrap();
        let policy = chain.buy(&deployed).await.unwrap();
        let api = anvil::free_port();
        let from_block = chain.head_number().await.unwrap() + 1;
        write_service(&layout, &chain.url(), &deployed, &policy, from_block, 50).unwrap();
        adjust(&layout.config(), api, blocks_per_step);
        for round in ROUNDS {
            chain.post(&deployed, round).await.unwrap();
        }
        let beginning = chain.snapshot().await.unwrap();
        Self {
            folder,
            layout,
            chain,
            deployed,
            submitter: secrets.submitter,
            api,
            beginning,
            program: program.into(),
        }
    }

    /// Forgets everything that services have done, on disk and on the chain.
    pub async fn begin_again(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock", ".log-key", ".log-key.signed"] {
            let path = self.folder.path().join(format!("tocsin.db{suffix}"));
            if path.exists() {
                std::fs::remove_file(path).unwrap();
            }
        }
        self.chain.revert(self.beginning).await.unwrap();
        // A snapshot can be gone back to once.
        self.beginning = self.chain.snapshot().await.unwrap();
        let received = self.chain.holder_received(&self.deployed).await.unwrap();
        assert_eq!(received, U256::ZERO);
    }

    /// Mines a block twelve seconds after the last one; that is how time passes.
    pub async fn mine(&self) {
        let next = self.chain.head_time().await.unwrap() + Seconds(12);
        self.chain.mine(next).await.unwrap();
    }

    /// The contract has paid what it owes, once.
    pub async fn assert_paid_once(&self) {
        let payments = self.chain.payments(&self.deployed).await.unwrap();
        assert_eq!(payments, vec![U256::from(PAYOUT)]);
    }

    /// Where the service writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its files are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// How many transactions of the service have been mined.
    pub async fn transactions_sent(&self) -> u64 {
        let provider = ProviderBuilder::new().connect_http(self.chain.url());
        provider
            .get_transaction_count(self.submitter)
            .await
            .unwrap()
    }

    /// The program that is the service.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Whether a service's API answers.
    pub async fn is_serving(&self) -> bool {
        self.get("/v1/attestations").await.is_some()
    }

    /// Whether a service says that there is an attestation.
    pub async fn is_attested(&self) -> bool {
        self.attestation().await.is_some()
    }

    /// Whether a service says that the claim was delivered, finally.
    pub async fn is_done(&self) -> bool {
        let Some(id) = self.attestation().await else {
            return false;
        };
        let Some(found) = self.get(&format!("/v1/attestations/{id}")).await else {
            return false;
        };
        found["delivery"]["state"] == "done"
    }

    async fn attestation(&self) -> Option<String> {
        let listed = self.get("/v1/attestations").await?;
        Some(listed["attestations"].get(0)?["id"].as_str()?.to_owned())
    }

    async fn get(&self, path: &str) -> Option<serde_json::Value> {
        let answer = client()
            .get(format!("http://127.0.0.1:{}{path}", self.api))
            .send()
            .await;
        // A service that is dead does not answer.
        answer.ok()?.json().await.ok()
    }
}

/// Small steps, so that there is something to die in, and an API where the test can look.
fn adjust(config: &Path, api: u16, blocks_per_step: u32) {
    let text = std::fs::read_to_string(config).unwrap();
    let text = text
        .replace(
            "listen = \"127.0.0.1:0\"",
            &format!("listen = \"127.0.0.1:{api}\""),
        )
        .replace(
            "[sources.",
            &format!("max_blocks_per_step = {blocks_per_step}\n\n[sources."),
        );
    std::fs::write(config, text).unwrap();
}
