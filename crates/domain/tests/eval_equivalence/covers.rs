//! Random well-typed covers.
//!
//! Thresholds, values and spans are few and small, so that boundaries are hit exactly and breaches last about as long
//! as their windows.

#[path = "functions.rs"]
mod functions;

use proptest::prelude::*;
use tocsin_domain::cover::{Cover, Guard, Input, Rearm};
use tocsin_domain::decimal::Rounding;
use tocsin_domain::lang::ir::{
    ArithmeticOp, CompareOp, Confirm, Expr, ExprKind, Holds, InputIndex, Window,
};
use tocsin_domain::observation::{Metric, SourceId};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::{Type, Value};

use crate::by_hand::{self, expr, literal};

/// Every input that a random expression may name; a cover keeps those that it uses.
const INPUT_TYPES: [Type; 6] = [
    Type::Decimal,
    Type::Decimal,
    Type::Duration,
    Type::Bool,
    Type::Text,
    Type::Event,
];
/// The one that has no value.
const EVENT: usize = 5;

pub(crate) const DECIMALS: [&str; 9] = [
    "0.98",
    "0.995",
    "0.997",
    "0.999",
    "1",
    "0",
    "-1",
    "0.000000000000000001",
    "50000000000000000000000000000000000000000000000000000000000",
];
pub(crate) const DURATIONS: [i64; 6] = [0, 1, 2, 5, -3, i64::MAX];
pub(crate) const TEXTS: [&str; 3] = ["landed", "cancelled", "diverted"];

fn decimal(text: &str) -> Expr {
    literal(Value::Decimal(text.parse().unwrap()))
}

fn input(index: usize) -> Expr {
    expr(ExprKind::Input(InputIndex(index)), INPUT_TYPES[index])
}

fn not(operand: Expr) -> Expr {
    expr(ExprKind::Not(Box::new(operand)), Type::Bool)
}

fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
    expr(
        ExprKind::Compare {
            op,
            left: Box::new(left),
            right: Box::new(right),
        },
        Type::Bool,
    )
}

fn any_order() -> impl Strategy<Value = CompareOp> + Clone {
    prop::sample::select(vec![
        CompareOp::Less,
        CompareOp::LessOrEqual,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
        CompareOp::Equal,
        CompareOp::NotEqual,
    ])
}

fn any_rounding() -> impl Strategy<Value = Rounding> + Clone {
    prop::sample::select(vec![Rounding::Truncate, Rounding::Up])
}

fn any_arithmetic() -> impl Strategy<Value = ArithmeticOp> + Clone {
    use ArithmeticOp::{Add, Divide, Multiply, Subtract};
    prop::sample::select(vec![Add, Subtract, Multiply, Divide])
}

fn arithmetic(op: ArithmeticOp, rounding: Rounding, left: Expr, right: Expr, ty: Type) -> Expr {
    let (left, right) = (Box::new(left), Box::new(right));
    expr(
        ExprKind::Arithmetic {
            op,
            rounding,
            left,
            right,
        },
        ty,
    )
}

/// What combines values of one type whatever it is.
fn choices_of(ty: Type, part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let several = prop::collection::vec(part.clone(), 2..4);
    prop_oneof![
        several
            .clone()
            .prop_map(move |parts| expr(ExprKind::Min(parts), ty)),
        several.prop_map(move |parts| expr(ExprKind::Max(parts), ty)),
        (part.clone(), part.clone(), part.clone()).prop_map(move |(value, low, high)| {
            let (value, low, high) = (Box::new(value), Box::new(low), Box::new(high));
            expr(ExprKind::Clamp { value, low, high }, ty)
        }),
        part.clone()
            .prop_map(move |part| expr(ExprKind::Negate(Box::new(part)), ty)),
        part.prop_map(move |part| expr(ExprKind::Absolute(Box::new(part)), ty)),
    ]
    .boxed()
}

/// `ages`: whether `age` may stand anywhere, as in a payout.
fn decimals(depth: u32, ages: bool) -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        5 => Just(input(0)),
        2 => Just(input(1)),
        4 => prop::sample::select(DECIMALS.to_vec()).prop_map(decimal),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let part = decimals(depth - 1, ages);
    let duration = durations(depth - 1, ages);
    prop_oneof![
        4 => leaf,
        6 => functions::decimals(part.clone(), duration.clone(), thresholds()),
        5 => (any_arithmetic(), any_rounding(), part.clone(), part.clone())
            .prop_map(|(op, rounding, left, right)| {
                arithmetic(op, rounding, left, right, Type::Decimal)
            }),
        2 => choices_of(Type::Decimal, part),
        1 => (any_rounding(), duration.clone(), duration).prop_map(|(rounding, left, right)| {
            arithmetic(ArithmeticOp::Divide, rounding, left, right, Type::Decimal)
        }),
    ]
    .boxed()
}

