//! Several sources: `median_of` fuses their values, `k_of` counts conditions.

use super::window::option;
use super::{Checker, catalogue};
use crate::decimal::Decimal;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{Expr, ExprKind};
use crate::value::{Type, Value};

impl Checker<'_> {
    pub(super) fn median_of(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("median_of")?;
        if call.arguments.len() < 2 {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    "`median_of` takes two values or more",
                    "too few values",
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        }
        let values = self.values_of_one_type(&call.arguments, "`median_of`");
        let every = call.arguments.len();
        let quorum = match option(call, "quorum") {
            None => u32::try_from(every).ok(),
            Some(option) => self.whole_number(&option.value, "`quorum:`", every),
        };
        let spread = match option(call, "spread") {
            None => Some(None),
            Some(option) => {
                let checked = self.expression(&option.value)?;
                match checked.constant() {
                    Some(Ok(Value::Decimal(part))) if part >= Decimal::ZERO => Some(Some(part)),
                    _ => self.refuse(
                        Diagnostic::error(
                            option.value.span,
                            "`spread:` is a part of the median, 0 or more",
                            "not such a part",
                        )
                        .with_help("write for example `spread: 1%`"),
                    ),
                }
            }
        };
        let values = values?;
        let ty = values.first()?.ty;
        Some(Expr {
            kind: ExprKind::MedianOf {
                values,
                quorum: quorum?,
                spread: spread?,
            },
            ty,
            span,
        })
    }

    pub(super) fn k_of(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("k_of")?;
        let Some((needed, conditions)) = call
            .arguments
            .split_first()
            .filter(|(_, rest)| !rest.is_empty())
        else {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    "`k_of` takes a number and conditions",
                    "too few arguments",
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        };
        let checked: Vec<Option<Expr>> = conditions
            .iter()
            .map(|condition| self.condition(condition, "`k_of`"))
            .collect();
        let needed = self.whole_number(needed, "the first argument of `k_of`", conditions.len());
        let conditions = checked.into_iter().collect::<Option<Vec<Expr>>>()?;
        Some(Expr {
            kind: ExprKind::KOf {
                needed: needed?,
                conditions,
            },
            ty: Type::Bool,
            span,
        })
    }

    /// A constant whole number from 1 to `most`.
    fn whole_number(&mut self, expr: &ast::Expr, what: &str, most: usize) -> Option<u32> {
        let checked = self.expression(expr)?;
        let number = match checked.constant() {
            Some(Ok(Value::Decimal(number))) => number
                .whole()
                .filter(|whole| Decimal::from_integer(*whole) == number),
            _ => None,
        };
        let number = number.and_then(|whole| u32::try_from(whole).ok());
        match number.filter(|number| *number >= 1 && (*number as usize) <= most) {
            Some(number) => Some(number),
            None => self.refuse(Diagnostic::error(
                expr.span,
                format!("{what} is a whole number from 1 to {most}"),
                "not such a number",
            )),
        }
    }
}
