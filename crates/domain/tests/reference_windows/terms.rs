//! Covers written as checked expressions, and how to read a value out of their evaluation.

use alloy_primitives::U256;
use tocsin_domain::cover::{Cover, Guard, Input};
use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::eval::reference::{self, Evaluation};
use tocsin_domain::eval::{InputObservation, Start, Unknown};
use tocsin_domain::lang::ir::{
    ArithmeticOp, CompareOp, Expr, ExprKind, FixedTime, Grid, InputIndex, Reach, Window,
    WindowFunction,
};
use tocsin_domain::observation::{Metric, Sequence};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

pub(crate) use crate::by_hand::expr;
use crate::by_hand::{self, literal};

/// Two prices, a duration, an event, and something that is only observed so that there is an instant.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const D: usize = 2;
pub(crate) const E: usize = 3;
pub(crate) const Z: usize = 4;

pub(crate) const DAY: i64 = 86_400;

/// A cover that pays `fraction` when `when` is met.
pub(crate) fn cover(when: Expr, fraction: Expr) -> Cover {
    let input = |(index, name): (usize, &str)| Input {
        name: name.to_owned(),
        metric: Metric::from("price"),
        subject: None,
        source: None,
        max_age: None,
        ty: if index == E {
            Type::Event
        } else {
            input_type(index)
        },
    };
    let names = ["a", "b", "d", "e", "z"].into_iter().enumerate();
    by_hand::cover(names.map(input).collect(), when, fraction)
}

pub(crate) fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

pub(crate) fn yes() -> Expr {
    literal(Value::Bool(true))
}

pub(crate) fn no() -> Expr {
    literal(Value::Bool(false))
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn number(text: &str) -> Expr {
    literal(Value::Decimal(decimal(text)))
}

pub(crate) fn span(seconds: i64) -> Expr {
    literal(Value::Duration(Seconds(seconds)))
}

fn input_type(index: usize) -> Type {
    if index == D {
        Type::Duration
    } else {
        Type::Decimal
    }
}

pub(crate) fn input(index: usize) -> Expr {
    expr(ExprKind::Input(InputIndex(index)), input_type(index))
}

pub(crate) fn arithmetic(op: ArithmeticOp, left: Expr, right: Expr, ty: Type) -> Expr {
    let kind = ExprKind::Arithmetic {
        op,
        rounding: Rounding::Truncate,
        left: boxed(left),
        right: boxed(right),
    };
    expr(kind, ty)
}

pub(crate) fn compare(left: Expr, op: CompareOp, right: Expr) -> Expr {
    let kind = ExprKind::Compare {
        op,
        left: boxed(left),
        right: boxed(right),
    };
    expr(kind, Type::Bool)
}

/// A window, to be changed where it is not over the last `reach` seconds, fully covered.
pub(crate) fn window(function: WindowFunction, index: usize, reach: i64) -> Window {
    Window {
        function,
        input: InputIndex(index),
        reach: Reach::Last(Seconds(reach)),
        coverage: Decimal::ONE,
        every: None,
    }
}

pub(crate) fn since_inception(function: WindowFunction, index: usize) -> Window {
    Window {
        reach: Reach::SinceInception,
        ..window(function, index, 0)
    }
}

pub(crate) fn covered(window: Window, part: &str) -> Window {
    Window {
        coverage: decimal(part),
        ..window
    }
}

pub(crate) fn every(window: Window, period: i64, zone: Option<&str>) -> Window {
    Window {
        every: Some(Grid {
            period: Seconds(period),
            zone: zone.map(str::to_owned),
        }),
        ..window
    }
}

pub(crate) fn of(window: Window) -> Expr {
    let counts = window.function == WindowFunction::Count;
    let ty = if counts {
        Type::Decimal
    } else {
        input_type(window.input.0)
    };
    expr(ExprKind::Window(window), ty)
}

pub(crate) fn at(index: usize, time: FixedTime) -> Expr {
    let kind = ExprKind::At {
        input: InputIndex(index),
        time,
    };
    expr(kind, input_type(index))
}

pub(crate) fn change(index: usize, window: i64) -> Expr {
    let kind = ExprKind::Change {
        input: InputIndex(index),
        window: Seconds(window),
    };
    expr(kind, input_type(index))
}

/// An observation of `value`: a decimal, of a delay whole seconds, nothing where it is empty.
pub(crate) fn seen_as(index: usize, at: i64, sequence: u64, value: &str) -> InputObservation {
    let read = || match input_type(index) {
        Type::Duration => Value::Duration(Seconds(value.parse().unwrap())),
        _ => Value::Decimal(decimal(value)),
    };
    InputObservation {
        input: index,
        observed_at: Timestamp(at),
        sequence: Sequence(U256::from(sequence)),
        value: (!value.is_empty()).then(read),
    }
}

pub(crate) fn seen(index: usize, at: i64, value: &str) -> InputObservation {
    seen_as(index, at, 1, value)
}

/// Observations of one input.
pub(crate) fn stream(index: usize, values: &[(i64, &str)]) -> Vec<InputObservation> {
    values
        .iter()
        .map(|(at, value)| seen(index, *at, value))
        .collect()
}

/// What was observed, and what else a value depends on.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) observations: Vec<InputObservation>,
    pub(crate) max_age: Option<i64>,
    pub(crate) inception: Option<i64>,
}

