//! Calls of functions other than `holds`.

use super::{Checker, Function, catalogue};
use crate::decimal::Rounding;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast;
use crate::lang::ir::{ArithmeticOp, Expr, ExprKind, WindowFunction};
use crate::lang::suggest;
use crate::value::{Type, Value};

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let Some(signature) = catalogue::function(&call.function) else {
            let is_input = self.input(&call.function).is_some();
            return self.refuse(catalogue::unknown_function(
                &call.function,
                is_input,
                call.function_span,
            ));
        };
        self.options(call, signature)?;
        match signature.function {
            Function::Holds => self.holds(call, span),
            Function::Age => self.age_as_value(call, span),
            Function::Clamp => self.clamp(call, span),
            Function::Abs => {
                let [operand] = self.arguments(call, signature)?;
                let operand = self.number(operand, "`abs`")?;
                Some(Expr {
                    ty: operand.ty,
                    kind: ExprKind::Absolute(Box::new(operand)),
                    span,
                })
            }
            Function::Min => self.extreme(call, span, (ExprKind::Min, WindowFunction::Min)),
            Function::Max => self.extreme(call, span, (ExprKind::Max, WindowFunction::Max)),
            Function::Twap => self.twap(call, span),
            Function::GeoTwap => self.window(call, WindowFunction::GeoTwap, span),
            Function::Mean => self.window(call, WindowFunction::Mean, span),
            Function::Median => self.window(call, WindowFunction::Median, span),
            Function::Sum => self.window(call, WindowFunction::Sum, span),
            Function::Count => self.window(call, WindowFunction::Count, span),
            Function::Happened => self.happened(call, span),
            Function::At => self.at(call, span),
            Function::Change => self.change(call, span),
            Function::Drop => self.drop(call, span),
            Function::MedianOf => self.median_of(call, span),
            Function::KOf => self.k_of(call, span),
            Function::Linear => self.linear(call, span),
            Function::Tiers => self.tiers(call, span),
            Function::Tick => self.tick(call, span),
            Function::Case => self.case(call, span),
            Function::DistanceKm => self.distance_km(call, span),
            Function::RoundUp => {
                let [operation] = self.arguments(call, signature)?;
                self.round_up(operation)
            }
        }
    }

    /// Refuses options that the function has not, or twice.
    fn options(&mut self, call: &ast::Call, signature: &catalogue::Signature) -> Option<()> {
        let before = self.found.len();
        for (at, option) in call.options.iter().enumerate() {
            let name = option.name.as_str();
            let function = signature.name;
            if call
                .options
                .iter()
                .take(at)
                .any(|earlier| earlier.name == option.name)
            {
                self.found.push(Diagnostic::error(
                    option.name_span,
                    format!("`{name}:` is given twice"),
                    "once more",
                ));
            } else if !signature.options.contains(&name) {
                self.found.push(unknown_option(option, signature));
            } else if option.at_least && !(function == "holds" && name == "for") {
                self.found.push(Diagnostic::error(
                    option.value.span,
                    "`at least` belongs to the `for:` of `holds`",
                    "not here",
                ));
            }
        }
        (self.found.len() == before).then_some(())
    }

    /// Exactly N arguments.
    pub(super) fn arguments<'c, const N: usize>(
        &mut self,
        call: &'c ast::Call,
        signature: &catalogue::Signature,
    ) -> Option<&'c [ast::Expr; N]> {
        if let Ok(exact) = <&[ast::Expr; N]>::try_from(call.arguments.as_slice()) {
            return Some(exact);
        }
        let given = call.arguments.len();
        let plural = if N == 1 { "argument" } else { "arguments" };
        let span = call
            .arguments
            .get(N)
            .map_or(call.function_span, |extra| extra.span);
        self.refuse(
            Diagnostic::error(
                span,
                format!("`{}` takes {N} {plural}, not {given}", signature.name),
                if given > N { "one too many" } else { "too few" },
            )
            .with_help(format!("write `{}`", signature.usage)),
        )
    }

    fn clamp(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let signature = catalogue::function("clamp")?;
        let arguments: &[ast::Expr; 3] = self.arguments(call, signature)?;
        let mut values = self.values_of_one_type(arguments, "`clamp`")?;
        let (high, low, value) = (values.pop()?, values.pop()?, values.pop()?);
        if let (Some(Ok(low_value)), Some(Ok(high_value))) = (low.constant(), high.constant())
            && greater(&low_value, &high_value)
        {
            return self.refuse(
                Diagnostic::error(
                    low.span.to(high.span),
                    "the lower bound of `clamp` is above the upper one",
                    format!("{low_value} > {high_value}"),
                )
                .with_help(format!("write `{}`", signature.usage)),
            );
        }
        let ty = value.ty;
        let (value, low, high) = (Box::new(value), Box::new(low), Box::new(high));
        Some(Expr {
            kind: ExprKind::Clamp { value, low, high },
            ty,
            span,
        })
    }

    fn extreme(
        &mut self,
        call: &ast::Call,
        span: Span,
        (kind, window): (fn(Vec<Expr>) -> ExprKind, WindowFunction),
    ) -> Option<Expr> {
        let function = call.function.as_str();
        if !call.options.is_empty() {
            return self.window(call, window, span);
        }
        let [first, second, ..] = call.arguments.as_slice() else {
            return self.refuse(
                Diagnostic::error(
                    call.function_span,
                    format!("`{function}` takes two values or more"),
                    "too few arguments",
                )
                .with_help(format!(
                    "write `{function}(a, b)`, or `{function}(input, 1h)` over a window"
                )),
            );
        };
        // `min(price, 1h)` is a window, `min(delay, 1h)` is a value.
        if call.arguments.len() == 2 && self.is_duration(second) && self.is_decimal_input(first) {
            return self.window(call, window, span);
        }
        let values = self.values_of_one_type(&call.arguments, &format!("`{function}`"))?;
        let ty = values.first()?.ty;
        Some(Expr {
            kind: kind(values),
            ty,
            span,
        })
    }

    /// Whether a duration is written here, as a literal or as a parameter.
    fn is_duration(&self, expr: &ast::Expr) -> bool {
        let parameters = &self.scope.parameters;
        match &expr.kind {
            ast::ExprKind::Literal(Value::Duration(_)) => true,
            ast::ExprKind::Name(name) => parameters
                .iter()
                .any(|(own, value)| own == name && matches!(value, Some(Value::Duration(_)))),
            _ => false,
        }
    }

    fn is_decimal_input(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ast::ExprKind::Name(name) => self
                .input(name)
                .is_some_and(|(_, input)| input.ty == Some(Type::Decimal)),
            _ => false,
        }
    }

    /// All of them decimals, or all durations.
    pub(super) fn values_of_one_type(
        &mut self,
        arguments: &[ast::Expr],
        of: &str,
    ) -> Option<Vec<Expr>> {
        let checked: Vec<Option<Expr>> = arguments
            .iter()
            .map(|argument| self.number(argument, of))
            .collect();
        let values: Vec<Expr> = checked.into_iter().collect::<Option<_>>()?;
        let first = values.first()?;
        for (argument, value) in arguments.iter().zip(&values) {
            if value.ty != first.ty {
                let (first_argument, first_ty) = (arguments.first()?, first.ty);
                let refusal = self.mismatch(of, (first_argument, first_ty), (argument, value.ty));
                return self.refuse(refusal);
            }
        }
        Some(values)
    }

    fn round_up(&mut self, operation: &ast::Expr) -> Option<Expr> {
        let mut checked = match &operation.kind {
            ast::ExprKind::Binary {
                op: ast::BinaryOp::Arithmetic(op @ (ArithmeticOp::Multiply | ArithmeticOp::Divide)),
                left,
                right,
            } => self.arithmetic(*op, left, right, operation.span)?,
            _ => {
                return self.refuse(
                    Diagnostic::error(
                        operation.span,
                        "`round_up` rounds one multiplication or division",
                        "neither `*` nor `/` at its top",
                    )
                    .with_help("write `round_up(a * b)` or `round_up(a / b)`"),
                );
            }
        };
        if let ExprKind::Arithmetic { rounding, .. } = &mut checked.kind {
            *rounding = Rounding::Up;
        }
        Some(checked)
    }
}

fn greater(low: &Value, high: &Value) -> bool {
    match (low, high) {
        (Value::Decimal(low), Value::Decimal(high)) => low > high,
        (Value::Duration(low), Value::Duration(high)) => low > high,
        _ => false,
    }
}

fn unknown_option(option: &ast::NamedOption, signature: &catalogue::Signature) -> Diagnostic {
    let name = suggest::clipped(&option.name);
    let function = signature.name;
    let refusal = Diagnostic::error(
        option.name_span,
        format!("`{function}` has no option `{name}:`"),
        "unknown option",
    );
    match suggest::nearest(&option.name, signature.options.iter().copied()) {
        Some(near) => refusal.with_help(format!("did you mean `{near}:`?")),
        None if signature.options.is_empty() => {
            refusal.with_help(format!("write `{}`", signature.usage))
        }
        None => refusal.with_help(format!(
            "its options are {}",
            suggest::list(signature.options.iter().copied(), "and")
        )),
    }
}
