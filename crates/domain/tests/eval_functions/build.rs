//! Checked expressions and covers, written by hand.

use alloy_primitives::U256;
use tocsin_domain::cover::{Cover, Guard, Input, Rearm};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::InputObservation;
use tocsin_domain::lang::ir::{
    CompareOp, Confirm, Expr, ExprKind, FixedTime, Grid, Holds, InputIndex, Reach, Window,
    WindowFunction,
};
use tocsin_domain::observation::{Metric, Sequence};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

pub(crate) use crate::by_hand::expr;
use crate::by_hand::{self, literal};

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;
pub(crate) const D: usize = 3;
/// The one that is an event.
pub(crate) const E: usize = 4;

pub(crate) struct Terms {
    pub(crate) when: Expr,
    pub(crate) fraction: Expr,
    pub(crate) settle: Option<i64>,
    pub(crate) guards: Vec<Expr>,
    pub(crate) rearm: Rearm,
    pub(crate) max_age: Option<i64>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            when: truth(true),
            fraction: number("1"),
            settle: None,
            guards: Vec::new(),
            rearm: Rearm::Never,
            max_age: None,
        }
    }
}

impl Terms {
    pub(crate) fn cover(self) -> Cover {
        let max_age = self.max_age;
        let input = |name: &str| Input {
            name: name.to_owned(),
            metric: Metric::from("price"),
            subject: None,
            source: None,
            max_age: max_age.map(Seconds).filter(|_| name == "a"),
            ty: if name == "e" {
                Type::Event
            } else {
                Type::Decimal
            },
        };
        let inputs = ["a", "b", "c", "d", "e"].map(input).into();
        let mut cover = by_hand::cover(inputs, self.when, self.fraction);
        cover.trigger.rearm = self.rearm;
        cover.payout.settle = self.settle.map(Seconds);
        let guards = self.guards.into_iter().map(|condition| Guard {
            name: "guard".to_owned(),
            condition,
        });
        cover.guards = guards.collect();
        cover
    }
}

pub(crate) fn empty_at(input: usize, at: i64) -> InputObservation {
    InputObservation {
        input,
        observed_at: Timestamp(at),
        sequence: Sequence(U256::ONE),
        value: None,
    }
}

pub(crate) fn decimal_at(input: usize, at: i64, value: &str) -> InputObservation {
    InputObservation {
        value: Some(Value::Decimal(value.parse().unwrap())),
        ..empty_at(input, at)
    }
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

pub(crate) fn truth(truth: bool) -> Expr {
    literal(Value::Bool(truth))
}

pub(crate) fn number(text: &str) -> Expr {
    literal(Value::Decimal(text.parse().unwrap()))
}

pub(crate) fn input(input: usize) -> Expr {
    expr(ExprKind::Input(InputIndex(input)), Type::Decimal)
}

/// Whether it is above `limit`.
pub(crate) fn compare_with(value: Expr, limit: &str) -> Expr {
    let (left, right) = (boxed(value), boxed(number(limit)));
    let op = CompareOp::Greater;
    expr(ExprKind::Compare { op, left, right }, Type::Bool)
}

pub(crate) fn drop(value: Expr, from: Expr) -> Expr {
    let (value, from) = (boxed(value), boxed(from));
    expr(ExprKind::Drop { value, from }, Type::Decimal)
}

pub(crate) fn median_of(values: Vec<Expr>, quorum: u32, spread: Option<&str>) -> Expr {
    let kind = ExprKind::MedianOf {
        values,
        quorum,
        spread: spread.map(|spread| spread.parse().unwrap()),
    };
    expr(kind, Type::Decimal)
}

pub(crate) fn k_of(needed: u32, conditions: Vec<Expr>) -> Expr {
    expr(ExprKind::KOf { needed, conditions }, Type::Bool)
}

pub(crate) fn linear(value: Expr, from: Expr, to: Expr) -> Expr {
    let kind = ExprKind::Linear {
        value: boxed(value),
        from: boxed(from),
        to: boxed(to),
    };
    expr(kind, Type::Decimal)
}

pub(crate) fn tiers(value: Expr, tiers: Vec<(&str, Expr)>) -> Expr {
    let bound = |text: &str| Value::Decimal(text.parse().unwrap());
    let kind = ExprKind::Tiers {
        value: boxed(value),
        tiers: tiers
            .into_iter()
            .map(|(text, part)| (bound(text), part))
            .collect(),
    };
    expr(kind, Type::Decimal)
}

pub(crate) fn tick(value: Expr, strike: Expr, per: Expr, limit: Expr) -> Expr {
    let kind = ExprKind::Tick {
        value: boxed(value),
        strike: boxed(strike),
        per: boxed(per),
        limit: boxed(limit),
    };
    expr(kind, Type::Decimal)
}

pub(crate) fn case(arms: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
    let otherwise = boxed(otherwise);
    expr(ExprKind::Case { arms, otherwise }, Type::Decimal)
}

pub(crate) fn distance_km(places: [Expr; 4]) -> Expr {
    expr(ExprKind::DistanceKm(Box::new(places)), Type::Decimal)
}

pub(crate) fn at(input: usize, time: FixedTime) -> Expr {
    let input = InputIndex(input);
    expr(ExprKind::At { input, time }, Type::Decimal)
}

pub(crate) fn happened(input: usize) -> Expr {
    expr(ExprKind::Happened(InputIndex(input)), Type::Bool)
}

pub(crate) fn holds(condition: Expr, seconds: i64) -> Expr {
    let holds = Holds {
        recover: expr(ExprKind::Not(boxed(condition.clone())), Type::Bool),
        condition,
        window: Seconds(seconds),
        at_least: false,
        confirm: Confirm::Observation,
        observations: 1,
    };
    expr(ExprKind::Holds(Box::new(holds)), Type::Bool)
}

pub(crate) fn window(
    function: WindowFunction,
    input: usize,
    reach: Reach,
    every: Option<Grid>,
    ty: Type,
) -> Expr {
    let window = Window {
        function,
        input: InputIndex(input),
        reach,
        coverage: Decimal::ONE,
        every,
    };
    expr(ExprKind::Window(window), ty)
}
