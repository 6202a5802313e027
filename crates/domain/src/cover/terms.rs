//! Canonical terms and their hash: RFC 8785 of the cover as written, white space inside its expressions collapsed.
//!
//! No default is filled in, so that the hash covers what the underwriter wrote and no later version can change it.
//! Comments, layout, quoting style and the order of keys do not matter.

use alloy_primitives::keccak256;
use serde_json::Value;

use super::document::{Node, NodeValue, Table};
use crate::ids::TermsHash;

/// The keys that hold expressions.
const EXPRESSIONS: [[&str; 2]; 2] = [["trigger", "when"], ["payout", "fraction"]];

/// RFC 8785 JSON. Keys in the order of their UTF-16 code units, no blanks, shortest escapes.
pub(super) fn canonical(document: &Table) -> Result<String, serde_json::Error> {
    serde_jcs::to_string(&table(document, &mut Vec::new()))
}

/// keccak-256 of canonical terms.
pub(super) fn hash(canonical_terms: &str) -> TermsHash {
    TermsHash(keccak256(canonical_terms.as_bytes()))
}

fn table<'a>(document: &'a Table, path: &mut Vec<&'a str>) -> Value {
    let mut entries = serde_json::Map::new();
    for entry in &document.entries {
        path.push(&entry.key);
        entries.insert(entry.key.clone(), node(&entry.node, path));
        path.pop();
    }
    Value::Object(entries)
}

fn node<'a>(node_: &'a Node, path: &mut Vec<&'a str>) -> Value {
    match &node_.value {
        NodeValue::Text(text) if EXPRESSIONS.iter().any(|key| key == path.as_slice()) => {
            Value::String(collapsed(&text.value))
        }
        NodeValue::Text(text) => Value::String(text.value.clone()),
        NodeValue::Integer(number) => Value::Number((*number).into()),
        NodeValue::Bool(value) => Value::Bool(*value),
        NodeValue::List(items) => {
            Value::Array(items.iter().map(|item| node(item, path)).collect())
        }
        NodeValue::Table(inner) => table(inner, path),
        // Refused values never reach a hash: the cover they stand in is refused.
        NodeValue::Refused => Value::Null,
    }
}

/// Runs of white space outside texts become one blank, none at the ends.
fn collapsed(expression: &str) -> String {
    let mut result = String::with_capacity(expression.len());
    let mut in_text = false;
    let mut escaped = false;
    let mut pending_blank = false;
    for character in expression.chars() {
        if !in_text && matches!(character, ' ' | '\t' | '\r' | '\n') {
            pending_blank = true;
            continue;
        }
        if pending_blank && !result.is_empty() {
            result.push(' ');
        }
        pending_blank = false;
        result.push(character);
        match character {
            '"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && character == '\\' && !escaped;
    }
    result
}
