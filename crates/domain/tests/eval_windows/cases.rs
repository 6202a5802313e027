//! Random windows over random streams of at most a minute and a half.

use core::fmt;

use alloy_primitives::U256;
use proptest::prelude::*;
use tocsin_domain::cover::{Cover, Input};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::InputObservation;
use tocsin_domain::lang::ir::{
    CompareOp, Expr, ExprKind, Grid, InputIndex, Reach, Window, WindowFunction,
};
use tocsin_domain::observation::{Metric, Sequence};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use crate::by_hand::{self, expr, literal};

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) cover: Cover,
    /// `None`: a change over `reach`.
    pub(crate) window: Option<Window>,
    pub(crate) reach: Reach,
    pub(crate) ty: Type,
    pub(crate) max_age: Option<i64>,
    pub(crate) evaluate_from: Option<i64>,
    pub(crate) inception: Option<i64>,
    /// Of the window's input, number 0, and of another one.
    pub(crate) observations: Vec<InputObservation>,
    pub(crate) watermark: i64,
    /// Where the stream is cut in two batches.
    pub(crate) cut: i64,
}

const DECIMALS: [&str; 8] = [
    "1",
    "0.995",
    "0.000000000000000001",
    "-2.5",
    "0",
    "7",
    "300000000000000000000.000000000000000001",
    "50000000000000000000000000000000000000000000000000000000000",
];
const DURATIONS: [i64; 6] = [0, 1, 7, -3, 5_000_000_000, i64::MAX];

fn input(name: &str, ty: Type, max_age: Option<i64>) -> Input {
    Input {
        name: name.to_owned(),
        metric: Metric::from("price"),
        subject: None,
        source: None,
        max_age: max_age.map(Seconds),
        ty,
    }
}

fn cover(window: Expr, ty: Type, max_age: Option<i64>) -> Cover {
    let least = match window.ty {
        Type::Duration => Value::Duration(Seconds(3)),
        _ => Value::Decimal(Decimal::ONE),
    };
    let when = expr(
        ExprKind::Compare {
            op: CompareOp::Greater,
            left: Box::new(window),
            right: Box::new(literal(least)),
        },
        Type::Bool,
    );
    let inputs = vec![input("a", ty, max_age), input("b", Type::Decimal, None)];
    by_hand::cover(inputs, when, literal(Value::Decimal(Decimal::ONE)))
}

impl fmt::Debug for Case {
    /// On few lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            window,
            reach,
            ty,
            max_age,
            evaluate_from,
            inception,
            watermark,
            cut,
            ..
        } = self;
        write!(
            f,
            "{window:?} {reach:?} of {ty}, max_age {max_age:?}, from {evaluate_from:?}, inception {inception:?}, \
             to {watermark}, cut at {cut}"
        )?;
        for seen in &self.observations {
            let InputObservation {
                input,
                observed_at,
                sequence,
                value,
            } = seen;
            write!(
                f,
                "\n{input} at {} {}: {value:?}",
                observed_at.0, sequence.0
            )?;
        }
        Ok(())
    }
}

impl Case {
    /// The function's name.
    pub(crate) fn kind(&self) -> String {
        match &self.window {
            None => "Change".to_owned(),
            Some(window) => {
                let name = format!("{:?}", window.function);
                name.split('(').next().unwrap().to_owned()
            }
        }
    }

    /// A loss at the first instant, and what the window says moved to the payout.
    pub(crate) fn with_the_window_in_the_payout(&self) -> Cover {
        let mut cover = self.cover.clone();
        let asks = core::mem::replace(&mut cover.trigger.when, literal(Value::Bool(true)));
        cover.payout.fraction = expr(
            ExprKind::Case {
                arms: vec![(asks, literal(Value::Decimal(Decimal::ONE)))],
                otherwise: Box::new(literal(Value::Decimal(Decimal::ZERO))),
            },
            Type::Decimal,
        );
        cover
    }
}

#[derive(Clone, Debug)]
struct Row {
    pause: i64,
    other_input: bool,
    sequence: u64,
    value: Option<usize>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let pause = prop_oneof![3 => Just(0), 4 => Just(1), 4 => 2..5i64, 2 => 5..15i64];
    let value = prop_oneof![
        1 => Just(None),
        7 => (0..6usize).prop_map(Some),
        1 => (0..8usize).prop_map(Some),
    ];
    let row = (pause, prop::bool::weighted(0.15), 0..4u64, value);
    prop::collection::vec(
        row.prop_map(|(pause, other_input, sequence, value)| Row {
            pause,
            other_input,
            sequence,
            value,
        }),
        0..25,
    )
}

