//! `[inputs.*]`: what is measured, of what, by whom.

use super::at_key;
use crate::cover::document::{Entry, NodeValue};
use crate::cover::model::Input;
use crate::cover::reader::{Reader, Section};
use crate::cover::{MAX_INPUTS, identifier, schema};
use crate::diagnostic::Diagnostic;
use crate::lang::{Scope, ScopeInput, suggest};
use crate::observation::{Metric, SourceId, Subject};
use crate::time::Seconds;
use crate::value::Type;

/// Begins the metrics of events.
const EVENT: &str = "event:";

/// Inputs sorted by name; `scope` has also those whose declaration is refused.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) declared: Vec<Input>,
    pub(super) scope: Scope,
}

impl Reader<'_> {
    pub(super) fn inputs(&mut self, root: &Section<'_>) -> Inputs {
        let mut inputs = Inputs::default();
        let (first, example) = ("[inputs.price]", "metric = \"price\"");
        let Some(entry) = root.table.get("inputs") else {
            let _reported: Option<()> =
                self.missing_section(root.span, "what is measured", first, example);
            return inputs;
        };
        let Some(section) = self.table(root, "inputs", "inputs") else {
            return inputs;
        };
        let declared = &section.table.entries;
        if declared.is_empty() {
            let _reported: Option<()> =
                self.missing_section(entry.key_span, "what is measured", first, example);
        }
        if declared.len() > MAX_INPUTS {
            let message = format!("a cover has at most {MAX_INPUTS} inputs");
            let label = format!("{} inputs", declared.len());
            self.found
                .push(Diagnostic::error(entry.key_span, message, label));
            return inputs;
        }
        let mut sorted: Vec<&Entry> = declared.iter().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        for entry in sorted {
            let input = self.input(entry);
            let ty = input.as_ref().map(|input| input.ty);
            let metric = input.as_ref().map(|input| input.metric.as_str());
            let event = metric.and_then(|metric| metric.strip_prefix(EVENT));
            inputs.scope.inputs.push(ScopeInput {
                name: entry.key.clone(),
                ty,
                event: event.map(str::to_owned),
            });
            inputs.declared.extend(input);
        }
        self.refuse_partial_subjects(&section, &inputs.declared);
        inputs
    }

    fn input(&mut self, entry: &Entry) -> Option<Input> {
        let name_ok = match identifier::input_name(&entry.key) {
            Ok(()) => true,
            Err(complaint) => {
                self.found.push(at_key(complaint, entry.key_span));
                false
            }
        };
        let shown = suggest::clipped(&entry.key);
        let path = format!("inputs.{shown}");
        let NodeValue::Table(table) = &entry.node.value else {
            // `[inputs] metric = "price"`: the name is missing.
            let misplaced = schema::INPUT.keys.contains(&entry.key.as_str());
            let refusal = Diagnostic::error(
                entry.key_span,
                format!("`{path}` is an input, so it is a table"),
                format!("this is {}", entry.node.value.describe()),
            );
            return self.refuse(refusal.with_help(if misplaced {
                format!("give the input a name: `[inputs.price]`, then `{shown} = …` below it")
            } else {
                format!("write `[{path}]`, then its `metric` below it")
            }));
        };
        let section = Section {
            table,
            path: &path,
            span: entry.key_span,
        };
        schema::INPUT.refuse_unknown(table, self.found);
        let metric = self
            .required_text(&section, "metric", "metric = \"price\"")
            .and_then(|text| self.understood(text, identifier::metric));
        let subject = self
            .text(&section, "subject")
            .and_then(|text| self.understood(text, identifier::subject));
        let source = self
            .text(&section, "source")
            .and_then(|text| self.understood(text, identifier::source));
        let max_age = self.positive_duration(&section, "max_age");
        let overridden = table.get("type").is_some();
        let ty = self.input_type(&section);
        let metric = metric?;
        let ty = if overridden { ty? } else { type_of(&metric) };
        name_ok.then(|| Input {
            name: entry.key.clone(),
            metric: Metric::from(metric),
            subject: subject.map(Subject::from),
            source: source.map(SourceId::from),
            max_age,
            ty,
        })
    }

    fn input_type(&mut self, section: &Section<'_>) -> Option<Type> {
        let written = self.text(section, "type")?;
        if written.text.value == "time" {
            return self.refuse(
                Diagnostic::error(
                    written.span,
                    "an input has no times as values",
                    "not a type of inputs",
                )
                .with_help("measure the duration, as in `arrival_delay`, or the event, as in `event:Landed`"),
            );
        }
        self.choice(
            section,
            "type",
            &[
                ("decimal", Type::Decimal),
                ("duration", Type::Duration),
                ("bool", Type::Bool),
                ("text", Type::Text),
                ("event", Type::Event),
            ],
        )
    }

    pub(super) fn positive_duration(
        &mut self,
        section: &Section<'_>,
        key: &str,
    ) -> Option<Seconds> {
        let (duration, span) = self.duration(section, key)?;
        if duration.0 == 0 {
            let message = format!("`{}.{key}` is longer than zero", section.path);
            return self.refuse(Diagnostic::error(span, message, "zero"));
        }
        Some(duration)
    }

    /// Either every input names its subject, or none does and each subject found makes a risk.
    fn refuse_partial_subjects(&mut self, section: &Section<'_>, inputs: &[Input]) {
        let Some(named) = inputs.iter().find(|input| input.subject.is_some()) else {
            return;
        };
        for input in inputs.iter().filter(|input| input.subject.is_none()) {
            // A subject that is refused is not one that is missing.
            let Some(entry) = section.table.get(&input.name) else {
                continue;
            };
            if matches!(&entry.node.value, NodeValue::Table(table) if table.get("subject").is_some())
            {
                continue;
            }
            self.found.push(
                Diagnostic::error(
                    entry.key_span,
                    format!(
                        "input `{}` names no subject, but `{}` does",
                        input.name, named.name
                    ),
                    "needs `subject`",
                )
                .with_help("name the subject of every input; or of none, for one risk per subject"),
            );
        }
    }
}

/// The type that a metric has unless its input says otherwise.
fn type_of(metric: &str) -> Type {
    match metric {
        event if event.starts_with(EVENT) => Type::Event,
        "status" => Type::Text,
        "arrival_delay" | "departure_delay" => Type::Duration,
        _ => Type::Decimal,
    }
}
