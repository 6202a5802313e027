//! From the document to the checked cover.

mod inputs;
mod named;
mod rules;

use super::document::{NodeValue, Table};
use super::identifier::{self, Complaint};
use super::model::{Cover, Payout, Rearm, Trigger, Wording};
use super::reader::{Reader, Section, Written};
use super::{schema, terms};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lang::ir::Expr;
use crate::lang::{Role, Scope, compile_into, suggest};

/// The cover, or `None` with the reasons in `found`. Every part is judged, whatever is wrong with the others.
pub(super) fn cover(document: &Table, found: &mut Vec<Diagnostic>) -> Option<Cover> {
    let root = Section {
        table: document,
        path: "",
        span: Span::default(),
    };
    schema::ROOT.refuse_unknown(document, found);
    let mut reader = Reader { found };
    let name = reader
        .required_text(&root, "name", "name = \"usdc-depeg-24h\"")
        .and_then(|written| reader.understood(written, identifier::slug));
    let title = reader.line(&root, "title");
    let version = reader.version(&root);
    let peril = reader
        .text(&root, "peril")
        .and_then(|written| reader.understood(written, identifier::slug));
    let wording = reader.wording(&root);
    let consumer = reader.consumer(&root);
    let finality = reader.finality(&root);
    let policy = reader.policy(&root);
    let mut inputs = reader.inputs(&root);
    let parameters = reader.parameters(&root, &mut inputs.scope);
    let trigger = reader.trigger(&root, &inputs.scope);
    let payout = reader.payout(&root, &inputs.scope);
    let guards = reader.guards(&root, &inputs.scope);
    let settle = payout.as_ref().and_then(|payout| payout.settle);
    if let (Some(settle), Some(deadline)) = (settle, policy.claim_deadline)
        && settle >= deadline
    {
        reader.refuse_late_settlement(&root);
    }
    if let (Some(trigger), Some(payout)) = (&trigger, &payout) {
        let guards = guards.iter().map(|guard| &guard.condition);
        let used: Vec<&Expr> = [&trigger.when, &payout.fraction]
            .into_iter()
            .chain(guards)
            .collect();
        reader.unused_inputs(&root, &inputs.scope, &used);
    }
    if reader
        .found
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        return None;
    }
    let canonical_terms = match terms::canonical(document) {
        Ok(terms) => terms,
        Err(fault) => {
            let message = format!("these terms cannot be written as JSON: {fault}");
            return reader.refuse(Diagnostic::error(root.span, message, "the whole cover"));
        }
    };
    let name = name?;
    Some(Cover {
        title: title.unwrap_or_else(|| name.clone()),
        name,
        version: version?,
        peril,
        wording,
        inputs: inputs.declared,
        trigger: trigger?,
        payout: payout?,
        guards,
        parameters,
        policy,
        finality,
        consumer,
        terms_hash: terms::hash(&canonical_terms),
        canonical_terms,
    })
}

