//! Calls: positional arguments, then named options.

use super::{Parsed, Parser, Power, Tree};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Call, ExprKind, NamedOption};
use crate::lang::catalogue::takes_pairs;
use crate::lang::lexer::TokenKind;
use crate::lang::suggest;

impl Parser<'_> {
    /// `(…)` after the name of a function.
    pub(super) fn call(&mut self, function: String, function_span: Span) -> Parsed<Tree> {
        let opening = self.advance().span;
        let mut call = Call {
            function,
            function_span,
            arguments: Vec::new(),
            pairs: Vec::new(),
            options: Vec::new(),
        };
        let mut height = 0;
        while self.peek() != &TokenKind::RightParenthesis {
            height = height.max(self.argument(&mut call)?);
            if self.peek() != &TokenKind::Comma {
                break;
            }
            self.at += 1;
        }
        let closing = self.close(opening, &TokenKind::RightParenthesis, "`,` or `)`")?;
        self.node(ExprKind::Call(call), function_span.to(closing), height)
    }

    /// One argument or option; its height.
    fn argument(&mut self, call: &mut Call) -> Parsed<usize> {
        // `or: …` cannot be: words of the grammar are no names.
        let name = match self.peek() {
            TokenKind::Name(name) if self.peek_second() == &TokenKind::Colon => Some(name.clone()),
            _ => None,
        };
        // `else` is a word of its own; whatever else stands before a colon in `case` is a condition, in `tiers` a bound.
        let paired = takes_pairs(&call.function);
        let Some(name) = name.filter(|name| !paired || name == "else") else {
            let argument = self.expression(Power::Or)?;
            if paired && self.peek() == &TokenKind::Colon && call.options.is_empty() {
                self.at += 1;
                let value = self.expression(Power::Or)?;
                let height = argument.height.max(value.height);
                call.pairs.push((argument.expr, value.expr));
                return Ok(height);
            }
            if !call.options.is_empty() || !call.pairs.is_empty() {
                let span = argument.expr.span;
                return self.stop(
                    Diagnostic::error(
                        span,
                        "arguments without a name stand before the named options",
                        "an argument after an option",
                    )
                    .with_help(format!(
                        "put `{}` first",
                        suggest::clipped(self.written(span))
                    )),
                );
            }
            call.arguments.push(argument.expr);
            return Ok(argument.height);
        };
        let name_span = self.token_span();
        self.at += 2;
        let at_least = self.at_least()?;
        let value = self.expression(Power::Or)?;
        call.options.push(NamedOption {
            name,
            name_span,
            at_least,
            value: value.expr,
        });
        Ok(value.height)
    }

    /// `at least` before a value.
    fn at_least(&mut self) -> Parsed<bool> {
        let (TokenKind::Name(first), TokenKind::Name(second)) = (self.peek(), self.peek_second())
        else {
            return Ok(false);
        };
        if first != "at" {
            return Ok(false);
        }
        if second != "least" {
            let span = self.token_span();
            return self.stop(
                Diagnostic::error(
                    span,
                    "`at` is followed by `least`",
                    "followed by something else",
                )
                .with_help("write for example `for: at least 24h`, or `for: 24h`"),
            );
        }
        self.at += 2;
        Ok(true)
    }
}
