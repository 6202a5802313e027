//! The API over real HTTP, on a real database.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

mod api {
    mod connections;
    mod fresh;
    mod lists;
    mod requests;
    mod rest;
    mod run_time;
}

use std::sync::Arc;

use reqwest::{Response, StatusCode};
use serde_json::Value;
use tocsin_api::Api;
use tocsin_api::auth::{Auth, AuthSettings};
use tocsin_api::chains::Chains;
use tocsin_api::feeds::Feeds;
use tocsin_api::health::Health;
use tocsin_api::metrics::Metrics;
use tocsin_api::mirrors::Mirrors;
use tocsin_auth::UnixTime;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::attestation::{Epoch, QuorumSignature, SignerSet};
use tocsin_domain::cover::Cover;
use tocsin_domain::eval::Unknown;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Seconds;
use tocsin_log::{Checkpoint, SigningKey};
use tocsin_store::claim::Claims;
use tocsin_store::conformance::sample;
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::epoch::{EpochOrigin, Epochs};
use tocsin_store::log::{Appending, Log, StoredCheckpoint};
use tocsin_store::look::{Look, LookState, Looks, NewLook};
use tocsin_store::mirror::{MirrorRecord, Mirrors as _};
use tocsin_store::policy::Policies;
use tocsin_store::revocation::{ClaimNews, Standings};
use tocsin_store::step::{Polled, Step, Steps};
use tocsin_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

/// An API on an empty database, until the test ends.
async fn api(health: &Health) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    (serve(store, health).await, folder)
}

async fn serve(store: SqliteStore, health: &Health) -> String {
    serve_as(Arc::new(store), health, |_api| {}).await
}

/// The same, changed.
async fn serve_as(
    store: Arc<SqliteStore>,
    health: &Health,
    change: impl FnOnce(&mut Api),
) -> String {
    serve_until(store, health, change, std::future::pending())
        .await
        .0
}

/// The same on a store that the test goes on writing to, until `shutdown`.
async fn serve_until(
    store: Arc<SqliteStore>,
    health: &Health,
    change: impl FnOnce(&mut Api),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> (
    String,
    tokio::task::JoinHandle<Result<(), tocsin_api::ServeError>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::default();
    let now = Arc::new(|| UnixTime(0));
    let auth = Auth::new(
        AuthSettings::default(),
        Arc::clone(&store) as _,
        now,
        metrics.clone(),
    );
    let mut api = Api {
        auth,
        chains: Chains::default(),
        quorum: tocsin_api::quorum::Quorum::default(),
        feeds: Feeds::default(),
        metrics,
        store,
        health: health.clone(),
        open_reads: true,
        beside: false,
        books: None,
        open_writes: false,
        requests_per_second: None,
        webhooks: None,
        mirrors: None,
        attestor: None,
        log_key: None,
    };
    change(&mut api);
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    let served = tokio::spawn(tocsin_api::serve(listener, api, shutdown));
    (format!("http://{address}"), served)
}

/// Makes leaves of what was decided, and signs the log.
async fn log(store: &SqliteStore) {
    let appending = Appending {
        now: sample::at(1),
        limit: 99,
        coverage_every: Seconds(300),
        slack: &[],
    };
    let tree = store.append(&appending).await.unwrap().tree;
    let key = SigningKey::from_seed("log".parse().unwrap(), &[1; 32]);
    let checkpoint = Checkpoint {
        origin: "log".to_owned(),
        size: tree.size,
        root: tree.root,
    };
    let signed = StoredCheckpoint {
        size: tree.size,
        note: checkpoint.sign(&key).unwrap(),
        signed_at: sample::at(1),
    };
    store.put_checkpoint(&signed).await.unwrap();
}

async fn get(base: &str, path: &str) -> Response {
    reqwest::get(format!("{base}{path}")).await.unwrap()
}

#[tokio::test]
async fn readiness_has_reasons() {
    let health = Health::default();
    let (base, _folder) = api(&health).await;
    assert_eq!(get(&base, "/health/live").await.status(), StatusCode::OK);
    health.expect("observe eip155:1");
    health.unwell("deliver eip155:1", "the node does not answer".to_owned());
    let answer = get(&base, "/health/ready").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let said: Value = answer.json().await.unwrap();
    assert_eq!(said["ready"], false);
    assert_eq!(
        said["reasons"]["deliver eip155:1"],
        "the node does not answer"
    );
    assert_eq!(said["reasons"]["observe eip155:1"], "is starting");
    health.well("observe eip155:1");
    health.well("deliver eip155:1");
    let answer = get(&base, "/health/ready").await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem_with_a_remedy() {
    let (base, _folder) = api(&Health::default()).await;
    let nobody = format!("0x{}", "11".repeat(32));
    for (path, status, word) in [
        ("/v1/policies/1/eligibility".to_owned(), 400, "64 digits"),
        (
            format!("/v1/policies/{nobody}/eligibility"),
            404,
            "no policy",
        ),
        ("/v1/attestations/0x12".to_owned(), 400, "64 digits"),
        (format!("/v1/attestations/{nobody}"), 404, "no attestation"),
        (
            format!("/v1/attestations/{nobody}/evidence"),
            404,
            "no attestation",
        ),
        ("/v1/responses/0x12".to_owned(), 400, "64 digits"),
        (format!("/v1/responses/{nobody}"), 404, "not any more"),
        (
            format!("/v1/responses/{nobody}/fetches"),
            404,
            "not any more",
        ),
        (
            "/v1/feeds/feed:x/subjects/flight:UA1/2013-01-01/EWR".to_owned(),
            404,
            "feed:x is not asked about flight:UA1/2013-01-01/EWR",
        ),
        ("/v2".to_owned(), 404, "nothing at this path"),
    ] {
        let answer = get(&base, &path).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], status, "{path}");
        assert!(
            problem["detail"].as_str().unwrap().contains(word),
            "{path}: {problem}"
        );
    }
    let covers: Value = get(&base, "/v1/covers").await.json().await.unwrap();
    assert_eq!(covers["covers"], serde_json::json!([]));
}

