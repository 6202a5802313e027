//! Random windows, fixed times, sources and shapes. Windows are seconds long, so that values enter and leave them often.

use proptest::prelude::*;
use tocsin_domain::lang::ir::{
    Expr, ExprKind, FixedTime, Grid, InputIndex, Reach, Window, WindowFunction,
};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use super::{
    DECIMALS, DURATIONS, EVENT, INPUT_TYPES, TEXTS, compare, decimal, expr, input, literal,
};
use crate::streams::START;

fn lengths() -> impl Strategy<Value = Seconds> + Clone {
    prop::sample::select(vec![1i64, 2, 3, 5, 8, 13, 30]).prop_map(Seconds)
}

fn reaches() -> impl Strategy<Value = Reach> + Clone {
    prop_oneof![
        5 => lengths().prop_map(Reach::Last),
        1 => Just(Reach::SinceInception),
    ]
}

fn coverages() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec!["1", "1", "1", "0.9", "0.5", "0.000000000000000001"])
}

fn grids() -> impl Strategy<Value = Option<Grid>> + Clone {
    let plain = lengths().prop_map(|period| Grid { period, zone: None });
    let day = prop::sample::select(vec!["UTC", "America/New_York"]).prop_map(|zone| Grid {
        period: Seconds(86_400),
        zone: Some(zone.to_owned()),
    });
    prop_oneof![6 => Just(None), 2 => plain.prop_map(Some), 1 => day.prop_map(Some)]
}

/// A window over `index`, of a function that suits its type.
fn windows(index: usize, functions: Vec<WindowFunction>) -> BoxedStrategy<Expr> {
    let ty = INPUT_TYPES[index];
    (
        prop::sample::select(functions),
        reaches(),
        coverages(),
        grids(),
    )
        .prop_map(move |(function, reach, coverage, every)| {
            let over_grid = matches!(
                function,
                WindowFunction::Min
                    | WindowFunction::Max
                    | WindowFunction::Mean
                    | WindowFunction::Median
                    | WindowFunction::Sum
                    | WindowFunction::Count
            );
            let window = Window {
                function,
                input: InputIndex(index),
                reach,
                coverage: coverage.parse().unwrap(),
                every: every.filter(|_| over_grid),
            };
            let ty = match function {
                WindowFunction::Count => Type::Decimal,
                WindowFunction::Sum if ty == Type::Event => Type::Decimal,
                _ => ty,
            };
            expr(ExprKind::Window(window), ty)
        })
        .boxed()
}

fn every_function() -> Vec<WindowFunction> {
    use WindowFunction::{Count, GeoTwap, Max, Mean, Median, Min, Sum, Twap, TwapOfCloses};
    vec![
        Twap,
        Twap,
        TwapOfCloses(Seconds(3)),
        TwapOfCloses(Seconds(1)),
        GeoTwap,
        Min,
        Max,
        Mean,
        Median,
        Sum,
        Count,
    ]
}

fn times() -> impl Strategy<Value = FixedTime> + Clone {
    prop_oneof![
        1 => Just(FixedTime::Inception),
        3 => (-3..30i64).prop_map(|at| FixedTime::Time(Timestamp(START + at))),
    ]
}

