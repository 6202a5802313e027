//! Comparisons and membership.

use super::Checker;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lang::ast;
use crate::lang::ir::{CompareOp, Expr, ExprKind};
use crate::lang::suggest;
use crate::value::Type;

impl Checker<'_> {
    pub(super) fn comparison(
        &mut self,
        op: CompareOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        if let Some(compared) = self.age_comparison(op, left, right, span) {
            return compared;
        }
        let (checked_left, checked_right) = self.operands(left, right)?;
        let (left_ty, right_ty) = (checked_left.ty, checked_right.ty);
        if left_ty != right_ty {
            let of = format!("`{}`", op.symbol());
            let refusal = self.mismatch(&of, (left, left_ty), (right, right_ty));
            return self.refuse(refusal);
        }
        let ordered = !matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if ordered && matches!(left_ty, Type::Bool | Type::Text) {
            return self.refuse(
                Diagnostic::error(
                    span,
                    format!("`{}` needs an order, and a {left_ty} has none", op.symbol()),
                    self.describe(left, left_ty),
                )
                .with_help("use `==` or `!=`"),
            );
        }
        let kind = ExprKind::Compare {
            op,
            left: Box::new(checked_left),
            right: Box::new(checked_right),
        };
        Some(Expr {
            kind,
            ty: Type::Bool,
            span,
        })
    }

    /// Both sides; an unknown name opposite a text is a text that lacks its quotes.
    fn operands(&mut self, left: &ast::Expr, right: &ast::Expr) -> Option<(Expr, Expr)> {
        if self.unknown(left).is_some() && self.unknown(right).is_none() {
            let right = self.expression(right);
            let left = self.side(left, right.as_ref().map(|expr| expr.ty));
            return Some((left?, right?));
        }
        let left = self.expression(left);
        let right = self.side(right, left.as_ref().map(|expr| expr.ty));
        Some((left?, right?))
    }

    fn side(&mut self, expr: &ast::Expr, opposite: Option<Type>) -> Option<Expr> {
        match (self.unknown(expr), opposite) {
            (Some(name), Some(Type::Text)) => {
                let refusal = Diagnostic::error(
                    expr.span,
                    format!("unknown name `{}`", suggest::clipped(name)),
                    "compared with a text",
                )
                .with_help(format!(
                    "texts are quoted: `\"{}\"`",
                    suggest::clipped(name)
                ));
                self.refuse(refusal)
            }
            _ => self.expression(expr),
        }
    }

    fn unknown<'e>(&self, expr: &'e ast::Expr) -> Option<&'e str> {
        match &expr.kind {
            ast::ExprKind::Name(name) if self.input(name).is_none() => Some(name),
            _ => None,
        }
    }

    pub(super) fn one_of(
        &mut self,
        value: &ast::Expr,
        choices: &[ast::Choice],
        span: Span,
    ) -> Option<Expr> {
        let checked = self.expression(value)?;
        if checked.ty != Type::Text {
            let label = self.describe(value, checked.ty);
            return self.refuse(
                Diagnostic::error(value.span, "`in` looks for a text among texts", label)
                    .with_help("compare numbers with `==`, joined by `or`"),
            );
        }
        for (at, choice) in choices.iter().enumerate() {
            if choices
                .iter()
                .take(at)
                .any(|earlier| earlier.text == choice.text)
            {
                self.found.push(Diagnostic {
                    severity: Severity::Warning,
                    ..Diagnostic::error(choice.span, "this text is listed twice", "once more")
                });
            }
        }
        let kind = ExprKind::OneOf {
            value: Box::new(checked),
            choices: choices.iter().map(|choice| choice.text.clone()).collect(),
        };
        Some(Expr {
            kind,
            ty: Type::Bool,
            span,
        })
    }
}
