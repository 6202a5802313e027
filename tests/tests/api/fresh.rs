//! Answers that are kept are never old ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tocsin_api::health::Health;
use tocsin_domain::cover::Cover;
use tocsin_domain::risk::Risk;
use tocsin_store::conformance::sample::{advance, at, policy, stream};
use tocsin_store::cover::{CoverRecord, Covers, RiskRecord};
use tocsin_store::policy::Policies;
use tocsin_store::step::{Step, Steps};
use tocsin_store_sqlite::SqliteStore;
use tokio::task::JoinSet;

/// Commits, each of which everybody has to see.
const COMMITS: u64 = 60;

fn step(to: u64) -> Step {
    Step {
        sources: vec![advance(0, (to > 1).then(|| to - 1), to)],
        ..Step::default()
    }
}

/// How far the answer says that the source was read; 0 while it was not.
async fn seen(http: &Client, url: &str) -> u64 {
    let said: Value = http.get(url).send().await.unwrap().json().await.unwrap();
    let said = said.get("eligibility").map_or(&said, |list| &list[0]);
    let until = said["seen_until"].as_object().unwrap().values().next();
    let until = until.unwrap().as_str().map(str::to_owned);
    (1..=COMMITS)
        .find(|to| until == Some(advance(0, None, *to).to.watermark.to_string()))
        .unwrap_or(0)
}

/// Readers of one answer in a crowd, while it changes: whoever asks after a commit is told of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_told_of_every_commit_at_once() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db")).await;
    let store = Arc::new(store.unwrap());
    let cover = Cover::parse(crate::GUARDED).unwrap().0;
    let risk = Risk::new(cover.terms_hash, "s".to_owned(), None, at(0));
    let record = RiskRecord {
        risk: risk.clone(),
        streams: vec![stream(0, 0)],
        initial_state: Vec::new(),
    };
    let terms = CoverRecord {
        terms_hash: cover.terms_hash,
        name: cover.name,
        version: cover.version,
        canonical_terms: cover.canonical_terms,
    };
    store.add_cover(&terms, &[record]).await.unwrap();
    let policy = policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&policy))
        .await
        .unwrap();
    let health = Health::default();
    let (base, _served) =
        crate::serve_until(Arc::clone(&store), &health, |_| {}, std::future::pending()).await;
    let urls = [
        format!("{base}/v1/policies/{}/eligibility", policy.id),
        format!("{base}/v1/eligibility?policy={}", policy.id),
    ];
    let committed = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for number in 0..8 {
        let (url, committed) = (urls[number % 2].clone(), Arc::clone(&committed));
        readers.spawn(async move {
            let http = Client::builder().no_proxy().build().unwrap();
            loop {
                let before = committed.load(Ordering::SeqCst);
                let told = seen(&http, &url).await;
                assert!(told >= before, "{told} after {before}");
                if told == COMMITS {
                    return;
                }
            }
        });
    }
    for to in 1..=COMMITS {
        store.commit(&step(to)).await.unwrap();
        committed.store(to, Ordering::SeqCst);
    }
    readers.join_all().await;

    // Nothing happens, and nothing is sent again.
    let http = Client::builder().no_proxy().build().unwrap();
    let first = http.get(&urls[0]).send().await.unwrap();
    let tag = first.headers()[ETAG].clone();
    let again = http.get(&urls[0]).header(IF_NONE_MATCH, tag);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}
