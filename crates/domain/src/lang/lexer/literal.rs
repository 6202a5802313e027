//! Numbers, percentages, durations and texts.

use crate::decimal::{Decimal, DecimalError, Rounding};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::print::duration_text;
use crate::lang::{is_hidden, suggest};
use crate::time::{Seconds, UNITS};
use crate::value::Value;

/// A number and how many bytes it takes, right or wrong.
pub(super) struct Number {
    pub(super) length: usize,
    pub(super) value: Result<Value, Diagnostic>,
}

/// What people write for a unit, with the unit; `None`: it has no fixed length.
const FOREIGN_UNITS: [(&str, Option<&str>); 22] = [
    ("m", Some("min")),
    ("mn", Some("min")),
    ("mins", Some("min")),
    ("minute", Some("min")),
    ("minutes", Some("min")),
    ("sec", Some("s")),
    ("secs", Some("s")),
    ("second", Some("s")),
    ("seconds", Some("s")),
    ("hr", Some("h")),
    ("hrs", Some("h")),
    ("hour", Some("h")),
    ("hours", Some("h")),
    ("day", Some("d")),
    ("days", Some("d")),
    ("wk", Some("w")),
    ("week", Some("w")),
    ("weeks", Some("w")),
    ("mo", None),
    ("month", None),
    ("y", None),
    ("year", None),
];

/// Reads a whole text as a duration, for keys such as `max_age`; `at` is where it begins.
pub(crate) fn duration_literal(text: &str, at: usize) -> Result<Seconds, Diagnostic> {
    let span = Span::new(at, at + text.len());
    let not_a_duration = || {
        Diagnostic::error(
            span,
            format!("`{}` is not a duration", suggest::clipped(text)),
            "expected a whole number and a unit",
        )
        .with_help("write for example `45min`, `24h` or `7d`")
    };
    if let Some(positive) = text.strip_prefix('-') {
        // Say what is wrong with it only if it is a duration otherwise.
        return match number(positive, at + 1) {
            Number {
                length,
                value: Ok(Value::Duration(_)),
            } if length == positive.len() => Err(Diagnostic::error(
                span,
                "a duration here is not negative",
                "negative",
            )),
            _ => Err(not_a_duration()),
        };
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(not_a_duration());
    }
    match number(text, at) {
        Number { length, .. } if length != text.len() => Err(not_a_duration()),
        Number {
            value: Err(refusal),
            ..
        } => Err(refusal),
        Number {
            value: Ok(Value::Duration(span)),
            ..
        } => Ok(span),
        Number {
            value: Ok(Value::Decimal(_)),
            ..
        } if !text.contains('%') => Err(Diagnostic::error(
            span,
            format!("`{}` has no unit", suggest::clipped(text)),
            "a bare number",
        )
        .with_help(format!(
            "write a unit: {}",
            suggest::list(UNITS.map(|(name, _)| name), "or")
        ))),
        Number { .. } => Err(not_a_duration()),
    }
}

/// Reads the number that `rest` begins with; `at` is where it begins. Takes all letters and digits that touch it.
pub(super) fn number(rest: &str, at: usize) -> Number {
    let is_digit = |c: char| c.is_ascii_digit() || c == '_';
    let whole = leading(rest, is_digit);
    let after_whole = rest.get(whole.len()..).unwrap_or("");
    let fraction = after_whole
        .strip_prefix('.')
        .map(|after_point| leading(after_point, |c| is_digit(c) || c == '.'));
    let digits_length = whole.len() + fraction.map_or(0, |digits| digits.len() + 1);
    let after_digits = rest.get(digits_length..).unwrap_or("");
    let suffix = match after_digits.strip_prefix('%') {
        Some(_) => "%",
        None => leading(after_digits, |c| c.is_alphanumeric() || c == '_'),
    };
    let length = digits_length + suffix.len();
    let written = Written {
        digits: rest.get(..digits_length).unwrap_or(""),
        fraction,
        suffix,
        whole_span: Span::new(at, at + length),
        suffix_span: Span::new(at + digits_length, at + length),
    };
    Number {
        length,
        value: written.value(),
    }
}

struct Written<'a> {
    digits: &'a str,
    fraction: Option<&'a str>,
    suffix: &'a str,
    whole_span: Span,
    suffix_span: Span,
}

