//! Text to tokens.
//!
//! Reports everything that is no token of the language and goes on with what was probably meant, so that one reading
//! finds as much as possible. White space is blank, tab, carriage return and line feed, nothing else.

mod literal;

pub(crate) use literal::duration_literal;

use super::catalogue::KEYWORDS;
use super::ir::{ArithmeticOp, CompareOp};
use super::suggest;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

/// One token with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TokenKind {
    Literal(Value),
    Name(String),
    And,
    Or,
    Not,
    In,
    Compare(CompareOp),
    Arithmetic(ArithmeticOp),
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    /// Stands where an operand was refused.
    Refused,
    End,
}

/// Operators as people write them elsewhere, longest first, with what they are here.
static FOREIGN_OPERATORS: [(&str, TokenKind); 18] = [
    ("===", TokenKind::Compare(CompareOp::Equal)),
    ("**", TokenKind::Arithmetic(ArithmeticOp::Multiply)),
    ("=<", TokenKind::Compare(CompareOp::LessOrEqual)),
    ("=>", TokenKind::Compare(CompareOp::GreaterOrEqual)),
    ("<>", TokenKind::Compare(CompareOp::NotEqual)),
    ("&&", TokenKind::And),
    ("||", TokenKind::Or),
    ("&", TokenKind::And),
    ("|", TokenKind::Or),
    ("≤", TokenKind::Compare(CompareOp::LessOrEqual)),
    ("≥", TokenKind::Compare(CompareOp::GreaterOrEqual)),
    ("≠", TokenKind::Compare(CompareOp::NotEqual)),
    ("−", TokenKind::Arithmetic(ArithmeticOp::Subtract)),
    ("–", TokenKind::Arithmetic(ArithmeticOp::Subtract)),
    ("×", TokenKind::Arithmetic(ArithmeticOp::Multiply)),
    ("÷", TokenKind::Arithmetic(ArithmeticOp::Divide)),
    ("=", TokenKind::Compare(CompareOp::Equal)),
    ("!", TokenKind::Not),
];

/// The operators, longest first.
static OPERATORS: [(&str, TokenKind); 16] = [
    ("<=", TokenKind::Compare(CompareOp::LessOrEqual)),
    (">=", TokenKind::Compare(CompareOp::GreaterOrEqual)),
    ("==", TokenKind::Compare(CompareOp::Equal)),
    ("!=", TokenKind::Compare(CompareOp::NotEqual)),
    ("<", TokenKind::Compare(CompareOp::Less)),
    (">", TokenKind::Compare(CompareOp::Greater)),
    ("+", TokenKind::Arithmetic(ArithmeticOp::Add)),
    ("-", TokenKind::Arithmetic(ArithmeticOp::Subtract)),
    ("*", TokenKind::Arithmetic(ArithmeticOp::Multiply)),
    ("/", TokenKind::Arithmetic(ArithmeticOp::Divide)),
    ("(", TokenKind::LeftParenthesis),
    (")", TokenKind::RightParenthesis),
    ("[", TokenKind::LeftBracket),
    ("]", TokenKind::RightBracket),
    (",", TokenKind::Comma),
    (":", TokenKind::Colon),
];

