//! Windows by their definition: every second asked one by one, from all observations, with nothing remembered.

use std::collections::BTreeSet;

use alloy_primitives::aliases::I512;
use serde_json::{Value as Json, json};
use tocsin_domain::decimal::{Decimal, SCALE};
use tocsin_domain::eval::InputObservation;
use tocsin_domain::lang::ir::{Reach, Window, WindowFunction};
use tocsin_domain::real::{self, LogFixed};
use tocsin_domain::value::{Type, Value};

use super::cases::Case;

/// What is in force as of a second.
enum State {
    Nothing,
    Empty(i64),
    Stale(i64),
    Value(Value),
}

fn seconds_observed(case: &Case, input: usize) -> BTreeSet<i64> {
    let of_input = case.observations.iter().filter(|seen| seen.input == input);
    of_input.map(|seen| seen.observed_at.0).collect()
}

fn state(case: &Case, second: i64) -> State {
    let before = |seen: &&InputObservation| seen.input == 0 && seen.observed_at.0 <= second;
    let Some(last) = case.observations.iter().rfind(before) else {
        return State::Nothing;
    };
    let at = last.observed_at.0;
    match (&last.value, case.max_age) {
        (None, _) => State::Empty(at),
        (Some(_), Some(max_age)) if second > at + max_age => State::Stale(at + max_age + 1),
        (Some(value), _) => State::Value(value.clone()),
    }
}

fn known(case: &Case, second: i64) -> Option<Value> {
    match state(case, second) {
        State::Value(value) => Some(value),
        State::Nothing | State::Empty(_) | State::Stale(_) => None,
    }
}

fn units(value: &Value) -> I512 {
    match value {
        Value::Decimal(value) => value.units().to_string().parse().unwrap(),
        Value::Duration(value) => value.0.to_string().parse().unwrap(),
        _ => I512::ZERO,
    }
}

fn whole(number: usize) -> I512 {
    number.to_string().parse().unwrap()
}

pub(crate) fn first_instant(case: &Case) -> Option<i64> {
    let observed = || case.observations.iter().map(|seen| seen.observed_at.0);
    match case.evaluate_from {
        Some(from) if observed().any(|at| at <= from) => Some(from),
        Some(from) => observed().find(|at| *at > from),
        None => observed().next(),
    }
}

fn inception(case: &Case) -> i64 {
    let first = || case.observations[0].observed_at.0;
    case.inception.unwrap_or_else(first)
}

/// Every instant up to the watermark, ascending.
pub(crate) fn instants(case: &Case) -> Vec<i64> {
    let Some(first) = first_instant(case) else {
        return Vec::new();
    };
    let observed = seconds_observed(case, 0);
    let mut all = seconds_observed(case, 1);
    all.insert(first);
    all.extend(&observed);
    let stale: Vec<i64> = match case.max_age {
        Some(max_age) => observed
            .iter()
            .filter(|at| {
                observed
                    .range(**at + 1..=**at + max_age + 1)
                    .next()
                    .is_none()
            })
            .map(|at| at + max_age + 1)
            .collect(),
        None => Vec::new(),
    };
    all.extend(&stale);
    let every = |period: i64| (0..=case.watermark).filter(move |at| at % period == 0);
    match (&case.window, case.reach) {
        (
            Some(Window {
                every: Some(grid), ..
            }),
            _,
        ) => all.extend(every(grid.period.0)),
        (
            Some(Window {
                function: WindowFunction::TwapOfCloses(period),
                ..
            }),
            _,
        ) => all.extend(every(period.0)),
        (_, Reach::Last(reach)) => {
            all.extend(observed.iter().map(|at| at + reach.0));
            if case.ty != Type::Event {
                all.extend(stale.iter().map(|at| at + reach.0));
            }
        }
        (_, Reach::SinceInception) => {}
    }
    if case.reach == Reach::SinceInception {
        all.insert(inception(case));
    }
    all.retain(|instant| (first..=case.watermark).contains(instant));
    all.into_iter().collect()
}

/// What the window says at an instant, as a state is stored.
pub(crate) fn reading(case: &Case, now: i64) -> Json {
    match outcome(case, now) {
        Ok(units) => json!({ "Ok": units.to_string() }),
        Err(lack) => json!({ "Err": lack }),
    }
}

