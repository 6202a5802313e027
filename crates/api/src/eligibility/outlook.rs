//! What can be said of a policy on which nothing was determined: what was seen last, what that lacks of a loss, and what
//! comes next.

use serde::Serialize;
use tocsin_domain::cover::Cover;
use tocsin_domain::observation::Observation;
use tocsin_domain::reasoning::{Unmet, unmet};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_store::grounds::Heard;
use tocsin_store::look::{Look, LookState};
use utoipa::ToSchema;

use crate::views::known::ValueView;

/// What can be said while nothing is determined.
#[derive(Serialize, ToSchema)]
pub(crate) struct Outlook {
    decided: Decided,
    /// One sentence that sums it up.
    pub(crate) sentence: String,
    /// What each input of the cover said last, in their order.
    seen: Vec<LastSeen>,
    /// The parts of the trigger that do not hold, or of which that is not known.
    unmet: Vec<UnmetView>,
    /// Where sources that are asked subject by subject stand.
    looks: Vec<SubjectLook>,
}

/// What is decided.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Decided {
    /// Nothing yet.
    NotYet,
    /// There was no loss, and there will be none.
    NoLoss,
    /// Whether there was a loss will not be known.
    CannotBeKnown,
    /// A person has to look.
    NeedsPerson,
}

/// What an input said last.
#[derive(Serialize, ToSchema)]
struct LastSeen {
    input: String,
    source: String,
    subject: String,
    metric: String,
    /// None where it said nothing, or that it had no value.
    value: Option<ValueView>,
    /// The same as text.
    text: Option<String>,
    /// RFC 3339.
    observed_at: Option<String>,
}

/// A part of a trigger that does not hold, or of which that is not known.
#[derive(Serialize, ToSchema)]
struct UnmetView {
    /// The input that it looks at.
    input: String,
    /// What the input said last; none where it said nothing.
    value: Option<ValueView>,
    /// What it would have to be, as in `at least 45min`.
    needed: String,
    /// The same as a clause.
    clause: String,
}

impl From<Unmet> for UnmetView {
    fn from(unmet: Unmet) -> Self {
        Self {
            input: unmet.input,
            value: unmet.value.as_ref().map(ValueView::from),
            needed: unmet.needed,
            clause: unmet.clause,
        }
    }
}

/// How the looks at a subject of a source stand.
#[derive(Serialize, ToSchema)]
struct SubjectLook {
    source: String,
    subject: String,
    state: SubjectLookState,
    /// Why a person has to look.
    reason: Option<String>,
    /// RFC 3339.
    looked_at: Option<String>,
    /// RFC 3339; none where it is not asked about any more.
    next_look: Option<String>,
    /// What went wrong at the last look.
    trouble: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SubjectLookState {
    /// It is asked about.
    Open,
    /// Everything is known of it.
    Over,
    /// A person has to look.
    NeedsPerson,
}

/// In structured form, with one sentence that sums it up.
pub(super) fn of(cover: &Cover, inputs: &[Heard]) -> Outlook {
    let last: Vec<Option<&Observation>> = inputs.iter().map(|heard| heard.last.as_ref()).collect();
    let mut looks: Vec<&Look> = Vec::new();
    for look in inputs.iter().filter_map(|heard| heard.look.as_ref()) {
        // Several inputs may listen to one subject.
        if !looks.contains(&look) {
            looks.push(look);
        }
    }
    let values: Vec<Option<Value>> = last
        .iter()
        .map(|seen| seen.and_then(|observation| observation.value.clone()))
        .collect();
    let lacking = unmet(cover, &values);
    let (decided, sentence) = summary(cover, &last, &looks, &lacking);
    Outlook {
        decided,
        sentence,
        seen: shown(cover, inputs),
        unmet: lacking.into_iter().map(UnmetView::from).collect(),
        looks: looks.into_iter().map(SubjectLook::from).collect(),
    }
}

fn summary(
    cover: &Cover,
    last: &[Option<&Observation>],
    looks: &[&Look],
    lacking: &[Unmet],
) -> (Decided, String) {
    let person = looks.iter().find_map(|look| match &look.state {
        LookState::NeedsPerson(reason) => Some(reason),
        LookState::Open | LookState::Over => None,
    });
    if let Some(reason) = person {
        return (Decided::NeedsPerson, format!("needs a person: {reason}"));
    }
    let said = clauses(cover, last, lacking);
    let next = looks
        .iter()
        .filter(|look| look.state == LookState::Open)
        .filter_map(|look| look.due_at)
        .min();
    match (next, looks.is_empty()) {
        (Some(next), _) => (
            Decided::NotYet,
            match said {
                Some(said) => format!("not decided yet: {said}; next look at {next}"),
                None => format!("not decided yet: nothing was seen so far; next look at {next}"),
            },
        ),
        // Not seeing is not no.
        (None, false) if is_unknown(last, lacking) => (
            Decided::CannotBeKnown,
            format!(
                "cannot be known: {}; it is left unknown, and the source is not asked any more",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, false) => (
            Decided::NoLoss,
            format!(
                "no loss: {}; the source has said everything",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, true) if is_unknown(last, lacking) => (
            Decided::NotYet,
            format!(
                "not known so far: {}",
                said.unwrap_or_else(|| "nothing was seen".to_owned())
            ),
        ),
        (None, true) => (
            Decided::NotYet,
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

fn shown(cover: &Cover, inputs: &[Heard]) -> Vec<LastSeen> {
    let shown = cover.inputs.iter().zip(inputs).map(|(input, heard)| {
        let (stream, seen) = (&heard.stream, heard.last.as_ref());
        let value = seen.and_then(|observation| observation.value.as_ref());
        LastSeen {
            input: input.name.clone(),
            source: stream.source.to_string(),
            subject: stream.subject.to_string(),
            metric: stream.metric.to_string(),
            value: value.map(ValueView::from),
            text: value.map(Value::to_string),
            observed_at: seen.map(|observation| observation.observed_at.to_string()),
        }
    });
    shown.collect()
}

impl From<&Look> for SubjectLook {
    fn from(look: &Look) -> Self {
        let (state, reason) = match &look.state {
            LookState::Open => (SubjectLookState::Open, None),
            LookState::Over => (SubjectLookState::Over, None),
            LookState::NeedsPerson(reason) => (SubjectLookState::NeedsPerson, Some(reason.clone())),
        };
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            source: look.source.to_string(),
            subject: look.subject.to_string(),
            state,
            reason,
            looked_at: text(look.looked_at),
            next_look: text(look.due_at),
            trouble: look.trouble.clone(),
        }
    }
}
