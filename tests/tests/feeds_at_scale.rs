//! What a hundred thousand live subjects cost the service: memory, and how many of them it can look at in a second.
//!
//! `cargo test --release -p tocsin-tests --test feeds_at_scale -- --ignored --nocapture` prints the figures.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::time::{Duration, Instant};

use tocsin_domain::time::Timestamp;
use tocsin_tests::life::Life;
use tocsin_tests::spot::Spot;

const SUBJECTS: u32 = 100_000;

/// Of the whole service, in kibibytes.
const MEMORY_MAX_KIB: u64 = 150 * 1024;

/// Looks a second; a day of 20,000 flights at 1,000 times its speed has 230 flights a second, each looked at some times.
const RATE_MIN: u64 = 1_400;

const PATIENCE: Duration = Duration::from_secs(600);

/// What the system says of a process, in kibibytes: its memory now, and at its greatest.
fn memory(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<u64>().unwrap()
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// How many subjects were looked at, and whether none is due any more.
async fn looked_at(spot: &Spot) -> bool {
    let Some(feeds) = spot.get("v1/feeds").await else {
        return false;
    };
    let due = feeds["feeds"]["feed:spot"]["next_due_at"].as_str();
    due.is_some_and(|due| Timestamp::parse(due).unwrap() > spot.now())
}

async fn until_looked_at(spot: &Spot) -> Duration {
    let begun = Instant::now();
    while !looked_at(spot).await {
        assert!(begun.elapsed() < PATIENCE, "{} requests", spot.asked());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and measures what only a release build has"]
async fn a_hundred_thousand_live_subjects_fit_into_memory() {
    let names: Vec<String> = (0..SUBJECTS).map(|n| format!("T{n}")).collect();
    let policies: Vec<(u32, &str)> = (0..SUBJECTS)
        .zip(names.iter().map(String::as_str))
        .collect();
    let spot = Spot::open(&policies).await;
    let mut service = Life::of(
        env!("CARGO_BIN_EXE_node").as_ref(),
        &spot.config(),
        &spot.clock(),
        spot.folder(),
    );
    let first = until_looked_at(&spot).await;
    let (now, most) = memory(service.id());
    println!(
        "import of {SUBJECTS} policies and the first look at each: {first:?}; memory {now} KiB, at most {most} KiB"
    );
    let before = spot.asked();
    spot.pass(20);
    let again = until_looked_at(&spot).await;
    let looks = u64::try_from(spot.asked() - before).unwrap();
    let rate = looks * 1_000 / u64::try_from(again.as_millis()).unwrap();
    let (now, most) = memory(service.id());
    println!(
        "{looks} more looks in {again:?}: {rate} a second; memory {now} KiB, at most {most} KiB"
    );
    assert!(service.is_running());
    assert!(most <= MEMORY_MAX_KIB, "{most} KiB");
    assert!(rate >= RATE_MIN, "{rate} looks a second");
}
