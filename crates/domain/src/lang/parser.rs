//! Tokens to tree, by precedence climbing: `or` < `and` < `not` < comparison < `+ -` < `* /` < unary `-`.
//!
//! Comparisons do not chain. Recursion and the height of the tree are bounded by [`MAX_DEPTH`]. The first fault of the
//! grammar ends the reading, since what follows it would be guesswork.

mod call;
mod slips;

use super::ast::{BinaryOp, Choice, Expr, ExprKind};
use super::ir::ArithmeticOp;
use super::lexer::{Token, TokenKind, tokens};
use super::{MAX_DEPTH, MAX_EXPRESSION_BYTES};
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

/// How strongly an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Power {
    Or,
    And,
    Not,
    Compare,
    Add,
    Multiply,
    Unary,
}

/// A diagnostic is on its way; nothing can be said about what follows.
struct Stopped;

type Parsed<T> = Result<T, Stopped>;

/// A tree with its height.
struct Tree {
    expr: Expr,
    height: usize,
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    found: &'a mut Vec<Diagnostic>,
}

/// Reads one expression. With a finding the tree, if there is one, holds [`ExprKind::Refused`] where it was made.
pub(super) fn parse(text: &str, found: &mut Vec<Diagnostic>) -> Option<Expr> {
    if text.len() > MAX_EXPRESSION_BYTES {
        found.push(Diagnostic::error(
            Span::new(0, text.len()),
            format!("an expression has at most {MAX_EXPRESSION_BYTES} bytes"),
            format!("{} bytes", text.len()),
        ));
        return None;
    }
    let before = found.len();
    let tokens = tokens(text, found);
    let lexed_clean = found.len() == before;
    let mut findings = Vec::new();
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
        found: &mut findings,
    };
    let parsed = parser.whole();
    // What was wrong with the tokens explains most of what is wrong with their order.
    if lexed_clean {
        found.append(&mut findings);
    }
    parsed.ok()
}

