//! A service that dies around the two writes of its log, appending and signing: its tree goes on as it was, no leaf is
//! there twice, and every state that was ever signed is a beginning of it.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tocsin_log::{Checkpoint, Edge, Note, leaf_hash};
use tocsin_store::conformance::sample::{at, store_paid};
use tocsin_store::log::{Audit, AuditEntry, Leaf, Log};
use tocsin_tests::life::Life;
use tocsin_tests::mortal::{Death, Side};
use tokio::net::TcpListener;
use url::Url;

use crate::Place;

/// SIGABRT, which is how a process ends that ends itself.
const ABORTED: i32 = 6;
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands still.
async fn clock() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let now = at(1_000).0.to_string();
    let router = Router::new().route("/clock", get(move || std::future::ready(now.clone())));
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/clock").parse().unwrap()
}

/// One life, which ends itself.
async fn die(place: &Place, clock: &Url, death: &Death) {
    let program = Path::new(env!("CARGO_BIN_EXE_node"));
    let (config, folder) = (place.path("tocsin.toml"), place.folder.path());
    let mut life = Life::of_until(program, &config, clock, folder, death);
    let born = Instant::now();
    loop {
        assert!(born.elapsed() < PATIENCE, "nobody died at {death}");
        if let Some(status) = life.ended() {
            assert_eq!(status.signal(), Some(ABORTED), "{status} at {death}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The leaves, and the newest signed state.
async fn read(place: &Place) -> (Vec<Leaf>, Option<Checkpoint>) {
    let store = place.store().await;
    let leaves = store.leaves(0, 1_000).await.unwrap();
    let signed = store.checkpoint().await.unwrap();
    store.close().await;
    let signed = signed.map(|signed| {
        let note: Note = signed.note.parse().unwrap();
        Checkpoint::try_from(&note).unwrap()
    });
    (leaves, signed)
}

async fn act(place: &Place, number: usize) {
    let store = place.store().await;
    let entry = AuditEntry {
        at: at(5),
        action: "note".to_owned(),
        actor: None,
        subject: format!("act {number}"),
        detail: serde_json::json!({}),
    };
    store.record(&[entry]).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_dies_between_appending_and_signing_goes_on_with_the_same_tree() {
    let place = Place::new().await;
    let store = place.store().await;
    store_paid(&store, 3).await;
    store.close().await;
    let clock = clock().await;
    let (mut leaves, mut states) = (Vec::new(), Vec::new());
    let deaths = [
        (Side::Before, "append", false),
        (Side::After, "append", true),
        (Side::Before, "put_checkpoint", true),
        (Side::After, "put_checkpoint", false),
        (Side::After, "append", true),
    ];
    for (number, (side, write, unsigned)) in deaths.into_iter().enumerate() {
        act(&place, number).await;
        die(&place, &clock, &Death::at_first(side, write)).await;
        let (now, signed) = read(&place).await;
        assert!(now.starts_with(&leaves), "{side} {write}: the tree forked");
        let size = signed.as_ref().map_or(0, |signed| signed.size);
        let left = u64::try_from(now.len()).unwrap() - size;
        assert_eq!(left > 0, unsigned, "{side} {write}: {left} leaves unsigned");
        states.extend(signed);
        leaves = now;
    }
    let running = place.start(place.store().await);
    // As far as the leaves go that the dead have left.
    let all = u64::try_from(leaves.len()).unwrap();
    let begun = Instant::now();
    loop {
        let note = place.get("/log/checkpoint").await.text().await.unwrap();
        let note: Note = note.parse().unwrap();
        if Checkpoint::try_from(&note).unwrap().size == all {
            break;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "nobody signs what the dead have left"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop();
    let (now, signed) = read(&place).await;
    assert_eq!(now, leaves);
    states.extend(signed);
    let once: BTreeSet<_> = now
        .iter()
        .map(|leaf| (&leaf.kind, &leaf.subject, leaf.ordinal))
        .collect();
    assert_eq!(once.len(), now.len(), "a leaf is there twice: {now:#?}");
    assert!(states.len() > 2);
    for state in states {
        let mut edge = Edge::default();
        let begins = now.iter().take(usize::try_from(state.size).unwrap());
        let hashes: Vec<_> = begins
            .map(|leaf| leaf_hash(leaf.entry.as_bytes()))
            .collect();
        edge.append(&hashes).unwrap();
        assert_eq!(
            edge.root(),
            state.root,
            "a state was signed of another tree"
        );
    }
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(true), "{said}");
}