/// All tokens of `text`, the last one [`TokenKind::End`].
pub(super) fn tokens(text: &str, found: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
        found,
    };
    while lexer.step() {}
    lexer.push(TokenKind::End, 0);
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next `length` bytes become a token.
    fn push(&mut self, kind: TokenKind, length: usize) {
        let span = Span::new(self.at, self.at + length);
        self.tokens.push(Token { kind, span });
        self.at += length;
    }

    fn step(&mut self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            return false;
        };
        match first {
            '0'..='9' => self.number(trimmed),
            'a'..='z' | 'A'..='Z' | '_' => self.word(trimmed),
            '"' => self.text_literal(trimmed),
            '\'' | '“' | '”' | '‘' | '’' => self.foreign_quotes(trimmed),
            '.' => self.point(trimmed),
            _ => self.operator(trimmed, first),
        }
        true
    }

    fn number(&mut self, rest: &str) {
        let number = literal::number(rest, self.at);
        let kind = match number.value {
            Ok(value) => TokenKind::Literal(value),
            Err(refusal) => {
                self.found.push(refusal);
                TokenKind::Refused
            }
        };
        self.push(kind, number.length);
    }

    fn text_literal(&mut self, rest: &str) {
        let (length, value) = literal::text(rest, self.at);
        let kind = match value {
            Ok(text) => TokenKind::Literal(Value::Text(text)),
            Err(refusal) => {
                self.found.push(refusal);
                TokenKind::Refused
            }
        };
        self.push(kind, length);
    }

    fn word(&mut self, rest: &str) {
        let word = leading_word(rest);
        let lowered = word.to_ascii_lowercase();
        if lowered != word && KEYWORDS.contains(&lowered.as_str()) {
            let span = Span::new(self.at, self.at + word.len());
            self.found.push(
                Diagnostic::error(
                    span,
                    format!("`{word}` is written in lower case"),
                    "upper case",
                )
                .with_help(format!("write `{lowered}`")),
            );
        }
        let kind = match lowered.as_str() {
            "and" => TokenKind::And,
            "or" => TokenKind::Or,
            "not" => TokenKind::Not,
            "in" => TokenKind::In,
            "true" => TokenKind::Literal(Value::Bool(true)),
            "false" => TokenKind::Literal(Value::Bool(false)),
            _ => TokenKind::Name(word.to_owned()),
        };
        self.push(kind, word.len());
    }

    /// Skips what is quoted the wrong way, to its end if there is one.
    fn foreign_quotes(&mut self, rest: &str) {
        const QUOTES: [char; 5] = ['\'', '“', '”', '‘', '’'];
        let mut quotes = rest.char_indices().filter(|(_, c)| QUOTES.contains(c));
        let opening = quotes.next().map_or(0, |(at, c)| at + c.len_utf8());
        let (inside, length) = match quotes.next() {
            Some((at, closing)) => (rest.get(opening..at), at + closing.len_utf8()),
            None => (None, opening),
        };
        let refusal = Diagnostic::error(
            Span::new(self.at, self.at + length),
            "text stands in straight double quotes",
            "not a double quote",
        );
        let inside = inside.filter(|text| !text.contains(['"', '\\']));
        self.found.push(refusal.with_help(match inside {
            Some(text) => format!("write `\"{}\"`", suggest::clipped(text)),
            None => "write `\"text\"`".to_owned(),
        }));
        self.push(TokenKind::Refused, length);
    }

    /// `.5`, `event.Paused`, or a full stop that fell in.
    fn point(&mut self, rest: &str) {
        let after = rest.strip_prefix('.').unwrap_or(rest);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let name = leading_word(after);
        let length = 1 + digits.max(name.len());
        let span = Span::new(self.at, self.at + length);
        if digits > 0 {
            let number = suggest::clipped(after.get(..digits).unwrap_or(""));
            self.found.push(
                Diagnostic::error(span, "a number begins with a digit", "begins with a point")
                    .with_help(format!("write `0.{number}`")),
            );
            self.push(TokenKind::Refused, length);
            return;
        }
        // `owner.name` is one thing: what stands before the point is refused with it.
        let owner = match self.tokens.last_mut() {
            Some(token) if !name.is_empty() && token.span.end == self.at => {
                match core::mem::replace(&mut token.kind, TokenKind::Refused) {
                    TokenKind::Name(owner) if owner == "event" => {
                        token.span.end = span.end;
                        token.kind = TokenKind::Name(format!("event.{name}"));
                        self.at += length;
                        return;
                    }
                    TokenKind::Name(owner) => {
                        token.span.end = span.end;
                        Some((owner, token.span))
                    }
                    other => {
                        token.kind = other;
                        None
                    }
                }
            }
            _ => None,
        };
        self.found.push(match owner {
            Some((owner, whole)) => Diagnostic::error(
                whole,
                "names have no parts",
                format!(
                    "`{}` is not a name of this cover",
                    suggest::clipped(&format!("{owner}.{name}"))
                ),
            )
            .with_help("an input is used by its name alone, as in `[inputs.usdc]` and `usdc`"),
            None => Diagnostic::error(
                span,
                "a point stands only within a number",
                "unexpected point",
            ),
        });
        self.at += length;
    }

    fn operator(&mut self, rest: &str, first: char) {
        let known = |table: &[(&'static str, TokenKind)]| {
            table
                .iter()
                .find(|(symbol, _)| rest.starts_with(symbol))
                .cloned()
        };
        let foreign = known(&FOREIGN_OPERATORS);
        let own = known(&OPERATORS);
        match (own, foreign) {
            // `=<` before `=`, `<>` before `<`; `==` before `=`, `!=` before `!`.
            (Some((symbol, kind)), foreign)
                if foreign
                    .as_ref()
                    .is_none_or(|(other, _)| other.len() <= symbol.len()) =>
            {
                self.push(kind, symbol.len());
            }
            (_, Some((symbol, kind))) => {
                self.refuse_foreign(symbol, &kind);
                self.push(kind, symbol.len());
            }
            (_, None) => self.refuse_character(rest, first),
        }
    }

    fn refuse_foreign(&mut self, symbol: &str, kind: &TokenKind) {
        let span = Span::new(self.at, self.at + symbol.len());
        let refusal = Diagnostic::error(
            span,
            format!("`{symbol}` is not an operator"),
            "not an operator of this language",
        );
        let help = match (symbol, kind) {
            ("**", _) => "there are no powers; write the product out".to_owned(),
            ("=", _) => "write `==` to compare".to_owned(),
            (_, TokenKind::Compare(op)) => format!("write `{}`", op.symbol()),
            (_, TokenKind::Arithmetic(op)) => format!("write `{}`", op.symbol()),
            (_, TokenKind::And) => "write `and`".to_owned(),
            (_, TokenKind::Or) => "write `or`".to_owned(),
            _ => "write `not`".to_owned(),
        };
        self.found.push(refusal.with_help(help));
    }

    fn refuse_character(&mut self, rest: &str, first: char) {
        // One finding for a run of letters of another script, not one for each letter.
        let length = if first.is_alphanumeric() {
            rest.len()
                - rest
                    .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
                    .len()
        } else {
            first.len_utf8()
        };
        let written = suggest::clipped(rest.get(..length).unwrap_or(""));
        let refusal = Diagnostic::error(
            Span::new(self.at, self.at + length),
            format!("`{written}` has no meaning here"),
            "unexpected",
        );
        self.found.push(match first {
            _ if first.is_alphanumeric() => {
                refusal.with_help("names are made of the letters a to z, digits and `_`")
            }
            '%' => refusal.with_help("a percentage is written without a blank, as in `10%`"),
            _ if first.is_whitespace() => {
                refusal.with_help("use an ordinary blank; this one only looks like it")
            }
            _ => refusal,
        });
        if first.is_alphanumeric() {
            self.push(TokenKind::Refused, length);
        } else {
            self.at += length;
        }
    }
}

/// The letters, digits and `_` at the beginning.
fn leading_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}
