//! Shapes of payouts: `linear`, `tiers`, `tick`, `case`.

use super::window::option;
use super::{Checker, catalogue};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{Expr, ExprKind};
use crate::value::{Type, Value};

impl Checker<'_> {
    pub(super) fn linear(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("linear")?;
        let [value] = self.arguments(call, signature)?;
        let (Some(from), Some(to)) = (option(call, "from"), option(call, "to")) else {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    "`linear` needs `from:` and `to:`",
                    "from where to where?",
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        };
        let all = [value.clone(), from.value.clone(), to.value.clone()];
        let mut values = self.values_of_one_type(&all, "`linear`")?;
        let (to, from, value) = (values.pop()?, values.pop()?, values.pop()?);
        if let (Some(Ok(low)), Some(Ok(high))) = (from.constant(), to.constant())
            && low == high
        {
            let message = "`linear` goes from one value to another";
            return self.refuse(Diagnostic::error(to.span, message, "the same value"));
        }
        Some(Expr {
            kind: ExprKind::Linear {
                value: Box::new(value),
                from: Box::new(from),
                to: Box::new(to),
            },
            ty: Type::Decimal,
            span,
        })
    }

    pub(super) fn tick(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("tick")?;
        let arguments: &[ast::Expr; 4] = self.arguments(call, signature)?;
        let checked = arguments
            .each_ref()
            .map(|argument| self.decimal(argument, "`tick`"));
        let [value, strike, per, limit] = checked;
        Some(Expr {
            kind: ExprKind::Tick {
                value: Box::new(value?),
                strike: Box::new(strike?),
                per: Box::new(per?),
                limit: Box::new(limit?),
            },
            ty: Type::Decimal,
            span,
        })
    }

    pub(super) fn tiers(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("tiers")?;
        let [value] = self.arguments(call, signature)?;
        let checked = self.number(value, "`tiers`");
        if call.pairs.is_empty() {
            return self.refuse(
                Diagnostic::error(call.function_span, "`tiers` needs tiers", "no tier")
                    .with_help(format!("write `{}`", signature.usage)),
            );
        }
        let mut tiers: Vec<(Value, Expr)> = Vec::new();
        let mut whole = true;
        for (bound, part) in &call.pairs {
            let bound = self.bound((value, checked.as_ref().map(|expr| expr.ty)), bound, &tiers);
            let part = self.decimal(part, "a tier");
            match (bound, part) {
                (Some(bound), Some(part)) => tiers.push((bound, part)),
                _ => whole = false,
            }
        }
        let value = checked?;
        whole.then(|| Expr {
            kind: ExprKind::Tiers {
                value: Box::new(value),
                tiers,
            },
            ty: Type::Decimal,
            span,
        })
    }

    /// A constant of the type of the value, above the bound before it.
    fn bound(
        &mut self,
        (value, ty): (&ast::Expr, Option<Type>),
        bound: &ast::Expr,
        before: &[(Value, Expr)],
    ) -> Option<Value> {
        let checked = self.number(bound, "a tier")?;
        if let Some(ty) = ty.filter(|ty| *ty != checked.ty) {
            let refusal = self.mismatch("`tiers`", (value, ty), (bound, checked.ty));
            return self.refuse(refusal);
        }
        let Some(Ok(constant)) = checked.constant() else {
            return self.refuse(Diagnostic::error(
                bound.span,
                "a tier begins at a constant",
                "depends on an input",
            ));
        };
        if let Some((last, _)) = before.last()
            && !super::threshold::less(last, &constant)
        {
            return self.refuse(
                Diagnostic::error(bound.span, "tiers ascend", format!("not above {last}"))
                    .with_help("a tier reaches from its bound, included, to the next one"),
            );
        }
        Some(constant)
    }

    pub(super) fn case(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("case")?;
        let usage = || format!("write `{}`", signature.usage);
        if let Some(stray) = call.arguments.first() {
            return self.refuse(
                Diagnostic::error(stray.span, "`case` takes `condition: value`", "no value")
                    .with_help(usage()),
            );
        }
        let Some(otherwise) = option(call, "else") else {
            return self.refuse(
                Diagnostic::error(call.function_span, "`case` needs `else:`", "and otherwise?")
                    .with_help(usage()),
            );
        };
        if call.pairs.is_empty() {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    "`case` needs a condition",
                    "no condition",
                )
                .with_help(usage()),
            );
        }
        let conditions: Vec<Option<Expr>> = call
            .pairs
            .iter()
            .map(|(condition, _)| self.condition(condition, "`case`"))
            .collect();
        let values: Vec<ast::Expr> = call.pairs.iter().map(|(_, value)| value.clone()).collect();
        let values = [values, vec![otherwise.value.clone()]].concat();
        let mut values = self.values_of_one_type(&values, "`case`")?;
        let conditions = conditions.into_iter().collect::<Option<Vec<Expr>>>()?;
        let otherwise = values.pop()?;
        let ty = otherwise.ty;
        Some(Expr {
            kind: ExprKind::Case {
                arms: conditions.into_iter().zip(values).collect(),
                otherwise: Box::new(otherwise),
            },
            ty,
            span,
        })
    }
}
