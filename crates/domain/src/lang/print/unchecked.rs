//! The tree that a person would have written for a checked one.

use crate::decimal::{Decimal, Rounding};
use crate::diagnostic::Span;
use crate::lang::ast::{self, BinaryOp};
use crate::lang::ir;
use crate::time::Seconds;
use crate::value::Value;

/// The tree that a person would have written for a checked one.
pub(super) fn unchecked(expr: &ir::Expr, names: &[&str]) -> ast::Expr {
    let again = |expr: &ir::Expr| Box::new(unchecked(expr, names));
    let every = |exprs: &[ir::Expr]| exprs.iter().map(|expr| unchecked(expr, names)).collect();
    let input = |input: &ir::InputIndex| {
        let name = names
            .get(input.0)
            .map_or_else(|| format!("input_{}", input.0), |n| (*n).to_owned());
        ast::Expr::new(ast::ExprKind::Name(name), expr.span)
    };
    let kind = match &expr.kind {
        ir::ExprKind::Literal(value) => return literal(value, expr.span),
        ir::ExprKind::Input(index) => return input(index),
        ir::ExprKind::Negate(operand) => ast::ExprKind::Negate(again(operand)),
        ir::ExprKind::Not(operand) => ast::ExprKind::Not(again(operand)),
        ir::ExprKind::Arithmetic {
            op,
            rounding,
            left,
            right,
        } => {
            let op = BinaryOp::Arithmetic(*op);
            let kind = ast::ExprKind::Binary {
                op,
                left: again(left),
                right: again(right),
            };
            match rounding {
                Rounding::Truncate => kind,
                Rounding::Up => call(
                    "round_up",
                    vec![ast::Expr::new(kind, expr.span)],
                    Vec::new(),
                ),
            }
        }
        ir::ExprKind::Compare { op, left, right } => {
            let op = BinaryOp::Compare(*op);
            ast::ExprKind::Binary {
                op,
                left: again(left),
                right: again(right),
            }
        }
        ir::ExprKind::OneOf { value, choices } => ast::ExprKind::In {
            value: again(value),
            choices: choices
                .iter()
                .map(|text| ast::Choice {
                    text: text.clone(),
                    span: expr.span,
                })
                .collect(),
        },
        ir::ExprKind::And(left, right) => ast::ExprKind::Binary {
            op: BinaryOp::And,
            left: again(left),
            right: again(right),
        },
        ir::ExprKind::Or(left, right) => ast::ExprKind::Binary {
            op: BinaryOp::Or,
            left: again(left),
            right: again(right),
        },
        ir::ExprKind::Absolute(operand) => call("abs", vec![*again(operand)], Vec::new()),
        ir::ExprKind::Min(values) => call("min", every(values), Vec::new()),
        ir::ExprKind::Max(values) => call("max", every(values), Vec::new()),
        ir::ExprKind::Clamp { value, low, high } => call(
            "clamp",
            vec![*again(value), *again(low), *again(high)],
            Vec::new(),
        ),
        ir::ExprKind::Age(index) => call("age", vec![input(index)], Vec::new()),
        ir::ExprKind::Holds(holds) => call(
            "holds",
            vec![*again(&holds.condition)],
            holds_options(holds, names),
        ),
        ir::ExprKind::Window(window) => windowed(window, input(&window.input)),
        ir::ExprKind::At { input: index, time } => {
            let time = match time {
                ir::FixedTime::Inception => word("inception"),
                ir::FixedTime::Time(time) => text(time.to_string()),
            };
            call("at", vec![input(index), time], Vec::new())
        }
        ir::ExprKind::Change {
            input: index,
            window,
        } => call("change", vec![input(index), span_of(*window)], Vec::new()),
        ir::ExprKind::Drop { value, from } => call(
            "drop",
            vec![*again(value)],
            vec![option("from", *again(from))],
        ),
        ir::ExprKind::Happened(index) => call("happened", vec![input(index)], Vec::new()),
        ir::ExprKind::MedianOf {
            values,
            quorum,
            spread,
        } => {
            let mut options = Vec::new();
            if usize::try_from(*quorum) != Ok(values.len()) {
                options.push(option("quorum", number(*quorum)));
            }
            if let Some(spread) = spread {
                options.push(option(
                    "spread",
                    literal(&Value::Decimal(*spread), Span::default()),
                ));
            }
            call("median_of", every(values), options)
        }
        ir::ExprKind::KOf { needed, conditions } => {
            let arguments = [vec![number(*needed)], every(conditions)].concat();
            call("k_of", arguments, Vec::new())
        }
        ir::ExprKind::Linear { value, from, to } => call(
            "linear",
            vec![*again(value)],
            vec![option("from", *again(from)), option("to", *again(to))],
        ),
        ir::ExprKind::Tiers { value, tiers } => {
            let tier =
                |(bound, part): &(Value, ir::Expr)| (literal(bound, Span::default()), *again(part));
            let pairs = tiers.iter().map(tier).collect();
            call_with("tiers", vec![*again(value)], pairs, Vec::new())
        }
        ir::ExprKind::Tick {
            value,
            strike,
            per,
            limit,
        } => {
            let arguments = [value, strike, per, limit].map(|part| *again(part));
            call("tick", arguments.into(), Vec::new())
        }
        ir::ExprKind::Case { arms, otherwise } => {
            let arm =
                |(condition, value): &(ir::Expr, ir::Expr)| (*again(condition), *again(value));
            let pairs = arms.iter().map(arm).collect();
            call_with(
                "case",
                Vec::new(),
                pairs,
                vec![option("else", *again(otherwise))],
            )
        }
        ir::ExprKind::DistanceKm(places) => call("distance_km", every(&places[..]), Vec::new()),
    };
    ast::Expr::new(kind, expr.span)
}