impl Parser<'_> {
    fn whole(&mut self) -> Parsed<Expr> {
        if self.peek() == &TokenKind::End {
            let span = Span::new(0, self.text.len());
            return self.stop(Diagnostic::error(
                span,
                "this expression is empty",
                "nothing here",
            ));
        }
        let tree = self.expression(Power::Or)?;
        match self.peek() {
            TokenKind::End => Ok(tree.expr),
            TokenKind::RightParenthesis => {
                let span = self.token_span();
                self.stop(Diagnostic::error(
                    span,
                    "this parenthesis closes nothing",
                    "no `(` belongs to it",
                ))
            }
            _ => self.expected("an operator or the end"),
        }
    }

    /// Reads operators that bind at least as strongly as `weakest`.
    fn expression(&mut self, weakest: Power) -> Parsed<Tree> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.too_deep();
        }
        let mut left = self.prefix(weakest)?;
        loop {
            let operator = match self.peek() {
                TokenKind::Or => Some((Power::Or, BinaryOp::Or)),
                TokenKind::And => Some((Power::And, BinaryOp::And)),
                TokenKind::Compare(op) => Some((Power::Compare, BinaryOp::Compare(*op))),
                TokenKind::Arithmetic(op @ (ArithmeticOp::Add | ArithmeticOp::Subtract)) => {
                    Some((Power::Add, BinaryOp::Arithmetic(*op)))
                }
                TokenKind::Arithmetic(op) => Some((Power::Multiply, BinaryOp::Arithmetic(*op))),
                TokenKind::In if weakest <= Power::Compare => {
                    left = self.one_of(left)?;
                    self.refuse_chain(&left.expr)?;
                    continue;
                }
                _ => None,
            };
            self.refuse_not_in(&left.expr)?;
            let Some((power, op)) = operator.filter(|(power, _)| *power >= weakest) else {
                break;
            };
            self.at += 1;
            let right = self.expression(power.tighter())?;
            let span = left.expr.span.to(right.expr.span);
            let height = left.height.max(right.height);
            let kind = ExprKind::Binary {
                op,
                left: Box::new(left.expr),
                right: Box::new(right.expr),
            };
            left = self.node(kind, span, height)?;
            if power == Power::Compare {
                self.refuse_chain(&left.expr)?;
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefix(&mut self, weakest: Power) -> Parsed<Tree> {
        let start = self.token_span();
        match self.peek() {
            TokenKind::Not if weakest > Power::Not => self.stop(
                Diagnostic::error(
                    start,
                    "`not` binds less than this operator",
                    "needs parentheses",
                )
                .with_help("put the negation in parentheses: `(not …)`"),
            ),
            TokenKind::Not => {
                self.at += 1;
                let operand = self.expression(Power::Not)?;
                let span = start.to(operand.expr.span);
                self.node(ExprKind::Not(Box::new(operand.expr)), span, operand.height)
            }
            TokenKind::Arithmetic(ArithmeticOp::Subtract) => {
                self.at += 1;
                let operand = self.expression(Power::Unary)?;
                let span = start.to(operand.expr.span);
                self.node(
                    ExprKind::Negate(Box::new(operand.expr)),
                    span,
                    operand.height,
                )
            }
            TokenKind::Arithmetic(ArithmeticOp::Add) => self.stop(
                Diagnostic::error(start, "there is no unary `+`", "nothing to add to")
                    .with_help("leave it out"),
            ),
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Parsed<Tree> {
        let Token { kind, span } = self.advance();
        match kind {
            TokenKind::Literal(value) => self.node(ExprKind::Literal(value), span, 0),
            TokenKind::Refused => self.node(ExprKind::Refused, span, 0),
            TokenKind::Name(name) if self.peek() == &TokenKind::LeftParenthesis => {
                self.call(name, span)
            }
            TokenKind::Name(name) => self.node(ExprKind::Name(name), span, 0),
            TokenKind::LeftParenthesis => {
                let inner = self.expression(Power::Or)?;
                let closing = self.close(span, &TokenKind::RightParenthesis, "`)`")?;
                Ok(Tree {
                    expr: Expr {
                        span: span.to(closing),
                        ..inner.expr
                    },
                    height: inner.height,
                })
            }
            TokenKind::LeftBracket => self.stop(
                Diagnostic::error(span, "a list stands only after `in`", "unexpected list")
                    .with_help("write for example `status in [\"cancelled\", \"diverted\"]`"),
            ),
            _ => {
                self.at -= 1;
                self.expected("a value")
            }
        }
    }

    /// `in ["a", "b"]`, the value before it given.
    fn one_of(&mut self, value: Tree) -> Parsed<Tree> {
        self.at += 1;
        if self.peek() != &TokenKind::LeftBracket {
            return self.expected("a list in brackets, as in `[\"cancelled\", \"diverted\"]`");
        }
        let opening = self.advance().span;
        let mut choices = Vec::new();
        loop {
            match self.advance() {
                Token {
                    kind: TokenKind::Literal(Value::Text(text)),
                    span,
                } => {
                    choices.push(Choice { text, span });
                }
                Token {
                    kind: TokenKind::Refused,
                    ..
                } => {}
                Token {
                    kind: TokenKind::Name(name),
                    span,
                } => {
                    return self.stop(
                        Diagnostic::error(
                            span,
                            "a list after `in` holds quoted texts",
                            "not quoted",
                        )
                        .with_help(format!("write `\"{name}\"`")),
                    );
                }
                _ => {
                    self.at -= 1;
                    return self.expected("a quoted text");
                }
            }
            if self.peek() != &TokenKind::Comma {
                break;
            }
            self.at += 1;
        }
        let closing = self.close(opening, &TokenKind::RightBracket, "`]`")?;
        let span = value.expr.span.to(closing);
        self.node(
            ExprKind::In {
                value: Box::new(value.expr),
                choices,
            },
            span,
            value.height,
        )
    }

    /// A node above trees of at most `height`.
    fn node(&mut self, kind: ExprKind, span: Span, height: usize) -> Parsed<Tree> {
        let height = height + 1;
        if height > MAX_DEPTH {
            return self.too_deep();
        }
        Ok(Tree {
            expr: Expr::new(kind, span),
            height,
        })
    }

    fn too_deep<T>(&mut self) -> Parsed<T> {
        let span = self.token_span();
        self.stop(
            Diagnostic::error(
                span,
                format!("an expression is at most {MAX_DEPTH} levels deep"),
                "too deep from here on",
            )
            .with_help(
                "remove needless parentheses, or group a long chain: `(a and b) and (c and d)`",
            ),
        )
    }

    fn peek(&self) -> &TokenKind {
        self.tokens
            .get(self.at)
            .map_or(&TokenKind::End, |token| &token.kind)
    }

    fn peek_second(&self) -> &TokenKind {
        self.tokens
            .get(self.at + 1)
            .map_or(&TokenKind::End, |token| &token.kind)
    }

    fn token_span(&self) -> Span {
        let end = Span::new(self.text.len(), self.text.len());
        self.tokens.get(self.at).map_or(end, |token| token.span)
    }

    /// The token at hand; the end stays at hand for ever.
    fn advance(&mut self) -> Token {
        let token = Token {
            kind: self.peek().clone(),
            span: self.token_span(),
        };
        self.at += 1;
        token
    }

    fn close(&mut self, opening: Span, bracket: &TokenKind, name: &str) -> Parsed<Span> {
        if self.peek() == bracket {
            return Ok(self.advance().span);
        }
        if self.peek() == &TokenKind::End {
            return self.stop(Diagnostic::error(
                opening,
                format!("{name} is missing"),
                "opened here, never closed",
            ));
        }
        self.expected(name)
    }

    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let span = self.token_span();
        let slips = [
            self.detached_unit(),
            self.missing_colon(),
            self.decimal_comma(),
        ];
        if let Some(slip) = slips.into_iter().flatten().next() {
            return self.stop(slip);
        }
        let (message, label) = match self.peek() {
            TokenKind::End => (
                format!("expected {what}, but the expression ends"),
                "ends here".to_owned(),
            ),
            _ => {
                let written = super::suggest::clipped(self.written(span));
                (
                    format!("expected {what}, found `{written}`"),
                    "unexpected".to_owned(),
                )
            }
        };
        self.stop(Diagnostic::error(span, message, label))
    }

    fn stop<T>(&mut self, finding: Diagnostic) -> Parsed<T> {
        self.found.push(finding);
        Err(Stopped)
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }
}

impl Power {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Compare,
            Self::Compare => Self::Add,
            Self::Add => Self::Multiply,
            Self::Multiply | Self::Unary => Self::Unary,
        }
    }
}
