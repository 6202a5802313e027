//! Sums, products and quotients of decimals and durations.

use super::Checker;
use super::constant::Fault;
use crate::decimal::Rounding;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{ArithmeticOp, Expr, ExprKind};
use crate::value::{Type, Value};

impl Checker<'_> {
    pub(super) fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let of = format!("`{}`", op.symbol());
        let checked_left = self.number(left, &of);
        let checked_right = self.number(right, &of);
        let (checked_left, checked_right) = (checked_left?, checked_right?);
        let Some(ty) = result_type(op, checked_left.ty, checked_right.ty) else {
            let refusal = match op {
                ArithmeticOp::Add | ArithmeticOp::Subtract => {
                    self.mismatch(&of, (left, checked_left.ty), (right, checked_right.ty))
                }
                ArithmeticOp::Multiply => Diagnostic::error(
                    span,
                    "a duration times a duration means nothing",
                    "two durations",
                )
                .with_help("multiply a duration by a decimal"),
                ArithmeticOp::Divide => Diagnostic::error(
                    span,
                    "a decimal divided by a duration means nothing",
                    "a decimal by a duration",
                )
                .with_help("divide a duration by a duration, as in `arrival_delay / 3h`"),
            };
            return self.refuse(refusal);
        };
        if op == ArithmeticOp::Divide && is_zero(checked_right.constant()) {
            let label = "this is zero";
            return self.refuse(Diagnostic::error(right.span, "division by zero", label));
        }
        let result = Expr {
            kind: ExprKind::Arithmetic {
                op,
                rounding: Rounding::Truncate,
                left: Box::new(checked_left),
                right: Box::new(checked_right),
            },
            ty,
            span,
        };
        match result.constant() {
            Some(Err(Fault)) => self.refuse(Diagnostic::error(
                span,
                "this constant is too large to be computed with",
                "outside the range of numbers",
            )),
            Some(Ok(_)) | None => Some(result),
        }
    }

    /// Two operands whose types do not go together, in the user's terms.
    pub(super) fn mismatch(
        &self,
        of: &str,
        (left, left_ty): (&ast::Expr, Type),
        (right, right_ty): (&ast::Expr, Type),
    ) -> Diagnostic {
        // Point at the literal if there is one: it is what will be changed.
        let is_literal = |expr: &ast::Expr| matches!(expr.kind, ast::ExprKind::Literal(_));
        let left_is_wrong = is_literal(left) && !is_literal(right);
        let (kept, kept_ty, wrong, wrong_ty) = if left_is_wrong {
            (right, right_ty, left, left_ty)
        } else {
            (left, left_ty, right, right_ty)
        };
        let written = self.written(wrong.span);
        let refusal = Diagnostic::error(
            wrong.span,
            format!(
                "{of} takes values of one type: {}",
                self.describe(kept, kept_ty)
            ),
            self.describe(wrong, wrong_ty),
        );
        match (kept_ty, &wrong.kind) {
            (Type::Duration, ast::ExprKind::Literal(Value::Decimal(_))) => {
                let whole = written
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'_');
                refusal.with_help(if written == "0" {
                    "write `0s`".to_owned()
                } else if whole {
                    format!("write `{written}min`, or another unit: s, h, d, w")
                } else {
                    "write a duration, as in `45min`".to_owned()
                })
            }
            (Type::Decimal, ast::ExprKind::Literal(Value::Duration(_))) => refusal
                .with_help("write a number without unit; or give the input `type = \"duration\"`"),
            (Type::Decimal | Type::Duration, ast::ExprKind::Literal(Value::Text(_))) => {
                refusal.with_help("write the number without quotes")
            }
            (Type::Text, ast::ExprKind::Literal(_)) => {
                refusal.with_help(format!("texts are quoted: `\"{written}\"`"))
            }
            _ => refusal,
        }
    }
}

fn result_type(op: ArithmeticOp, left: Type, right: Type) -> Option<Type> {
    match (op, left, right) {
        (_, Type::Decimal, Type::Decimal) => Some(Type::Decimal),
        (ArithmeticOp::Add | ArithmeticOp::Subtract, Type::Duration, Type::Duration)
        | (ArithmeticOp::Multiply | ArithmeticOp::Divide, Type::Duration, Type::Decimal)
        | (ArithmeticOp::Multiply, Type::Decimal, Type::Duration) => Some(Type::Duration),
        (ArithmeticOp::Divide, Type::Duration, Type::Duration) => Some(Type::Decimal),
        _ => None,
    }
}

fn is_zero(constant: Option<Result<Value, Fault>>) -> bool {
    match constant {
        Some(Ok(Value::Decimal(value))) => value == crate::decimal::Decimal::ZERO,
        Some(Ok(Value::Duration(value))) => value.0 == 0,
        _ => false,
    }
}
