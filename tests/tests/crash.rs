//! The service is killed (SIGKILL) at random moments, dozens of times, from the first block to the final receipt. The
//! holder is paid exactly once, and what was decided and signed is, byte for byte, what an undisturbed run decides and
//! signs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alloy::primitives::U256;
use tocsin::demo::{Chain, Deployed, Layout, ROUNDS, Secrets, write_service};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_tests::anvil;
use tocsin_tests::ledger::Ledger;
use tocsin_tests::random::Random;

const KILLS: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(120);
/// 0.0247 of 10,000 with six decimals.
const PAYOUT: u64 = 247_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_again_and_again_pays_once_and_decides_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let chain = Chain::start(&anvil::binary(), Timestamp(1_677_715_200))
        .await
        .unwrap();
    let secrets = Secrets::generate(&layout).unwrap();
    let deployed = chain.deploy(&layout, &secrets).await.unwrap();
    let policy = chain.buy(&deployed).await.unwrap();
    let api = anvil::free_port();
    let from_block = chain.head_number().await.unwrap() + 1;
    write_service(&layout, &chain.url(), &deployed, &policy, from_block, 50).unwrap();
    slow_down(&layout.config(), api);
    for round in ROUNDS {
        chain.post(&deployed, round).await.unwrap();
    }
    let before = chain.snapshot().await.unwrap();

    let undisturbed = undisturbed_run(&layout, &chain, &deployed, api).await;
    remove_database(folder.path());
    chain.revert(before).await.unwrap();
    assert_eq!(chain.holder_received(&deployed).await.unwrap(), U256::ZERO);
    let disturbed = disturbed_run(&layout, &chain, &deployed, api).await;

    assert_eq!(disturbed, undisturbed);
    assert_eq!(disturbed.attestations.len(), 1);
}

async fn undisturbed_run(layout: &Layout, chain: &Chain, deployed: &Deployed, api: u16) -> Ledger {
    let mut node = Node::start(layout, chain);
    let mut miner = Miner::new(chain).await;
    let begun = Instant::now();
    while !is_done(api).await {
        assert!(
            begun.elapsed() < PATIENCE,
            "the undisturbed run did not finish"
        );
        assert!(node.is_running(), "the node ended by itself");
        miner.turn(api).await;
    }
    node.kill();
    assert_paid_once(chain, deployed).await;
    Ledger::read(&layout.config()).await
}

async fn disturbed_run(layout: &Layout, chain: &Chain, deployed: &Deployed, api: u16) -> Ledger {
    let mut random = Random::new();
    let mut miner = Miner::new(chain).await;
    let (mut early, mut late) = (0, 0);
    for kill in 0..KILLS {
        let mut node = Node::start(layout, chain);
        let life = Duration::from_millis(u64::from(random.below(1_100)));
        let born = Instant::now();
        while born.elapsed() < life {
            miner.turn(api).await;
        }
        assert!(
            node.is_running(),
            "the node ended by itself, in life {kill} ({random})"
        );
        node.kill();
        *(if miner.seen_attestation {
            &mut late
        } else {
            &mut early
        }) += 1;
    }
    assert!(
        early > 0 && late > 0,
        "kills before and after the attestation: {early}, {late} ({random})"
    );
    let mut node = Node::start(layout, chain);
    let begun = Instant::now();
    while !is_done(api).await {
        assert!(
            begun.elapsed() < PATIENCE,
            "the disturbed run did not finish ({random})"
        );
        assert!(node.is_running(), "the node ended by itself ({random})");
        miner.turn(api).await;
    }
    node.kill();
    assert_paid_once(chain, deployed).await;
    Ledger::read(&layout.config()).await
}

async fn assert_paid_once(chain: &Chain, deployed: &Deployed) {
    let payments = chain.payments(deployed).await.unwrap();
    assert_eq!(payments, vec![U256::from(PAYOUT)]);
}

/// One block a step, so that there is something to be killed in, and an API where the test can look.
fn slow_down(config: &Path, api: u16) {
    let text = std::fs::read_to_string(config).unwrap();
    let text = text
        .replace(
            "listen = \"127.0.0.1:0\"",
            &format!("listen = \"127.0.0.1:{api}\""),
        )
        .replace("[sources.", "max_blocks_per_step = 1\n\n[sources.");
    std::fs::write(config, text).unwrap();
}

fn remove_database(folder: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = folder.join(format!("tocsin.db{suffix}"));
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// The time stands still until the attestation is signed, so that both runs sign at the same time; then blocks come.
struct Miner<'a> {
    chain: &'a Chain,
    now: Timestamp,
    seen_attestation: bool,
    last_block: Instant,
}

impl<'a> Miner<'a> {
    const BLOCK_EVERY: Duration = Duration::from_millis(400);

    async fn new(chain: &'a Chain) -> Self {
        Self {
            chain,
            now: chain.head_time().await.unwrap(),
            seen_attestation: false,
            last_block: Instant::now(),
        }
    }

    async fn turn(&mut self, api: u16) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.seen_attestation = self.seen_attestation || attestation(api).await.is_some();
        if self.seen_attestation && self.last_block.elapsed() >= Self::BLOCK_EVERY {
            self.now = self.now + Seconds(12);
            self.chain.mine(self.now).await.unwrap();
            self.last_block = Instant::now();
        }
    }
}

struct Node(Child);

impl Node {
    fn start(layout: &Layout, chain: &Chain) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_node"))
            .arg(layout.config())
            .arg(chain.url().as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .env("RUST_LOG", "error")
            .spawn()
            .unwrap();
        Self(child)
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

async fn get(api: u16, path: &str) -> Option<serde_json::Value> {
    let answer = reqwest::get(format!("http://127.0.0.1:{api}{path}")).await;
    // A node that was killed does not answer.
    answer.ok()?.json().await.ok()
}

async fn attestation(api: u16) -> Option<String> {
    let listed = get(api, "/v1/attestations").await?;
    Some(listed["attestations"].get(0)?["id"].as_str()?.to_owned())
}

async fn is_done(api: u16) -> bool {
    let Some(id) = attestation(api).await else {
        return false;
    };
    let Some(found) = get(api, &format!("/v1/attestations/{id}")).await else {
        return false;
    };
    found["delivery"]["state"] == "done"
}
