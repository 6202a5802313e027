//! Random trees of the trigger language, and trees without places.

use proptest::collection::vec;
use proptest::prelude::*;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::diagnostic::Span;
use tocsin_domain::lang::ast::{BinaryOp, Call, Choice, Expr, ExprKind, NamedOption};
use tocsin_domain::lang::ir::{ArithmeticOp, CompareOp};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::Value;

pub(crate) fn node(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

/// Any tree that the grammar can write, whatever it would mean.
pub(crate) fn any_tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(|value| node(ExprKind::Literal(value))),
        name().prop_map(|name| node(ExprKind::Name(name))),
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        let choice = text().prop_map(|text| Choice {
            text,
            span: Span::default(),
        });
        let call_option =
            (name(), any::<bool>(), inner.clone()).prop_map(|(name, at_least, value)| {
                NamedOption {
                    name,
                    name_span: Span::default(),
                    at_least,
                    value,
                }
            });
        prop_oneof![
            inner
                .clone()
                .prop_map(|x| node(ExprKind::Negate(Box::new(x)))),
            inner.clone().prop_map(|x| node(ExprKind::Not(Box::new(x)))),
            (binary(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| {
                node(ExprKind::Binary {
                    op,
                    left: Box::new(left),
                    right: Box::new(right),
                })
            }),
            (inner.clone(), vec(choice, 1..4)).prop_map(|(value, choices)| {
                node(ExprKind::In {
                    value: Box::new(value),
                    choices,
                })
            }),
            (name(), vec(inner.clone(), 0..4), vec(call_option, 0..3)).prop_map(
                |(function, arguments, options)| node(ExprKind::Call(Call {
                    function,
                    function_span: Span::default(),
                    arguments,
                    pairs: Vec::new(),
                    options,
                }))
            ),
            (
                vec(inner.clone(), 0..2),
                vec((inner.clone(), inner.clone()), 0..4),
                proptest::option::of(inner),
            )
                .prop_map(|(arguments, pairs, otherwise)| paired(arguments, pairs, otherwise)),
        ]
    })
}

/// `case` or `tiers`.
fn paired(arguments: Vec<Expr>, pairs: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let otherwise = otherwise.map(|value| NamedOption {
        name: "else".to_owned(),
        name_span: Span::default(),
        at_least: false,
        value,
    });
    let function = if otherwise.is_some() { "case" } else { "tiers" };
    node(ExprKind::Call(Call {
        function: function.to_owned(),
        function_span: Span::default(),
        arguments,
        pairs,
        options: otherwise.into_iter().collect(),
    }))
}

fn name() -> impl Strategy<Value = String> {
    // Words of the grammar are no names; the functions that take pairs have trees of their own.
    "[a-zA-Z_][a-z0-9_]{0,6}".prop_filter("reserved", |name| {
        let lowered = name.to_lowercase();
        !["and", "or", "not", "in", "true", "false"].contains(&lowered.as_str())
            && !["tiers", "case", "else"].contains(&name.as_str())
    })
}

fn text() -> impl Strategy<Value = String> {
    "[ -~äß€😀]{0,8}"
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0i64..2_000_000, 0u8..=18)
            .prop_map(|(number, places)| Value::Decimal(scaled(number, places))),
        (0i64..4_000_000).prop_map(|seconds| Value::Duration(Seconds(seconds))),
        (0i64..400).prop_map(|hours| Value::Duration(Seconds(hours * 3_600))),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(Value::Text),
    ]
}

fn scaled(number: i64, places: u8) -> Decimal {
    let digits = format!("{number:0>20}");
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(places));
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}").parse().unwrap()
}

fn binary() -> impl Strategy<Value = BinaryOp> {
    prop_oneof![
        Just(BinaryOp::Or),
        Just(BinaryOp::And),
        comparison().prop_map(BinaryOp::Compare),
        arithmetic().prop_map(BinaryOp::Arithmetic),
    ]
}

fn comparison() -> impl Strategy<Value = CompareOp> + Clone {
    prop_oneof![
        Just(CompareOp::Less),
        Just(CompareOp::LessOrEqual),
        Just(CompareOp::Greater),
        Just(CompareOp::GreaterOrEqual),
        Just(CompareOp::Equal),
        Just(CompareOp::NotEqual),
    ]
}

fn arithmetic() -> impl Strategy<Value = ArithmeticOp> + Clone {
    prop_oneof![
        Just(ArithmeticOp::Add),
        Just(ArithmeticOp::Subtract),
        Just(ArithmeticOp::Multiply),
        Just(ArithmeticOp::Divide),
    ]
}

/// Text of a condition that is well-typed for inputs `price`, `delay`, `status`, `paused` and `halted`.
pub(crate) fn condition() -> impl Strategy<Value = String> {
    let holds = (plain_condition(), plain_condition(), 0u32..100, 0usize..8).prop_map(
        |(condition, recover, hours, options)| {
            let mut text = format!("holds({condition} or paused, for: ");
            text += if options & 1 == 0 { "at least " } else { "" };
            text += &format!("{hours}h");
            text += &if options & 2 == 0 {
                format!(", recover: {recover}")
            } else {
                String::new()
            };
            text += if options & 4 == 0 {
                ", confirm: observation, observations: 3"
            } else {
                ""
            };
            text + ")"
        },
    );
    prop_oneof![
        3 => holds.clone(),
        1 => (holds, plain_condition()).prop_map(|(holds, other)| format!("{holds} and not ({other})")),
        2 => plain_condition().prop_map(|condition| format!("paused or ({condition})")),
    ]
}

