//! Everything at once for some minutes: reads, signed writes that make policies, leaves, events, webhooks and a stream of
//! events; and what memory the service holds, second by second.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::beside::Beside;
use super::client::{Connection, get};
use super::place::{Place, register};
use super::report::{Findings, Options};
use super::writes::written;

/// Between two reads, each of another policy and on one connection in turn.
const READ: Duration = Duration::from_millis(4);
/// Between two signed writes; every fifth makes a policy, the others try a key.
const WRITE: Duration = Duration::from_millis(20);
/// Endpoints that are told everything.
const ENDPOINTS: u8 = 4;
/// A last third may hold so much more than the third before it.
const GROWTH_PERCENT: u128 = 110;
/// Seconds between two figures of the printed curve.
const EVERY: usize = 15;

/// What happened.
#[derive(Default)]
struct Counts {
    reads: u64,
    writes: u64,
    policies: u32,
}

/// Runs, and shows the curve.
pub async fn measure(options: &Options, found: &mut Findings) -> String {
    let sink = Beside::start(&["sink"]);
    let place = Place::new(options.policies, sink.address).await;
    let holders = place.holders(4).await;
    let store = place.store().await;
    register(&store, sink.address, ENDPOINTS).await;
    store.close().await;
    let config = place.path("tocsin.toml").display().to_string();
    let service = Beside::service(&config, place.address).await;
    let ids = super::reads::policies(&place).await;

    let length = Duration::from_secs(options.soak_minutes * 60);
    let begun = Instant::now();
    let over = || begun.elapsed() >= length;
    let mut curve = Vec::new();
    let watching = async {
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        while !over() {
            beat.tick().await;
            curve.push(service.resident_bytes());
        }
    };
    let reading = async {
        let mut connection = Connection::open(place.address).await;
        let mut beat = tokio::time::interval(READ);
        let mut reads = 0;
        for id in ids.iter().cycle() {
            if over() {
                break;
            }
            beat.tick().await;
            let path = if reads % 10 == 0 {
                format!("/v1/eligibility?policy={id}")
            } else {
                format!("/v1/policies/{id}/eligibility")
            };
            let (status, body) = connection.ask(&get(place.address, &path)).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
            reads += 1;
        }
        reads
    };
    let writing = async {
        let mut connection = Connection::open(place.address).await;
        let mut beat = tokio::time::interval(WRITE);
        let (mut writes, mut policies) = (0, 0);
        for holder in holders.iter().cycle() {
            if over() {
                break;
            }
            beat.tick().await;
            let request = if writes % 5 == 0 {
                let policy = place.policy(options.policies + policies).to_string();
                policies += 1;
                written(holder, place.address, "/v1/policies", policy.as_bytes())
            } else {
                written(holder, place.address, "/v1/caller", b"{\"try\":1}")
            };
            let (status, body) = connection.ask(&request).await;
            let good = (200..300).contains(&status);
            assert!(good, "{status}: {}", String::from_utf8_lossy(body));
            writes += 1;
        }
        (writes, policies)
    };
    let following = follow(&place, length);
    let ((), reads, (writes, policies), streamed) =
        tokio::join!(watching, reading, writing, following);
    let counts = Counts {
        reads,
        writes,
        policies,
    };
    let mut connection = Connection::open(sink.address).await;
    let (_, taken) = connection.ask(&get(sink.address, "/taken")).await;
    let taken = String::from_utf8_lossy(taken).into_owned();
    judge(&curve, found);
    shown(
        &counts,
        &curve,
        streamed,
        &taken,
        service.busy(),
        begun.elapsed(),
    )
}

/// Memory that still grows at the end is memory that grows without bound.
fn judge(curve: &[u64], found: &mut Findings) {
    let third = curve.len() / 3;
    let middle = |part: &[u64]| {
        let mut part = part.to_vec();
        super::report::middle(&mut part)
    };
    let before = middle(&curve[third..2 * third]);
    let last = middle(&curve[2 * third..]);
    let percent = u128::from(last) * 100 / u128::from(before.max(1));
    found.at_most(
        "memory of the last third, % of the one before",
        percent,
        GROWTH_PERCENT,
    );
}

fn shown(
    counts: &Counts,
    curve: &[u64],
    streamed: u64,
    taken: &str,
    busy: Duration,
    took: Duration,
) -> String {
    let megabytes = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    let mut text = format!(
        "{} s: {} reads, {} signed writes, of which {} made a policy; {taken} webhooks taken, {streamed} bytes of events \
         streamed; {} s of processor time\n\nmemory in MB, every {EVERY} s:",
        took.as_secs(),
        counts.reads,
        counts.writes,
        counts.policies,
        busy.as_secs()
    );
    for &bytes in curve.iter().step_by(EVERY) {
        write!(text, " {}", megabytes(bytes)).unwrap();
    }
    let peak = curve.iter().copied().max().unwrap_or_default();
    write!(
        text,
        "\nfirst {}, last {}, peak {} MB",
        megabytes(curve[0]),
        megabytes(curve[curve.len() - 1]),
        megabytes(peak)
    )
    .unwrap();
    text
}

/// Follows the stream of events, and counts its bytes.
async fn follow(place: &Place, length: Duration) -> u64 {
    let mut stream = TcpStream::connect(place.address).await.unwrap();
    let request = get(place.address, "/v1/events?after=0");
    stream.write_all(&request).await.unwrap();
    let mut streamed = 0;
    let read = async {
        let mut some = vec![0; 1 << 16];
        loop {
            let read = stream.read(&mut some).await.unwrap();
            assert!(read > 0, "the stream of events ended");
            streamed += u64::try_from(read).unwrap();
        }
    };
    let _elapsed: Result<(), _> = tokio::time::timeout(length, read).await;
    streamed
}
