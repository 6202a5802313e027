//! A service on a database that is not the one that it signed last, or without what shows which that was: it signs nothing and
//! attests nothing, says why, and goes on once a person has said openly what is to be.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tocsin::clock::SystemClock;
use tocsin::command::log::origin;
use tocsin::config::Config;
use tocsin::service;
use tocsin::supervisor::Shutdown;
use tocsin_log::{Checkpoint, Note};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample::{at, store_reserved};
use tocsin_store::log::{Audit, AuditEntry, Log};
use tocsin_store_sqlite::SqliteStore;

use crate::Place;

const KEY: &str = "tocsin.db.log-key";
const SIGNED: &str = "tocsin.db.log-key.signed";

async fn act(store: &SqliteStore, subject: &str) {
    let entry = AuditEntry {
        at: at(5),
        action: "note".to_owned(),
        actor: None,
        subject: subject.to_owned(),
        detail: Value::Null,
    };
    store.record(&[entry]).await.unwrap();
}

/// What readiness says once it says this.
async fn ready(place: &Place, is: impl Fn(&Value) -> bool) -> Value {
    let url = format!("{}/health/ready", place.base.trim_end_matches("/v1"));
    let mut said = Value::Null;
    for _ in 0..200 {
        if let Ok(answer) = tocsin_tests::http::client().get(&url).send().await {
            said = answer.json().await.unwrap();
            if is(&said) {
                return said;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{said}");
}

fn is_ready(said: &Value) -> bool {
    said["ready"] == true
}

async fn held(place: &Place, because: &str) {
    let says = |said: &Value| {
        said["reasons"]["log"]
            .as_str()
            .is_some_and(|reason| reason.contains(because))
    };
    let said = ready(place, says).await;
    assert_eq!(said["ready"], false, "{said}");
}

/// The service runs until it has signed all that waits.
async fn run(place: &Place, store: SqliteStore) {
    let running = place.start(store);
    ready(place, is_ready).await;
    running.stop();
}

/// The database, and what SQLite keeps beside it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["tocsin.db", "tocsin.db-wal", "tocsin.db-shm"] {
        let _gone = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

fn state(note: &str) -> Checkpoint {
    Checkpoint::try_from(&note.parse::<Note>().unwrap()).unwrap()
}

async fn signed(place: &Place) -> Checkpoint {
    let store = place.store().await;
    let signed = store.checkpoint().await.unwrap().unwrap();
    store.close().await;
    state(&signed.note)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_from_a_backup_signs_no_other_history() {
    let place = Place::new().await;
    let store = place.store().await;
    store_reserved(&store, 1).await;
    run(&place, store).await;
    let before = signed(&place).await;
    let (folder, backup) = (place.folder.path(), place.path("backup"));
    copy(folder, &backup);
    for subject in ["one", "two"] {
        let store = place.store().await;
        act(&store, subject).await;
        run(&place, store).await;
    }
    let newest = signed(&place).await;
    assert_eq!(newest.size, before.size + 2);
    assert_eq!(
        state(&std::fs::read_to_string(place.path(SIGNED)).unwrap()),
        newest
    );

    copy(&backup, folder);
    let store = place.store().await;
    for subject in ["other", "and another", "and one more"] {
        act(&store, subject).await;
    }
    let running = place.start(store);
    held(&place, "it is an older one").await;
    running.stop();
    assert_eq!(signed(&place).await, before, "nothing is signed");
    let store = place.store().await;
    let claims = store.unattested(9).await.unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(
        store.logged(claims.clone()).await.unwrap(),
        [],
        "nothing is attested"
    );
    assert_eq!(store.tree().await.unwrap().size, before.size);
    store.close().await;
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(false), "{said}");
    assert!(said.contains("it is an older one"), "{said}");

    // What a person says is said to everybody.
    let config = place.path("tocsin.toml");
    let mut out = Vec::new();
    let refused = origin::adopt(&config, "I say so", &SystemClock, &mut out).await;
    assert!(refused.is_err());
    let refused = origin::new_origin(&config, "the disk", &SystemClock, &mut out).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("one name"));
    crate::tamper(&config, "oracle.example/log", "oracle.example/log-2");
    let begun = origin::new_origin(&config, "the disk", &SystemClock, &mut out).await;
    begun.unwrap();
    assert!(place.path(KEY).exists());
    let store = place.store().await;
    run(&place, store).await;
    let now = signed(&place).await;
    assert_eq!(now.origin, "oracle.example/log-2");
    assert!(now.size > before.size);
    let store = place.store().await;
    assert_eq!(store.logged(claims.clone()).await.unwrap(), claims);
    let leaves = store.leaves(before.size, 99).await.unwrap();
    store.close().await;
    let told = leaves.iter().find(|leaf| leaf.kind == "origin").unwrap();
    let told: Value = serde_json::from_str(&told.entry).unwrap();
    assert_eq!(told["body"]["reason"], "the disk");
    assert_eq!(state(told["body"]["signed"].as_str().unwrap()), newest);
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(true), "{said}");
}

/// Between the file and the database a crash can leave either ahead: both go on as if nothing had been.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_file_and_the_database_is_harmless() {
    let place = Place::new().await;
    let store = place.store().await;
    act(&store, "one").await;
    run(&place, store).await;
    let first = std::fs::read_to_string(place.path(SIGNED)).unwrap();
    let store = place.store().await;
    act(&store, "two").await;
    run(&place, store).await;
    let newest = signed(&place).await;

    // The database is behind by its newest state; then the file is.
    let database = format!("sqlite://{}", place.path("tocsin.db").display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&database)
        .await
        .unwrap();
    sqlx::query("DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)")
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    let store = place.store().await;
    run(&place, store).await;
    assert_eq!(signed(&place).await, newest);
    std::fs::write(place.path(SIGNED), first).unwrap();
    let store = place.store().await;
    act(&store, "three").await;
    run(&place, store).await;
    assert_eq!(signed(&place).await.size, newest.size + 1);
    let (found, said) = place.audit(None, None).await;
    assert_eq!(found, Ok(true), "{said}");

    // Without the file nobody knows.
    std::fs::remove_file(place.path(SIGNED)).unwrap();
    let store = place.store().await;
    let running = place.start(store);
    held(&place, "tocsin log adopt").await;
    running.stop();
    let config = place.path("tocsin.toml");
    let mut out = Vec::new();
    origin::adopt(
        &config,
        "compared with Monday's audit",
        &SystemClock,
        &mut out,
    )
    .await
    .unwrap();
    let store = place.store().await;
    run(&place, store).await;
    assert_eq!(signed(&place).await.size, newest.size + 2);
}

/// A log that has leaves gets no other key behind everybody's back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_is_not_replaced() {
    let place = Place::new().await;
    let store = place.store().await;
    act(&store, "one").await;
    run(&place, store).await;
    let key = std::fs::read_to_string(place.path(KEY)).unwrap();
    std::fs::remove_file(place.path(KEY)).unwrap();
    let refused = async |because: &str| {
        let config = Config::load(&place.path("tocsin.toml")).unwrap();
        let store = Arc::new(place.store().await);
        let run = service::run_on(store, config, Arc::new(SystemClock), Shutdown::default());
        let error = run.await.unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
    };
    refused("put it back").await;
    assert!(!place.path(KEY).exists());
    let (found, said) = place.audit(None, None).await;
    assert!(found.is_err(), "{said}");
    assert!(crate::key(&place.path("tocsin.toml"), &mut Vec::new()).is_err());
    assert!(!place.path(KEY).exists());
    std::fs::write(place.path(KEY), "07".repeat(32)).unwrap();
    refused("put back the key").await;
    std::fs::write(place.path(KEY), key).unwrap();
    let store = place.store().await;
    run(&place, store).await;
}