impl Reader<'_> {
    fn line(&mut self, section: &Section<'_>, key: &str) -> Option<String> {
        let written = self.text(section, key)?;
        self.understood(written, identifier::line)
    }

    fn version(&mut self, root: &Section<'_>) -> Option<u64> {
        let (version, span) = self.required_integer(root, "version", "version = 1")?;
        match u64::try_from(version) {
            Ok(version) if version > 0 => Some(version),
            Ok(_) | Err(_) => {
                let label = "not positive";
                self.refuse(Diagnostic::error(
                    span,
                    "versions are counted from 1",
                    label,
                ))
            }
        }
    }

    fn wording(&mut self, root: &Section<'_>) -> Option<Wording> {
        let section = self.table(root, "wording", "wording")?;
        schema::WORDING.refuse_unknown(section.table, self.found);
        if section.table.entries.is_empty() {
            return self.refuse(
                Diagnostic::error(section.span, "`wording` says nothing", "empty")
                    .with_help("give its `title`, `uri` or `sha256`, or leave it out"),
            );
        }
        let title = self.line(&section, "title");
        let uri = self
            .text(&section, "uri")
            .and_then(|text| self.understood(text, identifier::uri));
        let sha256 = self
            .text(&section, "sha256")
            .and_then(|text| self.understood(text, identifier::sha256));
        Some(Wording { title, uri, sha256 })
    }

    fn trigger(&mut self, root: &Section<'_>, scope: &Scope) -> Option<Trigger> {
        const EXAMPLE: &str = "when = \"price <= 0.995\"";
        if root.table.get("trigger").is_none() {
            return self.missing_section(root.span, "the trigger", "[trigger]", EXAMPLE);
        }
        let section = self.table(root, "trigger", "trigger")?;
        schema::TRIGGER.refuse_unknown(section.table, self.found);
        let rearm = self.rearm(&section);
        let when = self
            .required_text(&section, "when", EXAMPLE)
            .and_then(|written| self.expression(written, scope, Role::Trigger));
        Some(Trigger { when: when?, rearm })
    }

    fn rearm(&mut self, section: &Section<'_>) -> Rearm {
        const AFTER: &str = "after ";
        let Some(written) = self.text(section, "rearm") else {
            return Rearm::Never;
        };
        let value = written.text.value.as_str();
        if value == "never" {
            return Rearm::Never;
        }
        if !value.starts_with(AFTER) {
            let shown = suggest::clipped(value);
            self.found.push(
                Diagnostic::error(
                    written.span,
                    "`trigger.rearm` is `never` or `after` and a duration",
                    format!("`{shown}` is neither"),
                )
                .with_help("write `\"never\"`, or for example `\"after 7d\"`"),
            );
            return Rearm::Never;
        }
        match self.duration_text(written, AFTER.len()) {
            Ok(pause) => Rearm::After(pause),
            Err(finding) => {
                self.found.push(finding);
                Rearm::Never
            }
        }
    }

    fn payout(&mut self, root: &Section<'_>, scope: &Scope) -> Option<Payout> {
        const EXAMPLE: &str = "fraction = \"100%\"";
        if root.table.get("payout").is_none() {
            return self.missing_section(root.span, "the payout", "[payout]", EXAMPLE);
        }
        let section = self.table(root, "payout", "payout")?;
        schema::PAYOUT.refuse_unknown(section.table, self.found);
        let fraction = self
            .required_text(&section, "fraction", EXAMPLE)
            .and_then(|written| self.expression(written, scope, Role::Payout))?;
        Some(Payout {
            fraction,
            settle: self.positive_duration(&section, "settle"),
        })
    }

    /// A payout that is known when it is too late to claim it.
    fn refuse_late_settlement(&mut self, root: &Section<'_>) {
        let section = root.table.get("payout").map(|entry| &entry.node.value);
        let span = match section {
            Some(NodeValue::Table(payout)) => payout.get("settle").map(|entry| entry.node.span),
            _ => None,
        };
        self.found.push(
            Diagnostic::error(
                span.unwrap_or(root.span),
                "the payout settles when the claim deadline has passed, so nobody could be paid",
                "not before `policy.claim_deadline`",
            )
            .with_help(
                "both run from the confirmation: settle earlier, or allow claims for longer",
            ),
        );
    }

    /// An expression; its findings and its nodes get their places in the file.
    pub(super) fn expression(
        &mut self,
        written: Written<'_>,
        scope: &Scope,
        role: Role,
    ) -> Option<Expr> {
        let places = &written.text.places;
        let mut findings = Vec::new();
        let expr = compile_into(&written.text.value, scope, role, &mut findings);
        for mut finding in findings {
            finding.span = places.span(finding.span);
            self.found.push(finding);
        }
        expr.map(|mut expr| {
            expr.map_spans(&|span| places.span(span));
            expr
        })
    }

    /// An input that nothing mentions still makes its cover wait for it.
    fn unused_inputs(&mut self, root: &Section<'_>, scope: &Scope, used: &[&Expr]) {
        let used: Vec<usize> = used
            .iter()
            .flat_map(|expr| expr.inputs())
            .map(|index| index.0)
            .collect();
        let Some(NodeValue::Table(declared)) = root.table.get("inputs").map(|e| &e.node.value)
        else {
            return;
        };
        for (index, input) in scope.inputs.iter().enumerate() {
            if used.contains(&index) {
                continue;
            }
            let span = declared
                .get(&input.name)
                .map_or(root.span, |entry| entry.key_span);
            let message = format!("input `{}` is not used", input.name);
            self.found.push(Diagnostic {
                severity: Severity::Warning,
                ..Diagnostic::error(span, message, "in no expression").with_help(
                    "leave it out: time advances only as far as every input's source has reported",
                )
            });
        }
    }
}

/// A complaint about a key rather than a value.
fn at_key(complaint: Complaint, span: Span) -> Diagnostic {
    complaint.at(span)
}
