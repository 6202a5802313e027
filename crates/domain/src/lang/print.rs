//! A tree back to text that reads as the same tree.

use core::fmt;

use super::ast::{self, BinaryOp};
use super::ir;
use crate::decimal::{Decimal, Rounding};
use crate::diagnostic::Span;
use crate::time::Seconds;
use crate::value::Value;

/// How strongly the operators bind, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Add,
    Multiply,
    Unary,
    Primary,
}

/// A duration with one unit, the largest that divides it; up to a day in hours: `24h`, `90min`, `7d`.
pub fn duration_text(span: Seconds) -> String {
    let sign = if span.0 < 0 { "-" } else { "" };
    let seconds = span.0.unsigned_abs();
    let (length, unit) = match seconds {
        0 => (1, "s"),
        s if s % 86_400 == 0 && s > 86_400 => (86_400, "d"),
        s if s % 3_600 == 0 => (3_600, "h"),
        s if s % 60 == 0 => (60, "min"),
        _ => (1, "s"),
    };
    format!("{sign}{}{unit}", seconds / length)
}

impl fmt::Display for ast::Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Level::Or)
    }
}

impl ir::Expr {
    /// The expression as a cover would write it, with the cover's names for its inputs.
    pub fn text<'a>(&'a self, input_names: &'a [&'a str]) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| fmt::Display::fmt(&unchecked(self, input_names), f))
    }
}

impl ast::Expr {
    fn level(&self) -> Level {
        match &self.kind {
            ast::ExprKind::Literal(_)
            | ast::ExprKind::Name(_)
            | ast::ExprKind::Call(_)
            | ast::ExprKind::Refused => Level::Primary,
            ast::ExprKind::Negate(_) => Level::Unary,
            ast::ExprKind::Not(_) => Level::Not,
            ast::ExprKind::In { .. } => Level::Compare,
            ast::ExprKind::Binary { op, .. } => level(*op),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, weakest: Level) -> fmt::Result {
        if self.level() < weakest {
            f.write_str("(")?;
            self.write_bare(f)?;
            return f.write_str(")");
        }
        self.write_bare(f)
    }

    fn write_bare(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ast::ExprKind::Literal(value) => write_literal(f, value),
            ast::ExprKind::Name(name) => f.write_str(name),
            ast::ExprKind::Refused => f.write_str("…"),
            ast::ExprKind::Negate(operand) => {
                f.write_str("-")?;
                operand.write(f, Level::Unary)
            }
            ast::ExprKind::Not(operand) => {
                f.write_str("not ")?;
                operand.write(f, Level::Not)
            }
            ast::ExprKind::Binary { op, left, right } => {
                let own = level(*op);
                // Left-associative; comparisons do not chain at all.
                let left_weakest = if own == Level::Compare {
                    own.tighter()
                } else {
                    own
                };
                left.write(f, left_weakest)?;
                write!(f, " {} ", op.symbol())?;
                right.write(f, own.tighter())
            }
            ast::ExprKind::In { value, choices } => {
                value.write(f, Level::Add)?;
                f.write_str(" in [")?;
                for (at, choice) in choices.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    write_text(f, &choice.text)?;
                }
                f.write_str("]")
            }
            ast::ExprKind::Call(call) => write_call(f, call),
        }
    }
}

fn write_call(f: &mut fmt::Formatter<'_>, call: &ast::Call) -> fmt::Result {
    write!(f, "{}(", call.function)?;
    for (at, argument) in call.arguments.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        argument.write(f, Level::Or)?;
    }
    for (at, option) in call.options.iter().enumerate() {
        f.write_str(if at == 0 && call.arguments.is_empty() {
            ""
        } else {
            ", "
        })?;
        write!(
            f,
            "{}: {}",
            option.name,
            if option.at_least { "at least " } else { "" }
        )?;
        option.value.write(f, Level::Or)?;
    }
    f.write_str(")")
}

fn write_literal(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Text(text) => write_text(f, text),
        Value::Duration(span) => f.write_str(&duration_text(*span)),
        Value::Decimal(_) | Value::Bool(_) | Value::Time(_) => write!(f, "{value}"),
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Or => Level::Or,
        BinaryOp::And => Level::And,
        BinaryOp::Compare(_) => Level::Compare,
        BinaryOp::Arithmetic(ir::ArithmeticOp::Add | ir::ArithmeticOp::Subtract) => Level::Add,
        BinaryOp::Arithmetic(ir::ArithmeticOp::Multiply | ir::ArithmeticOp::Divide) => {
            Level::Multiply
        }
    }
}

impl Level {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Compare,
            Self::Compare => Self::Add,
            Self::Add => Self::Multiply,
            Self::Multiply => Self::Unary,
            Self::Unary | Self::Primary => Self::Primary,
        }
    }
}

/// The tree that a person would have written for a checked one.
fn unchecked(expr: &ir::Expr, names: &[&str]) -> ast::Expr {
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
        _ => ast::ExprKind::Refused,
    };
    ast::Expr::new(kind, expr.span)
}

fn holds_options(holds: &ir::Holds, names: &[&str]) -> Vec<ast::NamedOption> {
    let span = Span::default();
    let option = |name: &str, value: ast::Expr| ast::NamedOption {
        name: name.to_owned(),
        name_span: span,
        at_least: false,
        value,
    };
    let word = |word: &str| ast::Expr::new(ast::ExprKind::Name(word.to_owned()), span);
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
        let number = Decimal::from_integer(i64::from(holds.observations));
        options.push(option(
            "observations",
            literal(&Value::Decimal(number), span),
        ));
    }
    options
}

fn call(
    function: &str,
    arguments: Vec<ast::Expr>,
    options: Vec<ast::NamedOption>,
) -> ast::ExprKind {
    ast::ExprKind::Call(ast::Call {
        function: function.to_owned(),
        function_span: Span::default(),
        arguments,
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
