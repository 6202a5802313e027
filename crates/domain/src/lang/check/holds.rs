//! `holds(condition, for: d, recover: r, confirm: time|observation, observations: n)`.

use super::{Checker, catalogue};
use crate::decimal::Decimal;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{Confirm, Expr, ExprKind, Holds};
use crate::lang::{Role, suggest};
use crate::time::Seconds;
use crate::value::{Type, Value};

/// A hundred years; a longer window is a slip of the pen.
const MAX_WINDOW: Seconds = Seconds(36_525 * 86_400);

/// More would be a slip of the pen too.
const MAX_OBSERVATIONS: i64 = 1_000;

impl Checker<'_> {
    pub(super) fn holds(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        if self.role != Role::Trigger {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    format!(
                        "`holds` has no place in a {}",
                        if self.role == Role::Guard {
                            "guard"
                        } else {
                            "payout"
                        }
                    ),
                    "a breach is a matter of the trigger",
                )
                .with_help("it is evaluated once, at the confirmation of the breach"),
            );
        }
        if self.inside_holds {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    "`holds` does not nest",
                    "a breach within a breach",
                )
                .with_help("join two of them with `and` or `or`"),
            );
        }
        let signature = catalogue::function("holds")?;
        if let [_, second, ..] = call.arguments.as_slice() {
            let written = suggest::clipped(self.written(second.span));
            return self.refuse(
                Diagnostic::error(second.span, "`holds` takes one condition", "has no name")
                    .with_help(format!("name the others, as in `for: {written}`")),
            );
        }
        self.inside_holds = true;
        let parts = self.parts(call, signature);
        self.inside_holds = false;
        let holds = parts?;
        self.judge_recovery(&holds)?;
        self.judge_silence(call, &holds);
        self.judge_boundaries(call, &holds);
        Some(Expr {
            kind: ExprKind::Holds(Box::new(holds)),
            ty: Type::Bool,
            span,
        })
    }

    fn parts(&mut self, call: &ast::Call, signature: &catalogue::Signature) -> Option<Holds> {
        let option = |name: &str| call.options.iter().find(|option| option.name == name);
        let condition = match self.arguments(call, signature) {
            Some([condition]) => self.breach(condition),
            None => None,
        };
        // Each of these is judged whatever the others are.
        let recover = match option("recover") {
            Some(recover) => self.condition(&recover.value, "`recover:`"),
            None => condition.clone().map(negation),
        };
        let window = match option("for") {
            Some(window) => self.duration_of(window),
            None => self.refuse(
                Diagnostic::error(call.function_span, "`holds` needs `for:`", "for how long?")
                    .with_help(format!("write `{}`", signature.usage)),
            ),
        };
        let confirm = option("confirm").map_or(Some(Confirm::Time), |option| self.confirm(option));
        let observations =
            option("observations").map_or(Some(1), |option| self.observations(option));
        Some(Holds {
            condition: condition?,
            recover: recover?,
            window: window?,
            at_least: option("for").is_some_and(|window| window.at_least),
            confirm: confirm?,
            observations: observations?,
        })
    }

    /// The condition; one that no observation can change is no breach.
    fn breach(&mut self, condition: &ast::Expr) -> Option<Expr> {
        let checked = self.condition(condition, "`holds`")?;
        if checked.inputs().is_empty() {
            return self.refuse(Diagnostic::error(
                condition.span,
                "this condition never changes",
                "no input in it",
            ));
        }
        Some(checked)
    }

    fn duration_of(&mut self, option: &ast::NamedOption) -> Option<Seconds> {
        let span = option.value.span;
        let checked = self.expression(&option.value)?;
        if checked.ty != Type::Duration {
            let label = self.describe(&option.value, checked.ty);
            let refusal = Diagnostic::error(span, "`for:` takes a duration", label);
            return self.refuse(refusal.with_help("write for example `for: 24h`"));
        }
        match checked.constant() {
            Some(Ok(Value::Duration(window))) if window.0 < 0 => self.refuse(Diagnostic::error(
                span,
                "`for:` is not negative",
                "a negative duration",
            )),
            Some(Ok(Value::Duration(window))) if window > MAX_WINDOW => {
                self.refuse(Diagnostic::error(
                    span,
                    "`for:` is at most a hundred years",
                    "longer than that",
                ))
            }
            Some(Ok(Value::Duration(window))) => Some(window),
            _ => self.refuse(Diagnostic::error(
                span,
                "`for:` is a constant",
                "depends on an input",
            )),
        }
    }

    fn confirm(&mut self, option: &ast::NamedOption) -> Option<Confirm> {
        let word = match &option.value.kind {
            ast::ExprKind::Name(word) => word.as_str(),
            ast::ExprKind::Refused => return None,
            _ => self.written(option.value.span),
        };
        match word {
            "time" => return Some(Confirm::Time),
            "observation" => return Some(Confirm::Observation),
            _ => {}
        }
        let refusal = Diagnostic::error(
            option.value.span,
            "`confirm:` is `time` or `observation`",
            "neither of them",
        );
        let unquoted = word.trim_matches('"');
        let near = suggest::nearest(unquoted, ["time", "observation"]);
        self.refuse(match near {
            Some(near) => refusal.with_help(format!("write `confirm: {near}`, without quotes")),
            None => refusal.with_help(
                "`time`: it counts as soon as the time has passed; `observation`: at the next observation after that",
            ),
        })
    }

    fn observations(&mut self, option: &ast::NamedOption) -> Option<u32> {
        let whole = match &option.value.kind {
            ast::ExprKind::Refused => return None,
            ast::ExprKind::Literal(Value::Decimal(number)) => number
                .whole()
                .filter(|whole| Decimal::from_integer(*whole) == *number)
                .filter(|whole| (1..=MAX_OBSERVATIONS).contains(whole)),
            _ => None,
        };
        match whole.map(u32::try_from) {
            Some(Ok(number)) => Some(number),
            Some(Err(_)) | None => self.refuse(
                Diagnostic::error(
                    option.value.span,
                    format!("`observations:` is a whole number from 1 to {MAX_OBSERVATIONS}"),
                    "not such a number",
                )
                .with_help("write for example `observations: 2`"),
            ),
        }
    }
}

fn negation(condition: Expr) -> Expr {
    let span = condition.span;
    Expr {
        kind: ExprKind::Not(Box::new(condition)),
        ty: Type::Bool,
        span,
    }
}
