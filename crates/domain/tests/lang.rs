//! The trigger language through its front door: how text binds, and that a printed tree reads as itself.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

#[path = "lang/trees.rs"]
mod trees;

use proptest::prelude::*;
use tocsin_domain::lang::ast::Expr;
use tocsin_domain::lang::ir::{Confirm, ExprKind};
use tocsin_domain::lang::{self, Role};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::{Type, Value};
use trees::{any_tree, condition, number, without_spans};

const INPUTS: [(&str, Type); 5] = [
    ("price", Type::Decimal),
    ("delay", Type::Duration),
    ("status", Type::Text),
    ("paused", Type::Bool),
    ("halted", Type::Event),
];
const NAMES: [&str; 5] = ["price", "delay", "status", "paused", "halted"];

fn tree(text: &str) -> Expr {
    let parsed = lang::parse(text).unwrap_or_else(|found| panic!("{text}: {found:#?}"));
    without_spans(parsed)
}

fn value(text: &str) -> Value {
    match tree(text).kind {
        lang::ast::ExprKind::Literal(value) => value,
        other => panic!("{text}: {other:?}"),
    }
}

fn trigger(text: &str) -> lang::ir::Expr {
    let compiled = lang::compile(text, &INPUTS, Role::Trigger);
    compiled
        .unwrap_or_else(|found| panic!("{text}: {found:#?}"))
        .0
}

fn message(text: &str, role: Role) -> String {
    match lang::compile(text, &INPUTS, role) {
        Ok((expr, _)) => panic!("{text} compiled to {}", expr.text(&NAMES)),
        Err(found) => found[0].message.clone(),
    }
}

#[test]
fn operators_bind_as_usual() {
    for (written, meant) in [
        ("a or b and c", "a or (b and c)"),
        ("a and b or c", "(a and b) or c"),
        ("a or b or c", "(a or b) or c"),
        ("not a and b", "(not a) and b"),
        ("not a or b", "(not a) or b"),
        ("not not a", "not (not a)"),
        ("not a < b", "not (a < b)"),
        ("not a in [\"x\"]", "not (a in [\"x\"])"),
        ("a < b and c >= d", "(a < b) and (c >= d)"),
        ("a and not b < c", "a and (not (b < c))"),
        ("a == b + c", "a == (b + c)"),
        ("a + b < c - d", "(a + b) < (c - d)"),
        ("a - b - c", "(a - b) - c"),
        ("a - b + c", "(a - b) + c"),
        ("a / b * c", "(a / b) * c"),
        ("a + b * c", "a + (b * c)"),
        ("a * b + c", "(a * b) + c"),
        ("-a * b", "(-a) * b"),
        ("a * -b", "a * (-b)"),
        ("--a", "-(-a)"),
        ("a - -b", "a - (-b)"),
        ("a+b in [\"x\"]", "(a + b) in [\"x\"]"),
        (
            "f(a or b, c + d, o: e and f)",
            "f((a or b), (c + d), o: (e and f))",
        ),
    ] {
        assert_eq!(tree(written), tree(meant), "{written}");
    }
    assert_ne!(tree("a - (b - c)"), tree("a - b - c"));
    assert_ne!(tree("not (a and b)"), tree("not a and b"));
}

#[test]
fn white_space_separates_and_means_nothing_else() {
    assert_eq!(tree("\r\n\ta<=b  and\n\nnot(c)"), tree("a <= b and not c"));
    assert_eq!(tree("f( a ,b , o :c )"), tree("f(a, b, o: c)"));
    assert_ne!(tree("\"a  b\""), tree("\"a b\""));
}

#[test]
fn literals_have_their_exact_value() {
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    for (written, meant) in [
        ("0.995", decimal("0.995")),
        ("1_000_000", decimal("1000000")),
        ("1_0.0_1", decimal("10.01")),
        ("10%", decimal("0.1")),
        ("100%", decimal("1")),
        ("0.25%", decimal("0.0025")),
        ("0.0000000000000001%", decimal("0.000000000000000001")),
        ("007", decimal("7")),
        ("45min", Value::Duration(Seconds(2_700))),
        ("90s", Value::Duration(Seconds(90))),
        ("24h", Value::Duration(Seconds(86_400))),
        ("10d", Value::Duration(Seconds(864_000))),
        ("2w", Value::Duration(Seconds(1_209_600))),
        ("1_000h", Value::Duration(Seconds(3_600_000))),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("\"cancelled\"", Value::Text("cancelled".to_owned())),
        ("\"\"", Value::Text(String::new())),
        (
            "\"a \\\"b\\\" \\\\ ü\"",
            Value::Text("a \"b\" \\ ü".to_owned()),
        ),
    ] {
        assert_eq!(value(written), meant, "{written}");
    }
}

#[test]
fn holds_has_all_its_options_and_their_defaults() {
    let ExprKind::Holds(holds) = trigger("holds(price < 1, for: 24h)").kind else {
        panic!()
    };
    assert_eq!((holds.window, holds.at_least), (Seconds(86_400), false));
    assert_eq!((holds.confirm, holds.observations), (Confirm::Time, 1));
    let negation = trigger("not (price < 1)").without_spans();
    assert_eq!(holds.recover.without_spans(), negation);

    let text = "holds(price < 1, observations: 2, confirm: observation, recover: price > 1.1, for: at least 2 * 12h)";
    let ExprKind::Holds(holds) = trigger(text).kind else {
        panic!()
    };
    assert_eq!((holds.window, holds.at_least), (Seconds(86_400), true));
    assert_eq!(
        (holds.confirm, holds.observations),
        (Confirm::Observation, 2)
    );
    assert_eq!(holds.recover.text(&NAMES).to_string(), "price > 1.1");

    let ExprKind::Holds(holds) = trigger("holds(paused, for: 0s, confirm: time)").kind else {
        panic!()
    };
    assert_eq!((holds.window, holds.confirm), (Seconds(0), Confirm::Time));
}

