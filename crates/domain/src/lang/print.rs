//! A tree back to text that reads as the same tree.

mod unchecked;

use core::fmt;

use super::ast::{self, BinaryOp};
use super::ir;
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
        fmt::from_fn(move |f| fmt::Display::fmt(&unchecked::unchecked(self, input_names), f))
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
    for (at, (key, value)) in call.pairs.iter().enumerate() {
        f.write_str(if at == 0 && call.arguments.is_empty() {
            ""
        } else {
            ", "
        })?;
        key.write(f, Level::Or)?;
        f.write_str(": ")?;
        value.write(f, Level::Or)?;
    }
    for (at, option) in call.options.iter().enumerate() {
        let first = at == 0 && call.arguments.is_empty() && call.pairs.is_empty();
        f.write_str(if first { "" } else { ", " })?;
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