impl World {
    pub(crate) fn of(observations: Vec<InputObservation>) -> Self {
        Self {
            observations,
            ..Self::default()
        }
    }

    pub(crate) fn max_age(self, seconds: i64) -> Self {
        Self {
            max_age: Some(seconds),
            ..self
        }
    }

    pub(crate) fn inception(self, at: i64) -> Self {
        Self {
            inception: Some(at),
            ..self
        }
    }

    pub(crate) fn evaluate(
        &self,
        mut cover: Cover,
        from: Option<i64>,
        watermark: i64,
    ) -> Evaluation {
        for input in &mut cover.inputs[A..=E] {
            input.max_age = self.max_age.map(Seconds);
        }
        let start = Start {
            evaluate_from: from.map(Timestamp),
            inception: self.inception.map(Timestamp),
        };
        reference::evaluate(&cover, start, &self.observations, Timestamp(watermark))
    }

    /// Evaluates once, at `at`: a loss that is met there at once.
    fn once(&self, fraction: Expr, guard: Expr, at: i64) -> Evaluation {
        let mut cover = cover(yes(), fraction);
        cover.guards = vec![Guard {
            name: "guard".to_owned(),
            condition: guard,
        }];
        let mut world = self.clone();
        // So that there is an instant; older than anything else only where nothing is.
        let first = world.observations.iter().map(|seen| seen.observed_at.0);
        let begins = first.min().unwrap_or(at).min(at);
        world.observations.push(seen(Z, begins, "1"));
        world.evaluate(cover, Some(at), at)
    }

    /// The value of an expression at `at`. A payout that is out of range says which it was.
    pub(crate) fn read(&self, wanted: Expr, at: i64) -> Result<String, Unknown> {
        let wanted = match wanted.ty {
            Type::Duration => arithmetic(ArithmeticOp::Divide, wanted, span(1), Type::Decimal),
            _ => wanted,
        };
        let evaluation = self.once(wanted, yes(), at);
        match evaluation.events[0].payout.clone() {
            Ok(value) | Err(Unknown::PayoutOutOfRange { fraction: value }) => Ok(value.to_string()),
            Err(unknown) => Err(unknown),
        }
    }

    /// The truth of an expression at `at`.
    pub(crate) fn is(&self, condition: Expr, at: i64) -> Result<bool, Unknown> {
        self.once(number("1"), condition, at).events[0].guards[0].clone()
    }

    /// The same of a window.
    pub(crate) fn over(&self, window: Window, at: i64) -> Result<String, Unknown> {
        self.read(of(window), at)
    }
}

pub(crate) fn is(value: &str) -> Result<String, Unknown> {
    Ok(value.to_owned())
}

pub(crate) fn not_covered(input: usize) -> Result<String, Unknown> {
    Err(Unknown::NotCovered { input })
}

pub(crate) fn not_yet(time: i64) -> Result<String, Unknown> {
    Err(Unknown::NotYet {
        time: Timestamp(time),
    })
}
