//! Whether a batch of observations is what [`Program::advance`](super::Program::advance) may take in.

use core::cmp::Ordering;

use super::error::{EvalError, Place};
use super::outcome::InputObservation;
use super::program::Program;
use super::state::RiskState;
use crate::observation::Sequence;
use crate::time::Timestamp;
use crate::value::{Type, Value};

/// 9999-12-31T23:59:59Z, and as far before 1970: beyond it, sums of instants and spans could not be trusted.
const LAST_SECOND: i64 = 253_402_300_799;

/// Says what is wrong first, before anything is taken in.
pub(super) fn check(
    program: &Program,
    state: &RiskState,
    observations: &[InputObservation],
    watermark: Timestamp,
) -> Result<(), EvalError> {
    if state.inputs.len() != program.inputs.len()
        || state.standing.breaches().len() != program.holds.len()
        || state.standing.counted().len() != program.counters
        || state.standing.runs().len() != program.runs.len()
        || !has_memory_of(program, state)
    {
        return Err(EvalError::ForeignState);
    }
    check_time(watermark)?;
    if let Some(from) = state.evaluated_to().filter(|from| watermark < *from) {
        return Err(EvalError::WatermarkMovedBack {
            from,
            to: watermark,
        });
    }
    if is_plain(program, state, observations, watermark) {
        return Ok(());
    }
    let mut previous: Option<&InputObservation> = None;
    for observation in observations {
        check_one(program, state, observation, watermark)?;
        if let Some(previous) = previous {
            check_pair(program, previous, observation)?;
        }
        previous = Some(observation);
    }
    Ok(())
}

/// Whether the state remembers what the program asks for.
fn has_memory_of(program: &Program, state: &RiskState) -> bool {
    let Some(memory) = state.standing.memory() else {
        return !program.has_memory();
    };
    program.has_memory()
        && memory.fixed.len() == program.fixed.len()
        && memory.windows.len() == program.windows.len()
        && memory
            .windows
            .iter()
            .zip(&program.windows)
            .all(|(window, spec)| window.is_of(spec))
}

/// Whether nothing is wrong that takes more than a look at each observation: a long batch is read several times over.
fn is_plain(
    program: &Program,
    state: &RiskState,
    observations: &[InputObservation],
    watermark: Timestamp,
) -> bool {
    let (Some(first), Some(last)) = (observations.first(), observations.last()) else {
        return true;
    };
    let is_timely = first.observed_at.0 >= -LAST_SECOND
        && state.evaluated_to().is_none_or(|to| first.observed_at > to)
        && last.observed_at <= watermark;
    let in_order = observations.iter().zip(observations.iter().skip(1));
    is_timely
        && observations.iter().all(|row| is_typed(program, row))
        && in_order
            .into_iter()
            .all(|(row, next)| row.observed_at < next.observed_at || order(row) < order(next))
}

/// Whether it is of an input that there is, and of its type.
fn is_typed(program: &Program, observation: &InputObservation) -> bool {
    let Some(spec) = program.inputs.get(observation.input) else {
        return false;
    };
    observation
        .value
        .as_ref()
        .is_none_or(|value| value.ty() == expected(spec.ty))
}

/// The type of the values of an input: an event counts by being there, and a value of it is its amount.
fn expected(ty: Type) -> Type {
    match ty {
        Type::Event => Type::Decimal,
        ty => ty,
    }
}

fn check_time(time: Timestamp) -> Result<(), EvalError> {
    if (-LAST_SECOND..=LAST_SECOND).contains(&time.0) {
        Ok(())
    } else {
        Err(EvalError::TimeOutOfRange { time })
    }
}

fn check_one(
    program: &Program,
    state: &RiskState,
    observation: &InputObservation,
    watermark: Timestamp,
) -> Result<(), EvalError> {
    let InputObservation {
        input,
        observed_at,
        sequence: _,
        ref value,
    } = *observation;
    let Some(spec) = program.inputs.get(input) else {
        return Err(EvalError::NoSuchInput {
            input,
            inputs: program.inputs.len(),
        });
    };
    check_time(observed_at)?;
    let expected = expected(spec.ty);
    if let Some(found) = value.as_ref().map(Value::ty).filter(|ty| *ty != expected) {
        let place = named(program, observation);
        return Err(EvalError::WrongType {
            place,
            expected,
            found,
        });
    }
    if let Some(complete_to) = state.evaluated_to().filter(|to| observed_at <= *to) {
        return Err(EvalError::Late {
            place: named(program, observation),
            complete_to,
        });
    }
    if observed_at > watermark {
        return Err(EvalError::BeyondWatermark {
            place: named(program, observation),
            watermark,
        });
    }
    Ok(())
}

fn check_pair(
    program: &Program,
    first: &InputObservation,
    second: &InputObservation,
) -> Result<(), EvalError> {
    match order(first).cmp(&order(second)) {
        Ordering::Less => Ok(()),
        Ordering::Equal if first.value == second.value => Ok(()),
        Ordering::Equal => Err(EvalError::Conflict {
            place: named(program, second),
            values: Box::new((first.value.clone(), second.value.clone())),
        }),
        Ordering::Greater => Err(EvalError::OutOfOrder {
            place: named(program, second),
        }),
    }
}

/// The order in which observations are taken in.
fn order(observation: &InputObservation) -> (Timestamp, usize, Sequence) {
    (
        observation.observed_at,
        observation.input,
        observation.sequence,
    )
}

fn named(program: &Program, observation: &InputObservation) -> Place {
    Place {
        input: program.input_names[observation.input].clone(),
        observed_at: observation.observed_at,
        sequence: observation.sequence,
    }
}