const GUARDED: &str = r#"
name = "c"
title = "C"
version = 1
[inputs.x]
metric = "price"
subject = "s"
source = "feed:desk"
[trigger]
when = "x < 1"
[payout]
fraction = "0.0247"
[guards]
calm    = "x > 0"
settled = "change(x, 1d) == 0"
deep    = "x < 0.5"
"#;

#[tokio::test]
async fn guards_are_shown_by_name_and_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let cover = Cover::parse(GUARDED).unwrap().0;
    let risk = Risk::new(cover.terms_hash, "s".to_owned(), None, sample::at(0));
    let record = RiskRecord {
        risk: risk.clone(),
        streams: vec![sample::stream(0, 0)],
        initial_state: Vec::new(),
    };
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &[record]).await.unwrap();
    let policy = sample::policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&policy))
        .await
        .unwrap();
    let mut loss = sample::determination(&risk, 1, 100);
    let unknown = Unknown::NotCovered { input: 0 };
    // In the order of their names: calm, deep, settled.
    loss.guards = vec![Ok(true), Ok(false), Err(unknown)];
    let step = Step {
        determinations: vec![loss.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    store
        .add_claims(&[sample::claim(&policy, &loss)])
        .await
        .unwrap();
    log(&store).await;

    let base = serve(store, &Health::default()).await;
    let path = format!("/v1/policies/{}/eligibility", policy.id);
    let said: Value = get(&base, &path).await.json().await.unwrap();
    let claim = &said["claims"][0];
    assert_eq!(
        claim["determination"]["guards"],
        serde_json::json!([
            { "name": "calm", "holds": true },
            { "name": "deep", "holds": false },
            { "name": "settled", "holds": null, "reason": "not enough of the window over `x` is known" },
        ])
    );
    assert_eq!(claim["determination"]["settled_at"], loss.settled_at.0);
    for asked in [
        format!("policy={}", policy.id),
        format!("risk={}", risk.id),
        format!("holder={:#x}", policy.holder),
    ] {
        let path = format!("/v1/eligibility?{asked}");
        let found: Value = get(&base, &path).await.json().await.unwrap();
        let chain = &found["eligibility"][0];
        assert_eq!(chain["claims"], said["claims"], "{found}");
        let leaves = chain["log"]["leaves"].as_array().unwrap();
        let kinds: Vec<&str> = leaves
            .iter()
            .map(|leaf| leaf["says"]["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["risk", "policy", "determination", "claim"]);
    }
    let sentences: Vec<&str> = claim["sentences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sentence| sentence.as_str().unwrap())
        .collect();
    assert!(
        sentences.contains(&"The guard `deep` did not hold; guards decide nothing."),
        "{sentences:?}"
    );
}

/// A subject that a person left unknown is not one on which nothing happened.
#[tokio::test]
async fn what_was_left_unknown_is_no_denial() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let cover = Cover::parse(GUARDED).unwrap().0;
    let risk = Risk::new(cover.terms_hash, "s".to_owned(), None, sample::at(0));
    let stream = sample::stream(0, 0);
    let record = RiskRecord {
        risk: risk.clone(),
        streams: vec![stream.clone()],
        initial_state: Vec::new(),
    };
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &[record]).await.unwrap();
    let policy = sample::policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&policy))
        .await
        .unwrap();
    let new = NewLook {
        source: stream.source.clone(),
        subject: stream.subject.clone(),
        due_at: sample::at(1),
    };
    store.add_looks(std::slice::from_ref(&new)).await.unwrap();
    let mut said = sample::observation(&stream, 5, 5, "2");
    said.value = None;
    let look = Look {
        state: LookState::Over,
        due_at: None,
        watermark: Some(sample::at(5)),
        ..new.look()
    };
    let step = Step {
        observations: vec![said],
        polled: Polled {
            looks: vec![look],
            ..Polled::default()
        },
        ..Step::default()
    };
    store.commit(&step).await.unwrap();

    let base = serve(store, &Health::default()).await;
    let path = format!("/v1/policies/{}/eligibility", policy.id);
    let said: Value = get(&base, &path).await.json().await.unwrap();
    assert_eq!(said["outlook"]["decided"], "cannot_be_known");
    let sentence = said["outlook"]["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("cannot be known: x is not known, and would have to be less than 1"),
        "{sentence}"
    );
}

