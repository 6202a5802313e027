//! `age`: in a trigger only against a constant, so that the instants at which it matters are known beforehand.

use super::{Checker, Function, catalogue};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{CompareOp, Expr, ExprKind};
use crate::lang::{Role, suggest};
use crate::value::{Type, Value};

impl Checker<'_> {
    /// `age(x)` where a value is wanted.
    pub(super) fn age_as_value(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let age = self.age(call, span)?;
        match self.role {
            Role::Payout | Role::Guard => Some(age),
            Role::Trigger => self.refuse(
                Diagnostic::error(
                    span,
                    "in a trigger, `age` stands alone on one side of a comparison with a constant duration",
                    "not such a comparison",
                )
                .with_help("write for example `age(price) > 25h`, and bring what is added to it to the other side"),
            ),
        }
    }

    /// A comparison in a trigger with `age` directly on one side; `None`: it is not one.
    #[expect(
        clippy::option_option,
        reason = "outer: is it one; inner: `None` is a reported fault as everywhere here"
    )]
    pub(super) fn age_comparison(
        &mut self,
        op: CompareOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Option<Expr>> {
        if self.role != Role::Trigger {
            return None;
        }
        Some(match (as_age(left), as_age(right)) {
            (None, None) => return None,
            (Some(_), Some(_)) => self.refuse(
                Diagnostic::error(
                    span,
                    "in a trigger, `age` is compared with a constant duration",
                    "two ages",
                )
                .with_help("write for example `age(a) > 25h or age(b) > 25h`"),
            ),
            (Some(call), None) => {
                let age = self.checked_age(call, left.span);
                let limit = self.age_limit(op, right);
                compare(op, age, limit, span)
            }
            (None, Some(call)) => {
                let limit = self.age_limit(op, left);
                let age = self.checked_age(call, right.span);
                compare(op, limit, age, span)
            }
        })
    }

    fn checked_age(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        if let Some(option) = call.options.first() {
            let message = format!("`age` has no option `{}:`", suggest::clipped(&option.name));
            return self.refuse(
                Diagnostic::error(option.name_span, message, "unknown option")
                    .with_help("write `age(input)`"),
            );
        }
        self.age(call, span)
    }

    fn age(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("age")?;
        let [argument] = self.arguments(call, signature)?;
        let input = match &argument.kind {
            ast::ExprKind::Name(name) => self.input(name).map(|(index, _)| index),
            ast::ExprKind::Refused => return None,
            _ => {
                return self.refuse(
                    Diagnostic::error(argument.span, "`age` takes an input", "not an input")
                        .with_help("write for example `age(price) > 25h`"),
                );
            }
        };
        match input {
            Some(index) => Some(Expr {
                kind: ExprKind::Age(index),
                ty: Type::Duration,
                span,
            }),
            // Reports the unknown name.
            None => self.expression(argument),
        }
    }

    /// The constant that an age is compared with, as a literal.
    fn age_limit(&mut self, op: CompareOp, limit: &ast::Expr) -> Option<Expr> {
        let checked = self.expression(limit)?;
        if checked.ty != Type::Duration {
            let age = "an age is a duration";
            let label = self.describe(limit, checked.ty);
            let refusal = Diagnostic::error(limit.span, age, label);
            return self.refuse(refusal.with_help("write for example `25h`"));
        }
        let Some(Ok(Value::Duration(seconds))) = checked.constant() else {
            return self.refuse(
                Diagnostic::error(
                    limit.span,
                    "in a trigger, `age` is compared with a constant duration",
                    "depends on an input",
                )
                .with_help("write for example `25h`"),
            );
        };
        if matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
            return self.refuse(
                Diagnostic::error(
                    limit.span,
                    "an age has any exact length for one second only",
                    format!("compared with `{}`", op.symbol()),
                )
                .with_help("use `>`, `>=`, `<` or `<=`"),
            );
        }
        if seconds.0 < 0 {
            let message = "an age is never negative";
            return self.refuse(Diagnostic::error(limit.span, message, "a negative limit"));
        }
        Some(Expr {
            kind: ExprKind::Literal(Value::Duration(seconds)),
            ..checked
        })
    }
}

fn as_age(expr: &ast::Expr) -> Option<&ast::Call> {
    match &expr.kind {
        ast::ExprKind::Call(call)
            if catalogue::function(&call.function)
                .is_some_and(|signature| signature.function == Function::Age) =>
        {
            Some(call)
        }
        _ => None,
    }
}

fn compare(op: CompareOp, left: Option<Expr>, right: Option<Expr>, span: Span) -> Option<Expr> {
    let kind = ExprKind::Compare {
        op,
        left: Box::new(left?),
        right: Box::new(right?),
    };
    Some(Expr {
        kind,
        ty: Type::Bool,
        span,
    })
}
