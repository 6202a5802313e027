//! Webhooks to a receiver of this machine: signed, delivered in order, and written down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tocsin::clock::{Clock, SystemClock};
use tocsin::pipeline::bell::Bell;
use tocsin::pipeline::webhooks;
use tocsin::supervisor::Shutdown;
use tocsin_store::event::{Events, NewEvent};
use tocsin_store::webhook::Webhooks;
use tocsin_store_sqlite::SqliteStore;
use tokio::task::JoinSet;

use super::beside::Beside;
use super::client::{Connection, get};
use super::place::register;
use super::report::{Findings, Options};
use crate::chain_bench::process::processor_time;
use crate::chain_bench::table::{Table, grouped, percent, rate};
use crate::teller;

/// Endpoints that are told side by side.
const ENDPOINTS: u8 = 16;
/// Deliveries a second.
const TARGET: u128 = 5_000;
/// A delivery that hangs is a failure.
const PATIENCE: Duration = Duration::from_secs(50);

/// Measures.
pub async fn measure(options: &Options, found: &mut Findings) -> String {
    let sink = Beside::start(&["sink"]);
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("tocsin.db")).await;
    let store = Arc::new(store.unwrap());
    register(&store, sink.address, ENDPOINTS).await;
    let event = |n: u64| NewEvent {
        kind: "claim.accepted".to_owned(),
        at: SystemClock.now(),
        terms: None,
        holder: None,
        body: body(n),
    };
    let events: Vec<NewEvent> = (0..options.events).map(event).collect();
    for part in events.chunks(1_000) {
        store.publish(part).await.unwrap();
    }
    let all = options.events * u64::from(ENDPOINTS);
    let (bell, shutdown) = (Bell::default(), Shutdown::default());
    let stage = teller::stage(Arc::clone(&store) as _, &shutdown);
    let (busy, busy_sink) = (processor_time("self"), sink.busy());
    let begun = Instant::now();
    let told = webhooks::run(teller::teller(&[1, 1]), stage, bell);
    let watch = async {
        let mut connection = Connection::open(sink.address).await;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let (_, body) = connection.ask(&get(sink.address, "/taken")).await;
            let taken: u64 = std::str::from_utf8(body).unwrap().parse().unwrap();
            if taken >= all || begun.elapsed() > PATIENCE {
                let took = begun.elapsed();
                shutdown.request();
                return (taken, took);
            }
        }
    };
    let (ended, (taken, took)) = tokio::join!(told, watch);
    ended.unwrap();
    let (busy, busy_sink) = (processor_time("self") - busy, sink.busy() - busy_sink);
    let deliveries = rate(taken, took);
    found.at_least("webhook deliveries a second", deliveries, TARGET);
    let left = store.webhook_backlogs().await.unwrap();
    let waiting: u64 = left.iter().map(|(_, left)| left.waiting + left.dead).sum();
    found.at_most("deliveries that were not written down", waiting.into(), 0);
    let bound = bare(sink.address, options.events).await;
    let mut table = Table::new(&[
        "webhooks",
        "deliveries/s (target 5,000)",
        "bound: a bare client, nothing signed or kept",
        "ratio",
        "processor time of one",
    ]);
    let each = |busy: Duration| (busy / u32::try_from(taken.max(1)).unwrap()).as_micros();
    table.row(vec![
        format!("{ENDPOINTS} endpoints, each told every event in order, signed"),
        grouped(deliveries),
        format!("{}/s", grouped(bound)),
        percent(deliveries, bound),
        format!(
            "{} µs, and {} µs of the receiver",
            each(busy),
            each(busy_sink)
        ),
    ]);
    format!("{} deliveries\n\n{table}", grouped(taken.into()))
}

/// Posts the same with as many bare clients as there are endpoints, each after the answer to the one before.
async fn bare(sink: SocketAddr, events: u64) -> u128 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for number in 0..ENDPOINTS {
        let client = client.clone();
        loops.spawn(async move {
            for n in 0..events {
                let url = format!("http://{sink}/hook/{number}");
                let answer = client.post(url).body(body(n)).send().await.unwrap();
                assert!(answer.status().is_success());
                answer.bytes().await.unwrap();
            }
        });
    }
    loops.join_all().await;
    rate(events * u64::from(ENDPOINTS), begun.elapsed())
}

fn body(n: u64) -> String {
    format!(r#"{{"number":{n},"policy":"0x{n:064x}","decision":"accepted","amount":"0xeb8f8c0"}}"#)
}
