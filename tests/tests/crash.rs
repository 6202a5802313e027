//! The service is killed (SIGKILL) at random moments, dozens of times, from the first block to the final receipt. The
//! holder is paid exactly once, and what was decided and signed is, byte for byte, what an undisturbed run decides and
//! signs.

use std::time::{Duration, Instant};

use tocsin_tests::ledger::Ledger;
use tocsin_tests::life::Life;
use tocsin_tests::random::Random;
use tocsin_tests::scene::Scene;

const KILLS: u32 = 40;
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_again_and_again_pays_once_and_decides_the_same() {
    // One block a step, so that there is something to be killed in.
    let scene = Scene::set(env!("CARGO_BIN_EXE_node"), 1).await;
    let undisturbed = undisturbed_run(&scene).await;
    scene.begin_again().await;
    let disturbed = disturbed_run(&scene).await;

    assert_eq!(disturbed, undisturbed);
    assert_eq!(disturbed.attestations.len(), 1);
}

async fn undisturbed_run(scene: &Scene) -> Ledger {
    let mut node = Life::start(scene);
    let mut miner = Miner::new(scene);
    let begun = Instant::now();
    while !scene.is_done().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "the undisturbed run did not finish"
        );
        assert!(node.is_running(), "the node ended by itself");
        miner.turn().await;
    }
    node.kill();
    scene.assert_paid_once().await;
    Ledger::read(&scene.layout().config()).await
}

async fn disturbed_run(scene: &Scene) -> Ledger {
    let mut random = Random::new();
    let mut miner = Miner::new(scene);
    let (mut early, mut late) = (0, 0);
    for kill in 0..KILLS {
        let mut node = Life::start(scene);
        let life = Duration::from_millis(u64::from(random.below(1_100)));
        let born = Instant::now();
        while born.elapsed() < life {
            miner.turn().await;
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
    let mut node = Life::start(scene);
    let begun = Instant::now();
    while !scene.is_done().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "the disturbed run did not finish ({random})"
        );
        assert!(node.is_running(), "the node ended by itself ({random})");
        miner.turn().await;
    }
    node.kill();
    scene.assert_paid_once().await;
    Ledger::read(&scene.layout().config()).await
}

/// The time stands still until the attestation is signed, so that both runs sign at the same time; then blocks come.
struct Miner<'a> {
    scene: &'a Scene,
    seen_attestation: bool,
    last_block: Instant,
}

impl<'a> Miner<'a> {
    const BLOCK_EVERY: Duration = Duration::from_millis(400);

    fn new(scene: &'a Scene) -> Self {
        Self {
            scene,
            seen_attestation: false,
            last_block: Instant::now(),
        }
    }

    async fn turn(&mut self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.seen_attestation = self.seen_attestation || self.scene.is_attested().await;
        if self.seen_attestation && self.last_block.elapsed() >= Self::BLOCK_EVERY {
            self.scene.mine().await;
            self.last_block = Instant::now();
        }
    }
}
