//! A process that is killed while it journals what may be signed: what it was told is there, and no key ever holds two
//! different contents, however many lives it takes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::{Reservation, Reservations};
use tocsin_store::conformance::sample::{
    cover, determination, payload, policy, reservation, risk, stream,
};
use tocsin_store_sqlite::SqliteStore;

const POLICIES: u64 = 3;

/// Of each policy, in turn: contents that change with each life, in epochs that change with each call.
fn wanted(life: u64, call: u64) -> Vec<Reservation> {
    let risk = risk(&cover(0), 0, &[stream(0, 0)]).risk;
    let decided = determination(&risk, 1, 100);
    (0..POLICIES)
        .map(|number| {
            let said = ClaimAttestation {
                payoutFraction: life + number,
                signerEpoch: u32::try_from(call).unwrap(),
                ..payload(&policy(&risk, number), &decided)
            };
            reservation(0, &said)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_signer_never_says_two_things() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tocsin.db");
    let mut journaled = 0;
    for (life, delay_millis) in (1..).zip([0, 7, 19, 31, 61]) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "journal_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_ref().unwrap(), "{life} {}", path.display()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = next_call(&mut lines).unwrap();
        tokio::time::sleep(Duration::from_millis(delay_millis)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(call) = next_call(&mut lines) {
            told = call;
        }
        let before = journaled;
        journaled = check(&path).await;
        if life == 1 {
            assert!(
                journaled == told || journaled == told + 1,
                "{told}, {journaled}"
            );
        }
        assert!(journaled >= before);
    }
}

/// How many statements each key has.
async fn check(path: &Path) -> usize {
    let store = SqliteStore::open(path).await.unwrap();
    let mut counts = BTreeSet::new();
    for first in wanted(1, 1) {
        let statements = store
            .statements(first.domain_separator, first.claim_key)
            .await
            .unwrap();
        let contents: BTreeSet<u64> = statements
            .iter()
            .map(|one| {
                ClaimAttestation::from_bytes(&one.payload)
                    .unwrap()
                    .payoutFraction
            })
            .collect();
        assert_eq!(contents.len(), 1, "{contents:?}");
        counts.insert(statements.len());
    }
    store.close().await;
    assert_eq!(counts.len(), 1, "a call is journaled whole: {counts:?}");
    counts.pop_first().unwrap()
}

fn next_call(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Option<usize> {
    lines.find_map(|line| line.unwrap().strip_prefix("journaled ")?.parse().ok())
}

#[tokio::test]
#[ignore = "is the process that the other test kills; its life and the path of the database come by standard input"]
async fn journal_until_killed() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let Some((life, path)) = line.trim_end().split_once(' ') else {
        return;
    };
    let store = SqliteStore::open(Path::new(path)).await.unwrap();
    for call in 1.. {
        store
            .restate_all(&wanted(life.parse().unwrap(), call))
            .await
            .unwrap();
        println!("journaled {call}");
    }
}
