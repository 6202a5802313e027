//! The naive evaluator: the meaning of a cover, computed from the whole history, with no thought for speed.
//!
//! It is what the incremental engine is held equal to, and shares nothing with it but the checked expressions, decimals
//! and the names of the outcomes. Each expression becomes the series of its values over all instants, found by
//! searching the observations anew for every one of them; a `holds` is replayed from the first instant each time.

mod arithmetic;
mod replay;

use self::replay::State;
use super::outcome::{InputObservation, LossEvent, Truth, Unknown};
use super::state::{Known, Start};
use crate::cover::{Cover, Rearm};
use crate::decimal::Decimal;
use crate::lang::ir::{Expr, ExprKind, Holds, InputIndex};
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// What the observations of a risk amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evaluation {
    /// The loss events, in order.
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

/// The same from the evidence of one loss event.
pub fn evaluate_evidence(
    cover: &Cover,
    known: Known,
    observations: &[InputObservation],
    confirmed_at: Timestamp,
) -> Evaluation {
    let start = Start {
        evaluate_from: Some(known.evidence_from),
        inception: known.inception,
    };
    evaluate_after(cover, start, Some(known), observations, confirmed_at)
}

fn evaluate_after(
    cover: &Cover,
    start: Start,
    known: Option<Known>,
    observations: &[InputObservation],
    watermark: Timestamp,
) -> Evaluation {
    let history = History {
        cover,
        observations: observations
            .iter()
            .filter(|seen| seen.observed_at <= watermark)
            .collect(),
        watermark,
        known,
    };
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
}

impl<'a> History<'a> {
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

    fn first_instant(&self, evaluate_from: Option<Timestamp>) -> Option<Timestamp> {
        let times = self.observations.iter().map(|seen| seen.observed_at);
        match (times.min(), evaluate_from) {
            (Some(first), Some(from)) if first <= from => Some(from),
            (first, _) => first,
        }
    }

    /// Every instant of the risk, in order.
    fn instants(&self, evaluate_from: Option<Timestamp>) -> Vec<Timestamp> {
        let Some(first) = self.first_instant(evaluate_from) else {
            return Vec::new();
        };
        let mut instants = vec![first];
        for seen in &self.observations {
            let at = seen.observed_at;
            instants.push(at);
            if let Some(max_age) = self.cover.inputs[seen.input].max_age {
                instants.push(self.unless_observed(seen.input, at, at + max_age + Seconds(1)));
            }
            for limit in self.age_limits(&self.cover.trigger.when, seen.input) {
                instants.push(self.unless_observed(seen.input, at, at + limit));
                instants.push(self.unless_observed(seen.input, at, at + limit + Seconds(1)));
            }
        }
        instants.retain(|at| first <= *at && *at <= self.watermark);
        instants.sort_unstable();
        instants.dedup();
        // Up to the earliest deadline that is still missing, every replay is right.
        while let Some(deadline) = self.missing_deadline(&self.cover.trigger.when, &instants) {
            instants.push(deadline);
            instants.sort_unstable();
        }
        instants
    }

    /// `then`, unless `input` is observed after `since` and before it; `since` itself in that case.
    fn unless_observed(&self, input: usize, since: Timestamp, then: Timestamp) -> Timestamp {
        let between = |seen: &&InputObservation| {
            seen.input == input && since < seen.observed_at && seen.observed_at < then
        };
        if self.observations.iter().copied().any(|seen| between(&seen)) {
            since
        } else {
            then
        }
    }

    fn age_limits(&self, expr: &Expr, input: usize) -> Vec<Seconds> {
        if let ExprKind::Compare { left, right, .. } = &expr.kind {
            for (side, other) in [(left, right), (right, left)] {
                if side.kind == ExprKind::Age(InputIndex(input))
                    && let [Ok(Value::Duration(limit))] = self.values(other, &[Timestamp(0)])[..]
                {
                    return vec![limit];
                }
            }
        }
        expr.children()
            .into_iter()
            .flat_map(|part| self.age_limits(part, input))
            .collect()
    }

