//! Observations per second on a sustained breach with hysteresis, the commonest cover there is.
//!
//! `bound` is the same rule written by hand as a loop over plain integers: what the machine can do at best. The ratio to
//! it, in the same run, says more than either figure.

use std::hint::black_box;

use alloy_primitives::U256;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::{InputObservation, Program, RiskState};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

const COVER: &str = r#"
name = "depeg"
version = 1
[inputs.usdc]
metric = "price"
source = "feed:prices"
max_age = "25h"
[trigger]
when = "holds(usdc <= 0.995, for: 24h, recover: usdc >= 0.999, confirm: observation)"
rearm = "after 7d"
[payout]
fraction = "clamp(1 - usdc, 0, 20%)"
"#;

const OBSERVATIONS: usize = 100_000;
const RISKS: usize = 100_000;

/// Units of 10⁻⁸, half an hour apart, wandering between 0.98 and 1.01 slowly enough for some breaches to last.
fn prices() -> Vec<(i64, i64)> {
    let mut random = 1_u64;
    let mut price = 1_000_000_i64;
    (0..OBSERVATIONS)
        .map(|index| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let step = i64::try_from(random >> 33).unwrap_or(0) % 2_001 - 1_000;
            price = (price + step).clamp(980_000, 1_010_000);
            (
                1_700_000_000 + 1_800 * i64::try_from(index).unwrap_or(0),
                price * 100,
            )
        })
        .collect()
}

fn observations(prices: &[(i64, i64)]) -> Vec<InputObservation> {
    let unit = Decimal::from_integer(100_000_000);
    prices
        .iter()
        .map(|(at, price)| InputObservation {
            input: 0,
            observed_at: Timestamp(*at),
            sequence: Sequence(U256::from(at.unsigned_abs())),
            value: Decimal::from_integer(*price)
                .checked_div(unit, tocsin_domain::decimal::Rounding::Truncate)
                .map(Value::Decimal),
        })
        .collect()
}

/// The rule by hand: confirmation times of its loss events.
fn by_hand(prices: &[(i64, i128)]) -> Vec<i64> {
    enum Breach {
        Idle,
        Open(i64),
        Met,
    }
    const DAY: i64 = 86_400;
    let mut events = Vec::new();
    let mut breach = Breach::Idle;
    let mut seen_false = true;
    let mut rearmed_at = i64::MIN;
    for (at, price) in prices {
        let (begins, recovers) = (
            *price <= 995_000_000_000_000_000,
            *price >= 999_000_000_000_000_000,
        );
        match breach {
            Breach::Idle if begins => breach = Breach::Open(*at),
            Breach::Idle => {}
            Breach::Open(since) if *at <= since + DAY => {
                if recovers {
                    breach = Breach::Idle;
                }
            }
            Breach::Open(since) => {
                breach = Breach::Met;
                if seen_false && since >= rearmed_at {
                    events.push(*at);
                    rearmed_at = *at + 7 * DAY;
                    seen_false = false;
                }
            }
            Breach::Met if recovers => breach = Breach::Idle,
            Breach::Met => {}
        }
        seen_false |= !matches!(breach, Breach::Met);
    }
    events
}

#[expect(
    clippy::expect_used,
    reason = "a benchmark of a cover that does not parse measures nothing"
)]
fn evaluate(criterion: &mut Criterion) {
    let (cover, _warnings) = Cover::parse(COVER).expect("the cover is well formed");
    let program = Program::compile(&cover);
    let prices = prices();
    let plain: Vec<(i64, i128)> = prices
        .iter()
        .map(|(at, price)| (*at, i128::from(*price) * 10_000_000_000))
        .collect();
    let observations = observations(&prices);
    let end = Timestamp(prices.last().map_or(0, |(at, _)| *at));

    // The bound decides the same.
    let mut state = RiskState::new(&program, None);
    let events = program
        .advance(&mut state, &observations, end)
        .expect("in order");
    let confirmed: Vec<i64> = events.iter().map(|event| event.confirmed_at.0).collect();
    assert_eq!(confirmed, by_hand(&plain));
    assert!(confirmed.len() > 10, "{} loss events", confirmed.len());

    let mut group = criterion.benchmark_group("evaluate");
    let count = |count: usize| Throughput::Elements(u64::try_from(count).unwrap_or(u64::MAX));
    group.throughput(count(OBSERVATIONS));
    group.bench_function("bound", |bencher| {
        bencher.iter(|| by_hand(black_box(&plain)))
    });
    group.bench_function("one risk, one batch", |bencher| {
        bencher.iter(|| {
            let mut state = RiskState::new(&program, None);
            program.advance(&mut state, black_box(&observations), end)
        });
    });
    group.bench_function("one risk, one observation a batch", |bencher| {
        bencher.iter(|| {
            let mut state = RiskState::new(&program, None);
            for observation in &observations {
                let watermark = observation.observed_at;
                black_box(program.advance(
                    &mut state,
                    core::slice::from_ref(observation),
                    watermark,
                ))
                .expect("in order");
            }
            state
        });
    });
    group.throughput(count(RISKS));
    group.bench_function("100k risks, one observation each", |bencher| {
        let risks: Vec<RiskState> = (0..RISKS).map(|_| RiskState::new(&program, None)).collect();
        bencher.iter_batched_ref(
            || risks.clone(),
            |risks| {
                for (risk, observation) in risks.iter_mut().zip(&observations) {
                    let watermark = observation.observed_at;
                    black_box(program.advance(risk, core::slice::from_ref(observation), watermark))
                        .expect("in order");
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
