//! `[parameters]` and `[guards]`: literals and conditions with names.

use super::at_key;
use crate::cover::document::{Entry, NodeValue};
use crate::cover::identifier;
use crate::cover::model::{Guard, Parameter};
use crate::cover::reader::{Reader, Section, Written};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lang::{Role, Scope, constant_number};
use crate::value::Value;

/// The most parameters, and the most guards, of a cover.
const MAX_NAMED: usize = 64;

impl Reader<'_> {
    /// Sorted by name; `scope` has also those whose declaration is refused.
    pub(super) fn parameters(&mut self, root: &Section<'_>, scope: &mut Scope) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for entry in self.named(root, "parameters", "threshold = \"0.995\"") {
            let taken = scope.inputs.iter().any(|input| input.name == entry.key);
            if taken {
                let message = format!("`{}` is an input and a parameter", entry.key);
                let label = "the second of the two";
                self.found
                    .push(Diagnostic::error(entry.key_span, message, label));
            }
            let value = self
                .name_and_text(entry)
                .and_then(|written| self.number(written));
            scope.parameters.push((entry.key.clone(), value.clone()));
            parameters.extend(value.map(|value| Parameter {
                name: entry.key.clone(),
                value,
            }));
        }
        parameters
    }

    fn number(&mut self, written: Written<'_>) -> Option<Value> {
        let mut findings = Vec::new();
        let value = constant_number(&written.text.value, &mut findings);
        let refused = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        for mut finding in findings {
            finding.span = written.text.places.span(finding.span);
            self.found.push(finding);
        }
        value.filter(|_| !refused)
    }

    /// Sorted by name.
    pub(super) fn guards(&mut self, root: &Section<'_>, scope: &Scope) -> Vec<Guard> {
        let mut guards = Vec::new();
        for entry in self.named(root, "guards", "fresh = \"age(price) <= 1h\"") {
            let condition = self
                .name_and_text(entry)
                .and_then(|written| self.expression(written, scope, Role::Guard));
            guards.extend(condition.map(|condition| Guard {
                name: entry.key.clone(),
                condition,
            }));
        }
        guards
    }

    /// The entries of a table of names, sorted.
    fn named<'a>(&mut self, root: &Section<'a>, key: &'a str, example: &str) -> Vec<&'a Entry> {
        let Some(section) = self.table(root, key, key) else {
            return Vec::new();
        };
        let mut entries: Vec<&Entry> = section.table.entries.iter().collect();
        if entries.is_empty() {
            self.found.push(
                Diagnostic::error(section.span, format!("`[{key}]` says nothing"), "empty")
                    .with_help(format!("leave it out, or add for example `{example}`")),
            );
        }
        if entries.len() > MAX_NAMED {
            self.found.push(Diagnostic::error(
                section.span,
                format!("a cover has at most {MAX_NAMED} {key}"),
                format!("{} {key}", entries.len()),
            ));
            return Vec::new();
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        entries
    }

    fn name_and_text<'a>(&mut self, entry: &'a Entry) -> Option<Written<'a>> {
        let name_is_good = match identifier::input_name(&entry.key) {
            Ok(()) => true,
            Err(complaint) => {
                self.found.push(at_key(complaint, entry.key_span));
                false
            }
        };
        match &entry.node.value {
            NodeValue::Text(text) => name_is_good.then_some(Written {
                text,
                span: entry.node.span,
            }),
            NodeValue::Refused => None,
            other => {
                let message = format!("`{}` is a text, not {}", entry.key, other.describe());
                let label = format!("this is {}", other.describe());
                let refusal = Diagnostic::error(entry.node.span, message, label);
                self.refuse(
                    refusal.with_help("write it in quotes: decimals and durations are text"),
                )
            }
        }
    }
}
