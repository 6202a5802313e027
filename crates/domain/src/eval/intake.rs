//! Merges the independent sources of one risk into the batches that [`Program::advance`] takes.
//!
//! Each source reports its own observations in its own time. What is handed on does not depend on how the reports of
//! different sources interleave: an observation waits until every source has reported past it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::error::{EvalError, Place};
use super::outcome::InputObservation;
use super::program::Program;
use super::state::RiskState;
use crate::observation::Sequence;
use crate::time::Timestamp;
use crate::value::Value;

/// The observations of one risk that wait for its slower sources.
#[derive(Clone, Debug)]
pub struct Intake {
    input_names: Arc<[String]>,
    /// Up to when each source is complete.
    reported: Vec<Option<Timestamp>>,
    /// Up to when batches were handed on.
    complete_to: Option<Timestamp>,
    /// In the order in which they will be handed on.
    waiting: BTreeMap<(Timestamp, usize, Sequence), Option<Value>>,
    batch: Vec<InputObservation>,
}

/// What [`Program::advance`] takes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch<'a> {
    /// Everything up to the watermark that was not handed on before, in order.
    pub observations: &'a [InputObservation],
    /// Every source is complete up to here.
    pub watermark: Timestamp,
}

impl Intake {
    /// For a risk in `state`, which has `sources` independent sources; each is complete as far as the state is.
    pub fn new(program: &Program, state: &RiskState, sources: usize) -> Self {
        Self {
            input_names: Arc::clone(&program.input_names),
            reported: vec![state.evaluated_to(); sources],
            complete_to: state.evaluated_to(),
            waiting: BTreeMap::new(),
            batch: Vec::new(),
        }
    }

    /// Takes in an observation from the source numbered `source_slot`. An exact repeat of one that waits is dropped.
    pub fn observe(
        &mut self,
        source_slot: usize,
        observation: InputObservation,
    ) -> Result<(), EvalError> {
        let complete_to = self.complete_to(source_slot)?;
        let InputObservation {
            input,
            observed_at,
            sequence,
            value,
        } = observation;
        let Some(name) = self.input_names.get(input) else {
            return Err(EvalError::NoSuchInput {
                input,
                inputs: self.input_names.len(),
            });
        };
        let named = || Place {
            input: name.clone(),
            observed_at,
            sequence,
        };
        if let Some(complete_to) = complete_to.filter(|to| observed_at <= *to) {
            return Err(EvalError::Late {
                place: named(),
                complete_to,
            });
        }
        match self.waiting.entry((observed_at, input, sequence)) {
            Entry::Vacant(free) => {
                free.insert(value);
                Ok(())
            }
            Entry::Occupied(first) if *first.get() == value => Ok(()),
            Entry::Occupied(first) => Err(EvalError::Conflict {
                place: named(),
                values: Box::new((first.get().clone(), value)),
            }),
        }
    }

    /// The source numbered `source_slot` is complete up to and including `to`. When that completes the risk further,
    /// what can be evaluated now.
    pub fn reported(
        &mut self,
        source_slot: usize,
        to: Timestamp,
    ) -> Result<Option<Batch<'_>>, EvalError> {
        if let Some(from) = self.complete_to(source_slot)?.filter(|from| to < *from) {
            return Err(EvalError::WatermarkMovedBack { from, to });
        }
        self.reported[source_slot] = Some(to);
        // `None`, a source that never reported, is the least.
        let Some(watermark) = self.reported.iter().min().copied().flatten() else {
            return Ok(None);
        };
        if self
            .complete_to
            .is_some_and(|complete_to| watermark <= complete_to)
        {
            return Ok(None);
        }
        self.complete_to = Some(watermark);
        self.batch.clear();
        while let Some(next) = self.waiting.first_entry() {
            if next.key().0 > watermark {
                break;
            }
            let ((observed_at, input, sequence), value) = next.remove_entry();
            self.batch.push(InputObservation {
                input,
                observed_at,
                sequence,
                value,
            });
        }
        Ok(Some(Batch {
            observations: &self.batch,
            watermark,
        }))
    }

    fn complete_to(&self, source_slot: usize) -> Result<Option<Timestamp>, EvalError> {
        let sources = self.reported.len();
        self.reported
            .get(source_slot)
            .copied()
            .ok_or(EvalError::NoSuchSource {
                source_slot,
                sources,
            })
    }
}
