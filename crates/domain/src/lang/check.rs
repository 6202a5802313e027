//! Names to inputs, types to every node, constants to their values.
//!
//! Goes on after a fault wherever the rest can be judged on its own. `None` for a node always means that its fault is
//! already reported. Besides types it refuses what is well-typed and surely not meant: see `sanity`.

mod age;
mod arithmetic;
mod call;
mod comparison;
mod constant;
mod fixed;
mod holds;
mod sanity;
mod several;
mod shapes;
mod threshold;
mod warnings;
mod window;

use super::ast;
use super::catalogue::{self, Function};
use super::ir::{Expr, ExprKind, InputIndex};
use super::{Role, Scope, ScopeInput, parser, suggest};
use crate::diagnostic::{Diagnostic, Span};
use crate::value::{Type, Value};

/// Reads and checks `text`; findings, warnings included, go to `found`. An expression may come back beside errors.
pub(crate) fn compile_into(
    text: &str,
    scope: &Scope,
    role: Role,
    found: &mut Vec<Diagnostic>,
) -> Option<Expr> {
    let parsed = parser::parse(text, found)?;
    let mut checker = Checker {
        text,
        scope,
        role,
        inside_holds: false,
        found,
    };
    let expr = checker.expression(&parsed)?;
    checker.whole(expr)
}

/// Reads a constant number: what a parameter may be. Spans are bytes of `text`.
pub(crate) fn constant_number(text: &str, found: &mut Vec<Diagnostic>) -> Option<Value> {
    let parsed = parser::parse(text, found)?;
    let scope = Scope::default();
    let mut checker = Checker {
        text,
        scope: &scope,
        role: Role::Payout,
        inside_holds: false,
        found,
    };
    let expr = checker.number(&parsed, "a parameter")?;
    match expr.constant() {
        Some(Ok(value)) => Some(value),
        _ => {
            let label = "not a constant";
            checker.refuse(Diagnostic::error(
                expr.span,
                "a parameter is a number",
                label,
            ))
        }
    }
}

