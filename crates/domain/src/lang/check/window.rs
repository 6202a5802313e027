//! Functions over a window: `twap(x, 10d)`, `max(x, since: inception)`, `sum(x, 10d, every: 1d)`.

use super::{Checker, catalogue};
use crate::decimal::Decimal;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Span;
use crate::lang::ir::{Expr, ExprKind, Grid, InputIndex, Reach, Window, WindowFunction};
use crate::lang::{ast, suggest};
use crate::time::Seconds;
use crate::value::{Type, Value};

/// A hundred years; a longer window is a slip of the pen.
const MAX_REACH: Seconds = Seconds(36_525 * 86_400);

/// Shorter periods would make an instant of almost every second.
const MIN_PERIOD: Seconds = Seconds(60);

const DAY: i64 = 86_400;

impl Checker<'_> {
    pub(super) fn twap(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let Some(closes) = option(call, "closes") else {
            return self.window(call, WindowFunction::Twap, span);
        };
        let period = self.period(closes)?;
        let mean = self.window(call, WindowFunction::TwapOfCloses(period), span)?;
        if let ExprKind::Window(Window {
            reach: Reach::Last(length),
            ..
        }) = mean.kind
            && length.0 % period.0 != 0
        {
            let message = "the window is not a whole number of periods";
            let label = "does not divide the window";
            return self.refuse(
                Diagnostic::error(closes.value.span, message, label)
                    .with_help("write for example `twap(price, 10d, closes: 1d)`"),
            );
        }
        Some(mean)
    }

    pub(super) fn window(
        &mut self,
        call: &ast::Call,
        function: WindowFunction,
        span: Span,
    ) -> Option<Expr> {
        let signature = catalogue::function(&call.function)?;
        let name = signature.name;
        let Some(over) = call.arguments.first() else {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    format!("`{name}` takes an input"),
                    "of what?",
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        };
        let measured = self.measured(over, name);
        let reach = self.reach(call, signature);
        let coverage = self.coverage(call);
        let every = self.every(call);
        let (input, ty) = measured?;
        let ty = self.window_type(function, (over, ty), name)?;
        let of_events = self
            .scope
            .inputs
            .get(input.0)
            .is_some_and(|input| input.ty == Some(Type::Event));
        if let Some(coverage) = option(call, "coverage").filter(|_| of_events) {
            return self.refuse(Diagnostic::error(
                coverage.name_span,
                "a window over an event needs no coverage",
                "an event counts by being there",
            ));
        }
        Some(Expr {
            kind: ExprKind::Window(Window {
                function,
                input,
                reach: reach?,
                coverage: coverage?,
                every: every?,
            }),
            ty,
            span,
        })
    }

    /// The input that a function looks at, with its type.
    pub(super) fn measured(
        &mut self,
        over: &ast::Expr,
        function: &str,
    ) -> Option<(InputIndex, Type)> {
        match &over.kind {
            ast::ExprKind::Refused => None,
            ast::ExprKind::Name(name) => match self.input(name) {
                Some((index, input)) => Some((index, input.ty?)),
                None => {
                    // Reports the unknown name, or that a parameter is no input.
                    self.expression(over)?;
                    self.no_input(over, function)
                }
            },
            _ => self.no_input(over, function),
        }
    }

    fn no_input<T>(&mut self, over: &ast::Expr, function: &str) -> Option<T> {
        let written = suggest::clipped(self.written(over.span));
        self.refuse(
            Diagnostic::error(
                over.span,
                format!("`{function}` takes an input"),
                format!("`{written}` is not an input"),
            )
            .with_help("only inputs have a history; compute with the results, as in `twap(a, 1h) / twap(b, 1h)`"),
        )
    }

    fn window_type(
        &mut self,
        function: WindowFunction,
        (over, ty): (&ast::Expr, Type),
        name: &str,
    ) -> Option<Type> {
        use WindowFunction::{Count, GeoTwap, Sum};
        match (function, ty) {
            (Count, _) | (Sum, Type::Event) => Some(Type::Decimal),
            (GeoTwap, Type::Duration) | (_, Type::Bool | Type::Text | Type::Time | Type::Event) => {
                let label = format!("`{}` is a {ty}", suggest::clipped(self.written(over.span)));
                let takes = if function == GeoTwap {
                    "decimals"
                } else {
                    "numbers"
                };
                let refusal =
                    Diagnostic::error(over.span, format!("`{name}` takes {takes}"), label);
                self.refuse(match ty {
                    Type::Event => {
                        refusal.with_help("events have `count` and `sum` (of their amounts)")
                    }
                    _ => refusal,
                })
            }
            (_, Type::Decimal | Type::Duration) => Some(ty),
        }
    }

    fn reach(&mut self, call: &ast::Call, signature: &catalogue::Signature) -> Option<Reach> {
        let (over, since) = (option(call, "over"), option(call, "since"));
        let given = [
            call.arguments.get(1).map(|argument| argument.span),
            over.map(|option| option.name_span),
            since.map(|option| option.name_span),
        ];
        let mut given = given.into_iter().flatten();
        let Some(_first) = given.next() else {
            return self.refuse(
                Diagnostic::error(call.function_span, "over how long a window?", "no window")
                    .with_help(format!("write `{}`", signature.usage)),
            );
        };
        if let Some(second) = given.next() {
            return self.refuse(Diagnostic::error(
                second,
                "a window has one length",
                "another one",
            ));
        }
        if let Some(extra) = call.arguments.get(2) {
            return self.refuse(
                Diagnostic::error(
                    extra.span,
                    format!("`{}` takes an input and a window", signature.name),
                    "one too many",
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        }
        if let Some(since) = since {
            return match &since.value.kind {
                ast::ExprKind::Name(name) if name == "inception" => Some(Reach::SinceInception),
                ast::ExprKind::Refused => None,
                _ => self.refuse(
                    Diagnostic::error(since.value.span, "`since:` is `inception`", "not inception")
                        .with_help("a fixed length stands alone, as in `max(price, 30d)`"),
                ),
            };
        }
        let length = over
            .map(|option| &option.value)
            .or_else(|| call.arguments.get(1))?;
        self.length(length).map(Reach::Last)
    }

    /// A constant duration above zero.
    pub(super) fn length(&mut self, written: &ast::Expr) -> Option<Seconds> {
        let checked = self.expression(written)?;
        if checked.ty != Type::Duration {
            let label = self.describe(written, checked.ty);
            let refusal = Diagnostic::error(written.span, "a window is a duration", label);
            return self.refuse(refusal.with_help("write for example `24h`"));
        }
        match checked.constant() {
            Some(Ok(Value::Duration(length))) if length.0 <= 0 => self.refuse(Diagnostic::error(
                written.span,
                "a window is longer than zero",
                "not longer than zero",
            )),
            Some(Ok(Value::Duration(length))) if length > MAX_REACH => {
                self.refuse(Diagnostic::error(
                    written.span,
                    "a window is at most a hundred years long",
                    "longer than that",
                ))
            }
            Some(Ok(Value::Duration(length))) => Some(length),
            _ => self.refuse(Diagnostic::error(
                written.span,
                "a window has a constant length",
                "depends on an input",
            )),
        }
    }

    fn period(&mut self, option: &ast::NamedOption) -> Option<Seconds> {
        let period = self.length(&option.value)?;
        if period < MIN_PERIOD {
            return self.refuse(Diagnostic::error(
                option.value.span,
                format!("`{}:` is at least a minute", option.name),
                "shorter than that",
            ));
        }
        Some(period)
    }

    fn coverage(&mut self, call: &ast::Call) -> Option<Decimal> {
        let Some(option) = option(call, "coverage") else {
            return Some(Decimal::ONE);
        };
        let checked = self.expression(&option.value)?;
        match checked.constant() {
            Some(Ok(Value::Decimal(part))) if part > Decimal::ZERO && part <= Decimal::ONE => {
                Some(part)
            }
            _ => self.refuse(
                Diagnostic::error(
                    option.value.span,
                    "`coverage:` is a part of the window, above 0 and at most 100%",
                    "not such a part",
                )
                .with_help("write for example `coverage: 90%`"),
            ),
        }
    }

    /// Outer `None`: refused.
    #[expect(
        clippy::option_option,
        reason = "outer: `None` is a reported fault as everywhere here; inner: there is no grid"
    )]
    fn every(&mut self, call: &ast::Call) -> Option<Option<Grid>> {
        let zone = option(call, "zone");
        let Some(every) = option(call, "every") else {
            return match zone {
                None => Some(None),
                Some(zone) => self.refuse(
                    Diagnostic::error(zone.name_span, "`zone:` belongs to `every:`", "no `every:`")
                        .with_help("write for example `every: 1d, zone: \"America/New_York\"`"),
                ),
            };
        };
        let period = self.period(every);
        let zone = match zone {
            None => None,
            Some(zone) => Some(self.zone(zone)?),
        };
        let period = period?;
        if zone.is_some() && period.0 % DAY != 0 {
            return self.refuse(
                Diagnostic::error(
                    every.value.span,
                    "in a time zone, `every:` is a whole number of days",
                    "not whole days",
                )
                .with_help("leave `zone:` out; hours are the same everywhere"),
            );
        }
        Some(Some(Grid { period, zone }))
    }

    fn zone(&mut self, option: &ast::NamedOption) -> Option<String> {
        match &option.value.kind {
            ast::ExprKind::Refused => None,
            ast::ExprKind::Literal(Value::Text(name)) if crate::calendar::zone_exists(name) => {
                Some(name.clone())
            }
            _ => {
                let shown = suggest::clipped(self.written(option.value.span));
                self.refuse(
                    Diagnostic::error(
                        option.value.span,
                        "`zone:` is the name of a time zone",
                        format!("{shown} is none"),
                    )
                    .with_help("write for example `zone: \"America/New_York\"` or `zone: \"UTC\"`"),
                )
            }
        }
    }
}

pub(super) fn option<'c>(call: &'c ast::Call, name: &str) -> Option<&'c ast::NamedOption> {
    call.options.iter().find(|option| option.name == name)
}
