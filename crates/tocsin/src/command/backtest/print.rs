//! What a backtest prints: JSON lines for programs, CSV for spreadsheets, a table for people.

mod csv;

pub(super) use csv::csv;

use std::io::Write;

use serde_json::{Map, Value as Json, json};
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::value::Value;

use super::{Found, Outcome};
use crate::report::Report;

/// One object per determination, then the summary.
pub(super) fn json_lines(outcome: &Outcome, out: &mut dyn Write) -> Result<(), Report> {
    for found in &outcome.found {
        writeln!(out, "{}", determination(outcome, found))?;
    }
    writeln!(out, "{}", json!(outcome.summary))?;
    Ok(())
}

fn determination(outcome: &Outcome, found: &Found) -> Json {
    let names = outcome.cover.inputs.iter().map(|input| input.name.clone());
    let inputs: Map<String, Json> = names.zip(found.loss.inputs.iter().map(value)).collect();
    let (verdict, fraction) = match &found.loss.payout {
        Ok(fraction) => ("triggered", json!(fraction)),
        Err(_) => ("inconclusive", Json::Null),
    };
    let mut object = json!({
        "cover": outcome.cover.name,
        "terms_hash": outcome.cover.terms_hash,
        "subject": found.subject,
        "verdict": verdict,
        "occurred_at": found.loss.occurred_at.to_string(),
        "confirmed_at": found.loss.confirmed_at.to_string(),
        "payout_fraction": fraction,
        "inputs": inputs,
        "event_id": found.event_id,
        "evidence_root": found.evidence_root,
        "observations": found.observations,
    });
    if let (false, Some(object)) = (outcome.cover.guards.is_empty(), object.as_object_mut()) {
        let guards: Map<String, Json> = guards(outcome, found)
            .map(|(name, held)| (name.to_owned(), json!(held.as_ref().ok())))
            .collect();
        object.insert("guards".to_owned(), Json::Object(guards));
    }
    if let (Err(unknown), Some(object)) = (&found.loss.payout, object.as_object_mut()) {
        object.insert("reason".to_owned(), json!(reason(outcome, unknown)));
    }
    object
}

/// The guards and whether they held, which decides nothing.
fn guards<'o>(
    outcome: &'o Outcome,
    found: &'o Found,
) -> impl Iterator<Item = (&'o str, &'o Result<bool, Unknown>)> {
    let names = outcome.cover.guards.iter();
    names
        .map(|guard| guard.name.as_str())
        .zip(&found.loss.guards)
}

/// Decimals as text, durations in seconds, what is not known as null.
fn value(value: &Result<Value, Unknown>) -> Json {
    match value {
        Err(_) => Json::Null,
        Ok(Value::Decimal(number)) => json!(number),
        Ok(Value::Duration(span)) => json!(span.0),
        Ok(Value::Bool(truth)) => json!(truth),
        Ok(Value::Text(text)) => json!(text),
        Ok(Value::Time(time)) => json!(time.to_string()),
    }
}

fn reason(outcome: &Outcome, unknown: &Unknown) -> String {
    let names: Vec<&str> = outcome
        .cover
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    unknown.describe(&names).to_string()
}

/// For people.
pub(super) fn table(outcome: &Outcome, out: &mut dyn Write) -> Result<(), Report> {
    let cover = &outcome.cover;
    writeln!(
        out,
        "{} (version {}), terms {}",
        cover.title, cover.version, cover.terms_hash
    )?;
    for found in &outcome.found {
        writeln!(out)?;
        writeln!(out, "{}, loss event {}", found.subject, found.loss.ordinal)?;
        writeln!(out, "  occurred   {}", found.loss.occurred_at)?;
        writeln!(out, "  confirmed  {}", found.loss.confirmed_at)?;
        match &found.loss.payout {
            Ok(fraction) => writeln!(out, "  pays       {fraction} of the sum insured")?,
            Err(unknown) => writeln!(out, "  inconclusive: {}", reason(outcome, unknown))?,
        }
        for (input, value) in cover.inputs.iter().zip(&found.loss.inputs) {
            match value {
                Ok(value) => writeln!(out, "  {:<10} {value}", input.name)?,
                Err(unknown) => writeln!(
                    out,
                    "  {:<10} not known: {}",
                    input.name,
                    reason(outcome, unknown)
                )?,
            }
        }
        for (name, held) in guards(outcome, found) {
            let said = match held {
                Ok(true) => "holds".to_owned(),
                Ok(false) => "does not hold".to_owned(),
                Err(unknown) => format!("not known: {}", reason(outcome, unknown)),
            };
            writeln!(out, "  guard `{name}` {said}")?;
        }
        writeln!(
            out,
            "  evidence   {} observations, root {:#x}",
            found.observations, found.evidence_root
        )?;
    }
    let summary = outcome.summary;
    writeln!(out)?;
    writeln!(
        out,
        "{} risk(s), {} observations: {} triggered, {} not triggered, {} inconclusive",
        summary.risks,
        summary.observations,
        summary.triggered,
        summary.not_triggered,
        summary.inconclusive
    )?;
    if let Some(frequency) = summary.loss_frequency {
        writeln!(
            out,
            "loss events that pay, per risk: {frequency}; paid in all: {} × the sum insured",
            summary.total_payout
        )?;
    }
    Ok(())
}