    fn missing_deadline(&self, expr: &Expr, instants: &[Timestamp]) -> Option<Timestamp> {
        let inside = expr
            .children()
            .into_iter()
            .filter_map(|part| self.missing_deadline(part, instants));
        let own = match &expr.kind {
            ExprKind::Holds(holds) => self.own_missing_deadline(holds, instants),
            _ => None,
        };
        inside.chain(own).min()
    }

    fn own_missing_deadline(&self, holds: &Holds, instants: &[Timestamp]) -> Option<Timestamp> {
        let states = self.replay(holds, instants);
        (0..instants.len()).find_map(|at| {
            let deadline = states[at].open_since()? + holds.window;
            let before_next = match instants.get(at + 1) {
                Some(next) => deadline < *next,
                None => deadline <= self.watermark,
            };
            (deadline > instants[at] && before_next).then_some(deadline)
        })
    }

    /// The values of `expr` at `instants`.
    fn values(&self, expr: &Expr, instants: &[Timestamp]) -> Vec<Result<Value, Unknown>> {
        let one = |part: &Expr| self.values(part, instants);
        let several = |parts: &[&Expr]| {
            let columns: Vec<_> = parts.iter().map(|part| one(part)).collect();
            let row = |at: usize| -> Result<Vec<Value>, Unknown> {
                columns.iter().map(|column| column[at].clone()).collect()
            };
            (0..instants.len()).map(row).collect::<Vec<_>>()
        };
        match &expr.kind {
            ExprKind::Literal(value) => vec![Ok(value.clone()); instants.len()],
            ExprKind::Input(InputIndex(input)) => instants
                .iter()
                .map(|at| self.in_force(*input, *at))
                .collect(),
            ExprKind::Age(InputIndex(input)) => instants
                .iter()
                .map(|at| match self.last(*input, *at) {
                    Some(last) => Ok(Value::Duration(at.since(last.observed_at))),
                    None => Err(Unknown::NoObservation { input: *input }),
                })
                .collect(),
            ExprKind::Negate(part) => one(part)
                .into_iter()
                .map(|value| arithmetic::negate(value?))
                .collect(),
            ExprKind::Absolute(part) => one(part)
                .into_iter()
                .map(|value| arithmetic::absolute(value?))
                .collect(),
            ExprKind::Arithmetic {
                op,
                rounding,
                left,
                right,
            } => several(&[left, right])
                .into_iter()
                .map(|row| arithmetic::calculate(*op, *rounding, &row?))
                .collect(),
            ExprKind::Min(parts) => several(&parts.iter().collect::<Vec<_>>())
                .into_iter()
                .map(|row| arithmetic::least(row?))
                .collect(),
            ExprKind::Max(parts) => several(&parts.iter().collect::<Vec<_>>())
                .into_iter()
                .map(|row| arithmetic::greatest(row?))
                .collect(),
            ExprKind::Clamp { value, low, high } => several(&[value, low, high])
                .into_iter()
                .map(|row| arithmetic::clamp(row?))
                .collect(),
            ExprKind::Window(_)
            | ExprKind::At { .. }
            | ExprKind::Change { .. }
            | ExprKind::Drop { .. }
            | ExprKind::Happened(_)
            | ExprKind::MedianOf { .. }
            | ExprKind::KOf { .. }
            | ExprKind::Linear { .. }
            | ExprKind::Tiers { .. }
            | ExprKind::Tick { .. }
            | ExprKind::Case { .. }
            | ExprKind::DistanceKm(_) => vec![Err(Unknown::Unchecked); instants.len()],
            _ => self
                .conditions(expr, instants)
                .into_iter()
                .map(|truth| truth.map(Value::Bool))
                .collect(),
        }
    }

