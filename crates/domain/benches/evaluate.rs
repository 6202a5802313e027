//! Observations per second on a sustained breach with hysteresis, the commonest cover there is, and on a mean of ten
//! days; what that costs with more risks than any cache holds; and how much memory a million of them take.
//!
//! `bound` is the same rule written by hand as a loop over plain integers: what the machine can do at best. The ratio to
//! it, in the same run, says more than either figure.
//!
//! Times are processor time, as Linux counts it: on a machine that does other work too, the clock counts that as well.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use alloy_primitives::U256;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::diagnostic::Span;
use tocsin_domain::eval::{InputObservation, Part, Program, RiskState};
use tocsin_domain::lang::ir::{
    CompareOp, Expr, ExprKind, InputIndex, Reach, Window, WindowFunction,
};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

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
const FEW_RISKS: usize = 1_000;
const MANY_RISKS: usize = 1_000_000;
/// How many of them are in a batch.
const BATCH: usize = 4_096;
/// What a million risks may take, in megabytes.
const MEMORY_LIMIT_MB: u64 = 400;

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

/// `twap(usdc, 10d) <= 0.99`, or a second more than 10 days, so that observations leave the window between others and
/// not with them: twice as many instants.
#[expect(
    clippy::expect_used,
    reason = "a benchmark of a cover that does not parse measures nothing"
)]
fn mean_of_ten_days(and: Seconds) -> Program {
    let expr = |kind, ty| Expr {
        kind,
        ty,
        span: Span::default(),
    };
    let window = Window {
        function: WindowFunction::Twap,
        input: InputIndex(0),
        reach: Reach::Last(Seconds(864_000 + and.0)),
        coverage: Decimal::ONE,
        every: None,
    };
    let limit = "0.99".parse().map(Value::Decimal).expect("a decimal");
    let (mut cover, _warnings) = Cover::parse(COVER).expect("the cover is well formed");
    cover.trigger.when = expr(
        ExprKind::Compare {
            op: CompareOp::LessOrEqual,
            left: Box::new(expr(ExprKind::Window(window), Type::Decimal)),
            right: Box::new(expr(ExprKind::Literal(limit), Type::Decimal)),
        },
        Type::Bool,
    );
    Program::compile(&cover)
}

/// Resident memory of this process in bytes, where the system tells.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}

/// So many risks, each with one observation taken in, each with its own.
#[expect(clippy::expect_used, reason = "the observations are in order")]
fn risks(program: &Program, observations: &[InputObservation], count: usize) -> Vec<RiskState> {
    let mut risks: Vec<RiskState> = (0..count)
        .map(|_| RiskState::new(program, Some(Timestamp(1_700_000_000))))
        .collect();
    for (risk, observation) in risks.iter_mut().zip(observations.iter().cycle()) {
        let first = core::slice::from_ref(observation);
        program
            .advance(risk, first, observation.observed_at)
            .expect("in order");
    }
    risks
}

#[expect(
    clippy::print_stdout,
    reason = "criterion measures time alone; this figure goes beside its own"
)]
fn memory(program: &Program, observations: &[InputObservation]) {
    let before = resident();
    let risks = risks(program, observations, MANY_RISKS);
    let (Some(before), Some(after)) = (before, resident()) else {
        return;
    };
    let megabytes = (after.saturating_sub(before)) / 1_000_000;
    println!("{} risks: {megabytes} MB", risks.len());
    assert!(megabytes <= MEMORY_LIMIT_MB, "a million risks take more");
}

/// Every number below `count` once.
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = 1_u64;
    for place in (1..count).rev() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = usize::try_from(random >> 33).unwrap_or(0) % (place + 1);
        order.swap(place, other);
    }
    order
}

/// Evaluates one later observation of each of these risks, in this order: in batches, as a feed of many subjects gives
/// them, or one by one.
#[expect(clippy::expect_used, reason = "the observations are in order")]
fn one_each(
    group: &mut BenchmarkGroup<'_, ProcessorTime>,
    name: &str,
    program: &Program,
    observations: &[InputObservation],
    order: &[usize],
    batch: usize,
) {
    let count = order.len();
    let mut risks = risks(program, observations, count);
    // A risk gets the same one in each round, half an hour later.
    let mut later: Vec<InputObservation> = observations.to_vec();
    let rounds = (MANY_RISKS / 10 / count).max(1);
    group.throughput(elements(count * rounds));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for _round in 0..rounds {
                for observation in &mut later {
                    observation.observed_at = observation.observed_at + Seconds(1_800);
                }
                for places in order.chunks(batch) {
                    let parts = places.iter().map(|place| {
                        let observation = &later[*place % later.len()];
                        Part {
                            risk: *place,
                            observations: core::slice::from_ref(observation),
                            watermark: observation.observed_at,
                        }
                    });
                    program
                        .advance_each(&mut risks, parts, |risk, event| {
                            black_box((risk, event));
                        })
                        .expect("in order");
                }
            }
        });
    });
}

fn elements(count: usize) -> Throughput {
    Throughput::Elements(u64::try_from(count).unwrap_or(u64::MAX))
}

#[expect(
    clippy::expect_used,
    reason = "a benchmark of a cover that does not parse measures nothing"
)]
fn evaluate(criterion: &mut Criterion<ProcessorTime>) {
    let (cover, _warnings) = Cover::parse(COVER).expect("the cover is well formed");
    let program = Program::compile(&cover);
    let prices = prices();
    let plain: Vec<(i64, i128)> = prices
        .iter()
        .map(|(at, price)| (*at, i128::from(*price) * 10_000_000_000))
        .collect();
    let observations = observations(&prices);
    let end = Timestamp(prices.last().map_or(0, |(at, _)| *at));
    memory(&program, &observations);

    // The bound decides the same.
    let mut state = RiskState::new(&program, None);
    let events = program
        .advance(&mut state, &observations, end)
        .expect("in order");
    let confirmed: Vec<i64> = events.iter().map(|event| event.confirmed_at.0).collect();
    assert_eq!(confirmed, by_hand(&plain));
    assert!(confirmed.len() > 10, "{} loss events", confirmed.len());

    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(elements(OBSERVATIONS));
    group.bench_function("bound", |bencher| {
        bencher.iter(|| by_hand(black_box(&plain)))
    });
    for (name, program) in [
        ("holds, one batch", &program),
        ("10-day mean, one batch", &mean_of_ten_days(Seconds(0))),
        (
            "10-day mean with instants of its own, one batch",
            &mean_of_ten_days(Seconds(1)),
        ),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut state = RiskState::new(program, None);
                program.advance(&mut state, black_box(&observations), end)
            });
        });
    }
    group.bench_function("holds, one observation a batch", |bencher| {
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
    // Few distinct observations, so that only the risks differ in what they need of the cache.
    let few = &observations[..FEW_RISKS];
    let in_order: Vec<usize> = (0..MANY_RISKS).collect();
    let any_order = shuffled(MANY_RISKS);
    for (name, order, batch) in [
        ("a thousand risks, in order", &in_order[..FEW_RISKS], BATCH),
        ("a million risks, in order", &in_order, BATCH),
        (
            "a thousand risks, in any order",
            &shuffled(FEW_RISKS),
            BATCH,
        ),
        ("a million risks, in any order", &any_order, BATCH),
        ("a million risks, in any order, one by one", &any_order, 1),
    ] {
        one_each(&mut group, name, &program, few, order, batch);
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = evaluate
}
criterion_main!(benches);
