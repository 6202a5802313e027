//! What a trigger still lacks, part by part, on the values that were seen last.
//!
//! For people: it looks at comparisons of an input with a constant, which is what terms are mostly made of, and leaves out
//! whatever takes a window or a time to judge. Nothing is decided here.

use serde::Serialize;

use crate::cover::Cover;
use crate::lang::ir::{CompareOp, Expr, ExprKind, InputIndex};
use crate::value::Value;

/// A part of a trigger that does not hold, or of which that is not known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unmet {
    /// The input that it looks at.
    pub input: String,
    /// What the input said last; `None` where it said nothing.
    pub value: Option<Value>,
    /// What it would have to be, as in `at least 45min`.
    pub needed: String,
    /// The same as a clause: `delay is 12min, less than 45min`.
    pub clause: String,
}

/// The parts that do not hold on `last`, the value of each input in force, in reading order. Empty also where the trigger has
/// no such part.
pub fn unmet(cover: &Cover, last: &[Option<Value>]) -> Vec<Unmet> {
    let mut found = Vec::new();
    Reader { cover, last }.look(&cover.trigger.when, &mut found);
    found
}

struct Reader<'a> {
    cover: &'a Cover,
    last: &'a [Option<Value>],
}

impl Reader<'_> {
    /// Adds what is lacking of `expr`; says whether it holds, as far as that can be told from the values alone.
    fn look(&self, expr: &Expr, found: &mut Vec<Unmet>) -> Option<bool> {
        match &expr.kind {
            ExprKind::Or(left, right) => {
                let sides = [self.look(left, found), self.look(right, found)];
                any(sides)
            }
            // Where the first part fails, the second has nothing to add.
            ExprKind::And(left, right) => match self.look(left, found) {
                Some(false) => Some(false),
                held => all([held, self.look(right, found)]),
            },
            ExprKind::OneOf { value, choices } => {
                let input = plain(value)?;
                let held = match self.value(input) {
                    Some(Value::Text(text)) => Some(choices.contains(text)),
                    _ => None,
                };
                if held != Some(true) {
                    let choices: Vec<String> =
                        choices.iter().map(|choice| format!("{choice:?}")).collect();
                    let needed = format!("one of {}", choices.join(", "));
                    self.lack(input, needed.clone(), format!("not {needed}"), found);
                }
                held
            }
            ExprKind::Compare { op, left, right } => {
                let (input, op, limit) = with_constant(*op, left, right)?;
                let held = self.value(input).and_then(|value| holds(value, op, limit));
                if held != Some(true) {
                    let (needed, instead) = words(op);
                    let needed = format!("{needed} {limit}").trim_start().to_owned();
                    self.lack(input, needed, format!("{instead} {limit}"), found);
                }
                held
            }
            _ => None,
        }
    }

    fn value(&self, input: InputIndex) -> Option<&Value> {
        self.last.get(input.0)?.as_ref()
    }

    fn lack(&self, input: InputIndex, needed: String, instead: String, found: &mut Vec<Unmet>) {
        let Some(name) = self.cover.inputs.get(input.0).map(|input| &input.name) else {
            return;
        };
        let value = self.value(input).cloned();
        let clause = match &value {
            Some(value) => format!("{name} is {value}, {instead}"),
            None => format!("{name} is not known, and would have to be {needed}"),
        };
        found.push(Unmet {
            input: name.clone(),
            value,
            needed,
            clause,
        });
    }
}

fn any(sides: [Option<bool>; 2]) -> Option<bool> {
    match sides {
        [Some(true), _] | [_, Some(true)] => Some(true),
        [Some(false), Some(false)] => Some(false),
        _ => None,
    }
}

fn all(sides: [Option<bool>; 2]) -> Option<bool> {
    any(sides.map(|side| side.map(|held| !held))).map(|held| !held)
}

fn plain(expr: &Expr) -> Option<InputIndex> {
    match &expr.kind {
        ExprKind::Input(input) => Some(*input),
        _ => None,
    }
}

/// An input against a constant, the input first.
fn with_constant<'a>(
    op: CompareOp,
    left: &'a Expr,
    right: &'a Expr,
) -> Option<(InputIndex, CompareOp, &'a Value)> {
    match (&left.kind, &right.kind) {
        (ExprKind::Input(input), ExprKind::Literal(limit)) => Some((*input, op, limit)),
        (ExprKind::Literal(limit), ExprKind::Input(input)) => Some((*input, mirrored(op), limit)),
        _ => None,
    }
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
        CompareOp::Equal | CompareOp::NotEqual => op,
    }
}

fn holds(value: &Value, op: CompareOp, limit: &Value) -> Option<bool> {
    let order = match (value, limit) {
        (Value::Decimal(value), Value::Decimal(limit)) => value.cmp(limit),
        (Value::Duration(value), Value::Duration(limit)) => value.cmp(limit),
        (Value::Time(value), Value::Time(limit)) => value.cmp(limit),
        (Value::Text(value), Value::Text(limit)) => value.cmp(limit),
        (Value::Bool(value), Value::Bool(limit)) => value.cmp(limit),
        _ => return None,
    };
    Some(match op {
        CompareOp::Less => order.is_lt(),
        CompareOp::LessOrEqual => order.is_le(),
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterOrEqual => order.is_ge(),
        CompareOp::Equal => order.is_eq(),
        CompareOp::NotEqual => order.is_ne(),
    })
}

/// What is needed, and what is there instead.
fn words(op: CompareOp) -> (&'static str, &'static str) {
    match op {
        CompareOp::Less => ("less than", "not less than"),
        CompareOp::LessOrEqual => ("at most", "more than"),
        CompareOp::Greater => ("more than", "not more than"),
        CompareOp::GreaterOrEqual => ("at least", "less than"),
        CompareOp::Equal => ("", "not"),
        CompareOp::NotEqual => ("other than", "which is what it must not be,"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Seconds;

    const FLIGHT: &str = r#"
name = "f"
title = "F"
version = 1
[inputs.status]
metric = "status"
[inputs.delay]
metric = "arrival_delay"
[trigger]
when = '''status in ["cancelled", "diverted"] or status == "landed" and 45min <= delay'''
[payout]
fraction = "0.5"
"#;

    fn clauses(status: Option<&str>, minutes: Option<i64>) -> Vec<String> {
        let cover = Cover::parse(FLIGHT).unwrap().0;
        // Inputs are sorted by name.
        let last = [
            minutes.map(|minutes| Value::Duration(Seconds(minutes * 60))),
            status.map(|status| Value::Text(status.to_owned())),
        ];
        let found = unmet(&cover, &last);
        found.into_iter().map(|unmet| unmet.clause).collect()
    }

    #[test]
    fn says_what_is_lacking() {
        assert_eq!(
            clauses(Some("landed"), Some(12)),
            [
                r#"status is "landed", not one of "cancelled", "diverted""#,
                "delay is 12min, less than 45min",
            ]
        );
        assert_eq!(
            clauses(Some("active"), None),
            [
                r#"status is "active", not one of "cancelled", "diverted""#,
                r#"status is "active", not "landed""#,
            ]
        );
        assert_eq!(
            clauses(None, None)[0],
            r#"status is not known, and would have to be one of "cancelled", "diverted""#
        );
        assert_eq!(clauses(Some("landed"), Some(45)).len(), 1);
    }
}
