//! A rotation under constant load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use tocsin_auth::{Environment, Scope, SigningKey, State};
use tocsin_store::credential::{CredentialChange, Credentials, LifeChange};
use tocsin_tests::signed::{SignedApi, now, settings};
use tokio::sync::watch;

use super::http;

/// Four callers ask without a pause while their key is rotated, one after the other takes up the new key, and the old one
/// retires: every request is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_loses_no_request() {
    let api = Arc::new(SignedApi::serve(settings(Environment::Test)).await);
    let old = SigningKey::hmac(&[1; 32]).unwrap();
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
    let new = SigningKey::hmac(&[2; 32]).unwrap();
    let new = api.holder("desk", new, &[Scope::Read]).await;
    let life = api.store.credential(&old.id).await.unwrap().unwrap().life;
    let retiring = life.retire(now(), 3).unwrap();
    let change = CredentialChange {
        change: vec![LifeChange {
            id: old.id.clone(),
            from: life,
            to: retiring,
        }],
        ..CredentialChange::default()
    };
    api.store.change_credentials(&change).await.unwrap();
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
