//! The naive evaluator: the meaning of a cover, computed from the whole history, with no thought for speed.
//!
//! It is what the incremental engine is held equal to, and shares nothing with it but the checked expressions, decimals
//! and the names of the outcomes. Each expression becomes the series of its values over all instants, found by
//! searching the observations anew for every one of them; a `holds` is replayed from the first instant each time, and a
//! window sums what it covers from nothing.

mod arithmetic;
mod expressions;
mod functions;
mod inspect;
mod instants;
mod losses;
mod numbers;
mod replay;
mod windows;

pub use self::inspect::{Breach, Inspected, inspect};
use super::outcome::{InputObservation, LossEvent, Truth, Unknown};
use super::state::{Known, Start};
use crate::cover::Cover;
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// What the observations of a risk amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evaluation {
    /// The loss events whose payout is settled, in order.
    pub events: Vec<LossEvent>,
    /// The trigger's value as of the watermark.
    pub truth: Truth,
    /// The instants that were evaluated.
    pub instants: Vec<Timestamp>,
}

/// Evaluates a checked cover over all `observations` of one risk up to `watermark`, given in any order, repeats
/// included; no two of them may give one input two values for one time and sequence.
pub fn evaluate(
    cover: &Cover,
    start: impl Into<Start>,
    observations: &[InputObservation],
    watermark: Timestamp,
) -> Evaluation {
    evaluate_after(cover, start.into(), None, observations, watermark)
}

/// The same from the evidence of one loss event, up to when its payout is settled.
pub fn evaluate_evidence(
    cover: &Cover,
    known: Known,
    observations: &[InputObservation],
    settled_at: Timestamp,
) -> Evaluation {
    let start = Start {
        evaluate_from: Some(known.evidence_from),
        inception: known.inception,
    };
    evaluate_after(cover, start, Some(known), observations, settled_at)
}

fn evaluate_after(
    cover: &Cover,
    start: Start,
    known: Option<Known>,
    observations: &[InputObservation],
    watermark: Timestamp,
) -> Evaluation {
    let history = History::new(cover, start, known, observations, watermark);
    let instants = history.instants(start.evaluate_from);
    let truths = history.conditions(&cover.trigger.when, &instants);
    let truth = match truths.last() {
        Some(Ok(true)) => Truth::True,
        Some(Ok(false)) => Truth::False,
        Some(Err(unknown)) => Truth::Unknown(unknown.clone()),
        None => {
            let unobserved = (0..cover.inputs.len())
                .find(|input| history.observations.iter().all(|seen| seen.input != *input));
            Truth::Unknown(match unobserved {
                Some(input) => Unknown::NoObservation { input },
                None => Unknown::NotBegun,
            })
        }
    };
    let events = history.events(&instants, &truths);
    Evaluation {
        events,
        truth,
        instants,
    }
}

type Condition = Result<bool, Unknown>;

struct History<'a> {
    cover: &'a Cover,
    observations: Vec<&'a InputObservation>,
    watermark: Timestamp,
    known: Option<Known>,
    /// When the policy began: said to have, or with the first observation.
    inception: Option<Timestamp>,
}

impl<'a> History<'a> {
    fn new(
        cover: &'a Cover,
        start: Start,
        known: Option<Known>,
        observations: &'a [InputObservation],
        watermark: Timestamp,
    ) -> Self {
        let first = || observations.iter().map(|seen| seen.observed_at).min();
        Self {
            cover,
            observations: observations
                .iter()
                .filter(|seen| seen.observed_at <= watermark)
                .collect(),
            watermark,
            known,
            inception: start.inception.or_else(first),
        }
    }

    /// The last observation of `input` as of `at`.
    fn last(&self, input: usize, at: Timestamp) -> Option<&'a InputObservation> {
        self.observations
            .iter()
            .filter(|seen| seen.input == input && seen.observed_at <= at)
            .max_by_key(|seen| (seen.observed_at, seen.sequence))
            .copied()
    }

    fn in_force(&self, input: usize, at: Timestamp) -> Result<Value, Unknown> {
        let last = self
            .last(input, at)
            .ok_or(Unknown::NoObservation { input })?;
        let value = last.value.clone().ok_or(Unknown::NoValue {
            input,
            since: last.observed_at,
        })?;
        match self.cover.inputs[input].max_age {
            Some(max_age) if at.since(last.observed_at) > max_age => Err(Unknown::Stale {
                input,
                since: last.observed_at + max_age + Seconds(1),
            }),
            _ => Ok(value),
        }
    }
}
