//! How the state of a risk is written: every part by its name, whatever room it takes in memory.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::standing::{Counted, Full, Memory, Run};
use super::state::{Breach, LastEvent, Latest, RiskState};
use crate::time::Timestamp;

/// The state of a risk, to be written or just read.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written<'s> {
    evaluate_from: Option<Timestamp>,
    evaluated_to: Option<Timestamp>,
    begun: bool,
    due: Option<Timestamp>,
    inputs: Cow<'s, [Option<Latest>]>,
    breaches: Cow<'s, [Breach]>,
    counted: Cow<'s, [Vec<Counted>]>,
    remembering_since: Option<Timestamp>,
    runs: Cow<'s, [Option<Run>]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<Cow<'s, Memory>>,
    events: u32,
    last_event: Option<LastEvent>,
}

impl<'s> From<&'s RiskState> for Written<'s> {
    fn from(state: &'s RiskState) -> Self {
        let standing = &state.standing;
        Self {
            evaluate_from: state.evaluate_from.get(),
            evaluated_to: state.evaluated_to.get(),
            begun: state.begun,
            due: state.due.get(),
            inputs: Cow::Borrowed(&state.inputs),
            breaches: Cow::Borrowed(standing.breaches()),
            counted: Cow::Borrowed(standing.counted()),
            remembering_since: standing.remembering_since(),
            runs: Cow::Borrowed(standing.runs()),
            memory: standing.memory().map(Cow::Borrowed),
            events: state.events,
            last_event: state.last_event(),
        }
    }
}

impl From<Written<'_>> for RiskState {
    fn from(written: Written<'_>) -> Self {
        let mut breaches = written.breaches.into_owned();
        if !written.begun {
            breaches.fill(Breach::Unsure);
        }
        let full = Full {
            breaches: breaches.into(),
            counted: written.counted.into_owned().into(),
            remembering_since: written.remembering_since,
            runs: written.runs.into_owned().into(),
            memory: written.memory.map(Cow::into_owned),
            anew: None,
        };
        let last = written.last_event;
        Self {
            evaluated_to: written.evaluated_to.into(),
            due: written.due.into(),
            inputs: written.inputs.into_owned().into(),
            standing: full.into(),
            evaluate_from: written.evaluate_from.into(),
            last_confirmed_at: last.map(|last| last.confirmed_at).into(),
            events: written.events,
            begun: written.begun,
            seen_false: last.is_some_and(|last| last.seen_false),
        }
    }
}

impl Serialize for RiskState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::from(self).serialize(serializer)
    }
}

/// Two states are equal that are written alike.
impl PartialEq for RiskState {
    fn eq(&self, other: &Self) -> bool {
        Written::from(self) == Written::from(other)
    }
}

impl Eq for RiskState {}
