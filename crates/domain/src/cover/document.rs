//! A cover as written, whatever it was written in: tables, lists, texts, whole numbers and truth values, with places.
//!
//! There is nothing else in terms. A float or a date is refused where it is read, because two readers need not agree on
//! its canonical text.

use super::quoted::Places;
use crate::diagnostic::{Diagnostic, Span};

/// Whole numbers in terms lie strictly within ±2⁵³, where RFC 8785 writes them exactly.
const INTEGER_LIMIT: u64 = 1 << 53;

pub(super) struct Node {
    pub(super) value: NodeValue,
    pub(super) span: Span,
}

pub(super) enum NodeValue {
    Text(Text),
    Integer(i64),
    Bool(bool),
    List(Vec<Node>),
    Table(Table),
    /// Already reported.
    Refused,
}

pub(super) struct Text {
    pub(super) value: String,
    pub(super) places: Places,
}

/// Entries in the order in which they are written.
#[derive(Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Where what `path` names is written, or the key of the innermost table around it that is.
    pub(super) fn place(&self, path: &[&str]) -> Option<Span> {
        let (first, rest) = path.split_first()?;
        let entry = self.get(first)?;
        match &entry.node.value {
            _ if rest.is_empty() => Some(entry.node.span),
            NodeValue::Table(table) => table.place(rest).or(Some(entry.key_span)),
            _ => Some(entry.key_span),
        }
    }

    /// Puts another text in place of that of `section.key`; `false` if there is none.
    pub(super) fn replace_text(&mut self, section: &str, key: &str, value: &str) -> bool {
        let mut found = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.key == section) {
            let NodeValue::Table(table) = &mut entry.node.value else {
                continue;
            };
            for entry in table.entries.iter_mut().filter(|entry| entry.key == key) {
                entry.node.value = NodeValue::Text(Text {
                    value: value.to_owned(),
                    places: Places::Whole(entry.node.span),
                });
                found = true;
            }
        }
        found
    }
}

impl NodeValue {
    /// What it is, for a message.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Refused => "something else",
        }
    }

    /// A whole number, if terms can hold it.
    pub(super) fn integer(value: Option<i64>, span: Span, found: &mut Vec<Diagnostic>) -> Self {
        match value {
            Some(value) if value.unsigned_abs() < INTEGER_LIMIT => Self::Integer(value),
            Some(_) | None => {
                found.push(
                    Diagnostic::error(
                        span,
                        "whole numbers in a cover lie strictly between -2^53 and 2^53",
                        "outside that range",
                    )
                    .with_help("write a larger number as text, in quotes"),
                );
                Self::Refused
            }
        }
    }

    /// The refusal of a number with a fraction or an exponent.
    pub(super) fn float(written: &str, span: Span, found: &mut Vec<Diagnostic>) -> Self {
        let written = crate::lang::suggest::clipped(written);
        found.push(
            Diagnostic::error(
                span,
                "decimals are written as text",
                "a floating-point number",
            )
            .with_help(format!("write `\"{written}\"`, in quotes")),
        );
        Self::Refused
    }
}
