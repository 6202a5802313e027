//! Lengths of time, lists and bounds in words.

use crate::decimal::{Decimal, Rounding};
use crate::lang::ir::CompareOp;
use crate::time::Seconds;

/// `24 hours`, `45 minutes`, `10 days`: the largest unit that divides it, hours up to two days.
pub(super) fn duration(span: Seconds) -> String {
    let seconds = span.0.unsigned_abs();
    let (length, unit) = match seconds {
        0 => return "no time".to_owned(),
        s if s % 86_400 == 0 && s > 2 * 86_400 => (86_400, "day"),
        s if s % 3_600 == 0 => (3_600, "hour"),
        s if s % 60 == 0 => (60, "minute"),
        _ => (1, "second"),
    };
    let count = seconds / length;
    let sign = if span.0 < 0 { "minus " } else { "" };
    if count == 1 && sign.is_empty() {
        return format!("1 {unit}");
    }
    format!("{sign}{count} {unit}s")
}

/// `20%`.
pub(super) fn percent(part: Decimal) -> String {
    match part.checked_mul(Decimal::from_integer(100), Rounding::Truncate) {
        Some(hundredths) => format!("{hundredths}%"),
        None => part.to_string(),
    }
}

/// `a`, `b` and `c`.
pub(super) fn list(names: &[String], conjunction: &str) -> String {
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

/// `is at most`, and whether the bound itself is inside.
pub(super) fn comparison(op: CompareOp) -> (&'static str, Option<bool>) {
    match op {
        CompareOp::Less => ("is below", Some(false)),
        CompareOp::LessOrEqual => ("is at most", Some(true)),
        CompareOp::Greater => ("is above", Some(false)),
        CompareOp::GreaterOrEqual => ("is at least", Some(true)),
        CompareOp::Equal => ("is exactly", None),
        CompareOp::NotEqual => ("is anything but", None),
    }
}
