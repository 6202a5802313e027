//! From the observations to the loss event, by two evaluators that share no code but the checked terms.

use super::{Case, Finding, Found};
use crate::eval::outcome::{InputObservation, LossEvent};
use crate::eval::{Known, Program, RiskState, reference};
use crate::risk::Stream;

impl Case<'_> {
    /// The loss event that the engine finds, which decides in production, and what it was found with. The engine also
    /// refuses what nobody can evaluate (values of the wrong type, contradictions), so it comes first.
    pub(crate) fn evaluate(&self, streams: &[Stream]) -> Result<(Found, String), String> {
        let program = Program::compile(self.cover);
        let seen = self.seen(streams);
        let known = Known {
            evidence_from: self.evidence_from,
            inception: self.inception,
            occurred_at: self.occurred_at,
            previous: self.previous,
            already_true: false,
            was_false: true,
        };
        let evaluate = |known: Known| -> Result<Found, String> {
            let mut state = RiskState::from_evidence(&program, known);
            let events = program
                .advance(&mut state, &seen, self.settled_at)
                .map_err(|error| format!("the observations cannot be evaluated: {error}"))?;
            let event = self.only_event(events)?;
            Ok(Found { known, event })
        };
        // The usual reading gives the reason if none of them shows the loss.
        let [usual, others @ ..] = known.readings();
        let found = evaluate(usual).or_else(|unlike| {
            let shown = others.into_iter().find_map(|known| evaluate(known).ok());
            shown.ok_or(unlike)
        })?;
        let event = &found.event;
        let sentence = format!(
            "evaluated anew, the breach began at {}, counts from {} and pays {} of the sum insured",
            event.occurred_at,
            event.confirmed_at,
            event
                .payout
                .as_ref()
                .map_or_else(|_| "an unknown part".to_owned(), ToString::to_string),
        );
        Ok((found, sentence))
    }

    /// That the reference evaluator, which is the meaning of the terms, finds the same.
    pub(crate) fn check_reference(&self, streams: &[Stream], found: &Found) -> Finding {
        let expected = &found.event;
        let evaluation = reference::evaluate_evidence(
            self.cover,
            found.known,
            &self.seen(streams),
            self.settled_at,
        );
        let event = self.only_event(evaluation.events)?;
        if event == *expected {
            Ok(
                "the reference evaluator, which shares no code with the engine, finds the same"
                    .to_owned(),
            )
        } else {
            Err(format!(
                "the two evaluators disagree: the engine says {} to {}, the reference {} to {}; please report this",
                expected.occurred_at, expected.confirmed_at, event.occurred_at, event.confirmed_at
            ))
        }
    }

    /// Evidence ends where the payout settled, and the loss event before it is known, so it holds one event.
    fn only_event(&self, events: Vec<LossEvent>) -> Result<LossEvent, String> {
        let settled_at = self.settled_at;
        let found = events.len();
        match <[LossEvent; 1]>::try_from(events) {
            Ok([event]) => Ok(event),
            Err(_other_number) if found == 0 => Err(format!(
                "evaluated anew, no loss that began at {} or later meets the terms up to {settled_at}",
                self.occurred_at
            )),
            Err(_other_number) => Err(format!(
                "evaluated anew, the observations up to {settled_at} hold {found} loss events, not one"
            )),
        }
    }

    /// The observations as the evaluators take them: once for every input that reads them, by time, input and sequence.
    fn seen(&self, streams: &[Stream]) -> Vec<InputObservation> {
        let mut seen: Vec<InputObservation> = self
            .observations
            .iter()
            .flat_map(|row| {
                let stream = Stream::of(row);
                streams
                    .iter()
                    .enumerate()
                    .filter(move |(_, read)| **read == stream)
                    .map(|(input, _)| InputObservation {
                        input,
                        observed_at: row.observed_at,
                        sequence: row.sequence,
                        value: row.value.clone(),
                    })
            })
            .collect();
        seen.sort_by_key(|row| (row.observed_at, row.input, row.sequence));
        seen
    }
}
