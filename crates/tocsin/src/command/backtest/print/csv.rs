//! Determinations as CSV, with the members of the JSON objects as columns.

use std::io::Write;

use serde_json::{Value as Json, json};

use super::super::Outcome;
use super::determination;
use crate::report::Report;

/// The columns before those of the inputs and guards.
const BEFORE: [&str; 7] = [
    "cover",
    "terms_hash",
    "subject",
    "verdict",
    "occurred_at",
    "confirmed_at",
    "payout_fraction",
];
/// The columns after those of the inputs and guards.
const AFTER: [&str; 4] = ["event_id", "evidence_root", "observations", "reason"];

/// A header and one row per determination into `out`; the summary as a JSON object into `aside`.
pub(in super::super) fn csv(
    outcome: &Outcome,
    out: &mut dyn Write,
    aside: &mut dyn Write,
) -> Result<(), Report> {
    let inputs = outcome.cover.inputs.iter();
    let inputs: Vec<&str> = inputs.map(|input| input.name.as_str()).collect();
    let guards = outcome.cover.guards.iter();
    let guards: Vec<&str> = guards.map(|guard| guard.name.as_str()).collect();
    let header = BEFORE
        .map(str::to_owned)
        .into_iter()
        .chain(inputs.iter().map(|name| format!("input.{name}")))
        .chain(guards.iter().map(|name| format!("guard.{name}")))
        .chain(AFTER.map(str::to_owned));
    writeln!(out, "{}", header.collect::<Vec<_>>().join(","))?;
    for found in &outcome.found {
        let object = determination(outcome, found);
        let cells = (BEFORE.iter().map(|name| &object[*name]))
            .chain(inputs.iter().map(|name| &object["inputs"][*name]))
            .chain(guards.iter().map(|name| &object["guards"][*name]))
            .chain(AFTER.iter().map(|name| &object[*name]))
            .map(cell);
        writeln!(out, "{}", cells.collect::<Vec<_>>().join(","))?;
    }
    writeln!(aside, "{}", json!(outcome.summary))?;
    Ok(())
}

/// What is not known is empty; empty text is quoted.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