impl Written<'_> {
    fn refuse(&self, message: impl Into<String>, label: &str) -> Diagnostic {
        Diagnostic::error(self.whole_span, message, label)
    }

    fn value(&self) -> Result<Value, Diagnostic> {
        if self.suffix.starts_with(['e', 'E'])
            && self.suffix.chars().skip(1).all(|c| c.is_ascii_digit())
        {
            return Err(self
                .refuse("numbers are written without an exponent", "has an exponent")
                .with_help("write the digits out, as in `1_000_000`"));
        }
        let number = self.decimal()?;
        match self.suffix {
            "" => Ok(Value::Decimal(number)),
            "%" => self.percentage(number),
            unit => match UNITS.iter().find(|(name, _)| *name == unit) {
                Some((_, length)) => self.duration(number, *length),
                None => Err(self.unknown_unit()),
            },
        }
    }

    fn decimal(&self) -> Result<Decimal, Diagnostic> {
        let shown = suggest::clipped(self.digits);
        match self.fraction {
            Some("") => {
                return Err(self
                    .refuse("a digit follows the point", "ends with a point")
                    .with_help(format!("write `{shown}0` or leave the point out")));
            }
            Some(fraction) if fraction.contains('.') => {
                return Err(
                    self.refuse(format!("`{shown}` is not a number"), "more than one point")
                );
            }
            _ => {}
        }
        let bytes = self.digits.as_bytes();
        let between_digits = |at: usize| {
            let digit = |index: Option<usize>| {
                index
                    .and_then(|i| bytes.get(i))
                    .is_some_and(u8::is_ascii_digit)
            };
            digit(at.checked_sub(1)) && digit(at.checked_add(1))
        };
        if bytes
            .iter()
            .enumerate()
            .any(|(at, byte)| *byte == b'_' && !between_digits(at))
        {
            return Err(self
                .refuse("`_` stands only between two digits", "misplaced `_`")
                .with_help("write for example `1_000_000`"));
        }
        self.digits
            .replace('_', "")
            .parse()
            .map_err(|error: DecimalError| {
                self.refuse(format!("`{shown}` {error}"), "cannot be represented")
            })
    }

    fn percentage(&self, number: Decimal) -> Result<Value, Diagnostic> {
        let hundred = Decimal::from_integer(100);
        number
            .checked_div(hundred, Rounding::Truncate)
            .filter(|part| part.checked_mul(hundred, Rounding::Truncate) == Some(number))
            .map(Value::Decimal)
            .ok_or_else(|| {
                self.refuse(
                    format!(
                        "`{}%` {}",
                        suggest::clipped(self.digits),
                        DecimalError::TooPrecise
                    ),
                    "cannot be represented",
                )
            })
    }

    fn duration(&self, number: Decimal, unit_seconds: i64) -> Result<Value, Diagnostic> {
        let seconds = number.checked_mul(Decimal::from_integer(unit_seconds), Rounding::Truncate);
        if self.fraction.is_some() {
            let refusal = self.refuse("a duration is a whole number of one unit", "has a fraction");
            let exact = seconds
                .and_then(|seconds| Some((seconds, seconds.whole()?)))
                .filter(|(seconds, whole)| *seconds == Decimal::from_integer(*whole));
            return Err(match exact {
                Some((_, whole)) => {
                    refusal.with_help(format!("write `{}`", duration_text(Seconds(whole))))
                }
                None => refusal.with_help("write it in a smaller unit"),
            });
        }
        seconds
            .and_then(Decimal::whole)
            .map(|whole| Value::Duration(Seconds(whole)))
            .ok_or_else(|| self.refuse("this duration is longer than can be counted", "too long"))
    }

    fn unknown_unit(&self) -> Diagnostic {
        let unit = self.suffix;
        let refusal = Diagnostic::error(
            self.suffix_span,
            format!("`{}` is not a unit", suggest::clipped(unit)),
            "unknown unit",
        );
        let foreign = FOREIGN_UNITS
            .iter()
            .find(|(name, _)| unit.eq_ignore_ascii_case(name));
        let number = suggest::clipped(self.digits);
        let known = suggest::list(UNITS.map(|(name, _)| name), "and");
        let single_case = UNITS
            .iter()
            .find(|(name, _)| unit.eq_ignore_ascii_case(name));
        refusal.with_help(match (foreign, single_case) {
            (Some((_, Some(own))), _) => format!("write `{number}{own}`"),
            (Some((_, None)), _) => {
                format!("it has no fixed length; write days, as in `365d` (the units are {known})")
            }
            (None, Some((own, _))) => format!("write `{number}{own}`"),
            (None, None) if unit.contains(|c: char| c.is_ascii_digit()) => {
                "a duration is one number and one unit: `1h30min` is written `90min`".to_owned()
            }
            (None, None) => format!("the units are {known}"),
        })
    }
}

/// Reads the text literal that `rest` begins with: its length, right or wrong, and its value.
pub(super) fn text(rest: &str, at: usize) -> (usize, Result<String, Diagnostic>) {
    let mut value = String::new();
    let mut refusal = None;
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        let span = Span::new(at + offset, at + offset + character.len_utf8());
        match character {
            '"' => return (offset + 1, refusal.map_or(Ok(value), Err)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => {
                    let span = Span::new(span.start, span.end + other.len_utf8());
                    refusal.get_or_insert(
                        Diagnostic::error(span, "unknown escape in a text", "not an escape")
                            .with_help("the escapes are `\\\"` and `\\\\`"),
                    );
                }
                None => {}
            },
            hidden if is_hidden(hidden) => {
                refusal.get_or_insert(Diagnostic::error(
                    span,
                    "a text holds no line ends or other characters that nobody sees",
                    "hidden character",
                ));
            }
            other => value.push(other),
        }
    }
    let unfinished = Diagnostic::error(
        Span::new(at, at + rest.len()),
        "this text does not end",
        "no closing quote",
    )
    .with_help("close it with `\"`");
    (rest.len(), Err(unfinished))
}

/// The characters at the beginning that `belongs` takes.
fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c: char| !belongs(c)).unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}
