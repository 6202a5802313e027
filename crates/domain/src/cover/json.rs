//! A cover from the JSON of its canonical terms.

use serde_json::Value;

use super::document::{Entry, Node, NodeValue, Table, Text};
use super::quoted::Places;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::suggest;

/// The document. Every place in it is the whole text: nobody edits canonical terms.
pub(super) fn read(text: &str, found: &mut Vec<Diagnostic>) -> Option<Table> {
    let span = Span::new(0, text.len());
    match serde_json::from_str(text) {
        Ok(Value::Object(entries)) => Some(table(&entries, span, found)),
        Ok(_) => {
            found.push(Diagnostic::error(
                span,
                "canonical terms are a JSON object",
                "not an object",
            ));
            None
        }
        Err(fault) => {
            let message = format!(
                "this is not JSON: {}",
                suggest::clipped_line(&fault.to_string())
            );
            found.push(Diagnostic::error(span, message, "canonical terms"));
            None
        }
    }
}

fn table(
    entries: &serde_json::Map<String, Value>,
    span: Span,
    found: &mut Vec<Diagnostic>,
) -> Table {
    let entries = entries
        .iter()
        .map(|(key, value)| Entry {
            key: key.clone(),
            key_span: span,
            node: node(value, span, found),
        })
        .collect();
    Table { entries }
}

fn node(value: &Value, span: Span, found: &mut Vec<Diagnostic>) -> Node {
    let value = match value {
        Value::String(value) => NodeValue::Text(Text {
            value: value.clone(),
            places: Places::Whole(span),
        }),
        Value::Bool(value) => NodeValue::Bool(*value),
        Value::Number(number) if number.is_f64() => {
            NodeValue::float(&number.to_string(), span, found)
        }
        Value::Number(number) => NodeValue::integer(number.as_i64(), span, found),
        Value::Array(items) => {
            NodeValue::List(items.iter().map(|item| node(item, span, found)).collect())
        }
        Value::Object(entries) => NodeValue::Table(table(entries, span, found)),
        Value::Null => {
            found.push(Diagnostic::error(
                span,
                "terms hold no null",
                "leave the key out",
            ));
            NodeValue::Refused
        }
    };
    Node { value, span }
}
