//! Many risks of one cover, each with something in the same batch.
//!
//! The states of a million risks lie in no cache, and a feed names its subjects in any order. Advanced one by one, each
//! risk would wait for its own state, several times as long as evaluating it takes. So the states of the next few are
//! looked at side by side first, which lets their memory come together, and advanced one by one afterwards.

use super::error::EvalError;
use super::outcome::{InputObservation, LossEvent};
use super::program::Program;
use super::state::RiskState;
use crate::time::Timestamp;

/// How many states are looked at side by side: more than a core can wait for at once, and few enough to stay in its
/// nearest cache. Of 32, 48, 64, 96 and 128, measured in docs/performance.md, fewer are slower and more gain nothing.
const SIDE_BY_SIDE: usize = 96;

/// What one risk has in a batch of many.
#[derive(Clone, Copy, Debug)]
pub struct Part<'b> {
    /// The place of its state.
    pub risk: usize,
    /// What was observed of it, as [`Program::advance`] takes it.
    pub observations: &'b [InputObservation],
    /// Everything of it is there up to here.
    pub watermark: Timestamp,
}

/// One risk's part of a batch cannot be evaluated. Those before it were, it was not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("risk number {risk}, counted from 0")]
pub struct PartRefused {
    /// The place of its state.
    pub risk: usize,
    /// What is wrong.
    #[source]
    pub reason: EvalError,
}

impl Program {
    /// Advances the risks of `batch` in its order, just as [`Program::advance`] would one by one, and hands each loss
    /// event on with the place of its risk.
    ///
    /// It costs the same whether the states are few or more than any cache holds, and in whatever order the batch names
    /// them.
    pub fn advance_each<'b>(
        &self,
        states: &mut [RiskState],
        batch: impl IntoIterator<Item = Part<'b>>,
        mut met: impl FnMut(usize, LossEvent),
    ) -> Result<(), PartRefused> {
        let mut batch = batch.into_iter();
        let mut next: Vec<Part<'b>> = Vec::with_capacity(SIDE_BY_SIDE);
        loop {
            next.clear();
            next.extend(batch.by_ref().take(SIDE_BY_SIDE));
            if next.is_empty() {
                return Ok(());
            }
            look_at(states, &next, self.quiet.is_none());
            for part in &next {
                let risk = part.risk;
                self.advance_part(states, part)
                    .map_err(|reason| PartRefused { risk, reason })?
                    .into_iter()
                    .for_each(|event| met(risk, event));
            }
        }
    }

    fn advance_part(
        &self,
        states: &mut [RiskState],
        part: &Part<'_>,
    ) -> Result<Vec<LossEvent>, EvalError> {
        let risks = states.len();
        let risk = part.risk;
        let state = states
            .get_mut(risk)
            .ok_or(EvalError::NoSuchRisk { risk, risks })?;
        self.advance(state, part.observations, part.watermark)
    }
}

/// Reads something of each state, none of which depends on another: a core asks for all of them before the first has
/// come.
fn look_at(states: &[RiskState], parts: &[Part<'_>], at_all: bool) {
    let seen = parts
        .iter()
        .filter_map(|part| states.get(part.risk))
        .fold(0, |seen, state| seen ^ state.glance(at_all));
    // Nobody wants to know; but what nobody wants to know would not be read.
    core::hint::black_box(seen);
}
