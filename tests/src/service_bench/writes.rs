//! Signed writes, next to what verifying them costs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use tocsin_auth::Environment;
use tocsin_auth::check::{KnownKey, Parsed, Windows};
use tocsin_auth::life::DAY;
use tocsin_auth::request::Request;
use tocsin_auth::{LifeCycle, Scope};

use super::beside::Beside;
use super::client::{Connection, Load, Pace, load};
use super::place::Place;
use super::report::{Findings, Options, middle};
use crate::chain_bench::latency::percentile;
use crate::chain_bench::process::thread_time;
use crate::chain_bench::table::{Table, grouped, percent};
use crate::signed::{Holder, now};

/// Connections that stay.
const CONNECTIONS: usize = 128;
/// Keys that sign in turns: the nonces of each are bounded.
const KEYS: u8 = 8;
/// Writes that are measured at once: as many as are sent before their signatures are old.
const WRITES: usize = 30_000;
/// Rounds in which the service and the bare handler take turns; the medians count.
const ROUNDS: usize = 3;
/// What the checks are at least of the processor time that the service takes for a write, without what HTTP takes: more than all
/// else together.
const TARGET_PERCENT: u128 = 50;
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
    let (checks, signature) = verification(&holders[0], place.address);
    let bare = bare(&place, &holders[0]).await;

    all_good(place.address, writes(&holders, place.address, 2_000)).await;
    let (mut rates, mut wholes, mut https) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let prepared = writes(&holders, place.address, WRITES);
        let (rate, each) = costing(&service, Arc::clone(&prepared)).await;
        rates.push(rate);
        wholes.push(each);
        let (_, each) = costing(&bare, prepared).await;
        https.push(each);
    }
    let rate = middle(&mut rates);
    let (whole, http) = (middle(&mut wholes), middle(&mut https));
    let ours = whole.saturating_sub(http);
    let part = checks.as_nanos() * 100 / ours.as_nanos().max(1);
    found.at_least(
        "signed writes: the checks, % of the service's processor time but for HTTP's",
        part,
        TARGET_PERCENT,
    );

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

    let possible = 1_000_000_000 / checks.as_nanos().max(1);
    let mut table = Table::new(&["signed writes", "figure", "bound or target", "ratio"]);
    let us = |took: Duration| format!("{} µs", took.as_micros());
    let mut row = |what: String, figure: String, bound: String, ratio: String| {
        table.row(vec![what, figure, bound, ratio]);
    };
    row(
        "ed25519, POST /v1/caller, its nonce durable, both cores and the client on them".to_owned(),
        format!("{}/s", grouped(rate)),
        format!(
            "{}/s: checked on one core, and nothing else",
            grouped(possible)
        ),
        percent(rate, possible),
    );
    row(
        "processor time of the service for one".to_owned(),
        us(whole),
        format!(
            "{}: the checks; {} of it the signature",
            us(checks),
            us(signature)
        ),
        percent(checks.as_nanos(), whole.as_nanos()),
    );
    row(
        "the same without HTTP, for which axum alone takes ".to_owned() + &us(http),
        us(ours),
        format!("the checks: at least {TARGET_PERCENT} %"),
        format!("{part} %"),
    );
    for (share, target) in [(50, ""), (99, "target 15 ms")] {
        row(
            format!("p{share} at {}/s", grouped(half.into())),
            us(percentile(&calm.latencies, share)),
            target.to_owned(),
            String::new(),
        );
    }
    format!(
        "{KEYS} keys, {CONNECTIONS} connections, {ROUNDS} rounds of {WRITES} writes, medians\n\n{table}"
    )
}

/// A handler of axum that takes the same requests and gives the same answer.
async fn bare(place: &Place, holder: &Holder) -> Beside {
    let mut one = Connection::open(place.address).await;
    let request = written(holder, place.address, "/v1/caller", b"{\"try\":1}");
    let (_, body) = one.ask(&request).await;
    let file = place.path("answer.json");
    std::fs::write(&file, body).unwrap();
    Beside::start(&["bare", &file.display().to_string()])
}

/// All of them as fast as they go, and the processor time that the other side took for each.
async fn costing(asked: &Beside, prepared: Arc<Vec<Vec<u8>>>) -> (u128, Duration) {
    let count = u32::try_from(prepared.len()).unwrap();
    let before = asked.busy();
    let full = all_good(asked.address, prepared).await;
    let busy = asked.busy() - before;
    (full.rate(), busy / count.max(1))
}

async fn all_good(address: SocketAddr, prepared: Arc<Vec<Vec<u8>>>) -> Load {
    let full = load(address, prepared, CONNECTIONS, Pace::Flat, None).await;
    assert_eq!(full.bad, 0, "{:?}", full.complaint);
    full
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

/// In processor time: other threads may have the core meanwhile.
fn timed(what: impl Fn()) -> Duration {
    let mut rounds: Vec<Duration> = (0..5)
        .map(|_| {
            let before = thread_time();
            for _ in 0..CHECKS {
                what();
            }
            (thread_time() - before) / CHECKS
        })
        .collect();
    middle(&mut rounds)
}
