//! The service dies around every single commit, on a schedule that leaves little to chance: before a write is made and
//! after it is durable, one write further at a time, while the clock goes on. The holder is paid exactly once, what was
//! reserved is what was signed, and the books are those of an undisturbed run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own steps: what cannot be done is a failed test"
)]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use tocsin::command::{evidence, verify};
use tocsin::config::Config;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::{AttestationRecord, Reservation, Reservations, Reserved};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::ledger::Ledger;
use tocsin_tests::life::Life;
use tocsin_tests::mortal::{Death, Side, Told};
use tocsin_tests::scene::Scene;

/// A life in which nothing is written for so long waits for a block.
const QUIET: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(50);

/// Every life begins with these two, which say again what is stored.
const AT_START: [&str; 2] = ["add_cover", "add_policies"];
/// The other writes of a claim that is paid. (`put_back` and `give_up` are for those that are not.)
const OF_THE_CLAIM: [&str; 8] = [
    "commit",
    "add_claims",
    "reserve",
    "add_attestations",
    "take_nonce",
    "add_attempt",
    "charge",
    "finish",
];

/// SIGABRT, which is how a process ends that ends itself.
const ABORTED: i32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_around_every_commit_pays_once_and_signs_what_it_reserved() {
    let mut scene = Scene::set(env!("CARGO_BIN_EXE_node"), 6).await;
    let (calm, writes) = undisturbed_run(&scene).await;
    scene.begin_again().await;

    let deaths = die_until_delivered(&scene).await;
    let lives: u32 = deaths.values().sum();
    println!("undisturbed: {writes} writes; then {lives} lives that died:");
    for (told, times) in &deaths {
        println!("{times:3} {told}");
    }
    last_life(&scene).await;

    for write in AT_START.iter().chain(&OF_THE_CLAIM) {
        for side in [Side::Before, Side::After] {
            let told = Told {
                side,
                write: (*write).to_owned(),
            };
            assert!(
                deaths.contains_key(&told),
                "nobody died {told:?}: {deaths:#?}"
            );
        }
    }
    assert!(lives > writes, "{lives} deaths around {writes} writes");
    scene.assert_paid_once().await;
    assert_eq!(scene.transactions_sent().await, 1);
    let books = Ledger::read(&scene.layout().config()).await;
    assert_same_books(&calm, &books);
    assert_reserved(&scene, &books.attestations[0]).await;
    assert_evidence_verifies(&scene).await;
}

/// The books, and how many writes they took.
async fn undisturbed_run(scene: &Scene) -> (Ledger, u32) {
    let mut life = Life::until(scene, &Death::NEVER);
    let told = live(scene, &mut life, Until::Delivered).await;
    life.kill();
    scene.assert_paid_once().await;
    let made = told.iter().filter(|told| told.side == Side::After).count();
    (
        Ledger::read(&scene.layout().config()).await,
        u32::try_from(made).unwrap(),
    )
}

/// Lives that die, until one has made the last write of the claim. Returns who died where, and how often.
async fn die_until_delivered(scene: &Scene) -> BTreeMap<Told, u32> {
    let mut deaths = BTreeMap::new();
    // While the database is empty, the first three writes are more than a repetition.
    for nth in 1..=3 {
        for side in [Side::Before, Side::After] {
            count(&mut deaths, die(scene, &Death::at(side, nth)).await);
        }
    }
    // What comes next is lost twice and then made, once and no more: each of these lives begins in the next window.
    let begun = Instant::now();
    let mut reserved = false;
    while !reserved {
        assert!(begun.elapsed() < PATIENCE, "not reserved: {deaths:#?}");
        for side in [Side::Before, Side::Before, Side::After] {
            let death = die(scene, &Death::at(side, 3)).await;
            // A retry comes at another time than what it retries.
            if death.write != "commit" {
                scene.mine().await;
            }
            reserved = side == Side::After && death.write == "reserve";
            count(&mut deaths, death);
        }
    }
    // From here on there are new blocks to be read too, and which write is the third is a matter of luck. The reservation
    // is asked for again, at ever later times, until its attestation is stored.
    for name in [
        "reserve",
        "add_attestations",
        "take_nonce",
        "add_attempt",
        "charge",
        "finish",
    ] {
        for side in [Side::Before, Side::Before, Side::After] {
            let death = die(scene, &Death::at_first(side, name)).await;
            assert_eq!(death.write, name);
            count(&mut deaths, death);
            scene.mine().await;
        }
    }
    deaths
}

fn count(deaths: &mut BTreeMap<Told, u32>, death: Told) {
    *deaths.entry(death).or_default() += 1;
}