/// Where an attestation has no mirror, the answer says which of the reasons it is: whoever asks has to do something else in
/// each case.
#[tokio::test]
async fn a_mirror_that_is_not_there_is_missing_for_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"))
        .await
        .unwrap();
    let store = Arc::new(store);
    let paid = sample::store_paid(&*store, 3).await;
    let domain = sample::domain(0);
    let separator = domain.domain_separator();
    let (key, contract) = (
        sample::address("key"),
        EasContract {
            chain_id: 1,
            address: sample::address("eas"),
            version: "0.26".to_owned(),
        },
    );
    let without = serve_as(Arc::clone(&store), &Health::default(), |api| {
        api.attestor = Some(domain.into());
    })
    .await;
    let mirroring = Mirrors {
        contract: contract.clone(),
        keys: vec![key],
    };
    let with = serve_as(Arc::clone(&store), &Health::default(), |api| {
        api.attestor = Some(domain.into());
        api.mirrors = Some(mirroring);
    })
    .await;
    let missing = async |base: &str, index: usize, because: &str| {
        let id = paid[index].attestation.id;
        let answer = get(base, &format!("/v1/attestations/{id}/eas")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{because}");
        let problem: Value = answer.json().await.unwrap();
        let said = problem["detail"].as_str().unwrap();
        assert!(said.contains(because), "`{because}` is not in: {said}");
    };
    missing(&without, 0, "names no contract in [attestor] eas").await;
    missing(&with, 0, "no key in epoch 1").await;

    let epoch = Epoch::unbounded(SignerSet::new(1, 1, vec![key]).unwrap());
    let put = store.put_epochs(
        separator,
        EpochOrigin::Announced,
        std::slice::from_ref(&epoch),
    );
    put.await.unwrap();
    missing(&with, 0, "it waits to be mirrored").await;

    // One is there, and stays there whatever happens to its claim and its epoch.
    let signature = [&[0_u8; 31][..], &[1], &[0; 31], &[1], &[27]].concat();
    let mirror = MirrorRecord {
        attestation: paid[2].attestation.id,
        contract,
        signer: key,
        signature: QuorumSignature::from_bytes(&signature.try_into().unwrap()).unwrap(),
        mirrored_at: sample::at(1_000),
    };
    store.add_mirrors(&[mirror]).await.unwrap();
    let news = [0, 2].map(|index: usize| ClaimNews {
        claim_key: paid[index].attestation.claim_key,
        consumed: false,
        hold: None,
        min_revision: 1,
    });
    store.put_standings(separator, None, &news).await.unwrap();
    missing(&with, 0, "it was revoked before it was mirrored").await;
    missing(&with, 1, "it waits to be mirrored").await;

    let revoked = [Epoch {
        revoked: true,
        ..epoch
    }];
    let put = store.put_epochs(separator, EpochOrigin::Announced, &revoked);
    put.await.unwrap();
    missing(&with, 1, "epoch 1, which has signed it, was revoked").await;
    missing(&with, 0, "it was revoked before it was mirrored").await;
    let id = paid[2].attestation.id;
    let answer = get(&with, &format!("/v1/attestations/{id}/eas")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["signer"], key.to_checksum(None));
}
