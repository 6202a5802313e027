//! Keys: to those who sign, both processes are one service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::pair::{CACHED, PATIENCE, Pair, Place, Process};

/// What a busy machine may add to what is promised.
const SLACK: Duration = Duration::from_secs(5);

async fn until_refused(pair: &Pair, caller: &Caller, at: &Process) -> Duration {
    let begun = Instant::now();
    while caller.calls(&pair.http, at).await == StatusCode::OK {
        assert!(begun.elapsed() < PATIENCE, "a revoked key is taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_nonces_and_revocations_are_those_of_both() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let pair = Pair::start(place);
    let http = &pair.http;
    for (here, there) in [(&pair.serve, &pair.run), (&pair.run, &pair.serve)] {
        let name = if here.base == pair.serve.base {
            "desk"
        } else {
            "shop"
        };
        let desk = boss.make(http, here, name, &["read"]).await;
        for at in [here, there] {
            assert_eq!(desk.calls(http, at).await, StatusCode::OK);
        }
        // Nothing but its nonce keeps it from being good at the other: sent there first, one like it is.
        let signed = desk.sign(Method::POST, "/v1/caller", "{}");
        for (at, status) in [
            (here, StatusCode::OK),
            (there, StatusCode::UNAUTHORIZED),
            (here, StatusCode::UNAUTHORIZED),
        ] {
            assert_eq!(signed.send(http, at).await.status(), status);
        }
        let signed = desk.sign(Method::POST, "/v1/caller", "{}");
        assert_eq!(signed.send(http, there).await.status(), StatusCode::OK);

        let act = json!({"act": "revoke", "key": desk.id});
        boss.act(http, here, &act).await;
        let revoked = Instant::now();
        assert_eq!(desk.calls(http, here).await, StatusCode::UNAUTHORIZED);
        until_refused(&pair, &desk, there).await;
        let took = revoked.elapsed();
        assert!(took < CACHED + SLACK, "{took:?}");
    }

    // A command beside both; neither is told.
    let desk = boss.make(http, &pair.run, "third", &["read"]).await;
    for at in pair.both() {
        assert_eq!(desk.calls(http, at).await, StatusCode::OK);
    }
    let revoke = ["clients", "revoke", desk.id.as_str()];
    assert!(pair.place.say("outside", &revoke).status.success());
    for at in pair.both() {
        let took = until_refused(&pair, &desk, at).await;
        assert!(took < CACHED + SLACK, "{took:?}");
    }

    // What was done at either is in the one log, with who did it.
    let begun = Instant::now();
    loop {
        let entries = pair.serve.get(http, "/v1/log/entries").await.to_string();
        let acts = entries.matches("boss").count();
        if acts >= 5 && entries.matches(desk.id.as_str()).count() >= 2 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{entries}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Four callers ask both in turn without a pause, while their key is rotated at one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_loses_no_request_at_either() {
    let place = Place::new();
    let boss = Caller::manager(&place, "inside");
    let pair = Pair::start(place);
    let old = boss.make(&pair.http, &pair.run, "desk", &["read"]).await;
    let (told, keys) = watch::channel(old.clone());
    let pair = Arc::new(pair);
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let mut callers = JoinSet::new();
    for number in 0..4_u64 {
        let (pair, stop, sent, mut keys) = (
            Arc::clone(&pair),
            Arc::clone(&stop),
            Arc::clone(&sent),
            keys.clone(),
        );
        callers.spawn(async move {
            let http = pair.http.clone();
            let mut caller = keys.borrow_and_update().clone();
            while !stop.load(Ordering::SeqCst) {
                if keys.has_changed().unwrap() {
                    let new = keys.borrow_and_update().clone();
                    // Each takes its time.
                    tokio::time::sleep(Duration::from_millis(50 * number)).await;
                    caller = new;
                }
                for (at, sent) in pair.both().into_iter().zip(&*sent) {
                    let signed = caller.sign(Method::POST, "/v1/caller", "{}");
                    let answer = signed.send(&http, at).await;
                    assert_eq!(answer.status(), StatusCode::OK, "{}", caller.id);
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    let pause = || tokio::time::sleep(Duration::from_millis(400));
    pause().await;
    let act = json!({"act": "rotate", "client": "desk", "overlap": 2});
    let said = boss.act(&pair.http, &pair.serve, &act).await;
    assert_eq!(said["changed"][old.id.as_str()], "retiring");
    pause().await;
    let before = sent.each_ref().map(|sent| sent.load(Ordering::SeqCst));
    told.send(Caller::told(&said)).unwrap();
    // The old one's deadline passes under load.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    stop.store(true, Ordering::SeqCst);
    callers.join_all().await;
    for (sent, before) in sent.iter().zip(before) {
        let after = sent.load(Ordering::SeqCst);
        assert!(before > 4 && after > before + 4, "{before} {after}");
    }
    for at in pair.both() {
        assert_eq!(old.calls(&pair.http, at).await, StatusCode::UNAUTHORIZED);
    }
}
