//! What is legal and probably wrong.

use super::Checker;
use super::threshold::Threshold;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lang::ast;
use crate::lang::ir::{Expr, ExprKind, Holds};
use crate::value::Value;

impl Checker<'_> {
    /// A breach without a recovery of its own.
    pub(super) fn judge_silence(&mut self, call: &ast::Call, holds: &Holds) {
        if call.options.iter().any(|option| option.name == "recover") {
            return;
        }
        let condition = super::suggest::clipped(self.written(holds.condition.span));
        self.warn(
            Diagnostic::error(
                call.function_span,
                "`holds` without `recover:`: one observation that does not breach ends the breach",
                "no `recover:`",
            )
            .with_help(format!(
                "if that is meant, say so with `recover: not ({condition})`; else give the level of recovery"
            )),
        );
    }

    /// A recovery that never comes, or that counts its boundary otherwise than the breach.
    pub(super) fn judge_boundaries(&mut self, call: &ast::Call, holds: &Holds) {
        let Some(option) = call.options.iter().find(|option| option.name == "recover") else {
            return;
        };
        let span = option.value.span;
        if never(&holds.recover) {
            self.warn(
                Diagnostic::error(
                    span,
                    "this recovery can never come: nothing satisfies it",
                    "never true",
                )
                .with_help("a breach then ends only by being met"),
            );
        }
        if let (Some(breach), Some(recovery)) = (
            Threshold::of(&holds.condition),
            Threshold::of(&holds.recover),
        ) && breach.inclusive != recovery.inclusive
            && !is_negation(&holds.condition, &holds.recover)
        {
            let included = |inclusive: bool| {
                if inclusive {
                    "counts"
                } else {
                    "does not count"
                }
            };
            self.warn(
                Diagnostic::error(
                    span,
                    format!(
                        "breach and recovery treat their boundaries differently: at the breach it {}, at the recovery it {}",
                        included(breach.inclusive),
                        included(recovery.inclusive)
                    ),
                    "the other strictness",
                )
                .with_help("compare it with the wording; `<=` with `>=`, or `<` with `>`, is usual"),
            );
        }
    }

    pub(super) fn warn(&mut self, finding: Diagnostic) {
        self.found.push(Diagnostic {
            severity: Severity::Warning,
            ..finding
        });
    }
}

/// Whether no value of any input can make it true.
fn never(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(Value::Bool(truth)) => !truth,
        ExprKind::And(left, right) => {
            never(left)
                || never(right)
                || matches!((Threshold::of(left), Threshold::of(right)), (Some(left), Some(right)) if left.excludes(&right))
        }
        ExprKind::Or(left, right) => never(left) && never(right),
        _ => false,
    }
}

/// `x <= 1` and `x > 1` leave nothing between them, so their boundaries must differ.
fn is_negation(condition: &Expr, recover: &Expr) -> bool {
    match (Threshold::of(condition), Threshold::of(recover)) {
        (Some(breach), Some(recovery)) => breach.completes(&recovery),
        _ => false,
    }
}