/// Decimals that look back, or at several things.
pub(super) fn decimals(
    part: BoxedStrategy<Expr>,
    duration: BoxedStrategy<Expr>,
    condition: BoxedStrategy<Expr>,
) -> BoxedStrategy<Expr> {
    use WindowFunction::{Count, Sum};
    let price = prop_oneof![3 => Just(0usize), 1 => Just(1usize)];
    let over_price = price
        .clone()
        .prop_flat_map(|index| windows(index, every_function()));
    let boxed = |part: Expr| Box::new(part);
    let bounds = prop::sample::subsequence(DECIMALS[..5].to_vec(), 1..4);
    prop_oneof![
        8 => over_price,
        2 => windows(EVENT, vec![Sum, Count]),
        1 => windows(2, vec![Count]),
        1 => windows(4, vec![Count]),
        2 => (price.clone(), times()).prop_map(|(index, time)| {
            expr(ExprKind::At { input: InputIndex(index), time }, Type::Decimal)
        }),
        2 => (price, lengths()).prop_map(|(index, window)| {
            expr(ExprKind::Change { input: InputIndex(index), window }, Type::Decimal)
        }),
        2 => (part.clone(), part.clone()).prop_map(move |(value, from)| {
            expr(ExprKind::Drop { value: boxed(value), from: boxed(from) }, Type::Decimal)
        }),
        1 => (duration.clone(), duration.clone()).prop_map(move |(value, from)| {
            expr(ExprKind::Drop { value: boxed(value), from: boxed(from) }, Type::Decimal)
        }),
        2 => medians(Type::Decimal, part.clone()),
        1 => (part.clone(), part.clone(), part.clone()).prop_map(move |(value, from, to)| {
            expr(ExprKind::Linear { value: boxed(value), from: boxed(from), to: boxed(to) }, Type::Decimal)
        }),
        1 => (duration.clone(), duration.clone(), duration).prop_map(move |(value, from, to)| {
            expr(ExprKind::Linear { value: boxed(value), from: boxed(from), to: boxed(to) }, Type::Decimal)
        }),
        1 => (part.clone(), bounds, prop::collection::vec(part.clone(), 4)).prop_map(move |(value, bounds, parts)| {
            let bounds = bounds.into_iter().map(|bound| Value::Decimal(bound.parse().unwrap()));
            let tiers = bounds.zip(parts).collect();
            expr(ExprKind::Tiers { value: boxed(value), tiers }, Type::Decimal)
        }),
        1 => [part.clone(), part.clone(), part.clone(), part.clone()].prop_map(|[value, strike, per, limit]| {
            expr(
                ExprKind::Tick {
                    value: Box::new(value),
                    strike: Box::new(strike),
                    per: Box::new(per),
                    limit: Box::new(limit),
                },
                Type::Decimal,
            )
        }),
        2 => (prop::collection::vec((condition, part.clone()), 1..3), part.clone()).prop_map(move |(arms, otherwise)| {
            expr(ExprKind::Case { arms, otherwise: boxed(otherwise) }, Type::Decimal)
        }),
        1 => (part.clone(), part).prop_map(|(lat, lon)| {
            let places = [lat, lon, decimal("0.98"), decimal("-1")];
            expr(ExprKind::DistanceKm(Box::new(places)), Type::Decimal)
        }),
    ]
    .boxed()
}

/// Durations that look back, or at several things.
pub(super) fn durations(part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    use WindowFunction::{Max, Mean, Median, Min, Sum, Twap, TwapOfCloses};
    let functions = vec![Twap, TwapOfCloses(Seconds(3)), Min, Max, Mean, Median, Sum];
    prop_oneof![
        3 => windows(2, functions),
        1 => times().prop_map(|time| expr(ExprKind::At { input: InputIndex(2), time }, Type::Duration)),
        1 => lengths().prop_map(|window| {
            expr(ExprKind::Change { input: InputIndex(2), window }, Type::Duration)
        }),
        1 => medians(Type::Duration, part),
    ]
    .boxed()
}

fn medians(ty: Type, part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let spread = prop::option::of(prop::sample::select(vec!["0", "0.001", "0.02", "1"]));
    (prop::collection::vec(part, 2..5), 1..5u32, spread)
        .prop_map(move |(values, quorum, spread)| {
            let quorum = quorum.min(u32::try_from(values.len()).unwrap());
            let spread = spread.map(|part| part.parse().unwrap());
            expr(
                ExprKind::MedianOf {
                    values,
                    quorum,
                    spread,
                },
                ty,
            )
        })
        .boxed()
}

/// Conditions that look back.
pub(super) fn conditions() -> BoxedStrategy<Expr> {
    let text = (times(), prop::sample::select(TEXTS.to_vec())).prop_map(|(time, text)| {
        let value = expr(
            ExprKind::At {
                input: InputIndex(4),
                time,
            },
            Type::Text,
        );
        compare(
            tocsin_domain::lang::ir::CompareOp::Equal,
            value,
            literal(Value::Text(text.to_owned())),
        )
    });
    let happened = expr(ExprKind::Happened(InputIndex(EVENT)), Type::Bool);
    let late = prop::sample::select(DURATIONS[..4].to_vec()).prop_map(|seconds| {
        compare(
            tocsin_domain::lang::ir::CompareOp::Greater,
            input(2),
            literal(Value::Duration(Seconds(seconds))),
        )
    });
    prop_oneof![3 => Just(happened), 1 => text, 1 => late].boxed()
}

/// `k_of`.
pub(super) fn several(part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    (prop::collection::vec(part, 1..5), 1..5u32)
        .prop_map(|(conditions, needed)| {
            let needed = needed.min(u32::try_from(conditions.len()).unwrap());
            expr(ExprKind::KOf { needed, conditions }, Type::Bool)
        })
        .boxed()
}