struct Checker<'a> {
    text: &'a str,
    scope: &'a Scope,
    role: Role,
    inside_holds: bool,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn expression(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Refused => None,
            ast::ExprKind::Literal(value) => Some(Expr {
                ty: value.ty(),
                kind: ExprKind::Literal(value.clone()),
                span,
            }),
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Negate(operand) => {
                let operand = self.number(operand, "`-`")?;
                Some(Expr {
                    ty: operand.ty,
                    kind: ExprKind::Negate(Box::new(operand)),
                    span,
                })
            }
            ast::ExprKind::Not(operand) => {
                let operand = self.condition(operand, "`not`")?;
                Some(Expr {
                    ty: Type::Bool,
                    kind: ExprKind::Not(Box::new(operand)),
                    span,
                })
            }
            ast::ExprKind::Binary { op, left, right } => match op {
                ast::BinaryOp::Compare(op) => self.comparison(*op, left, right, span),
                ast::BinaryOp::Arithmetic(op) => self.arithmetic(*op, left, right, span),
                ast::BinaryOp::And => {
                    let (left, right) = self.conditions(left, right, "`and`")?;
                    Some(Expr {
                        ty: Type::Bool,
                        kind: ExprKind::And(left, right),
                        span,
                    })
                }
                ast::BinaryOp::Or => {
                    let (left, right) = self.conditions(left, right, "`or`")?;
                    Some(Expr {
                        ty: Type::Bool,
                        kind: ExprKind::Or(left, right),
                        span,
                    })
                }
            },
            ast::ExprKind::In { value, choices } => self.one_of(value, choices, span),
            ast::ExprKind::Call(call) => self.call(call, span),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        if let Some((index, input)) = self.input(name) {
            let ty = input.ty?;
            if ty == Type::Event {
                return self.refuse(
                    Diagnostic::error(span, "an event has no value", "an event").with_help(
                        format!("write `happened({name})` or `count({name}, 1h) >= 1`"),
                    ),
                );
            }
            return Some(Expr {
                kind: ExprKind::Input(index),
                ty,
                span,
            });
        }
        if let Some((_, value)) = self.scope.parameters.iter().find(|(own, _)| own == name) {
            let value = value.clone()?;
            return Some(Expr {
                ty: value.ty(),
                kind: ExprKind::Literal(value),
                span,
            });
        }
        let refusal = match catalogue::function(name) {
            Some(signature) => Diagnostic::error(
                span,
                format!("`{name}` is a function"),
                "needs its arguments",
            )
            .with_help(format!("write `{}`", signature.usage)),
            None if name == "inception" => {
                Diagnostic::error(span, "an inception is no value", "stands alone")
                    .with_help("write `at(price, inception)`, or `since: inception` in a window")
            }
            None if name.starts_with("event.") => self.unknown_event(name, span),
            None => self.unknown_name(name, span),
        };
        self.refuse(refusal)
    }

    fn unknown_name(&self, name: &str, span: Span) -> Diagnostic {
        let refusal = Diagnostic::error(
            span,
            format!("unknown name `{}`", suggest::clipped(name)),
            "no input has this name",
        );
        let inputs = || self.scope.inputs.iter().map(|input| input.name.as_str());
        let parameters = self.scope.parameters.iter().map(|(name, _)| name.as_str());
        match suggest::nearest(name, inputs().chain(parameters)) {
            Some(near) => refusal.with_help(format!("did you mean `{near}`?")),
            None if self.scope.inputs.is_empty() => {
                refusal.with_help(format!("declare it: `[inputs.{}]`", suggest::clipped(name)))
            }
            None => refusal.with_help(format!(
                "this cover's inputs: {}; texts are quoted, as in `\"cancelled\"`",
                suggest::list(inputs(), "and")
            )),
        }
    }

    fn input(&self, name: &str) -> Option<(InputIndex, &'a ScopeInput)> {
        let inputs = &self.scope.inputs;
        let index = match name.strip_prefix("event.") {
            None => inputs.iter().position(|input| input.name == name),
            Some(event) => {
                let named =
                    |input: &ScopeInput| input.ty == Some(Type::Event) && input.name == event;
                let measured = |input: &ScopeInput| input.event.as_deref() == Some(event);
                let by_name = inputs.iter().position(named);
                by_name.or_else(|| inputs.iter().position(measured))
            }
        }?;
        Some((InputIndex(index), inputs.get(index)?))
    }

    fn unknown_event(&self, name: &str, span: Span) -> Diagnostic {
        let refusal = Diagnostic::error(
            span,
            format!("unknown event `{}`", suggest::clipped(name)),
            "no input is this event",
        );
        let events = self
            .scope
            .inputs
            .iter()
            .filter_map(|input| input.event.as_deref());
        let event = name.strip_prefix("event.").unwrap_or(name);
        match suggest::nearest(event, events) {
            Some(near) => refusal.with_help(format!("did you mean `event.{near}`?")),
            None => refusal.with_help(format!(
                "declare an input with `metric = \"event:{}\"`",
                suggest::clipped(event)
            )),
        }
    }

    /// A decimal or a duration.
    fn number(&mut self, expr: &ast::Expr, of: &str) -> Option<Expr> {
        let checked = self.expression(expr)?;
        match checked.ty {
            Type::Decimal | Type::Duration => Some(checked),
            Type::Bool | Type::Text | Type::Time | Type::Event => {
                let label = self.describe(expr, checked.ty);
                self.refuse(Diagnostic::error(
                    expr.span,
                    format!("{of} takes a decimal or a duration"),
                    label,
                ))
            }
        }
    }

    fn condition(&mut self, expr: &ast::Expr, of: &str) -> Option<Expr> {
        let checked = self.expression(expr)?;
        if checked.ty == Type::Bool {
            return Some(checked);
        }
        let label = self.describe(expr, checked.ty);
        let refusal = Diagnostic::error(expr.span, format!("{of} takes a condition"), label);
        self.refuse(refusal.with_help(compare_it(checked.ty)))
    }

    fn conditions(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        of: &str,
    ) -> Option<(Box<Expr>, Box<Expr>)> {
        let left = self.condition(left, of);
        let right = self.condition(right, of);
        Some((Box::new(left?), Box::new(right?)))
    }

    /// "`usdc` is a decimal".
    fn describe(&self, expr: &ast::Expr, ty: Type) -> String {
        let written = suggest::clipped(self.written(expr.span));
        match (&expr.kind, ty) {
            (ast::ExprKind::Literal(Value::Decimal(_)), _) => {
                format!("`{written}` is a bare number")
            }
            _ => format!("`{written}` is a {ty}"),
        }
    }

    fn written(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    fn refuse<T>(&mut self, finding: Diagnostic) -> Option<T> {
        self.found.push(finding);
        None
    }
}

/// How a value of this type becomes a condition.
fn compare_it(ty: Type) -> &'static str {
    match ty {
        Type::Decimal => "compare it, as in `price <= 0.995`",
        Type::Duration => "compare it, as in `arrival_delay >= 45min`",
        Type::Text => "compare it, as in `status == \"cancelled\"`",
        Type::Bool | Type::Time => "compare it with something",
        Type::Event => {
            "ask whether it happened, as in `happened(paused)` or `count(paused, 1h) >= 1`"
        }
    }
}