fn plain_condition() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        (number(), comparison(), number())
            .prop_map(|(a, op, b)| format!("{a} {} {b}", op.symbol())),
        (duration(), comparison(), duration())
            .prop_map(|(a, op, b)| format!("{a} {} {b}", op.symbol())),
        (0u32..50).prop_map(|hours| format!("age(price) >= {hours}h")),
        (0u32..50).prop_map(|hours| format!("{hours}h + 5min > age(delay)")),
        Just("status in [\"a\", \"b \\\" c\"]".to_owned()),
        Just("status != \"x\"".to_owned()),
        Just("happened(halted) or count(event.halted, 2d) >= 2".to_owned()),
        Just("k_of(2, paused, price > 1, age(price) > 1d)".to_owned()),
        Just("at(status, inception) == \"x\"".to_owned()),
        Just("paused".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a} or ({b})")),
        ]
    })
}

/// Text of a decimal.
pub(crate) fn number() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        Just("price".to_owned()),
        (1u32..200).prop_map(|n| format!("0.{n:0>3}")),
        (1u32..200).prop_map(|n| format!("{n}%")),
        (1u32..50).prop_map(|n| format!("delay / {n}h")),
        windowed(),
        Just("at(price, \"2023-03-11T00:00:00Z\") - change(price, 90min)".to_owned()),
        Just("linear(delay, from: 1h, to: 3h)".to_owned()),
        Just("tiers(delay, 45min: 50%, 3h: 100%)".to_owned()),
        Just("case(status == \"x\": price, paused: 2, else: -1)".to_owned()),
        Just("distance_km(price, 2, -48.5, 10)".to_owned()),
        Just("sum(halted, 40d)".to_owned()),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            (inner.clone(), arithmetic(), Just("price"))
                .prop_map(|(a, op, b)| format!("({a}) {} {b}", op.symbol())),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("abs({a})")),
            inner.clone().prop_map(|a| format!("round_up(({a}) / 3)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("min({a}, {b})")),
            inner.clone().prop_map(|a| format!("clamp({a}, 0, 1)")),
            inner
                .clone()
                .prop_map(|a| format!("drop({a}, from: max(price, over: 1h))")),
            inner.clone().prop_map(|a| format!("tick({a}, 10, 5%, 1)")),
            (inner.clone(), inner)
                .prop_map(|(a, b)| format!("median_of({a}, {b}, price, quorum: 2, spread: 1%)")),
        ]
    })
}

fn windowed() -> impl Strategy<Value = String> + Clone {
    let function = prop_oneof![
        Just("twap"),
        Just("geo_twap"),
        Just("min"),
        Just("max"),
        Just("mean"),
        Just("median"),
        Just("sum"),
        Just("count")
    ];
    let reach = prop_oneof![Just("10d"), Just("over: 10d"), Just("since: inception")];
    let plain = (function, reach, 1u32..100).prop_map(|(function, reach, part)| {
        format!("{function}(price, {reach}, coverage: {part}%)")
    });
    prop_oneof![
        plain,
        Just("twap(price, 10d, closes: 1d)".to_owned()),
        Just("sum(price, 10d, every: 1d, zone: \"America/New_York\")".to_owned()),
        Just("max(price, 10d, every: 6h)".to_owned()),
    ]
}

fn duration() -> impl Strategy<Value = String> + Clone {
    let leaf = prop_oneof![
        Just("delay".to_owned()),
        (0u32..9_000).prop_map(|seconds| format!("{seconds}s")),
        (0u32..90).prop_map(|days| format!("{days}d")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} - ({b})")),
            inner.clone().prop_map(|a| format!("({a}) * 1.5")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("max({a}, {b}, 1h)")),
        ]
    })
}

/// The tree without places.
pub(crate) fn without_spans(expr: Expr) -> Expr {
    let boxed = |expr: Box<Expr>| Box::new(without_spans(*expr));
    node(match expr.kind {
        ExprKind::Negate(x) => ExprKind::Negate(boxed(x)),
        ExprKind::Not(x) => ExprKind::Not(boxed(x)),
        ExprKind::Binary { op, left, right } => ExprKind::Binary {
            op,
            left: boxed(left),
            right: boxed(right),
        },
        ExprKind::In { value, choices } => ExprKind::In {
            value: boxed(value),
            choices: choices
                .into_iter()
                .map(|choice| Choice {
                    span: Span::default(),
                    ..choice
                })
                .collect(),
        },
        ExprKind::Call(call) => ExprKind::Call(Call {
            function: call.function,
            function_span: Span::default(),
            arguments: call.arguments.into_iter().map(without_spans).collect(),
            pairs: call
                .pairs
                .into_iter()
                .map(|(key, value)| (without_spans(key), without_spans(value)))
                .collect(),
            options: call
                .options
                .into_iter()
                .map(|option| NamedOption {
                    name_span: Span::default(),
                    value: without_spans(option.value),
                    ..option
                })
                .collect(),
        }),
        leaf @ (ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Refused) => leaf,
    })
}
