//! `tocsin backtest` from file to summary: one set of terms, and a thousand swept ones, over 30,000 rounds. The bound is the
//! rule written out by hand, on integers that are in memory already.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up is no measurement"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use tocsin::cli::{Backtest, Format};
use tocsin::command::backtest;

const ROUNDS: i64 = 30_000;
const SETS: i64 = 1_000;
const HOUR: i64 = 3_600;

const COVER: &str = r#"
name = "usdc-depeg"
version = 1
[inputs.usdc]
metric = "price"
max_age = "25h"
[parameters]
threshold = "0.95"
[trigger]
when = "holds(usdc <= threshold, for: 24h, recover: usdc >= 0.999, confirm: observation)"
[payout]
fraction = "clamp(1 - usdc, 0, 20%)"
"#;

/// A price near 1 that strays and comes back, every hour, in units of 10⁻⁸.
fn prices() -> Vec<i64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut price = 100_000_000_i64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state % 400_001).unwrap() - 200_000
    };
    (0..ROUNDS)
        .map(|_| {
            price += next() + (100_000_000 - price) / 50;
            price
        })
        .collect()
}

fn write(folder: &Path, prices: &[i64]) -> PathBuf {
    let mut csv = "subject,metric,observed_at,sequence,value\n".to_owned();
    for (round, price) in (1_i64..).zip(prices) {
        let (whole, part) = (price / 100_000_000, price % 100_000_000);
        csv += &format!("usdc,price,{},{round},{whole}.{part:0>8}\n", round * HOUR);
    }
    let path = folder.join("rounds.csv");
    std::fs::write(&path, csv).unwrap();
    path
}

/// How many thresholds are met, by the rule alone.
fn by_hand(prices: &[i64]) -> i64 {
    let mut met = 0;
    for set in 0..SETS {
        let threshold = 90_000_000 + set * 10_000;
        let mut since = None;
        for (round, price) in (1_i64..).zip(prices) {
            let now = round * HOUR;
            match since {
                None if *price <= threshold => since = Some(now),
                Some(begun) if now > begun + 24 * HOUR => {
                    met += 1;
                    break;
                }
                Some(_) if *price >= 99_900_000 => since = None,
                _ => {}
            }
        }
    }
    met
}

fn run(arguments: &Backtest) -> usize {
    let mut out = Vec::new();
    backtest::run(arguments, &mut out).unwrap();
    out.len()
}

fn backtests(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let prices = prices();
    let cover = folder.path().join("cover.toml");
    std::fs::write(&cover, COVER).unwrap();
    let one = Backtest {
        cover,
        observations: vec![write(folder.path(), &prices)],
        each_subject: true,
        as_of: None,
        inception: None,
        sweep: Vec::new(),
        format: Format::Jsonl,
        plot: None,
        memory: Backtest::MEMORY_MIB,
    };
    let swept = Backtest {
        sweep: vec!["threshold=0.9..0.9999:0.0001".to_owned()],
        cover: one.cover.clone(),
        observations: one.observations.clone(),
        each_subject: true,
        as_of: None,
        inception: None,
        format: Format::Jsonl,
        plot: None,
        memory: Backtest::MEMORY_MIB,
    };
    let mut group = criterion.benchmark_group("backtest of 30,000 rounds");
    group.sample_size(10);
    group.bench_function("1 set of terms", |bench| {
        bench.iter(|| run(black_box(&one)))
    });
    group.bench_function("1,000 swept sets", |bench| {
        bench.iter(|| run(black_box(&swept)))
    });
    group.bench_function("1,000 sets by hand, in memory", |bench| {
        bench.iter(|| by_hand(black_box(&prices)));
    });
    group.finish();
}

criterion_group!(benches, backtests);
criterion_main!(benches);