fn outcome(case: &Case, now: i64) -> Result<I512, Json> {
    let not_covered = || json!("not_covered");
    let Some(window) = &case.window else {
        let Reach::Last(reach) = case.reach else {
            panic!("a change has a length")
        };
        return match state(case, now - reach.0) {
            State::Nothing => Err(json!("no_observation")),
            State::Empty(at) => Err(json!({ "no_value": at })),
            State::Stale(since) => Err(json!({ "stale": since })),
            State::Value(value) => Ok(units(&value)),
        };
    };
    let end = match &window.every {
        Some(grid) => now - now % grid.period.0,
        None => now,
    };
    let start = match window.reach {
        Reach::Last(reach) => end - reach.0,
        Reach::SinceInception => inception(case),
    };
    if end < start {
        return Err(json!({ "not_yet": start }));
    }
    let is_covered = |known: usize, all: usize| {
        let needed = units(&Value::Decimal(window.coverage)) * whole(all);
        whole(known) * I512::try_from(SCALE).unwrap() >= needed
    };
    let in_force: Vec<Option<Value>> = (start..end).map(|second| known(case, second)).collect();
    let values: Vec<&Value> = in_force.iter().flatten().collect();
    if let WindowFunction::TwapOfCloses(period) = window.function {
        let ends = (start + 1..=end).filter(|at| at.rem_euclid(period.0) == 0);
        let closes: Vec<Option<Value>> = ends.map(|at| known(case, at - 1)).collect();
        let known: Vec<&Value> = closes.iter().flatten().collect();
        if known.is_empty() || !is_covered(known.len(), closes.len()) {
            return Err(not_covered());
        }
        return Ok(sum(&known) / whole(known.len()));
    }
    if case.ty != Type::Event && !is_covered(values.len(), in_force.len()) {
        return Err(not_covered());
    }
    match window.function {
        WindowFunction::Twap | WindowFunction::TwapOfCloses(_) => {
            if values.is_empty() {
                return Err(not_covered());
            }
            Ok(sum(&values) / whole(values.len()))
        }
        WindowFunction::GeoTwap => {
            if values.is_empty() {
                return Err(not_covered());
            }
            let mut logarithms = LogFixed::default();
            for value in &values {
                let Value::Decimal(value) = value else {
                    panic!("of decimals alone")
                };
                let Some(logarithm) = real::ln(*value) else {
                    return Err(json!("not_positive"));
                };
                logarithms += logarithm;
            }
            let seconds = i64::try_from(values.len()).unwrap();
            let mean: Decimal = real::geometric_mean(logarithms, seconds).unwrap();
            Ok(units(&Value::Decimal(mean)))
        }
        WindowFunction::Min | WindowFunction::Max => {
            let arriving = known(case, end);
            let all = values.into_iter().chain(&arriving).map(units);
            let extreme = match window.function {
                WindowFunction::Min => all.min(),
                _ => all.max(),
            };
            extreme.ok_or_else(not_covered)
        }
        function => inside(case, function, start, end),
    }
}

/// What comes of the observations in (start, end].
fn inside(case: &Case, function: WindowFunction, start: i64, end: i64) -> Result<I512, Json> {
    let mut rows: Vec<&InputObservation> = case
        .observations
        .iter()
        .filter(|seen| seen.input == 0 && start < seen.observed_at.0 && seen.observed_at.0 <= end)
        .collect();
    rows.dedup();
    let lacking = rows.iter().find(|row| row.value.is_none());
    if case.ty == Type::Event {
        if function == WindowFunction::Count {
            return Ok(whole(rows.len()) * I512::try_from(SCALE).unwrap());
        }
        if let Some(lacking) = lacking {
            return Err(json!({ "no_value": lacking.observed_at.0 }));
        }
    }
    let values: Vec<&Value> = rows.iter().filter_map(|row| row.value.as_ref()).collect();
    if values.is_empty() && case.ty != Type::Event {
        return Err(json!("empty"));
    }
    match function {
        WindowFunction::Count => Ok(whole(values.len()) * I512::try_from(SCALE).unwrap()),
        WindowFunction::Sum => {
            let sum = sum(&values);
            let largest = match case.ty {
                Type::Duration => I512::try_from(i64::MAX).unwrap(),
                _ => (I512::ONE << 255_usize) - I512::ONE,
            };
            let least = match case.ty {
                Type::Duration => -largest - I512::ONE,
                _ => -largest,
            };
            if least <= sum && sum <= largest {
                Ok(sum)
            } else {
                Err(json!("overflow"))
            }
        }
        WindowFunction::Mean => Ok(sum(&values) / whole(values.len())),
        _ => {
            let mut sorted: Vec<I512> = values.iter().map(|value| units(value)).collect();
            sorted.sort();
            let middle = sorted.len() / 2;
            Ok(if sorted.len() % 2 == 1 {
                sorted[middle]
            } else {
                (sorted[middle - 1] + sorted[middle]) / whole(2)
            })
        }
    }
}

fn sum(values: &[&Value]) -> I512 {
    values
        .iter()
        .fold(I512::ZERO, |sum, value| sum + units(value))
}
