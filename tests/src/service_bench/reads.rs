//! Answers about eligibility, next to a handler of axum that has the bytes at hand.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::beside::Beside;
use super::client::{Connection, Load, Pace, get, load};
use super::place::Place;
use super::report::{Findings, Options, middle};
use crate::chain_bench::latency::percentile;
use crate::chain_bench::table::{Table, grouped, percent};

/// Connections that stay.
const CONNECTIONS: usize = 64;
/// Rounds in which both sides take turns; the medians count.
const ROUNDS: usize = 5;
/// Of the bound's rate.
const TARGET_PERCENT: u128 = 60;
/// How often something is committed while it is read.
const COMMIT: Duration = Duration::from_millis(100);

/// Measures.
pub async fn measure(options: &Options, found: &mut Findings) -> String {
    let sink = Beside::start(&["sink"]);
    let place = Place::new(options.policies, sink.address).await;
    let holders = place.holders(1).await;
    let config = place.path("tocsin.toml").display().to_string();
    let service = Beside::service(&config, place.address).await;
    let ids = policies(&place).await;
    settle(&service).await;
    let paths = ids
        .iter()
        .map(|id| format!("/v1/policies/{id}/eligibility"));
    let paths: Vec<String> = paths.collect();
    let mut one = Connection::open(place.address).await;
    let (_, body) = one.ask(&get(place.address, &paths[0])).await;
    let size = body.len();
    std::fs::write(place.path("answer.json"), body).unwrap();
    let bare = Beside::start(&["bare", &place.path("answer.json").display().to_string()]);

    let requests = |address| Arc::new(paths.iter().map(|path| get(address, path)).collect());
    let (ours, theirs) = (requests(place.address), requests(bare.address));
    let first: Load = load(
        place.address,
        Arc::clone(&ours),
        CONNECTIONS,
        Pace::Flat,
        None,
    )
    .await;
    assert_eq!(first.bad, 0, "{:?}", first.complaint);
    let (mut rates, mut bounds, mut late) = (Vec::new(), Vec::new(), Vec::new());
    let time = Some(Duration::from_millis(options.round_ms));
    for _ in 0..ROUNDS {
        let read = load(
            place.address,
            Arc::clone(&ours),
            CONNECTIONS,
            Pace::Flat,
            time,
        )
        .await;
        assert_eq!(read.bad, 0, "{:?}", read.complaint);
        late.push(percentile(&read.latencies, 99));
        rates.push(read.rate());
        let read = load(
            bare.address,
            Arc::clone(&theirs),
            CONNECTIONS,
            Pace::Flat,
            time,
        )
        .await;
        bounds.push(read.rate());
    }
    let (rate, bound) = (middle(&mut rates), middle(&mut bounds));
    let committing = async {
        let mut connection = Connection::open(place.address).await;
        let mut beat = tokio::time::interval(COMMIT);
        loop {
            beat.tick().await;
            let request = super::writes::written(&holders[0], place.address, "/v1/caller", b"{}");
            let (status, _) = connection.ask(&request).await;
            assert_eq!(status, 200);
        }
    };
    let reading = load(
        place.address,
        Arc::clone(&ours),
        CONNECTIONS,
        Pace::Flat,
        time,
    );
    let changing = tokio::select! {
        read = reading => read,
        () = committing => unreachable!("it never ends"),
    };
    found.at_least(
        "eligibility reads, % of axum",
        rate * 100 / bound.max(1),
        TARGET_PERCENT,
    );
    let mut table = Table::new(&["eligibility reads", "answers/s", "of the bound", "p99"]);
    let ms = |took: Duration| format!("{} µs", took.as_micros());
    for (what, rate, late) in [
        ("bound: axum answers the same bytes", bound, String::new()),
        (
            "nothing is committed meanwhile (target 60 %)",
            rate,
            ms(middle(&mut late)),
        ),
        (
            "each policy for the first time",
            first.rate(),
            ms(percentile(&first.latencies, 99)),
        ),
        (
            "something is committed every 100 ms",
            changing.rate(),
            ms(percentile(&changing.latencies, 99)),
        ),
    ] {
        let of = percent(rate, bound);
        table.row(vec![what.to_owned(), grouped(rate), of, late]);
    }
    let memory = service.resident_bytes() / 1_000_000;
    format!(
        "{} policies on 1,000 risks, {CONNECTIONS} connections, answers of {size} bytes, {ROUNDS} rounds, medians; the service holds {memory} MB\n\n{table}",
        ids.len()
    )
}

/// Every policy that there is.
pub(super) async fn policies(place: &Place) -> Vec<String> {
    let mut connection = Connection::open(place.address).await;
    let mut ids = Vec::new();
    let mut path = "/v1/policies?limit=500".to_owned();
    loop {
        let (_, body) = connection.ask(&get(place.address, &path)).await;
        let page: Value = serde_json::from_slice(body).unwrap();
        let policies = page["policies"].as_array().unwrap();
        ids.extend(
            policies
                .iter()
                .map(|policy| policy["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/policies?limit=500&cursor={next}"),
            None => return ids,
        }
    }
}

/// Waits until the service has read its feed and written its log, and rests.
pub(super) async fn settle(service: &Beside) {
    let mut quiet = 0;
    for _ in 0..120 {
        let before = service.busy();
        tokio::time::sleep(Duration::from_millis(500)).await;
        quiet = if service.busy() - before <= Duration::from_millis(30) {
            quiet + 1
        } else {
            0
        };
        if quiet >= 4 {
            return;
        }
    }
}