/// One life, and where it died.
async fn die(scene: &Scene, death: &Death) -> Told {
    let mut life = Life::until(scene, death);
    let told = live(scene, &mut life, Until::Dead).await;
    told.last().unwrap().clone()
}

/// The life after the last death: everything that is left to do is done, and that is not much.
async fn last_life(scene: &Scene) {
    let mut life = Life::until(scene, &Death::NEVER);
    let told = live(scene, &mut life, Until::Delivered).await;
    life.kill();
    for told in told {
        let write = told.write.as_str();
        assert!(
            AT_START.contains(&write) || write == "commit",
            "{write} after the delivery was done"
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Dead,
    /// And nothing more is written.
    Delivered,
}

/// Watches a life, and mines a block whenever it waits for one. Returns what its store told.
async fn live(scene: &Scene, life: &mut Life, until: Until) -> Vec<Told> {
    let mut told = Vec::new();
    let born = Instant::now();
    let mut quiet_since = born;
    loop {
        assert!(born.elapsed() < PATIENCE, "stuck after {told:?}");
        if let Some(status) = life.ended() {
            assert_eq!(
                status.signal(),
                Some(ABORTED),
                "it ended otherwise ({status}), after {told:?}"
            );
            assert!(until == Until::Dead);
            told.extend(life.last_words());
            return told;
        }
        let news = life.news();
        if !news.is_empty() {
            quiet_since = Instant::now();
        }
        told.extend(news);
        if quiet_since.elapsed() >= QUIET && scene.is_serving().await {
            if until == Until::Delivered && scene.is_done().await {
                return told;
            }
            scene.mine().await;
            quiet_since = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Equal but for what the clock said meanwhile: when it was decided, issued, signed.
fn assert_same_books(calm: &Ledger, books: &Ledger) {
    assert_eq!(books.observations, calm.observations);
    assert_eq!(books.determinations.len(), calm.determinations.len());
    for (mine, calm) in books.determinations.iter().zip(&calm.determinations) {
        let mut mine = mine.clone();
        mine.determined_at = calm.determined_at;
        assert_eq!(mine, *calm);
    }
    assert_eq!(books.claims, calm.claims);
    assert_eq!(books.delivered, vec![true]);
    let ([mine], [calm]) = (books.attestations.as_slice(), calm.attestations.as_slice()) else {
        panic!("one attestation each: {books:?} {calm:?}");
    };
    assert_eq!(
        (
            mine.domain_separator,
            mine.claim_key,
            mine.policy,
            mine.risk,
            mine.ordinal
        ),
        (
            calm.domain_separator,
            calm.claim_key,
            calm.policy,
            calm.risk,
            calm.ordinal
        )
    );
    let mut mine = payload(mine);
    let calm = payload(calm);
    mine.issuedAt = calm.issuedAt;
    mine.validAfter = calm.validAfter;
    mine.validUntil = calm.validUntil;
    assert_eq!(mine, calm);
}

/// What was signed is what was reserved first, although the service that signed it lived at a later time.
async fn assert_reserved(scene: &Scene, record: &AttestationRecord) {
    let signed = payload(record);
    let issued_at = i64::try_from(signed.issuedAt).unwrap();
    assert!(issued_at < record.attested_at.0, "the clock stood still");
    let config = Config::load(&scene.layout().config()).unwrap();
    let domain = config.attestor.unwrap().domain;
    assert_eq!(domain.digest(&signed), record.id);
    // Asked for the same claim at yet another time, the store says what it holds.
    let mut asked = signed.clone();
    asked.issuedAt += 1;
    let reservation = Reservation {
        domain_separator: record.domain_separator,
        claim_key: record.claim_key,
        attestation_id: domain.digest(&asked),
        payload: asked.to_bytes(),
    };
    let store = SqliteStore::open(&config.database).await.unwrap();
    let reserved = store.reserve(&reservation).await.unwrap();
    store.close().await;
    let held = Reservation {
        attestation_id: record.id,
        payload: record.payload.clone(),
        ..reservation
    };
    assert_eq!(reserved, Reserved::Identical(held));
}

async fn assert_evidence_verifies(scene: &Scene) {
    let layout = scene.layout();
    let exported = evidence::export_all(&layout.config(), &layout.evidence())
        .await
        .unwrap();
    assert_eq!(exported.len(), 1);
    let report = verify::check(&exported[0].path, &[]).unwrap();
    assert!(report.is_valid(), "{report:?}");
}

fn payload(record: &AttestationRecord) -> ClaimAttestation {
    ClaimAttestation::from_bytes(&record.payload).unwrap()
}
