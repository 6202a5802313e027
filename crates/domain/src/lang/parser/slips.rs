//! Slips of the pen that have a better answer than "expected …".

use super::{Parsed, Parser, Power};
use crate::diagnostic::Diagnostic;
use crate::lang::ast::{BinaryOp, Expr, ExprKind};
use crate::lang::catalogue::is_option;
use crate::lang::lexer::TokenKind;
use crate::lang::suggest;
use crate::time::UNITS;
use crate::value::Value;

impl Parser<'_> {
    /// `a < b < c` would compare a truth value; say what was meant.
    pub(super) fn refuse_chain(&mut self, left: &Expr) -> Parsed<()> {
        let second = match self.peek() {
            TokenKind::Compare(op) => op.symbol(),
            TokenKind::In => "in",
            _ => return Ok(()),
        };
        let span = self.token_span();
        let label = format!("a second comparison (`{second}`)");
        let refusal = Diagnostic::error(span, "comparisons do not chain", label);
        let refusal = match &left.kind {
            ExprKind::Binary {
                op: BinaryOp::Compare(first),
                left: a,
                right: b,
            } if second != "in" => {
                let first = first.symbol();
                let [a, b] = [a, b].map(|side| suggest::clipped(self.written(side.span)));
                let c = self.operand_after().unwrap_or_else(|| "…".to_owned());
                refusal.with_help(format!("write `{a} {first} {b} and {b} {second} {c}`"))
            }
            _ => refusal.with_help("join two conditions with `and`"),
        };
        self.stop(refusal)
    }

    /// How the operand after the operator at hand is written; its own faults do not matter any more.
    fn operand_after(&mut self) -> Option<String> {
        let before = self.found.len();
        self.at += 1;
        let operand = self.expression(Power::Add);
        self.found.truncate(before);
        operand
            .ok()
            .map(|tree| suggest::clipped(self.written(tree.expr.span)))
    }

    /// `x not in […]` reads well and is written otherwise.
    pub(super) fn refuse_not_in(&mut self, value: &Expr) -> Parsed<()> {
        if self.peek() != &TokenKind::Not || self.peek_second() != &TokenKind::In {
            return Ok(());
        }
        let span = self.token_span();
        let value = suggest::clipped(self.written(value.span));
        self.stop(
            Diagnostic::error(
                span,
                "`not` stands in front of the whole condition",
                "misplaced",
            )
            .with_help(format!("write `not {value} in […]`")),
        )
    }

    /// `24 h`: a unit that is not attached to its number.
    pub(super) fn detached_unit(&self) -> Option<Diagnostic> {
        let TokenKind::Name(unit) = self.peek() else {
            return None;
        };
        let number = self.tokens.get(self.at.checked_sub(1)?)?;
        let is_unit = UNITS.iter().any(|(name, _)| name == unit);
        if !is_unit || !matches!(number.kind, TokenKind::Literal(Value::Decimal(_))) {
            return None;
        }
        let written = self.written(number.span);
        Some(
            Diagnostic::error(
                self.token_span(),
                "a unit is attached to its number",
                "detached unit",
            )
            .with_help(format!("write `{written}{unit}`")),
        )
    }

    /// `for 24h`: an option without its colon.
    pub(super) fn missing_colon(&self) -> Option<Diagnostic> {
        let option = self.tokens.get(self.at.checked_sub(1)?)?;
        let TokenKind::Name(name) = &option.kind else {
            return None;
        };
        let begins_a_value = matches!(
            self.peek(),
            TokenKind::Literal(_) | TokenKind::Name(_) | TokenKind::Not
        );
        if !is_option(name) || !begins_a_value {
            return None;
        }
        let value = suggest::clipped(self.written(self.token_span()));
        Some(
            Diagnostic::error(
                option.span,
                "an option is followed by a colon",
                "no colon behind it",
            )
            .with_help(format!("write `{name}: {value}`")),
        )
    }

    /// `0,9`: a number as some countries write it.
    pub(super) fn decimal_comma(&self) -> Option<Diagnostic> {
        let before = self.tokens.get(self.at.checked_sub(1)?)?;
        let after = self.tokens.get(self.at + 1)?;
        let comma = self.token_span();
        let is_number = |kind: &TokenKind| matches!(kind, TokenKind::Literal(Value::Decimal(_)));
        let touches = before.span.end == comma.start && comma.end == after.span.start;
        if self.peek() != &TokenKind::Comma
            || !touches
            || !is_number(&before.kind)
            || !is_number(&after.kind)
        {
            return None;
        }
        let (whole, parts) = (self.written(before.span), self.written(after.span));
        Some(
            Diagnostic::error(
                comma,
                "a point, and no comma, stands within a number",
                "unexpected comma",
            )
            .with_help(format!("write `{whole}.{parts}`")),
        )
    }
}