    /// The truth of `expr` at `instants`.
    fn conditions(&self, expr: &Expr, instants: &[Timestamp]) -> Vec<Condition> {
        let both = |left: &Expr, right: &Expr| {
            self.conditions(left, instants)
                .into_iter()
                .zip(self.conditions(right, instants))
        };
        match &expr.kind {
            ExprKind::Not(part) => self
                .conditions(part, instants)
                .into_iter()
                .map(|truth| Ok(!truth?))
                .collect(),
            ExprKind::And(left, right) => both(left, right)
                .map(|(left, right)| kleene_and(left, right))
                .collect(),
            ExprKind::Or(left, right) => both(left, right)
                .map(|(left, right)| kleene_or(left, right))
                .collect(),
            ExprKind::Compare { op, left, right } => self
                .values(left, instants)
                .into_iter()
                .zip(self.values(right, instants))
                .map(|(left, right)| arithmetic::compare(*op, &left?, &right?))
                .collect(),
            ExprKind::OneOf { value, choices } => self
                .values(value, instants)
                .into_iter()
                .map(|value| match value? {
                    Value::Text(text) => Ok(choices.contains(&text)),
                    _ => Err(Unknown::Unchecked),
                })
                .collect(),
            ExprKind::Holds(holds) => self.replayed_values(holds, instants),
            _ => self
                .values(expr, instants)
                .into_iter()
                .map(|value| match value? {
                    Value::Bool(truth) => Ok(truth),
                    _ => Err(Unknown::Unchecked),
                })
                .collect(),
        }
    }

    /// Since when `expr` counts as begun, at the instants at which it is true.
    fn began(&self, expr: &Expr, instants: &[Timestamp]) -> Vec<Option<Timestamp>> {
        match &expr.kind {
            ExprKind::Holds(holds) => self
                .replay(holds, instants)
                .into_iter()
                .map(|state| state.met_since())
                .collect(),
            ExprKind::And(left, right) => {
                let (left, right) = (self.began(left, instants), self.began(right, instants));
                left.into_iter()
                    .zip(right)
                    .map(|pair| match pair {
                        (Some(left), Some(right)) => Some(left.max(right)),
                        _ => None,
                    })
                    .collect()
            }
            ExprKind::Or(left, right) => {
                let (left, right) = (self.began(left, instants), self.began(right, instants));
                left.into_iter()
                    .zip(right)
                    .map(|(left, right)| left.into_iter().chain(right).min())
                    .collect()
            }
            _ => {
                let truths = self.conditions(expr, instants);
                (0..instants.len())
                    .map(|at| {
                        let run = (0..=at)
                            .rev()
                            .take_while(|earlier| truths[*earlier] == Ok(true));
                        run.last().map(|start| match self.known {
                            Some(known) if start == 0 => known.first_run(instants[0]),
                            _ => instants[start],
                        })
                    })
                    .collect()
            }
        }
    }

    fn events(&self, instants: &[Timestamp], truths: &[Condition]) -> Vec<LossEvent> {
        let began = self.began(&self.cover.trigger.when, instants);
        let mut events: Vec<LossEvent> = Vec::new();
        for (at, confirmed_at) in instants.iter().copied().enumerate() {
            let (Ok(true), Some(occurred_at)) = (&truths[at], began[at]) else {
                continue;
            };
            if self
                .known
                .is_some_and(|known| occurred_at < known.occurred_at)
            {
                continue;
            }
            let before = self.known.and_then(|known| known.previous);
            let is_new = match (events.last(), before, self.cover.trigger.rearm) {
                (None, None, _) => true,
                (_, _, Rearm::Never) => false,
                // The trigger was false since then, perhaps before the evidence begins.
                (None, Some(before), Rearm::After(pause)) => occurred_at >= before + pause,
                (Some(last), _, Rearm::After(pause)) => {
                    let seen_false = (0..at).any(|earlier| {
                        instants[earlier] > last.confirmed_at && truths[earlier] == Ok(false)
                    });
                    seen_false && occurred_at >= last.confirmed_at + pause
                }
            };
            if is_new {
                events.push(LossEvent {
                    ordinal: u32::try_from(events.len() + 1).unwrap_or(u32::MAX),
                    occurred_at,
                    confirmed_at,
                    settled_at: confirmed_at,
                    guards: Vec::new(),
                    evidence_from: self
                        .decisive(instants, at, occurred_at)
                        .into_iter()
                        .fold(occurred_at, Timestamp::min),
                    payout: self.payout(confirmed_at),
                    inputs: (0..self.cover.inputs.len())
                        .map(|input| self.in_force(input, confirmed_at))
                        .collect(),
                });
            }
        }
        events
    }