fn observations(rows: Vec<Row>, ty: Type) -> Vec<InputObservation> {
    let mut now = 20;
    let mut observations: Vec<InputObservation> = rows
        .into_iter()
        .map(|row| {
            now += row.pause;
            let value = row.value.map(|choice| match ty {
                Type::Duration if !row.other_input => {
                    Value::Duration(Seconds(DURATIONS[choice % DURATIONS.len()]))
                }
                Type::Text if !row.other_input => Value::Text("landed".to_owned()),
                _ => Value::Decimal(DECIMALS[choice].parse().unwrap()),
            });
            InputObservation {
                input: usize::from(row.other_input),
                observed_at: Timestamp(now),
                sequence: Sequence(U256::from(row.sequence)),
                value,
            }
        })
        .collect();
    observations.sort_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    observations.dedup_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
    // An exact repeat, which is no observation.
    if let Some(first) = observations.first().cloned() {
        observations.insert(0, first);
    }
    observations
}

fn functions() -> impl Strategy<Value = Option<WindowFunction>> {
    prop::sample::select(vec![
        Some(WindowFunction::Twap),
        Some(WindowFunction::TwapOfCloses(Seconds(1))),
        Some(WindowFunction::TwapOfCloses(Seconds(5))),
        Some(WindowFunction::GeoTwap),
        Some(WindowFunction::Min),
        Some(WindowFunction::Max),
        Some(WindowFunction::Mean),
        Some(WindowFunction::Median),
        Some(WindowFunction::Sum),
        Some(WindowFunction::Sum),
        Some(WindowFunction::Count),
        Some(WindowFunction::Count),
        None,
    ])
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let reach = prop_oneof![
        4 => (1..20i64).prop_map(|reach| Reach::Last(Seconds(reach))),
        1 => Just(Reach::SinceInception),
    ];
    let coverage = prop::sample::select(vec!["1", "1", "0.9", "0.5", "0.000000000000000001"]);
    let every = prop::option::weighted(0.25, 1..12i64);
    let max_age = prop::option::weighted(0.6, 1..12i64);
    let times = (
        prop::option::weighted(0.3, 0..70i64),
        prop::option::weighted(0.5, 0..70i64),
        20..90i64,
        20..90i64,
    );
    (
        (functions(), 0..6usize),
        (reach, coverage, every, max_age),
        times,
        rows(),
    )
        .prop_map(
            |(
                (function, ty),
                (reach, coverage, every, max_age),
                (evaluate_from, inception, watermark, cut),
                rows,
            )| {
                let ty = match (function, ty) {
                    (Some(WindowFunction::GeoTwap), _) => Type::Decimal,
                    (Some(WindowFunction::Count), 4) => Type::Text,
                    (Some(WindowFunction::Count | WindowFunction::Sum), 0 | 1) => Type::Event,
                    (_, 0..4) => Type::Decimal,
                    _ => Type::Duration,
                };
                let observations = observations(rows, ty);
                let watermark = observations
                    .last()
                    .map_or(watermark, |last| last.observed_at.0.max(watermark));
                let of = match function {
                    Some(WindowFunction::Count) => Type::Decimal,
                    _ if ty == Type::Event => Type::Decimal,
                    _ => ty,
                };
                let reach = match function {
                    None if reach == Reach::SinceInception => Reach::Last(Seconds(9)),
                    _ => reach,
                };
                let window = function.map(|function| Window {
                    function,
                    input: InputIndex(0),
                    reach,
                    coverage: coverage.parse().unwrap(),
                    every: every.map(|period| Grid {
                        period: Seconds(period),
                        zone: None,
                    }),
                });
                let kind = match (&window, reach) {
                    (Some(window), _) => ExprKind::Window(window.clone()),
                    (None, Reach::Last(window)) => ExprKind::Change {
                        input: InputIndex(0),
                        window,
                    },
                    (None, Reach::SinceInception) => panic!("a change has a length"),
                };
                Case {
                    cover: cover(expr(kind, of), ty, max_age),
                    window,
                    reach,
                    ty,
                    max_age,
                    evaluate_from,
                    inception,
                    observations,
                    watermark,
                    cut,
                }
            },
        )
}
