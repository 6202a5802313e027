//! What is well-typed and surely not meant.

use super::threshold::Threshold;
use super::{Checker, compare_it};
use crate::decimal::Decimal;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lang::Role;
use crate::lang::ir::{Expr, ExprKind, Holds};
use crate::value::{Type, Value};

impl Checker<'_> {
    /// The whole expression against its role.
    pub(super) fn whole(&mut self, expr: Expr) -> Option<Expr> {
        match self.role {
            Role::Trigger => self.trigger(expr),
            Role::Payout => self.payout(expr),
            Role::Guard => self.guard(expr),
        }
    }

    fn trigger(&mut self, expr: Expr) -> Option<Expr> {
        if expr.ty != Type::Bool {
            return self.refuse(
                Diagnostic::error(
                    expr.span,
                    format!("the trigger is a condition, but this is a {}", expr.ty),
                    format!("a {}", expr.ty),
                )
                .with_help(compare_it(expr.ty)),
            );
        }
        if expr.inputs().is_empty() {
            return self.refuse(Diagnostic::error(
                expr.span,
                "this trigger never changes",
                "no input in it",
            ));
        }
        Some(expr)
    }

    fn guard(&mut self, expr: Expr) -> Option<Expr> {
        if expr.ty == Type::Bool {
            return Some(expr);
        }
        let (ty, span) = (expr.ty, expr.span);
        let message = format!("a guard is a condition, but this is a {ty}");
        self.refuse(Diagnostic::error(span, message, format!("a {ty}")).with_help(compare_it(ty)))
    }

    fn payout(&mut self, expr: Expr) -> Option<Expr> {
        if expr.ty != Type::Decimal {
            let refusal = Diagnostic::error(
                expr.span,
                format!(
                    "the payout is a part of the sum insured, but this is a {}",
                    expr.ty
                ),
                format!("a {}", expr.ty),
            );
            return self.refuse(match expr.ty {
                Type::Duration => refusal
                    .with_help("divide it by a duration, as in `clamp(arrival_delay / 3h, 0, 1)`"),
                Type::Bool | Type::Text | Type::Time | Type::Event | Type::Decimal => {
                    refusal.with_help("write a decimal from 0 to 1, as in `20%`")
                }
            });
        }
        if let Some(Ok(Value::Decimal(fraction))) = expr.constant() {
            self.fraction(expr.span, fraction)?;
        } else if let ExprKind::Clamp { low, high, .. } = &expr.kind {
            for bound in [low, high] {
                if let Some(Ok(Value::Decimal(fraction))) = bound.constant() {
                    self.fraction(bound.span, fraction)?;
                }
            }
        }
        Some(expr)
    }

    /// A constant that is paid, or that limits what is paid.
    fn fraction(&mut self, span: Span, fraction: Decimal) -> Option<()> {
        if (Decimal::ZERO..=Decimal::ONE).contains(&fraction) {
            return Some(());
        }
        let hundred = Decimal::from_integer(100);
        let bare = !self.written(span).contains('%');
        let refusal = Diagnostic::error(
            span,
            "a payout is a part of the sum insured, from 0 to 1",
            format!("this is {fraction}"),
        );
        self.refuse(if bare && (Decimal::ZERO..=hundred).contains(&fraction) {
            refusal.with_help(format!("did you mean `{fraction}%`?"))
        } else {
            refusal.with_help("write for example `20%`, or limit it with `clamp(…, 0, 1)`")
        })
    }

    /// A recovery that is true together with the breach.
    pub(super) fn judge_recovery(&mut self, holds: &Holds) -> Option<()> {
        let (Some(breach), Some(recovery)) = (
            Threshold::of(&holds.condition),
            Threshold::of(&holds.recover),
        ) else {
            return Some(());
        };
        let span = holds.recover.span;
        if breach.implies(&recovery) {
            return self.refuse(
                Diagnostic::error(
                    span,
                    "this breach can never begin: wherever its condition is true, its recovery is too",
                    "true whenever the condition is",
                )
                .with_help("a recovery lies on the other side, as in `holds(x <= 0.995, …, recover: x >= 0.999)`"),
            );
        }
        if breach.meets(&recovery) {
            self.found.push(Diagnostic {
                severity: Severity::Warning,
                ..Diagnostic::error(
                    span,
                    "condition and recovery overlap: where both are true, no breach begins",
                    "also true for some values that breach",
                )
                .with_help("move the recovery beyond the threshold of the condition")
            });
        }
        Some(())
    }
}
