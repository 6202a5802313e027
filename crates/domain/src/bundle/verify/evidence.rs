//! What was seen.

use super::Finding;
use crate::bundle::EvidenceBundle;
use crate::cover::{Cover, Input};
use crate::determination::Determination;
use crate::eval::outcome::LossEvent;
use crate::evidence::select::input_of;
use crate::evidence::{self, Extent};
use crate::observation::{Observation, SourceId, Subject};
use crate::risk::Stream;

/// Every observation belongs to an input, and they are in evidence order, each once. Yields the inputs' streams.
pub(super) fn check_observations(
    cover: &Cover,
    bundle: &EvidenceBundle,
) -> Result<(Vec<Stream>, String), String> {
    let rows = &bundle.observations;
    if rows.is_empty() {
        return Err("there are no observations".to_owned());
    }
    let streams = cover
        .inputs
        .iter()
        .map(|input| stream_of(input, bundle))
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
fn stream_of(input: &Input, bundle: &EvidenceBundle) -> Result<Stream, String> {
    let subject = input
        .subject
        .clone()
        .unwrap_or_else(|| Subject::from(bundle.risk.subject.clone()));
    let source = match &input.source {
        Some(source) => source.clone(),
        None => only_source(input, &subject, &bundle.observations)?,
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

/// Nothing is missing at the edges and nothing stands beside the evidence. Yields the evidence.
pub(super) fn check_selection(
    cover: &Cover,
    streams: &[Stream],
    event: &LossEvent,
    bundle: &EvidenceBundle,
) -> Result<(Vec<Observation>, String), String> {
    let rows = &bundle.observations;
    let extent = Extent::of(
        cover,
        bundle.risk.inception,
        event.evidence_from,
        event.settled_at,
    );
    let selected = evidence::select(streams, rows, extent).map_err(|error| error.to_string())?;
    let (given, reach) = (rows.len(), reach(event, extent));
    if selected == *rows {
        let sentence = match given {
            1 => format!("the one observation is exactly what reaches {reach}"),
            given => format!("the {given} observations are exactly those that reach {reach}"),
        };
        Ok((selected, sentence))
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

/// The root that the attestors signed is that of these observations.
pub(super) fn check_root(implied: &Determination, bundle: &EvidenceBundle) -> Finding {
    let (root, count) = (implied.evidence_root, implied.evidence_count);
    let signed = (
        bundle.attestation.evidenceRoot,
        bundle.attestation.evidenceCount,
    );
    if signed == (root, count) {
        let have = match count {
            1 => "the one observation has".to_owned(),
            count => format!("the {count} observations have"),
        };
        Ok(format!(
            "{have} the Merkle root {root:#x}, which the attestation names"
        ))
    } else {
        Err(format!(
            "the {count} observations have the Merkle root {root:#x}, the attestation names {:#x} over {}",
            signed.0, signed.1
        ))
    }
}
