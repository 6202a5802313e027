//! A chain that takes back what was final: nothing more is signed, and only a person lets it go on.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin::clock::SystemClock;
use tocsin::command::chain::{Resume, resume};
use tocsin_tests::life::Life;
use tocsin_tests::market::{FEES, Market, Submitter, View};
use url::Url;

/// Blocks after which one is final.
const CONFIRMATIONS: u64 = 2;

const CHAIN: &str = "eip155:31337";

const PATIENCE: Duration = Duration::from_secs(30);

/// A market and a service that watches it.
struct Trial {
    market: Market,
    config: PathBuf,
    api: Url,
}

impl Trial {
    async fn begin() -> Self {
        let market = Market::open(&CONFIRMATIONS.to_string()).await;
        let (config, api) = market.write_service(&View {
            url: market.anvil.url(),
            websocket: None,
            sinks: vec![market.anvil.url()],
            submitter: Submitter::First,
            fees: FEES,
            finality: CONFIRMATIONS.to_string(),
            poll_ms: 50,
            warnings: true,
        });
        Self {
            market,
            config,
            api,
        }
    }

    fn service(&self) -> Life {
        Life::of(
            env!("CARGO_BIN_EXE_node").as_ref(),
            &self.config,
            &self.market.anvil.url(),
            self.market.folder(),
        )
    }

    /// What the API says at a path; nothing, while it does not answer.
    async fn get(&self, path: &str) -> Value {
        match reqwest::get(self.api.join(path).unwrap()).await {
            Ok(answer) => answer.json().await.unwrap(),
            Err(_not_up) => Value::Null,
        }
    }

    /// Mines until this holds.
    async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self).await {
            assert!(begun.elapsed() < PATIENCE, "not yet: {what}");
            self.market.anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_paid(&self, times: usize) {
        self.until(&format!("{times} payments"), async |trial: &Self| {
            trial.market.paid().await.len() == times
        })
        .await;
    }

    /// Waits until the service has read everything that is final.
    async fn until_read(&self) {
        let final_head = self.market.anvil.head().await - CONFIRMATIONS;
        let begun = Instant::now();
        while self.get("v1/sources").await["sources"][0]["block"] != final_head {
            assert!(begun.elapsed() < PATIENCE, "block {final_head} is not read");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Why the service is not ready.
    async fn troubles(&self) -> String {
        self.get("health/ready").await["reasons"].to_string()
    }

    async fn until_halted(&self) {
        self.until("halted", async |trial: &Self| {
            trial.troubles().await.contains("is halted since")
        })
        .await;
        let sources = self.get("v1/sources").await;
        assert!(sources["sources"][0]["halted"]["cause"]["took_back"].is_object());
    }

    /// Whether the chain goes on, and what the operator reads.
    async fn resume(&self, acknowledge: bool) -> (bool, String) {
        let asked = Resume {
            config: &self.config,
            chain: CHAIN,
            acknowledge,
        };
        let mut said = Vec::new();
        let goes_on = resume(asked, &SystemClock, &mut said).await.unwrap();
        (goes_on, String::from_utf8(said).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_takes_back_a_final_block_is_halted_until_somebody_resumes_it() {
    let mut trial = Trial::begin().await;
    let mut service = trial.service();
    trial.market.fall_and_rise().await;
    trial.until_paid(1).await;
    trial.market.anvil.mine(8).await;
    // Something that is read and will be gone.
    trial.market.post(false).await;
    trial.market.anvil.mine(4).await;
    trial.until_read().await;

    trial.market.anvil.reorganise(6).await;
    trial.until_halted().await;
    // It waits for a person, and watches on meanwhile.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(service.is_running());
    // A loss on the chain as it is now; nobody is told.
    trial.market.fall_and_rise().await;
    trial.market.anvil.mine(CONFIRMATIONS + 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(trial.market.paid().await.len(), 1);

    // A restart changes nothing.
    service.kill();
    let mut service = trial.service();
    trial.until_halted().await;
    service.kill();

    let (goes_on, said) = trial.resume(false).await;
    assert!(goes_on, "{said}");
    assert!(said.contains("1 observations"), "{said}");
    assert!(trial.resume(false).await.1.contains("is not halted"));
    let mut service = trial.service();
    trial.until_paid(2).await;
    assert_eq!(trial.troubles().await, "{}");
    assert!(service.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_was_signed_on_a_block_that_is_gone_is_never_signed_again() {
    let mut trial = Trial::begin().await;
    let mut service = trial.service();
    trial.market.anvil.mine(4).await;
    trial.market.fall_and_rise().await;
    let fallen_at = trial.market.anvil.head().await - 1;
    trial.until_paid(1).await;
    trial.until_read().await;

    let depth = trial.market.anvil.head().await - fallen_at + 1;
    trial.market.anvil.reorganise(depth).await;
    assert_eq!(trial.market.paid().await.len(), 0);
    trial.until_halted().await;
    service.kill();

    let (goes_on, said) = trial.resume(false).await;
    assert!(!goes_on, "{said}");
    assert!(said.contains("1 claim(s) were reserved"), "{said}");
    let (goes_on, said) = trial.resume(true).await;
    assert!(goes_on, "{said}");

    // The first loss event of the chain as it is now takes the place of the one that is gone, and its claim is signed for.
    let mut service = trial.service();
    trial.market.fall_and_rise().await;
    trial.market.anvil.mine(CONFIRMATIONS + 1).await;
    trial.until_read().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let listed = trial.get("v1/attestations").await;
    assert_eq!(listed["attestations"].as_array().unwrap().len(), 1);
    assert_eq!(trial.market.paid().await.len(), 0);
    // The next one is another claim.
    trial.market.fall_and_rise().await;
    trial.until_paid(1).await;
    service.kill();
}
