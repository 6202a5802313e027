//! The service is killed (SIGKILL) at random moments, dozens of times, from the first block to the final receipt. The
//! holder is paid exactly once, and what was decided and signed is, byte for byte, what an undisturbed run decides and
//! signs.

use std::time::{Duration, Instant};

use tocsin_tests::ledger::Ledger;
use tocsin_tests::life::Life;
use tocsin_tests::random::Random;
use tocsin_tests::scene::Scene;

/// Kills before the attestation is signed, and after; fewer than [`EARLY_ENOUGH`] before it prove too little.
const EARLY: u32 = 20;
const LATE: u32 = 20;
const EARLY_ENOUGH: u32 = 5;
/// How long a life lasts at most once the attestation is signed: a few blocks.
const LATE_LIFE: Duration = Duration::from_millis(1_100);
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_again_and_again_pays_once_and_decides_the_same() {
    // One block a step, so that there is something to be killed in.
    let mut scene = Scene::set(env!("CARGO_BIN_EXE_node"), 1).await;
    let (undisturbed, took) = undisturbed_run(&scene).await;
    let mut random = Random::new();
    let mut early_life = took;
    let disturbed = loop {
        scene.begin_again().await;
        if let Some(ledger) = disturbed_run(&scene, &mut random, early_life).await {
            break ledger;
        }
        // A machine that is faster now than it was: shorter lives, so that the attestation takes several of them.
        early_life /= 2;
    };

    assert_eq!(disturbed, undisturbed, "({random})");
    assert_eq!(disturbed.attestations.len(), 1);
}

/// The books, and how long it took to the attestation.
async fn undisturbed_run(scene: &Scene) -> (Ledger, Duration) {
    let begun = Instant::now();
    let mut miner = Miner::new(scene);
    let mut node = Life::start(scene);
    let mut attested_after = None;
    while !scene.is_done().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "the undisturbed run did not finish"
        );
        assert!(node.is_running(), "the node ended by itself");
        miner.turn().await;
        if miner.seen_attestation {
            attested_after.get_or_insert(begun.elapsed());
        }
    }
    node.kill();
    scene.assert_paid_once().await;
    let took = attested_after.unwrap_or_else(|| begun.elapsed());
    (Ledger::read(&scene.layout().config()).await, took)
}

/// The books of a run that was killed before and after the attestation; `None` if it was signed before there were enough
/// kills to prove anything.
async fn disturbed_run(scene: &Scene, random: &mut Random, early_life: Duration) -> Option<Ledger> {
    let mut miner = Miner::new(scene);
    let mut early = 0;
    while early < EARLY && !miner.seen_attestation {
        live(scene, &mut miner, random, early_life).await;
        early += u32::from(!miner.seen_attestation);
    }
    if early < EARLY_ENOUGH {
        return None;
    }
    let mut late = 0;
    while late < LATE {
        live(scene, &mut miner, random, LATE_LIFE).await;
        late += u32::from(miner.seen_attestation);
    }
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
    Some(Ledger::read(&scene.layout().config()).await)
}

/// One life of random length, ended by SIGKILL.
async fn live(scene: &Scene, miner: &mut Miner<'_>, random: &mut Random, longest: Duration) {
    let milliseconds = u32::try_from(longest.as_millis())
        .unwrap_or(u32::MAX)
        .max(1);
    let life = Duration::from_millis(u64::from(random.below(milliseconds)));
    let mut node = Life::start(scene);
    let born = Instant::now();
    while born.elapsed() < life {
        miner.turn().await;
    }
    assert!(node.is_running(), "the node ended by itself ({random})");
    node.kill();
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
