//! How fast webhook endpoints are told, beside the bound: the same client in a bare loop, with the same receivers.
//!
//! `webhook_bench [ENDPOINTS] [EVENTS]`: every endpoint is told of every event, signed, in order, and what was told is written
//! down. The receivers run in this process, so the two share the cores, as they do in the bound.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use tocsin::clock::{Clock, SystemClock};
use tocsin::pipeline::bell::Bell;
use tocsin::pipeline::webhooks;
use tocsin::supervisor::Shutdown;
use tocsin_store::event::{Events, NewEvent};
use tocsin_store::webhook::{EndpointId, Filter, Profile, Webhooks};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::teller;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let argument = |nth: usize, usual: usize| {
        let given = std::env::args().nth(nth);
        given.map_or(usual, |text| text.parse().unwrap())
    };
    let (endpoints, events) = (argument(1, 8), argument(2, 5_000));
    let taken = Arc::new(AtomicUsize::new(0));
    let url = serve(&taken).await;
    let bound = bare_loop(&url, endpoints, events).await;
    say("bare loop of the client", endpoints * events, bound);
    taken.store(0, Ordering::Relaxed);
    let told = tell(&url, &taken, endpoints, events).await;
    say("signed, in order, written down", endpoints * events, told);
    let percent = bound.as_micros() * 100 / told.as_micros();
    println!("{percent} % of the bound");
}

fn say(what: &str, count: usize, took: Duration) {
    let per_second = u128::try_from(count).unwrap() * 1_000_000 / took.as_micros();
    println!("{what}: {count} messages in {took:.2?}, {per_second} per second");
}

async fn serve(taken: &Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::clone(taken);
    let router = Router::new().fallback(async move |_body: axum::body::Bytes| {
        taken.fetch_add(1, Ordering::Relaxed);
        StatusCode::NO_CONTENT
    });
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/hook")
}

fn body(n: usize) -> String {
    let reason = "the price was below 0.97 for 24 hours on three of four sources".repeat(6);
    format!(r#"{{"v":1,"kind":"claim","subject":"{n}","body":{{"reason":"{reason}"}}}}"#)
}

async fn bare_loop(url: &str, endpoints: usize, events: usize) -> Duration {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..endpoints {
        let (client, url) = (client.clone(), url.to_owned());
        loops.spawn(async move {
            for n in 0..events {
                let answer = client.post(&url).body(body(n)).send().await.unwrap();
                assert!(answer.status().is_success());
            }
        });
    }
    loops.join_all().await;
    begun.elapsed()
}

async fn tell(url: &str, taken: &AtomicUsize, endpoints: usize, events: usize) -> Duration {
    let folder = tempfile::TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("bench.db")).await;
    let store = Arc::new(store.unwrap());
    for n in 0..endpoints {
        let id = EndpointId([u8::try_from(n).unwrap(); 16].into());
        let profile = Profile {
            url: url.to_owned(),
            description: String::new(),
            filter: Filter::default(),
        };
        let (registration, _) = teller::registration(id, profile);
        store.add_endpoint(&registration, 99).await.unwrap();
    }
    let happened: Vec<NewEvent> = (0..events)
        .map(|n| NewEvent {
            kind: "claim".to_owned(),
            at: SystemClock.now(),
            terms: None,
            holder: None,
            body: body(n),
        })
        .collect();
    store.publish(&happened).await.unwrap();
    let shutdown = Shutdown::default();
    let stage = teller::stage(Arc::clone(&store) as _, &shutdown);
    let begun = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "its end is awaited")]
    let running = tokio::spawn(webhooks::run(teller::teller(&[1]), stage, Bell::default()));
    while taken.load(Ordering::Relaxed) < endpoints * events {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = begun.elapsed();
    shutdown.request();
    running.await.unwrap().unwrap();
    for (_, backlog) in store.webhook_backlogs().await.unwrap() {
        assert_eq!(backlog.waiting, 0);
    }
    took
}
