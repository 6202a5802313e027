//! A day of many flights at many times its speed: how far behind its time the worst look is.
//!
//! The flights are those of the slice, over and over under other numbers, spread evenly over one day; of ten that were
//! cancelled one is left, so that it is a busy day and no blizzard. Time is real time, multiplied; it does not wait for
//! anybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin::demo::DemoError;
use tocsin::demo::storm::Storm;
use tocsin::demo::storm::slice::{self, Fate, Flight};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::attestation::Attestations;
use tocsin_store::look::Looks;
use tocsin_store_sqlite::SqliteStore;

use crate::anvil;

/// How many flights, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Flights in the day.
    pub flights: u32,
    /// Seconds of theirs in one of ours.
    pub speed: i64,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// How late the latest look was, in the flights' time.
    pub worst: Seconds,
    /// How long that was, in ours.
    pub worst_real: Duration,
    /// How often the provider was asked.
    pub requests: u64,
    /// Claims that were signed.
    pub signed: usize,
    /// How long it took.
    pub took: Duration,
    /// Flights that were still looked at in the end.
    pub open: u64,
}

/// The day begins: 2013-02-08T05:00:00Z, midnight in New York.
const MIDNIGHT: Timestamp = Timestamp(1_360_299_600);

/// First looks begin six hours before.
const START: Timestamp = Timestamp(1_360_274_400);

/// Everything has arrived and settled a day and a half after the day began.
const END: Timestamp = Timestamp(1_360_299_600 + 129_600);

const DAY: i64 = 86_400;

/// How often time moves.
const TICK: Duration = Duration::from_millis(10);

/// A synthetic day.
pub fn day(count: u32) -> Vec<Flight> {
    let recorded = slice::flights().unwrap();
    let mut cancelled = 0;
    let mut templates = recorded
        .iter()
        .filter(move |flight| {
            cancelled += u32::from(flight.fate == Fate::Cancelled);
            flight.fate != Fate::Cancelled || cancelled % 10 == 0
        })
        .cycle()
        .cloned();
    let mut carriers: Vec<_> = recorded
        .iter()
        .map(|flight| flight.carrier.clone())
        .collect();
    carriers.sort_by(|one, other| one.carrier.cmp(&other.carrier));
    carriers.dedup_by(|one, other| one.carrier == other.carrier);
    let all = u32::try_from(carriers.len()).unwrap();
    (0..count)
        .map(|place| {
            let template = templates.next().unwrap();
            // One of each carrier's numbers after another: no two flights of a day have the same.
            let carrier = carriers[usize::try_from(place % all).unwrap()].clone();
            let minute = i64::from(place) * DAY / i64::from(count) / 60;
            let leaves = MIDNIGHT + Seconds(minute * 60);
            let shift = leaves.since(template.scheduled_out);
            let moved = |at: Timestamp| at + shift;
            Flight {
                carrier,
                number: (1 + place / all).to_string(),
                date: "2013-02-08".parse().unwrap(),
                scheduled_out: leaves,
                scheduled_in: moved(template.scheduled_in),
                fate: match template.fate {
                    Fate::Cancelled => Fate::Cancelled,
                    Fate::Arrived {
                        out,
                        off,
                        on,
                        at_gate,
                    } => Fate::Arrived {
                        out: moved(out),
                        off: moved(off),
                        on: moved(on),
                        at_gate: moved(at_gate),
                    },
                    Fate::Diverted { out } => Fate::Diverted { out: moved(out) },
                    Fate::Unknown { out } => Fate::Unknown { out: moved(out) },
                },
                ..template
            }
        })
        .collect()
}

/// Runs the day.
pub async fn run(options: Options) -> Result<Measured, DemoError> {
    let folder = tempfile::tempdir().unwrap();
    let storm = Storm::prepare(
        &anvil::binary(),
        folder.path(),
        day(options.flights),
        u64::from(options.flights),
        &mut std::io::sink(),
    )
    .await?;
    // A millisecond of ours is a second of the flights': an answer that takes a moment would seem to come from a wrong clock.
    let definition = folder.path().join("aeroapi.toml");
    let text = std::fs::read_to_string(&definition).unwrap();
    std::fs::write(definition, format!("clock_tolerance = \"2h\"\n{text}")).unwrap();
    storm
        .with_service(async |store| race(&storm, store, options.speed).await)
        .await
}

async fn race(storm: &Storm, store: Arc<SqliteStore>, speed: i64) -> Result<Measured, DemoError> {
    let feed = SourceId::from("feed:aeroapi");
    let begun = Instant::now();
    let mut worst = Seconds(0);
    let mut now = START;
    let mut mined = START;
    while now < END {
        tokio::time::sleep(TICK).await;
        let real = i64::try_from(begun.elapsed().as_millis()).unwrap();
        now = START + Seconds(real * speed / 1_000);
        storm.clock.advance_to(now);
        if let Some(due) = store.next_due(&feed).await? {
            worst = worst.max(now.since(due));
        }
        // The contract's time goes on with ours.
        if now.since(mined) > Seconds(3_600) {
            storm.chain.mine(now).await?;
            mined = now;
        }
    }
    let took = begun.elapsed();
    let counts = store.count_looks(&feed).await?;
    Ok(Measured {
        worst,
        worst_real: Duration::from_millis(u64::try_from(worst.0 * 1_000 / speed).unwrap()),
        requests: storm.provider.requests(),
        signed: store.recent_attestations(u32::MAX).await?.len(),
        took,
        open: counts.open,
    })
}
