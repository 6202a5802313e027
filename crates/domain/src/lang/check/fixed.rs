//! Functions that compare with another time or place: `happened`, `at`, `change`, `drop`, `distance_km`.

use super::window::option;
use super::{Checker, catalogue};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ir::{Expr, ExprKind, FixedTime};
use crate::lang::{ast, suggest};
use crate::time::Timestamp;
use crate::value::{Type, Value};

impl Checker<'_> {
    pub(super) fn happened(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("happened")?;
        let [argument] = self.arguments(call, signature)?;
        let (input, ty) = self.measured(argument, "happened")?;
        if ty != Type::Event {
            let label = format!(
                "`{}` is a {ty}",
                suggest::clipped(self.written(argument.span))
            );
            return self.refuse(
                Diagnostic::error(argument.span, "`happened` takes an event", label)
                    .with_help("an event is an input whose metric begins with `event:`"),
            );
        }
        Some(Expr {
            kind: ExprKind::Happened(input),
            ty: Type::Bool,
            span,
        })
    }

    pub(super) fn at(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("at")?;
        let [over, time] = self.arguments(call, signature)?;
        let measured = self.measured(over, "at");
        let time = match &time.kind {
            ast::ExprKind::Refused => None,
            ast::ExprKind::Name(name) if name == "inception" => Some(FixedTime::Inception),
            ast::ExprKind::Literal(Value::Text(text)) if !is_number(text) => {
                match Timestamp::parse(text) {
                    Ok(time) => Some(FixedTime::Time(time)),
                    Err(error) => {
                        let label = "not a time";
                        self.refuse(Diagnostic::error(time.span, error.to_string(), label))
                    }
                }
            }
            _ => self.refuse(
                Diagnostic::error(time.span, "`at` takes a fixed time", "not a time").with_help(
                    "write `at(price, inception)` or `at(price, \"2023-03-11T00:00:00Z\")`",
                ),
            ),
        };
        let (input, ty) = measured?;
        if ty == Type::Event {
            return self.refuse(Diagnostic::error(
                over.span,
                "an event has no value",
                "an event",
            ));
        }
        Some(Expr {
            kind: ExprKind::At { input, time: time? },
            ty,
            span,
        })
    }

    pub(super) fn change(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("change")?;
        let over = option(call, "over").map(|option| &option.value);
        let (input, length) = match (call.arguments.as_slice(), over) {
            ([input, length], None) => (input, length),
            ([input], Some(length)) => (input, length),
            _ => {
                return self.refuse(
                    Diagnostic::error(
                        call.function_span,
                        "`change` takes an input and a window",
                        "not these two",
                    )
                    .with_help(format!("write `{}`", signature.usage)),
                );
            }
        };
        let measured = self.measured(input, "change");
        let window = self.length(length);
        let (index, ty) = measured?;
        if !matches!(ty, Type::Decimal | Type::Duration) {
            let label = format!("`{}` is a {ty}", suggest::clipped(self.written(input.span)));
            return self.refuse(Diagnostic::error(
                input.span,
                "`change` takes numbers",
                label,
            ));
        }
        Some(Expr {
            kind: ExprKind::Change {
                input: index,
                window: window?,
            },
            ty,
            span,
        })
    }

    pub(super) fn drop(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("drop")?;
        let [value] = self.arguments(call, signature)?;
        let Some(from) = option(call, "from") else {
            return self.refuse(
                Diagnostic::error(call.function_span, "`drop` needs `from:`", "from where?")
                    .with_help(format!("write `{}`", signature.usage)),
            );
        };
        let pair = [value.clone(), from.value.clone()];
        let mut values = self.values_of_one_type(&pair, "`drop`")?;
        let (from, value) = (values.pop()?, values.pop()?);
        Some(Expr {
            kind: ExprKind::Drop {
                value: Box::new(value),
                from: Box::new(from),
            },
            ty: Type::Decimal,
            span,
        })
    }

    pub(super) fn distance_km(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("distance_km")?;
        let arguments: &[ast::Expr; 4] = self.arguments(call, signature)?;
        let checked = arguments
            .each_ref()
            .map(|argument| self.decimal(argument, "`distance_km`"));
        for (place, limit) in [(0, 90), (1, 360), (2, 90), (3, 360)] {
            if let Some(Some(degrees)) = checked.get(place)
                && let Some(Ok(Value::Decimal(number))) = degrees.constant()
                && number.abs() > crate::decimal::Decimal::from_integer(limit)
            {
                let message = format!("there is no such place: at most {limit} degrees");
                let label = format!("{number} degrees");
                return self.refuse(Diagnostic::error(degrees.span, message, label));
            }
        }
        let [lat, lon, lat0, lon0] = checked;
        Some(Expr {
            kind: ExprKind::DistanceKm(Box::new([lat?, lon?, lat0?, lon0?])),
            ty: Type::Decimal,
            span,
        })
    }

    pub(super) fn decimal(&mut self, expr: &ast::Expr, of: &str) -> Option<Expr> {
        let checked = self.number(expr, of)?;
        if checked.ty == Type::Decimal {
            return Some(checked);
        }
        let label = self.describe(expr, checked.ty);
        let refusal = Diagnostic::error(expr.span, format!("{of} takes decimals"), label);
        self.refuse(refusal)
    }
}

/// A time in a cover is one that people can read.
fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}
