//! Signed writes, next to what verifying them costs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method};
use tocsin_auth::Environment;
use tocsin_auth::check::{KnownKey, Parsed, Windows};
use tocsin_auth::life::DAY;
use tocsin_auth::request::Request;
use tocsin_auth::{LifeCycle, Scope};

use super::beside::Beside;
use super::client::{Pace, load};
use super::place::Place;
use super::report::{Findings, Options, middle};
use crate::chain_bench::latency::percentile;
use crate::chain_bench::table::{Table, grouped, percent};
use crate::signed::{Holder, now};

/// Connections that stay.
const CONNECTIONS: usize = 128;
/// Keys that sign in turns: the nonces of each are bounded.
const KEYS: u8 = 8;
/// Writes that are measured at once: as many as are sent before their signatures are old.
const WRITES: usize = 30_000;
/// p99 at half of the greatest rate.
const TARGET_P99: Duration = Duration::from_millis(15);
/// How often the checks of one request are repeated.
const CHECKS: u32 = 4_000;

/// A signed POST as it goes over the wire.
pub fn written(holder: &Holder, address: SocketAddr, path: &str, body: &[u8]) -> Vec<u8> {
    let signed = holder.sign(Method::POST, &format!("http://{address}"), path, body);
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n",
        body.len()
    )
    .into_bytes();
    for (name, value) in &signed.headers {
        request.extend(name.as_str().as_bytes());
        request.extend(b": ");
        request.extend(value.as_bytes());
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    request.extend(body);
    request
}

fn writes(holders: &[Holder], address: SocketAddr, count: usize) -> Arc<Vec<Vec<u8>>> {
    let turns = holders.iter().cycle().take(count);
    Arc::new(
        turns
            .map(|holder| written(holder, address, "/v1/caller", b"{\"try\":1}"))
            .collect(),
    )
}

/// Measures.
pub async fn measure(_options: &Options, found: &mut Findings) -> String {
    let sink = Beside::start(&["sink"]);
    let place = Place::new(10, sink.address).await;
    let holders = place.holders(KEYS).await;
    let config = place.path("tocsin.toml").display().to_string();
    let service = Beside::service(&config, place.address).await;
    super::reads::settle(&service).await;
    let (whole, signature) = verification(&holders[0], place.address);

    let warm = writes(&holders, place.address, 2_000);
    let warm = load(place.address, warm, CONNECTIONS, Pace::Flat, None).await;
    assert_eq!(warm.bad, 0, "{:?}", warm.complaint);
    let prepared = writes(&holders, place.address, WRITES);
    let before = service.busy();
    let full = load(place.address, prepared, CONNECTIONS, Pace::Flat, None).await;
    let busy = service.busy() - before;
    assert_eq!(full.bad, 0, "{:?}", full.complaint);
    let rate = full.rate();
    let half = u64::try_from(rate / 2).unwrap().max(1);
    let count = usize::try_from(half * 6).unwrap().min(WRITES);
    let prepared = writes(&holders, place.address, count);
    let calm = load(
        place.address,
        prepared,
        CONNECTIONS,
        Pace::Steady(half),
        None,
    )
    .await;
    assert_eq!(calm.bad, 0, "{:?}", calm.complaint);
    let late = percentile(&calm.latencies, 99);
    found.at_most(
        "signed writes, p99 at half load in µs",
        late.as_micros(),
        TARGET_P99.as_micros(),
    );

    let each = busy / u32::try_from(full.good).unwrap().max(1);
    let possible = 1_000_000_000 / whole.as_nanos().max(1);
    let mut table = Table::new(&["signed writes", "figure", "bound", "ratio"]);
    let us = |took: Duration| format!("{} µs", took.as_micros());
    table.row(vec![
        "ed25519, POST /v1/caller, its nonce durable, both cores and the client on them".to_owned(),
        format!("{}/s", grouped(rate)),
        format!(
            "{}/s: verified on one core, and nothing else",
            grouped(possible)
        ),
        percent(rate, possible),
    ]);
    table.row(vec![
        "processor time of the service for one".to_owned(),
        us(each),
        format!(
            "{}: verification; {} of it the signature",
            us(whole),
            us(signature)
        ),
        percent(whole.as_nanos(), each.as_nanos()),
    ]);
    for part in [50, 99] {
        let took = percentile(&calm.latencies, part);
        table.row(vec![
            format!("p{part} at {}/s", grouped(half.into())),
            us(took),
            if part == 99 {
                "target 15 ms".to_owned()
            } else {
                String::new()
            },
            String::new(),
        ]);
    }
    format!("{KEYS} keys, {CONNECTIONS} connections, {WRITES} writes\n\n{table}")
}

/// What it takes to verify a write, on one core: all checks up to its body, and the signature alone.
fn verification(holder: &Holder, address: SocketAddr) -> (Duration, Duration) {
    let body = b"{\"try\":1}";
    let signed = holder.sign(
        Method::POST,
        &format!("http://{address}"),
        "/v1/caller",
        body,
    );
    let mut headers: HeaderMap = signed.headers.clone();
    headers.insert("content-length", body.len().into());
    let authority = address.to_string();
    let life = LifeCycle::pending(now().plus(90 * DAY));
    let known = KnownKey {
        id: holder.id.clone(),
        verifying: holder.key.verifying().unwrap(),
        life: life.activate(now()).unwrap(),
        scopes: [Scope::Read].into_iter().collect(),
    };
    let check = || {
        let request = Request {
            method: &signed.method,
            authority: &authority,
            path: "/v1/caller",
            query: None,
            headers: &headers,
        };
        let parsed = Parsed::read(request, Environment::Test).unwrap();
        let authentic = parsed.keyed(Some(&known)).unwrap().verify().unwrap();
        let timely = authentic.at(now(), Windows::default()).unwrap();
        std::hint::black_box(timely.body(body).unwrap());
    };
    // As long as a signature base. That it is the signature of something else shows only at the very end.
    let message = [b'm'; 400];
    let alone = || assert!(!known.verifying.verifies(&message, &[1; 64]));
    (timed(check), timed(alone))
}

fn timed(what: impl Fn()) -> Duration {
    let mut rounds: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..CHECKS {
                what();
            }
            begun.elapsed() / CHECKS
        })
        .collect();
    middle(&mut rounds)
}