    /// Where evaluating anew must begin to find what the `holds` of the trigger say: at an instant, and where the breach
    /// began that occurred there.
    fn decisive(
        &self,
        instants: &[Timestamp],
        at: usize,
        occurred_at: Timestamp,
    ) -> Vec<Timestamp> {
        let when = &self.cover.trigger.when;
        let every: Vec<Vec<State>> = all_holds(when)
            .into_iter()
            .map(|holds| self.replay(holds, instants))
            .collect();
        if let ([only], true) = (every.as_slice(), demands_a_breach(when)) {
            return only[at].met_since().into_iter().collect();
        }
        let remembering_since = |at: usize| {
            let remembered = (0..=at)
                .rev()
                .take_while(|earlier| every.iter().any(|states| states[*earlier] != State::Idle));
            remembered.last().map(|first| instants[first])
        };
        let began_here = self.run_began_at(when, instants, at, occurred_at);
        let there = instants.iter().position(|instant| *instant == occurred_at);
        let there = there.filter(|_| began_here).and_then(remembering_since);
        remembering_since(at).into_iter().chain(there).collect()
    }

    /// Whether a part of the trigger other than a `holds` is true at an instant since `began`.
    fn run_began_at(
        &self,
        expr: &Expr,
        instants: &[Timestamp],
        at: usize,
        began: Timestamp,
    ) -> bool {
        match &expr.kind {
            ExprKind::And(left, right) | ExprKind::Or(left, right) => [left, right]
                .into_iter()
                .any(|part| self.run_began_at(part, instants, at, began)),
            ExprKind::Holds(_) => false,
            _ => self.began(expr, instants)[at] == Some(began),
        }
    }

    fn payout(&self, at: Timestamp) -> Result<Decimal, Unknown> {
        match self.values(&self.cover.payout.fraction, &[at]).pop() {
            Some(Ok(Value::Decimal(fraction))) => {
                let zero_to_one = Decimal::ZERO..=Decimal::ONE;
                if zero_to_one.contains(&fraction) {
                    Ok(fraction)
                } else {
                    Err(Unknown::PayoutOutOfRange { fraction })
                }
            }
            Some(Err(unknown)) => Err(unknown),
            _ => Err(Unknown::Unchecked),
        }
    }
}

fn all_holds(expr: &Expr) -> Vec<&Holds> {
    let inside = expr.children().into_iter().flat_map(all_holds);
    let own = match &expr.kind {
        ExprKind::Holds(holds) => Some(&**holds),
        _ => None,
    };
    inside.chain(own).collect()
}

/// Whether the trigger is a `holds`, or `and` joins one to it.
fn demands_a_breach(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(left, right) => demands_a_breach(left) || demands_a_breach(right),
        ExprKind::Holds(_) => true,
        _ => false,
    }
}

fn kleene_and(left: Condition, right: Condition) -> Condition {
    if left == Ok(false) || right == Ok(false) {
        return Ok(false);
    }
    left?;
    right
}

fn kleene_or(left: Condition, right: Condition) -> Condition {
    if left == Ok(true) || right == Ok(true) {
        return Ok(true);
    }
    left?;
    right
}
