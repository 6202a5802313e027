//! Values and conditions as parts of sentences.

use super::{Speaker, words};
use crate::decimal::Rounding;
use crate::lang::ir::{ArithmeticOp, CompareOp, Expr, ExprKind, FixedTime};
use crate::value::Value;

impl Speaker<'_> {
    /// A value, as a noun.
    pub(super) fn value(&self, expr: &Expr) -> String {
        let each =
            |exprs: &[Expr]| -> Vec<String> { exprs.iter().map(|expr| self.value(expr)).collect() };
        match &expr.kind {
            ExprKind::Literal(value) => literal(value),
            ExprKind::Input(input) => self.name(*input),
            ExprKind::Negate(part) => format!("minus {}", self.value(part)),
            ExprKind::Absolute(part) => {
                format!("the size of {}, whatever its sign,", self.value(part))
            }
            ExprKind::Arithmetic {
                op,
                rounding,
                left,
                right,
            } => self.arithmetic(*op, *rounding, left, right),
            ExprKind::Min(values) => format!("the least of {}", words::list(&each(values), "and")),
            ExprKind::Max(values) => {
                format!("the greatest of {}", words::list(&each(values), "and"))
            }
            ExprKind::Clamp { value, low, high } => format!(
                "{}, but at least {} and at most {}",
                self.value(value),
                self.value(low),
                self.value(high)
            ),
            ExprKind::Age(input) => format!(
                "the time since the last observation of {}",
                self.name(*input)
            ),
            ExprKind::Window(window) => self.window(window),
            ExprKind::At { input, time } => match time {
                FixedTime::Time(time) => format!("{} as of {time}", self.name(*input)),
                FixedTime::Inception => {
                    format!("{} as of the policy's inception", self.name(*input))
                }
            },
            ExprKind::Change { input, window } => {
                let name = self.name(*input);
                format!(
                    "the change of {name} in the last {} ({name} now less {name} then)",
                    words::duration(*window)
                )
            }
            ExprKind::Drop { value, from } => format!(
                "the fall of {} from {}, as a part of the latter",
                self.value(value),
                self.value(from)
            ),
            ExprKind::MedianOf {
                values,
                quorum,
                spread,
            } => {
                let mut said = format!(
                    "the median of those of {} that are known, at least {quorum} of them",
                    words::list(&each(values), "and")
                );
                if let Some(spread) = spread {
                    said += &format!(
                        " and none further apart than {} of the median (exactly that is near enough)",
                        words::percent(*spread)
                    );
                }
                said
            }
            ExprKind::Linear { value, from, to } => format!(
                "the part of the way that {} has gone from {} (nothing) to {} (all), no less and no more",
                self.value(value),
                self.value(from),
                self.value(to)
            ),
            ExprKind::Tiers { value, tiers } => {
                let tiers: Vec<String> = tiers
                    .iter()
                    .map(|(bound, part)| format!("{} from {} on", self.value(part), literal(bound)))
                    .collect();
                format!(
                    "what belongs to {}: 0 below the first bound, {} (each bound belongs to what begins there)",
                    self.value(value),
                    tiers.join(", ")
                )
            }
            ExprKind::Tick {
                value,
                strike,
                per,
                limit,
            } => format!(
                "{} for every unit by which {} exceeds {}, at most {}",
                self.value(per),
                self.value(value),
                self.value(strike),
                self.value(limit)
            ),
            ExprKind::Case { arms, otherwise } => {
                let arms: Vec<String> = arms
                    .iter()
                    .map(|(condition, value)| {
                        format!("{} if {}", self.value(value), self.condition(condition))
                    })
                    .collect();
                format!(
                    "{}, otherwise {}",
                    arms.join(", else "),
                    self.value(otherwise)
                )
            }
            ExprKind::DistanceKm(places) => {
                let [lat, lon, lat0, lon0] = places.each_ref().map(|place| self.value(place));
                format!(
                    "the distance in km from ({lat}, {lon}) to ({lat0}, {lon0}) on a sphere of radius 6371.0088 km"
                )
            }
            _ => format!("whether {}", self.condition(expr)),
        }
    }

    fn arithmetic(
        &self,
        op: ArithmeticOp,
        rounding: Rounding,
        left: &Expr,
        right: &Expr,
    ) -> String {
        let (left, right) = (self.operand(left), self.operand(right));
        let said = match op {
            ArithmeticOp::Add => format!("{left} plus {right}"),
            ArithmeticOp::Subtract => format!("{left} minus {right}"),
            ArithmeticOp::Multiply => format!("{left} times {right}"),
            ArithmeticOp::Divide => format!("{left} divided by {right}"),
        };
        match rounding {
            Rounding::Truncate => said,
            Rounding::Up => format!("{said}, rounded away from zero"),
        }
    }

    /// In parentheses where it is not one word.
    fn operand(&self, expr: &Expr) -> String {
        let said = self.value(expr);
        match expr.kind {
            ExprKind::Literal(_) | ExprKind::Input(_) => said,
            _ => format!("({said})"),
        }
    }

    /// A condition, as a clause.
    pub(super) fn condition(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Compare { op, left, right } => self.comparison(*op, left, right),
            ExprKind::OneOf { value, choices } => {
                let choices: Vec<String> = choices
                    .iter()
                    .map(|choice| format!("\"{choice}\""))
                    .collect();
                format!("{} is {}", self.value(value), words::list(&choices, "or"))
            }
            ExprKind::Not(part) => format!("it is not so that {}", self.clause(part)),
            ExprKind::And(..) => {
                let mut parts = Vec::new();
                joined(expr, |kind| matches!(kind, ExprKind::And(..)), &mut parts);
                self.joined(&parts, " and ")
            }
            ExprKind::Or(..) => {
                let mut parts = Vec::new();
                joined(expr, |kind| matches!(kind, ExprKind::Or(..)), &mut parts);
                self.joined(&parts, " or ")
            }
            ExprKind::KOf { needed, conditions } => {
                let each: Vec<String> = conditions
                    .iter()
                    .enumerate()
                    .map(|(at, condition)| format!("({}) {}", at + 1, self.condition(condition)))
                    .collect();
                format!("at least {needed} of these are so: {}", each.join(", "))
            }
            ExprKind::Happened(input) => format!("{} has happened", self.name(*input)),
            ExprKind::Holds(holds) => {
                let number = self
                    .breaches
                    .iter()
                    .position(|breach| core::ptr::eq(*breach, &**holds));
                match number {
                    Some(_) if self.breaches.len() == 1 => "the breach counts".to_owned(),
                    Some(number) => format!("breach {} counts", number + 1),
                    None => "a breach counts".to_owned(),
                }
            }
            ExprKind::Literal(Value::Bool(truth)) => {
                (if *truth { "always" } else { "never" }).to_owned()
            }
            ExprKind::Input(input) => format!("{} is true", self.name(*input)),
            _ => format!("{} is true", self.value(expr)),
        }
    }

    fn joined(&self, parts: &[&Expr], word: &str) -> String {
        let clauses: Vec<String> = parts.iter().map(|part| self.clause(part)).collect();
        clauses.join(word)
    }

    fn comparison(&self, op: CompareOp, left: &Expr, right: &Expr) -> String {
        let (says, inside) = words::comparison(op);
        let bound = self.value(right);
        let strictness = match inside {
            Some(true) => format!(" ({} itself counts)", short(&bound)),
            Some(false) => format!(" ({} itself does not count)", short(&bound)),
            None => String::new(),
        };
        format!("{} {says} {bound}{strictness}", self.value(left))
    }

    /// In parentheses where joining it would leave open what belongs together.
    fn clause(&self, expr: &Expr) -> String {
        let said = self.condition(expr);
        match expr.kind {
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::KOf { .. } | ExprKind::Not(_) => {
                format!("({said})")
            }
            _ => said,
        }
    }
}

/// What one and the same word joins, however it is nested.
fn joined<'e>(expr: &'e Expr, same: fn(&ExprKind) -> bool, parts: &mut Vec<&'e Expr>) {
    if same(&expr.kind) {
        for part in expr.children() {
            joined(part, same, parts);
        }
    } else {
        parts.push(expr);
    }
}

/// A bound that is a whole phrase is "that".
fn short(bound: &str) -> &str {
    if bound.contains(' ')
        && !bound
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_digit())
    {
        "exactly that"
    } else {
        bound
    }
}

pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Duration(span) => words::duration(*span),
        Value::Text(text) => format!("\"{text}\""),
        other => other.to_string(),
    }
}
