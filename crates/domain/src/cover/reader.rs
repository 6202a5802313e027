//! Values out of a table, each with a pointed complaint if it is missing or of the wrong kind.

use super::document::{Node, NodeValue, Table, Text};
use super::identifier::Complaint;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::{duration_literal, suggest};
use crate::time::Seconds;

/// A table and what it is called.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) table: &'a Table,
    /// `policy`, `inputs.usdc`; empty for the top of the file.
    pub(super) path: &'a str,
    /// Where something that is missing would be.
    pub(super) span: Span,
}

/// A text and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) text: &'a Text,
    pub(super) span: Span,
}

pub(super) struct Reader<'f> {
    pub(super) found: &'f mut Vec<Diagnostic>,
}

impl<'a> Section<'a> {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key).map(|entry| &entry.node)
    }
}

impl Reader<'_> {
    pub(super) fn refuse<T>(&mut self, finding: Diagnostic) -> Option<T> {
        self.found.push(finding);
        None
    }

    /// Reports that `key` must be there, with an example of it.
    fn missing<T>(&mut self, section: &Section<'_>, key: &str, example: &str) -> Option<T> {
        let path = section.path_of(key);
        self.refuse(
            Diagnostic::error(
                section.span,
                format!("`{path}` is missing"),
                format!("needs `{key}`"),
            )
            .with_help(format!("add `{example}`")),
        )
    }

    /// Reports that a cover must have such a section, with an example of what is in it.
    pub(super) fn missing_section<T>(
        &mut self,
        span: Span,
        what: &str,
        section: &str,
        example: &str,
    ) -> Option<T> {
        self.refuse(
            Diagnostic::error(
                span,
                format!("{what} is missing"),
                format!("needs `{section}`"),
            )
            .with_help(format!("add `{section}` and below it `{example}`")),
        )
    }

    fn wrong_kind<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        node: &Node,
        wanted: &str,
    ) -> Option<T> {
        if matches!(node.value, NodeValue::Refused) {
            return None;
        }
        let path = section.path_of(key);
        let given = node.value.describe();
        let refusal = Diagnostic::error(
            node.span,
            format!("`{path}` is {wanted}, not {given}"),
            format!("this is {given}"),
        );
        self.refuse(match (&node.value, wanted) {
            (NodeValue::Integer(number), "a text") => {
                refusal.with_help(format!("write `\"{number}\"`, in quotes"))
            }
            (NodeValue::Text(_), "a whole number") => refusal.with_help("write it without quotes"),
            _ => refusal,
        })
    }

    /// `None`: not there, or refused.
    pub(super) fn text<'a>(&mut self, section: &Section<'a>, key: &str) -> Option<Written<'a>> {
        let node = section.node(key)?;
        match &node.value {
            NodeValue::Text(text) => Some(Written {
                text,
                span: node.span,
            }),
            _ => self.wrong_kind(section, key, node, "a text"),
        }
    }

    pub(super) fn required_text<'a>(
        &mut self,
        section: &Section<'a>,
        key: &str,
        example: &str,
    ) -> Option<Written<'a>> {
        match section.node(key) {
            Some(_) => self.text(section, key),
            None => self.missing(section, key, example),
        }
    }

    pub(super) fn required_integer(
        &mut self,
        section: &Section<'_>,
        key: &str,
        example: &str,
    ) -> Option<(i64, Span)> {
        match section.node(key) {
            Some(Node {
                value: NodeValue::Integer(number),
                span,
            }) => Some((*number, *span)),
            Some(node) => self.wrong_kind(section, key, node, "a whole number"),
            None => self.missing(section, key, example),
        }
    }

    /// The table under `key`; its path is `path`.
    pub(super) fn table<'a>(
        &mut self,
        section: &Section<'a>,
        key: &str,
        path: &'a str,
    ) -> Option<Section<'a>> {
        let entry = section.table.get(key)?;
        match &entry.node.value {
            NodeValue::Table(table) => Some(Section {
                table,
                path,
                span: entry.node.span,
            }),
            _ => self.wrong_kind(section, key, &entry.node, "a table"),
        }
    }

    /// A text that `read` understands.
    pub(super) fn understood<'a, T>(
        &mut self,
        written: Written<'a>,
        read: impl FnOnce(&'a str) -> Result<T, Complaint>,
    ) -> Option<T> {
        match read(&written.text.value) {
            Ok(value) => Some(value),
            Err(complaint) => self.refuse(complaint.at(written.span)),
        }
    }

    /// A duration that is not negative.
    pub(super) fn duration(&mut self, section: &Section<'_>, key: &str) -> Option<(Seconds, Span)> {
        let node = section.node(key)?;
        let path = section.path_of(key);
        if let NodeValue::Integer(number) = node.value {
            return self.refuse(
                Diagnostic::error(
                    node.span,
                    format!("`{path}` is a duration"),
                    "a bare number",
                )
                .with_help(format!(
                    "write it with a unit, in quotes, as in `\"{number}h\"`"
                )),
            );
        }
        let written = self.text(section, key)?;
        match self.duration_text(written, 0) {
            Ok(duration) => Some((duration, written.span)),
            Err(finding) => self.refuse(finding),
        }
    }

    /// The duration that the text holds from byte `from` on.
    pub(super) fn duration_text(
        &self,
        written: Written<'_>,
        from: usize,
    ) -> Result<Seconds, Diagnostic> {
        let text = written.text.value.get(from..).unwrap_or("");
        duration_literal(text, from).map_err(|mut finding| {
            finding.span = written.text.places.span(finding.span);
            finding
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let written = self.text(section, key)?;
        let value = written.text.value.as_str();
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
            return Some(*choice);
        }
        let words = || choices.iter().map(|(word, _)| *word);
        let refusal = Diagnostic::error(
            written.span,
            format!(
                "`{}` is {}",
                section.path_of(key),
                suggest::list(words(), "or")
            ),
            format!("`{}` is none of them", suggest::clipped(value)),
        );
        self.refuse(match suggest::nearest(value, words()) {
            Some(near) => refusal.with_help(format!("did you mean `{near}`?")),
            None => refusal,
        })
    }
}