fn holds_options(holds: &ir::Holds, names: &[&str]) -> Vec<ast::NamedOption> {
    let span = Span::default();
    let mut options = vec![ast::NamedOption {
        at_least: holds.at_least,
        ..option("for", literal(&Value::Duration(holds.window), span))
    }];
    let is_default = matches!(&holds.recover.kind, ir::ExprKind::Not(inner)
        if inner.clone().without_spans() == holds.condition.clone().without_spans());
    if !is_default {
        options.push(option("recover", unchecked(&holds.recover, names)));
    }
    if holds.confirm == ir::Confirm::Observation {
        options.push(option("confirm", word("observation")));
    }
    if holds.observations != 1 {
        options.push(option("observations", number(holds.observations)));
    }
    options
}

fn windowed(window: &ir::Window, input: ast::Expr) -> ast::ExprKind {
    use ir::WindowFunction::{Count, GeoTwap, Max, Mean, Median, Min, Sum, Twap, TwapOfCloses};
    let function = match window.function {
        Twap | TwapOfCloses(_) => "twap",
        GeoTwap => "geo_twap",
        Min => "min",
        Max => "max",
        Mean => "mean",
        Median => "median",
        Sum => "sum",
        Count => "count",
    };
    let mut options = Vec::new();
    match window.reach {
        ir::Reach::Last(length) => options.push(option("over", span_of(length))),
        ir::Reach::SinceInception => options.push(option("since", word("inception"))),
    }
    if let TwapOfCloses(period) = window.function {
        options.push(option("closes", span_of(period)));
    }
    if window.coverage != Decimal::ONE {
        let part = literal(&Value::Decimal(window.coverage), Span::default());
        options.push(option("coverage", part));
    }
    if let Some(grid) = &window.every {
        options.push(option("every", span_of(grid.period)));
        options.extend(grid.zone.clone().map(|zone| option("zone", text(zone))));
    }
    call(function, vec![input], options)
}

fn option(name: &str, value: ast::Expr) -> ast::NamedOption {
    ast::NamedOption {
        name: name.to_owned(),
        name_span: Span::default(),
        at_least: false,
        value,
    }
}

fn word(word: &str) -> ast::Expr {
    ast::Expr::new(ast::ExprKind::Name(word.to_owned()), Span::default())
}

fn text(text: String) -> ast::Expr {
    literal(&Value::Text(text), Span::default())
}

fn number(number: u32) -> ast::Expr {
    let number = Decimal::from_integer(i64::from(number));
    literal(&Value::Decimal(number), Span::default())
}

fn span_of(span: Seconds) -> ast::Expr {
    literal(&Value::Duration(span), Span::default())
}

fn call(
    function: &str,
    arguments: Vec<ast::Expr>,
    options: Vec<ast::NamedOption>,
) -> ast::ExprKind {
    call_with(function, arguments, Vec::new(), options)
}

fn call_with(
    function: &str,
    arguments: Vec<ast::Expr>,
    pairs: Vec<(ast::Expr, ast::Expr)>,
    options: Vec<ast::NamedOption>,
) -> ast::ExprKind {
    ast::ExprKind::Call(ast::Call {
        function: function.to_owned(),
        function_span: Span::default(),
        arguments,
        pairs,
        options,
    })
}

/// Literals are not negative in text; the sign is an operator.
fn literal(value: &Value, span: Span) -> ast::Expr {
    let magnitude = match value {
        Value::Decimal(number) if *number < Decimal::ZERO => Value::Decimal(number.negated()),
        Value::Duration(Seconds(seconds)) if *seconds < 0 => {
            Value::Duration(Seconds(seconds.saturating_neg()))
        }
        other => return ast::Expr::new(ast::ExprKind::Literal(other.clone()), span),
    };
    let magnitude = ast::Expr::new(ast::ExprKind::Literal(magnitude), span);
    ast::Expr::new(ast::ExprKind::Negate(Box::new(magnitude)), span)
}
