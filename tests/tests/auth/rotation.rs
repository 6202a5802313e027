//! A rotation under constant load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tocsin_auth::{Environment, Scope, SigningKey, State};
use tocsin_store::credential::Credentials;
use tocsin_tests::signed::{Holder, SignedApi, settings};
use tokio::sync::watch;

use super::http;

/// Four callers ask without a pause while their key is rotated, one after the other takes up the new key, and the old one
/// retires: every request is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_loses_no_request() {
    rotate_under_load(SigningKey::hmac(&[1; 32]).unwrap(), None).await;
}

/// The same with pairs, of which the service has the public halves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_of_pairs_loses_no_request() {
    let [old, new] = [1, 2].map(|byte| SigningKey::ed25519(&[byte; 32]).unwrap());
    rotate_under_load(old, Some(new)).await;
}

async fn rotate_under_load(old: SigningKey, new: Option<SigningKey>) {
    let api = Arc::new(SignedApi::serve(settings(Environment::Test)).await);
    let manager = api.manager("manager").await;
    let old = api.holder("desk", old, &[Scope::Read]).await;
    let (told, keys) = watch::channel(old.clone());
    let (stop, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut callers = Vec::new();
    for number in 0..4_u64 {
        let (api, stop, sent, mut keys) = (
            Arc::clone(&api),
            Arc::clone(&stop),
            Arc::clone(&sent),
            keys.clone(),
        );
        #[expect(clippy::disallowed_methods, reason = "these are joined below")]
        callers.push(tokio::spawn(async move {
            let http = http();
            let mut holder = keys.borrow_and_update().clone();
            let mut news = None;
            while !stop.load(Ordering::SeqCst) {
                if keys.has_changed().unwrap() {
                    news = Some(keys.borrow_and_update().clone());
                    // Each takes its time.
                    tokio::time::sleep(Duration::from_millis(50 * number)).await;
                }
                if let Some(new) = news.take() {
                    holder = new;
                }
                let signed = holder.sign(Method::POST, &api.base, "/v1/caller", b"{}");
                let answer = signed.send(&http).await;
                assert_eq!(answer.status(), StatusCode::OK, "{}", holder.id);
                sent.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    let pause = || tokio::time::sleep(Duration::from_millis(400));
    pause().await;
    let public = new.as_ref().map(|new| new.public().unwrap().unwrap());
    let act = json!({
        "act": "rotate",
        "client": "desk",
        "overlap": 3,
        "public_key": public.map(alloy::hex::encode),
    });
    let body = act.to_string();
    let signed = manager.sign(Method::POST, &api.base, "/v1/keys", body.as_bytes());
    let said: Value = signed.send(&http()).await.json().await.unwrap();
    let shown = said["secret"].as_str();
    let new = new.or_else(|| SigningKey::hmac(shown?.as_bytes()).ok());
    let new = Holder {
        id: said["key"].as_str().unwrap().parse().unwrap(),
        key: new.unwrap(),
    };
    assert_eq!(said["changed"][old.id.as_str()], "retiring");
    pause().await;
    let before = sent.load(Ordering::SeqCst);
    told.send(new).unwrap();
    // The old one's deadline passes under load.
    tokio::time::sleep(Duration::from_secs(4)).await;
    api.auth.keep().await.unwrap();
    pause().await;
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    let after = sent.load(Ordering::SeqCst);
    assert!(before > 20 && after > before + 20, "{before} {after}");
    let life = api.store.credential(&old.id).await.unwrap().unwrap().life;
    assert!(matches!(life.state(), State::Retired { .. }), "{life:?}");
    let late = old.sign(Method::GET, &api.base, "/v1/caller", b"");
    assert_eq!(late.send(&http()).await.status(), StatusCode::UNAUTHORIZED);
}
