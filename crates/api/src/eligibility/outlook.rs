//! What can be said of a policy on which nothing was determined: what was seen last, what that lacks of a loss, and what
//! comes next.

use serde_json::{Value as Json, json};
use tocsin_domain::cover::Cover;
use tocsin_domain::observation::Observation;
use tocsin_domain::reasoning::{Unmet, unmet};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_store::look::{Look, LookState};
use tocsin_store::{Store, StoreError};

/// Before the first instant of any observation.
const EVER: Timestamp = Timestamp(i64::MIN);
const ALWAYS: Timestamp = Timestamp(i64::MAX);

/// In structured form, with one sentence that sums it up.
pub(super) async fn of(
    store: &dyn Store,
    cover: &Cover,
    streams: &[Stream],
) -> Result<Json, StoreError> {
    let seen = store.history(streams, EVER, ALWAYS).await?;
    let mut last = Vec::with_capacity(streams.len());
    let mut looks: Vec<Look> = Vec::new();
    for stream in streams {
        last.push(seen.iter().rfind(|observation| stream.carries(observation)));
        let known = looks
            .iter()
            .any(|look| look.source == stream.source && look.subject == stream.subject);
        if !known {
            looks.extend(store.look(&stream.source, &stream.subject).await?);
        }
    }
    let values: Vec<Option<Value>> = last
        .iter()
        .map(|seen| seen.and_then(|observation| observation.value.clone()))
        .collect();
    let lacking = unmet(cover, &values);
    let (decided, sentence) = summary(cover, &last, &looks, &lacking);
    Ok(json!({
        "decided": decided,
        "sentence": sentence,
        "seen": shown(cover, streams, &last),
        "unmet": lacking,
        "looks": looks.iter().map(described).collect::<Vec<_>>(),
    }))
}

fn summary(
    cover: &Cover,
    last: &[Option<&Observation>],
    looks: &[Look],
    lacking: &[Unmet],
) -> (&'static str, String) {
    let person = looks.iter().find_map(|look| match &look.state {
        LookState::NeedsPerson(reason) => Some(reason),
        LookState::Open | LookState::Over => None,
    });
    if let Some(reason) = person {
        return ("needs_person", format!("needs a person: {reason}"));
    }
    let said = clauses(cover, last, lacking);
    let next = looks
        .iter()
        .filter(|look| look.state == LookState::Open)
        .filter_map(|look| look.due_at)
        .min();
    match (next, looks.is_empty()) {
        (Some(next), _) => (
            "not_yet",
            match said {
                Some(said) => format!("not decided yet: {said}; next look at {next}"),
                None => format!("not decided yet: nothing was seen so far; next look at {next}"),
            },
        ),
        // Not seeing is not no.
        (None, false) if is_unknown(last, lacking) => (
            "cannot_be_known",
            format!(
                "cannot be known: {}; it is left unknown, and the source is not asked any more",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, false) => (
            "no_loss",
            format!(
                "no loss: {}; the source has said everything",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, true) if is_unknown(last, lacking) => (
            "not_yet",
            format!(
                "not known so far: {}",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, true) => (
            "not_yet",
            match said {
                Some(said) => format!("no loss so far: {said}"),
                None => "no loss so far: nothing was seen".to_owned(),
            },
        ),
    }
}

/// Whether something that would decide has no value: a part of the trigger that is lacking; or, where the terms are not of
/// that kind, any input.
fn is_unknown(last: &[Option<&Observation>], lacking: &[Unmet]) -> bool {
    if lacking.is_empty() {
        let known = |seen: &Option<&Observation>| seen.is_some_and(|seen| seen.value.is_some());
        !last.iter().all(known)
    } else {
        lacking.iter().any(|unmet| unmet.value.is_none())
    }
}

/// What is lacking; or, where the terms are not of that kind, what was seen.
fn clauses(cover: &Cover, last: &[Option<&Observation>], lacking: &[Unmet]) -> Option<String> {
    if last.iter().all(Option::is_none) {
        return None;
    }
    if !lacking.is_empty() {
        let clauses: Vec<&str> = lacking.iter().map(|unmet| unmet.clause.as_str()).collect();
        return Some(clauses.join("; "));
    }
    let seen: Vec<String> = cover
        .inputs
        .iter()
        .zip(last)
        .filter_map(|(input, seen)| {
            let observation = (*seen)?;
            let at = observation.observed_at;
            Some(match &observation.value {
                Some(value) => format!("{} was {value} at {at}", input.name),
                None => format!("{} was not known at {at}", input.name),
            })
        })
        .collect();
    Some(seen.join("; "))
}

fn shown(cover: &Cover, streams: &[Stream], last: &[Option<&Observation>]) -> Vec<Json> {
    cover
        .inputs
        .iter()
        .zip(streams)
        .zip(last)
        .map(|((input, stream), seen)| {
            json!({
                "input": input.name,
                "source": stream.source,
                "subject": stream.subject,
                "metric": stream.metric,
                "value": seen.and_then(|observation| observation.value.as_ref()),
                "text": seen.and_then(|observation| observation.value.as_ref()).map(Value::to_string),
                "observed_at": seen.map(|observation| observation.observed_at.to_string()),
            })
        })
        .collect()
}

fn described(look: &Look) -> Json {
    let (state, reason) = match &look.state {
        LookState::Open => ("open", None),
        LookState::Over => ("over", None),
        LookState::NeedsPerson(reason) => ("needs_person", Some(reason)),
    };
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "source": look.source,
        "subject": look.subject,
        "state": state,
        "reason": reason,
        "looked_at": text(look.looked_at),
        "next_look": text(look.due_at),
        "trouble": look.trouble,
    })
}
