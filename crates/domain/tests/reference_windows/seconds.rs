//! Windows against counting second by second.

use alloy_primitives::I256;
use proptest::prelude::*;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::{InputObservation, Unknown};
use tocsin_domain::lang::ir::WindowFunction::{
    self, Count, Max, Mean, Median, Min, Sum, Twap, TwapOfCloses,
};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Value;

use super::terms::{A, World, covered, decimal, seen_as, window};

/// In tenths, in a world of some seconds.
fn rows() -> impl Strategy<Value = Vec<InputObservation>> {
    let row = (0_i64..40, 0_u64..3, prop::option::weighted(0.8, -9_i64..9));
    prop::collection::vec(row, 0..15).prop_map(|rows| {
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(at, sequence, tenths)| {
                let text = tenths.map_or(String::new(), |tenths| {
                    let sign = if tenths < 0 { "-" } else { "" };
                    format!("{sign}0.{}", tenths.abs())
                });
                seen_as(A, at, sequence, &text)
            })
            .collect();
        rows.sort_by_key(|row| (row.observed_at, row.sequence));
        rows.dedup_by_key(|row| (row.observed_at, row.sequence));
        rows
    })
}

fn tenths(row: &InputObservation) -> Option<i128> {
    let Some(Value::Decimal(value)) = row.value else {
        return None;
    };
    let tenth = I256::try_from(100_000_000_000_000_000_i64).unwrap();
    Some(i128::try_from(value.units() / tenth).unwrap())
}

/// The state as of one second, in tenths.
fn state(world: &World, second: i64) -> Option<i128> {
    let last = world
        .observations
        .iter()
        .rfind(|row| row.observed_at.0 <= second)?;
    let fresh = |max_age| second <= last.observed_at.0 + max_age;
    tenths(last).filter(|_| world.max_age.is_none_or(fresh))
}

/// `sum` tenths divided by `count`, in units.
fn divided(sum: i128, count: usize) -> Decimal {
    let units = sum * 100_000_000_000_000_000 / i128::try_from(count).unwrap();
    Decimal::from_units(I256::try_from(units).unwrap()).unwrap()
}

/// The window (at − reach, at] of `world`, counted; coverage in percent.
fn counted(
    world: &World,
    function: WindowFunction,
    reach: i64,
    percent: usize,
    at: i64,
) -> Result<Decimal, Unknown> {
    let uncovered = Err(Unknown::NotCovered { input: A });
    let start = at - reach;
    let looked_at: Vec<i64> = match function {
        TwapOfCloses(period) => (start + 1..=at)
            .filter(|end| end.rem_euclid(period.0) == 0)
            .map(|end| end - 1)
            .collect(),
        _ => (start..at).collect(),
    };
    let known: Vec<i128> = looked_at
        .iter()
        .filter_map(|second| state(world, *second))
        .collect();
    if known.len() * 100 < percent * looked_at.len() {
        return uncovered;
    }
    let mut inside: Vec<i128> = world
        .observations
        .iter()
        .filter(|row| start < row.observed_at.0 && row.observed_at.0 <= at)
        .filter_map(tenths)
        .collect();
    inside.sort_unstable();
    let count = inside.len();
    match function {
        Twap | TwapOfCloses(_) if known.is_empty() => uncovered,
        Twap | TwapOfCloses(_) => Ok(divided(known.iter().sum(), known.len())),
        Min | Max => {
            let states = (start..=at).filter_map(|second| state(world, second));
            let found = if function == Min {
                states.min()
            } else {
                states.max()
            };
            found.map_or(uncovered, |value| Ok(divided(value, 1)))
        }
        _ if count == 0 => Err(Unknown::EmptyWindow { input: A }),
        Mean => Ok(divided(inside.iter().sum(), count)),
        Sum => Ok(divided(inside.iter().sum(), 1)),
        Median => Ok(divided(inside[(count - 1) / 2] + inside[count / 2], 2)),
        _ => Ok(Decimal::from_integer(i64::try_from(count).unwrap())),
    }
}

proptest! {
    #[test]
    fn windows_are_what_counting_second_by_second_finds(
        rows in rows(),
        max_age in prop::option::of(0_i64..12),
        reach in 1_i64..30,
        percent in 1_usize..=100,
        at in 0_i64..60,
        period in 1_i64..12,
    ) {
        let world = World { observations: rows, max_age, inception: None };
        let coverage = Decimal::from_units(
            I256::try_from(percent).unwrap() * I256::try_from(10_000_000_000_000_000_i64).unwrap()
        ).unwrap();
        for function in [
            Twap, TwapOfCloses(Seconds(period)), Min, Max, Mean, Median, Sum, Count
        ] {
            let window = covered(window(function, A, reach), &coverage.to_string());
            let found = world.over(window, at).map(|text| decimal(&text));
            let expected = counted(&world, function, reach, percent, at);
            prop_assert_eq!(found, expected, "{:?}", function);
        }
    }
}