#[test]
fn the_limit_of_an_age_becomes_a_literal_on_the_side_where_it_is_written() {
    for (text, limit_is_right) in [("age(price) > 1d + 1h", true), ("25h <= age(price)", false)] {
        let ExprKind::Compare { left, right, .. } = trigger(text).kind else {
            panic!("{text}")
        };
        let (age, limit) = if limit_is_right {
            (left, right)
        } else {
            (right, left)
        };
        assert!(
            matches!(age.kind, ExprKind::Age(input) if input.0 == 0),
            "{text}"
        );
        assert_eq!(
            limit.kind,
            ExprKind::Literal(Value::Duration(Seconds(90_000))),
            "{text}"
        );
    }
    let in_payout = lang::compile(
        "clamp(age(price) / (delay + 1h), 0, 1)",
        &INPUTS,
        Role::Payout,
    );
    assert!(in_payout.is_ok(), "in a payout an age stands anywhere");
}

#[test]
fn durations_and_decimals_combine_where_that_means_something() {
    for (text, ty) in [
        ("price + 1", Type::Decimal),
        ("delay + 1h", Type::Duration),
        ("delay - 1h", Type::Duration),
        ("-delay", Type::Duration),
        ("delay * 2", Type::Duration),
        ("2 * delay", Type::Duration),
        ("delay / 2", Type::Duration),
        ("delay / 3h", Type::Decimal),
        ("round_up(delay / 3h)", Type::Decimal),
        ("round_up((price * 3))", Type::Decimal),
        ("abs(delay)", Type::Duration),
        ("min(delay, 45min)", Type::Duration),
        ("max(1, price, 2)", Type::Decimal),
        ("clamp(delay, 0s, 3h)", Type::Duration),
    ] {
        let limit = if ty == Type::Decimal { "1" } else { "1h" };
        let ExprKind::Compare { left, .. } = trigger(&format!("{text} < {limit}")).kind else {
            panic!("{text}")
        };
        assert_eq!(left.ty, ty, "{text}");
    }
    for text in [
        "delay * delay > 1h",
        "1 / delay > 1",
        "delay + 1 > 1h",
        "abs(paused)",
        "-status == \"x\"",
    ] {
        message(text, Role::Trigger);
    }
}

#[test]
fn a_payout_is_a_decimal_and_a_trigger_a_condition() {
    assert!(lang::compile("20%", &INPUTS, Role::Payout).is_ok());
    assert!(lang::compile("paused", &INPUTS, Role::Trigger).is_ok());
    assert!(message("paused", Role::Payout).contains("part of the sum insured"));
    assert!(message("20%", Role::Trigger).contains("condition"));
    assert!(message("holds(paused, for: 1h)", Role::Payout).contains("no place in a payout"));
}

#[test]
fn an_expression_prints_as_a_cover_would_write_it() {
    for text in [
        "holds(price <= 0.995, for: 24h, recover: price >= 0.999, confirm: observation)",
        "holds(price <= 0.995, for: at least 100d, observations: 2)",
        "status in [\"cancelled\", \"diverted\"] or delay >= 45min and not paused",
        "age(price) > 25h",
        "(price - 1) * -2 / (price + 3) < round_up(price / 3)",
        "not (price < 1 and paused)",
        "max(price, 1, 2) > clamp(price, 0, 0.2)",
        "\"a \\\"b\\\" \\\\\" == status",
        "delay > 90min",
    ] {
        assert_eq!(trigger(text).text(&NAMES).to_string(), text);
    }
}

/// `PROPTEST_CASES` scales it.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases * 2,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_printed_tree_reads_as_itself(expr in any_tree()) {
        let text = expr.to_string();
        let again = lang::parse(&text);
        prop_assert!(again.is_ok(), "{text}: {again:#?}");
        prop_assert_eq!(without_spans(again.unwrap()), expr, "{}", text);
    }

    #[test]
    fn a_compiled_expression_prints_as_text_that_compiles_to_itself(
        condition in condition(),
        fraction in number(),
    ) {
        let fraction = format!("clamp({fraction}, 0, 1)");
        for (text, role) in [(condition, Role::Trigger), (fraction, Role::Payout)] {
            let compiled = lang::compile(&text, &INPUTS, role);
            // A random recovery may be true whenever its condition is, and a random constant may not be computable.
            let Ok((compiled, _)) = compiled else {
                let message = message(&text, role);
                let known = message.contains("never begin") || message.contains("division by zero");
                prop_assert!(known, "{text}: {message}");
                continue;
            };
            let printed = compiled.text(&NAMES).to_string();
            let again = lang::compile(&printed, &INPUTS, role);
            prop_assert!(again.is_ok(), "{printed}: {again:#?}");
            prop_assert_eq!(again.unwrap().0.without_spans(), compiled.without_spans(), "{}", printed);
        }
    }
}
