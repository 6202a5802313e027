//! What was seen, and where in the history of its risk it stands.

use super::{Case, Finding};
use crate::cover::{Input, Rearm};
use crate::eval::outcome::LossEvent;
use crate::evidence::select::input_of;
use crate::evidence::{self, Extent};
use crate::observation::{Observation, SourceId, Subject};
use crate::risk::Stream;

pub(super) fn streams(case: &Case<'_>) -> Result<(Vec<Stream>, String), String> {
    let rows = case.observations;
    if rows.is_empty() {
        return Err("there are no observations".to_owned());
    }
    let streams = case
        .cover
        .inputs
        .iter()
        .map(|input| stream_of(input, case))
        .collect::<Result<Vec<Stream>, String>>()?;
    let mut previous = None;
    for (index, row) in rows.iter().enumerate() {
        let input = input_of(&streams, row).ok_or_else(|| {
            format!(
                "observation {index} ({} of {} by {}) belongs to no input of the cover",
                row.metric, row.subject, row.source
            )
        })?;
        let place = (row.observed_at, input, row.sequence);
        if previous.is_some_and(|previous| previous >= place) {
            return Err(format!(
                "observation {index} at {} does not come after the one before it: the order is time, input, sequence, each once",
                row.observed_at
            ));
        }
        previous = Some(place);
    }
    let sentence = match rows.len() {
        1 => "the one observation belongs to an input of the cover".to_owned(),
        count => format!("all {count} observations belong to inputs of the cover and are in order"),
    };
    Ok((streams, sentence))
}

/// What the terms leave open is taken from the risk and the observations; then it must be one and the same.
fn stream_of(input: &Input, case: &Case<'_>) -> Result<Stream, String> {
    let subject = input
        .subject
        .clone()
        .unwrap_or_else(|| Subject::from(case.subject));
    let source = match &input.source {
        Some(source) => source.clone(),
        None => only_source(input, &subject, case.observations)?,
    };
    Ok(Stream {
        source,
        subject,
        metric: input.metric.clone(),
    })
}

fn only_source(input: &Input, subject: &Subject, rows: &[Observation]) -> Result<SourceId, String> {
    let mut sources = rows
        .iter()
        .filter(|row| row.subject == *subject && row.metric == input.metric)
        .map(|row| &row.source);
    let Some(first) = sources.next() else {
        // Never observed, which the evaluators will see.
        return Ok(SourceId::from(String::new()));
    };
    match sources.find(|source| *source != first) {
        None => Ok(first.clone()),
        Some(other) => Err(format!(
            "the input `{}` was observed by {first} and by {other}, and the terms do not say whose word counts",
            input.name
        )),
    }
}

pub(super) fn check_selection(case: &Case<'_>, streams: &[Stream], event: &LossEvent) -> Finding {
    let rows = case.observations;
    let extent = Extent::of(
        case.cover,
        case.inception,
        event.evidence_from,
        event.settled_at,
    );
    let selected = evidence::select(streams, rows, extent).map_err(|error| error.to_string())?;
    let (given, reach) = (rows.len(), reach(event, extent));
    if selected == *rows {
        Ok(match given {
            1 => format!("the one observation is exactly what reaches {reach}"),
            given => format!("the {given} observations are exactly those that reach {reach}"),
        })
    } else {
        let counted = selected.len();
        Err(format!(
            "{given} observations are given, of which only {counted} reach {reach}"
        ))
    }
}

/// From where to where, in words.
fn reach(event: &LossEvent, extent: Extent) -> String {
    let from = if extent.after < event.occurred_at {
        "from where the terms look back to"
    } else {
        "from the breach"
    };
    let to = if extent.until > event.confirmed_at {
        "to where its payout settled"
    } else {
        "to its confirmation"
    };
    format!("{from} {to}")
}

pub(super) fn check_ordinal(case: &Case<'_>) -> Finding {
    let (ordinal, previous) = (case.ordinal, case.previous);
    if (ordinal > 1) != previous.is_some() {
        return Err(format!(
            "it is loss event number {ordinal}, and {}",
            match previous {
                Some(previous) =>
                    format!("yet another is said to have been confirmed at {previous}"),
                None => "when the one before it was confirmed is not said".to_owned(),
            }
        ));
    }
    match (ordinal, case.cover.trigger.rearm) {
        (0, _) => Err("loss events are numbered from 1, this is number 0".to_owned()),
        (1, Rearm::Never) => {
            Ok("it is loss event number 1, and the terms allow no other".to_owned())
        }
        (ordinal, Rearm::Never) => Err(format!(
            "it is loss event number {ordinal}, but the terms allow one only"
        )),
        (ordinal, Rearm::After(_)) => Ok(format!(
            "it is loss event number {ordinal}, and the terms allow several"
        )),
    }
}
