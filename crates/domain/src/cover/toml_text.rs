//! A cover from TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Entry, Node, NodeValue, Table, Text};
use super::quoted::Places;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::suggest;

/// More faults of syntax than this are the echo of the first ones.
const MAX_SYNTAX_FINDINGS: usize = 4;

/// The document, unless its syntax is at fault.
pub(super) fn read(text: &str, found: &mut Vec<Diagnostic>) -> Option<Table> {
    let (root, mut faults) = DeTable::parse_recoverable(text);
    if faults.is_empty() {
        return Some(table(root.get_ref(), text, found));
    }
    faults.sort_by_key(|fault| fault.span().map_or(0, |range| range.start));
    let mut last_line = None;
    for fault in &faults {
        let span = fault
            .span()
            .map_or(Span::default(), |range| on_characters(text, range));
        // What follows on the same line is an echo.
        let line = text
            .get(..span.start)
            .map(|before| before.matches('\n').count());
        if line == last_line || found.len() == MAX_SYNTAX_FINDINGS {
            continue;
        }
        last_line = line;
        let message = format!(
            "this is not TOML: {}",
            suggest::clipped_line(fault.message())
        );
        let finding = Diagnostic::error(span, message, "here");
        found.push(match advice(fault.message()) {
            Some(help) => finding.with_help(help),
            None => finding,
        });
    }
    None
}

fn advice(message: &str) -> Option<&'static str> {
    if message.contains("must be quoted") {
        Some("expressions and other texts stand in quotes, as in `when = \"price <= 0.995\"`")
    } else if message.contains("expected newline") {
        Some(
            "a text ends at its second quote: put an expression with quotes in it between `'`, as in `when = 'status == \"cancelled\"'`",
        )
    } else if message.contains("duplicate key") {
        Some("every key and every `[section]` stands once")
    } else {
        None
    }
}

/// A range of whole characters of `text`.
fn on_characters(text: &str, range: core::ops::Range<usize>) -> Span {
    let floor = |at: usize| text.floor_char_boundary(at.min(text.len()));
    let start = floor(range.start);
    Span::new(start, floor(range.end).max(start))
}

fn table(table: &DeTable<'_>, text: &str, found: &mut Vec<Diagnostic>) -> Table {
    let entries = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: on_characters(text, key.span()),
            node: node(value, text, found),
        })
        .collect();
    Table { entries }
}

fn node(value: &Spanned<DeValue<'_>>, text: &str, found: &mut Vec<Diagnostic>) -> Node {
    let span = on_characters(text, value.span());
    let value = match value.get_ref() {
        DeValue::String(value) => NodeValue::Text(Text {
            places: Places::of(text, span, value),
            value: value.to_string(),
        }),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            NodeValue::integer(read.ok(), span, found)
        }
        DeValue::Boolean(value) => NodeValue::Bool(*value),
        DeValue::Float(number) => NodeValue::float(number.as_str(), span, found),
        DeValue::Datetime(time) => {
            found.push(
                Diagnostic::error(span, "times are written as text", "a TOML date or time")
                    .with_help(format!("write `\"{time}\"`, in quotes")),
            );
            NodeValue::Refused
        }
        DeValue::Array(items) => {
            NodeValue::List(items.iter().map(|item| node(item, text, found)).collect())
        }
        DeValue::Table(inner) => NodeValue::Table(table(inner, text, found)),
    };
    Node { value, span }
}
