//! A process that is killed while it writes: what it was told is stored is there, and of what it was not told there is
//! all of a step or nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tocsin_domain::determination::Determination;
use tocsin_domain::observation::Observation;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Timestamp;
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{
    advance, at, cover, cursor, determination, observation, risk, source, stream,
};
use tocsin_store::cover::Covers;
use tocsin_store::step::{Polled, RiskAdvance, Step, Steps};
use tocsin_store_sqlite::SqliteStore;

fn the_risk() -> Risk {
    risk(&cover(0), 0, &[stream(0, 0)]).risk
}

/// Between 1 and 200 observations, of more than one page in most steps.
fn observations(n: u64) -> Vec<Observation> {
    let second = i64::try_from(n).unwrap();
    (0..=(n * 37) % 200)
        .map(|k| observation(&stream(0, 0), second, k, "0.99"))
        .collect()
}

fn determined(n: u64) -> Determination {
    determination(
        &the_risk(),
        u32::try_from(n).unwrap(),
        i64::try_from(n).unwrap(),
    )
}

/// Step `n` moves everything from `n - 1` to `n`.
fn step(n: u64) -> Step {
    Step {
        sources: vec![advance(0, (n > 1).then(|| n - 1), n)],
        observations: observations(n),
        risks: vec![RiskAdvance {
            risk: the_risk().id,
            version: n - 1,
            state: n.to_be_bytes().to_vec(),
            evaluated_to: at(i64::try_from(n).unwrap()),
        }],
        determinations: vec![determined(n)],
        polled: Polled::default(),
    }
}

/// The last whole step, after a look at everything that it and its predecessors wrote.
async fn check(path: &Path) -> u64 {
    let store = SqliteStore::open(path).await.unwrap();
    let snapshot = store.snapshots(&[source(0)]).await.unwrap().pop().unwrap();
    let last = snapshot.version;
    let progress = store.progress(&source(0)).await.unwrap();
    assert_eq!(
        progress.map(|progress| progress.cursor),
        (last > 0).then(|| cursor(last))
    );
    if last > 0 {
        assert_eq!(snapshot.state, last.to_be_bytes());
    }
    assert_eq!(snapshot.pending, []);
    let stored = store
        .history(&[stream(0, 0)], Timestamp(i64::MIN), Timestamp(i64::MAX))
        .await
        .unwrap();
    let expected: Vec<Observation> = (1..=last).flat_map(observations).collect();
    assert!(
        stored == expected,
        "{} observations instead of {}",
        stored.len(),
        expected.len()
    );
    let determinations = store.determinations_of(the_risk().id).await.unwrap();
    assert_eq!(
        determinations,
        (1..=last).map(determined).collect::<Vec<_>>()
    );
    store.close().await;
    last
}

/// Starts this test program as the writer.
fn start(path: &Path) -> Child {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "write_until_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_ref().unwrap(), "{}", path.display()).unwrap();
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_leaves_whole_steps() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let record = risk(&cover(0), 0, &[stream(0, 0)]);
    store.add_cover(&cover(0), &[record]).await.unwrap();
    store.close().await;

    let mut reached = 0;
    for delay_millis in [0, 3, 7, 11, 19, 23, 31, 47, 61, 73, 89, 101] {
        let mut child = start(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // From its first step on, so that it is the writing that is interrupted.
        let mut told = next_step(&mut lines).unwrap();
        tokio::time::sleep(Duration::from_millis(delay_millis)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(step) = next_step(&mut lines) {
            told = step;
        }
        let stored = check(&path).await;
        assert!(
            told > reached && (stored == told || stored == told + 1),
            "told {told}, stored {stored}"
        );
        reached = stored;
    }
}

/// The next step that the writer says is stored; `None` when it is dead.
fn next_step(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Option<u64> {
    lines.find_map(|line| line.unwrap().strip_prefix("stored ")?.parse().ok())
}

#[tokio::test]
#[ignore = "is the process that the other test kills; the path of the database comes by standard input"]
async fn write_until_killed() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    if path.is_empty() {
        return;
    }
    let store = SqliteStore::open(Path::new(path.trim_end())).await.unwrap();
    let mut reached = store.snapshots(&[source(0)]).await.unwrap()[0].version;
    loop {
        reached += 1;
        store.commit(&step(reached)).await.unwrap();
        println!("stored {reached}");
    }
}
