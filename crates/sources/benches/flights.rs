//! Flight records per second and core, from the bytes of an answer to the normal form, over AeroAPI's pages of 15 records with
//! every field of its description.
//!
//! `bound` is what serde_json needs to parse the same bytes into values, without looking at any. The ratio to it, in the same
//! run, says more than either figure.
//!
//! Times are processor time, as Linux counts it: on a machine that does other work too, the clock counts that as well.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use tocsin_domain::time::Timestamp;
use tocsin_sources::feed::flight::Flights;

const RECORDS: u64 = 15;
const FILE: &str = include_str!("../../../config/feeds/aeroapi.toml");
const RECORDED: &str = include_str!("../tests/flight_exchanges/aeroapi.json");

/// How long this thread was on a core.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        on_a_core()
    }

    fn end(&self, start: Duration) -> Duration {
        on_a_core().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// What Linux has counted for this thread.
#[expect(
    clippy::expect_used,
    reason = "without it there is nothing to measure with"
)]
fn on_a_core() -> Duration {
    // The count is brought up to date when the thread lets others go first.
    thread::yield_now();
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    let nanoseconds = counted
        .split(' ')
        .next()
        .and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first of three numbers"))
}

/// A page of flights of one number on consecutive days.
#[expect(clippy::expect_used, reason = "the recorded answer is a page of one")]
fn page() -> Vec<u8> {
    let mut page: Value = serde_json::from_str(RECORDED).expect("JSON");
    let flights = page
        .pointer_mut("/flights")
        .and_then(Value::as_array_mut)
        .expect("a list");
    let first = flights.first().cloned().expect("a record");
    for day in 1..RECORDS {
        let mut text = first.to_string();
        text = text.replace("2013-01-01", &format!("2013-01-{:02}", day + 1));
        let mut record: Value = serde_json::from_str(&text).expect("JSON");
        if let Some(record) = record.as_object_mut() {
            record.insert(
                "fa_flight_id".to_owned(),
                json!(format!("UAL1545-{day}-airline-0123")),
            );
        }
        flights.push(record);
    }
    page.to_string().into_bytes()
}

#[expect(clippy::expect_used, reason = "the file is one of the catalogue")]
fn flights() -> Flights {
    let file: toml::Table = FILE.parse().expect("TOML");
    let table = file.get("flights").and_then(toml::Value::as_table);
    Flights::from_table("aeroapi", table.expect("a table")).expect("a definition")
}

fn records(criterion: &mut Criterion<ProcessorTime>) {
    let (body, flights) = (page(), flights());
    let at = Timestamp(1_358_300_000);
    let read = flights.read_body(&body, at);
    assert!(read.is_ok_and(|records| records.iter().filter(|read| read.is_ok()).count() == 15));
    let mut group = criterion.benchmark_group(format!("aeroapi, {} bytes a page", body.len()));
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("bound", |bench| {
        bench.iter(|| serde_json::from_slice::<Value>(black_box(&body)).is_ok());
    });
    group.bench_function("normalised", |bench| {
        bench.iter(|| flights.read_body(black_box(&body), at).is_ok());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = records
}
criterion_main!(benches);
