//! `holds`, replayed from the first instant, sentence by sentence as the language defines it.

use std::collections::BTreeSet;

use super::expressions::kleene_and;
use super::{Condition, History};
use crate::eval::outcome::{InputObservation, Unknown};
use crate::lang::ir::{Confirm, Holds, InputIndex};
use crate::time::Timestamp;
use crate::value::Type;

/// Where a `holds` stands after an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Idle,
    Open(Timestamp),
    Gap(Timestamp),
    Met(Timestamp),
}

impl State {
    pub(super) fn open_since(self) -> Option<Timestamp> {
        if let Self::Open(since) = self {
            Some(since)
        } else {
            None
        }
    }

    pub(super) fn met_since(self) -> Option<Timestamp> {
        if let Self::Met(since) = self {
            Some(since)
        } else {
            None
        }
    }
}

impl History<'_> {
    pub(super) fn replay(&self, holds: &Holds, instants: &[Timestamp]) -> Vec<State> {
        let conditions = self.conditions(&holds.condition, instants);
        let recoveries = self.conditions(&holds.recover, instants);
        let mut state = State::Idle;
        let mut states = Vec::with_capacity(instants.len());
        for (at, now) in instants.iter().copied().enumerate() {
            let (condition, recover) = (&conditions[at], &recoveries[at]);
            state = match state {
                State::Met(_) if *recover == Ok(true) => State::Idle,
                State::Gap(_) if recover.is_ok() => State::Idle,
                State::Open(since) => self.open(holds, since, now, recover),
                as_before => as_before,
            };
            if state == State::Idle && *condition == Ok(true) {
                state = match recover {
                    Ok(true) => State::Idle,
                    Ok(false) => self.open(holds, now, now, recover),
                    Err(_) => State::Gap(now),
                };
            }
            states.push(state);
        }
        states
    }

    /// What becomes of a breach that is open since `since`.
    fn open(&self, holds: &Holds, since: Timestamp, now: Timestamp, recover: &Condition) -> State {
        let deadline = since + holds.window;
        // One observation is no requirement.
        let needed = if holds.observations > 1 {
            holds.observations as usize
        } else {
            0
        };
        let enough_by = |end: Timestamp| self.counted(holds, since, end) >= needed;
        let too_late = if holds.at_least {
            now >= deadline
        } else {
            now > deadline
        };
        if !(too_late && enough_by(now.min(deadline))) {
            match recover {
                Ok(true) => return State::Idle,
                Err(_) => return State::Gap(now),
                Ok(false) => {}
            }
        }
        let confirmed = match holds.confirm {
            Confirm::Time => deadline <= now,
            Confirm::Observation => deadline < now && !self.reports(holds, now).is_empty(),
        };
        if confirmed && enough_by(now) {
            State::Met(since)
        } else {
            State::Open(since)
        }
    }

    /// How many distinct (source, sequence) reported a value within the breach.
    fn counted(&self, holds: &Holds, since: Timestamp, end: Timestamp) -> usize {
        let seconds: BTreeSet<Timestamp> = self
            .observations
            .iter()
            .map(|seen| seen.observed_at)
            .collect();
        let mut distinct = BTreeSet::new();
        for second in seconds
            .into_iter()
            .filter(|second| since <= *second && *second <= end)
        {
            for seen in self.reports(holds, second) {
                let source = self.cover.inputs[seen.input].source.as_ref();
                let stream = match source {
                    Some(source) => format!("source {source}"),
                    None => format!("input {}", seen.input),
                };
                distinct.insert((stream, seen.sequence));
            }
        }
        distinct.len()
    }

    /// The values that inputs of the condition or the recovery report in this second; an event is one by being there.
    fn reports(&self, holds: &Holds, second: Timestamp) -> Vec<&InputObservation> {
        let inputs: BTreeSet<InputIndex> = holds
            .condition
            .inputs()
            .into_iter()
            .chain(holds.recover.inputs())
            .collect();
        inputs
            .into_iter()
            .filter_map(|input| self.last(input.0, second))
            .filter(|last| last.observed_at == second)
            .filter(|last| last.value.is_some() || self.cover.inputs[last.input].ty == Type::Event)
            .collect()
    }

    pub(super) fn replayed_values(&self, holds: &Holds, instants: &[Timestamp]) -> Vec<Condition> {
        let conditions = self.conditions(&holds.condition, instants);
        let recoveries = self.conditions(&holds.recover, instants);
        let states = self.replay(holds, instants);
        states
            .into_iter()
            .zip(conditions.into_iter().zip(recoveries))
            .map(|(state, (condition, recover))| match (state, recover) {
                (State::Met(_), _) => Ok(true),
                (State::Open(_), _) => Ok(false),
                (State::Gap(since), Err(cause)) => Err(Unknown::Gap {
                    since,
                    cause: Box::new(cause),
                }),
                (State::Gap(_), Ok(_)) => Err(Unknown::Unchecked),
                (State::Idle, recover) => {
                    kleene_and(condition, recover.map(|recovered| !recovered))
                }
            })
            .collect()
    }
}