fn durations(depth: u32, ages: bool) -> BoxedStrategy<Expr> {
    let seconds = prop::sample::select(DURATIONS.to_vec())
        .prop_map(|seconds| literal(Value::Duration(Seconds(seconds))));
    let leaf = prop_oneof![
        3 => Just(input(2)),
        2 => seconds,
        if ages { 3 } else { 0 } => (0..INPUT_TYPES.len())
            .prop_map(|index| expr(ExprKind::Age(InputIndex(index)), Type::Duration)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let part = durations(depth - 1, ages);
    let number = decimals(depth - 1, ages);
    let sum = prop::sample::select(vec![ArithmeticOp::Add, ArithmeticOp::Subtract]);
    let scale = prop::sample::select(vec![ArithmeticOp::Multiply, ArithmeticOp::Divide]);
    prop_oneof![
        4 => leaf,
        2 => functions::durations(part.clone()),
        2 => (sum, any_rounding(), part.clone(), part.clone()).prop_map(
            |(op, rounding, left, right)| arithmetic(op, rounding, left, right, Type::Duration)
        ),
        2 => (scale, any_rounding(), part.clone(), number.clone()).prop_map(
            |(op, rounding, left, right)| arithmetic(op, rounding, left, right, Type::Duration)
        ),
        1 => (any_rounding(), number, part.clone()).prop_map(|(rounding, left, right)| {
            arithmetic(ArithmeticOp::Multiply, rounding, left, right, Type::Duration)
        }),
        2 => choices_of(Type::Duration, part),
    ]
    .boxed()
}

/// `x <= 0.995` and its kin.
fn thresholds() -> BoxedStrategy<Expr> {
    let limit = prop::sample::select(DECIMALS[..5].to_vec());
    let index = prop_oneof![3 => Just(0usize), 1 => Just(1usize)];
    let below = (any_order(), index, limit)
        .prop_map(|(op, index, limit)| compare(op, input(index), decimal(limit)));
    below.boxed()
}

fn conditions(depth: u32) -> BoxedStrategy<Expr> {
    let age = (any_order(), 0..INPUT_TYPES.len(), -1..9i64, any::<bool>()).prop_map(
        |(op, index, limit, swapped)| {
            let age = expr(ExprKind::Age(InputIndex(index)), Type::Duration);
            // A constant need not be a literal.
            let limit = arithmetic(
                ArithmeticOp::Add,
                Rounding::Truncate,
                literal(Value::Duration(Seconds(limit))),
                literal(Value::Duration(Seconds(1))),
                Type::Duration,
            );
            if swapped {
                compare(op, limit, age)
            } else {
                compare(op, age, limit)
            }
        },
    );
    let text = prop_oneof![
        prop::sample::subsequence(TEXTS.to_vec(), 0..3).prop_map(|choices| {
            let choices = choices.into_iter().map(str::to_owned).collect();
            expr(
                ExprKind::OneOf {
                    value: Box::new(input(4)),
                    choices,
                },
                Type::Bool,
            )
        }),
        prop::sample::select(TEXTS.to_vec()).prop_map(|text| {
            compare(
                CompareOp::Equal,
                input(4),
                literal(Value::Text(text.to_owned())),
            )
        }),
    ];
    let numbers = decimals(depth.min(2), false);
    let spans = durations(depth.min(2), false);
    let leaf = prop_oneof![
        8 => thresholds(),
        2 => functions::conditions(),
        2 => age,
        1 => text,
        1 => Just(input(3)),
        1 => any::<bool>().prop_map(|truth| literal(Value::Bool(truth))),
        1 => any::<bool>()
            .prop_map(|truth| compare(CompareOp::Equal, input(3), literal(Value::Bool(truth)))),
        4 => (any_order(), numbers.clone(), numbers).prop_map(|(op, l, r)| compare(op, l, r)),
        1 => (any_order(), spans.clone(), spans).prop_map(|(op, l, r)| compare(op, l, r)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let part = conditions(depth - 1);
    prop_oneof![
        4 => leaf,
        1 => part.clone().prop_map(not),
        2 => (part.clone(), part.clone())
            .prop_map(|(l, r)| expr(ExprKind::And(Box::new(l), Box::new(r)), Type::Bool)),
        2 => (part.clone(), part.clone())
            .prop_map(|(l, r)| expr(ExprKind::Or(Box::new(l), Box::new(r)), Type::Bool)),
        1 => functions::several(part.clone()),
        5 => breaches(part),
    ]
    .boxed()
}

fn breaches(part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let hysteresis = (thresholds(), thresholds()).prop_map(|(c, r)| (c, r));
    let silent = part
        .clone()
        .prop_map(|condition| (condition.clone(), not(condition)));
    let conditions =
        prop_oneof![4 => hysteresis, 2 => silent, 2 => (part.clone(), part).prop_map(|both| both)];
    let window = prop::sample::select(vec![0, 1, 2, 3, 5, 8, 13]);
    let confirm = prop::sample::select(vec![Confirm::Time, Confirm::Observation]);
    let observations = prop::sample::select(vec![1, 1, 1, 2, 3]);
    (conditions, window, any::<bool>(), confirm, observations)
        .prop_map(
            |((condition, recover), window, at_least, confirm, observations)| {
                let window = Seconds(window);
                let holds = Holds {
                    condition,
                    recover,
                    window,
                    at_least,
                    confirm,
                    observations,
                };
                expr(ExprKind::Holds(Box::new(holds)), Type::Bool)
            },
        )
        .boxed()
}

fn payouts() -> BoxedStrategy<Expr> {
    let missing = |index| {
        let one_minus = arithmetic(
            ArithmeticOp::Subtract,
            Rounding::Truncate,
            decimal("1"),
            input(index),
            Type::Decimal,
        );
        let (low, high) = (Box::new(decimal("0")), Box::new(decimal("0.2")));
        expr(
            ExprKind::Clamp {
                value: Box::new(one_minus),
                low,
                high,
            },
            Type::Decimal,
        )
    };
    prop_oneof![2 => Just(missing(0)), 3 => decimals(2, true)].boxed()
}

pub(crate) fn covers() -> impl Strategy<Value = Cover> {
    let max_age = prop::option::of(prop::sample::select(vec![0i64, 1, 3, 6, 12, 30]));
    let source = prop::option::weighted(0.8, 0..2u8);
    let inputs = prop::collection::vec((max_age, source, any::<bool>()), INPUT_TYPES.len());
    let trigger = prop_oneof![
        3 => breaches(conditions(1)),
        4 => conditions(3),
    ];
    let rearm = prop_oneof![
        Just(Rearm::Never),
        prop::sample::select(vec![0i64, 1, 4, 9]).prop_map(|pause| Rearm::After(Seconds(pause))),
    ];
    let settle = prop::option::weighted(0.2, prop::sample::select(vec![1i64, 4, 20]));
    let guards = prop::collection::vec(conditions(0), 0..2);
    let terms = (trigger, payouts(), rearm, settle, guards);
    (inputs, terms).prop_map(|(inputs, (when, fraction, rearm, settle, guards))| {
        let inputs = inputs.into_iter().zip(INPUT_TYPES).enumerate().map(
            |(index, ((max_age, source, _), ty))| Input {
                name: format!("x{index}"),
                metric: Metric::from(format!("metric{index}")),
                subject: None,
                source: source.map(|source| SourceId::from(format!("feed:{source}"))),
                max_age: max_age.map(Seconds),
                ty,
            },
        );
        let mut cover = by_hand::cover(inputs.collect(), when, fraction);
        cover.trigger.rearm = rearm;
        cover.payout.settle = settle.map(Seconds);
        let guards = guards.into_iter().enumerate();
        cover.guards = guards
            .map(|(number, condition)| Guard {
                name: format!("guard{number}"),
                condition,
            })
            .collect();
        keep_used(cover)
    })
}

/// Drops the inputs that no expression names, but for the first.
fn keep_used(mut cover: Cover) -> Cover {
    let mut used = vec![0];
    for_each_input(&mut cover.trigger.when, &mut |index| used.push(index.0));
    for_each_input(&mut cover.payout.fraction, &mut |index| used.push(index.0));
    for guard in &mut cover.guards {
        for_each_input(&mut guard.condition, &mut |index| used.push(index.0));
    }
    used.sort_unstable();
    used.dedup();
    let mut renumber = |index: &mut InputIndex| {
        index.0 = used.binary_search(&index.0).unwrap();
    };
    for_each_input(&mut cover.trigger.when, &mut renumber);
    for_each_input(&mut cover.payout.fraction, &mut renumber);
    for guard in &mut cover.guards {
        for_each_input(&mut guard.condition, &mut renumber);
    }
    cover.inputs = used
        .iter()
        .map(|index| cover.inputs[*index].clone())
        .collect();
    cover
}

fn for_each_input(expr: &mut Expr, visit: &mut impl FnMut(&mut InputIndex)) {
    match &mut expr.kind {
        ExprKind::Input(index)
        | ExprKind::Age(index)
        | ExprKind::Happened(index)
        | ExprKind::At { input: index, .. }
        | ExprKind::Change { input: index, .. }
        | ExprKind::Window(Window { input: index, .. }) => visit(index),
        _ => {}
    }
    for part in expr.children_mut() {
        for_each_input(part, visit);
    }
}
