//! The value of each node of a program as of one instant of one risk.

mod functions;
mod past;

use super::outcome::Unknown;
use super::program::{Node, Program};
use super::scalar::{Cause, Known, Scalar, accepts};
use super::slot::Slot;
use super::standing::{Memory, Run};
use super::state::{Breach, Latest};
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// A risk as of `now`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) program: &'a Program,
    pub(super) inputs: &'a [Option<Latest>],
    pub(super) breaches: &'a [Breach],
    pub(super) memory: Option<&'a Memory>,
    pub(super) now: Timestamp,
}

impl<'a> View<'a> {
    /// The value of an input that is in force.
    #[inline]
    pub(super) fn in_force(&self, input: usize) -> Known<Scalar<'a>> {
        self.slot(input)?.get().ok_or(Cause::NoValue(input.into()))
    }

    /// The same where it lies; never an empty one.
    #[inline]
    fn slot(&self, input: usize) -> Known<&'a Slot> {
        let Some(latest) = &self.inputs[input] else {
            return Err(Cause::NoObservation(input.into()));
        };
        if matches!(latest.value, Slot::Empty) {
            return Err(Cause::NoValue(input.into()));
        }
        match self.program.inputs[input].max_age {
            Some(max_age) if self.now > latest.observed_at + max_age => {
                Err(Cause::Stale(input.into()))
            }
            _ => Ok(&latest.value),
        }
    }

    /// The value of a condition.
    #[inline(always)]
    pub(super) fn truth(&self, node: usize) -> Known<bool> {
        self.truth_at(&self.program.nodes[node])
    }

    #[inline(always)]
    fn truth_at(&self, node: &'a Node) -> Known<bool> {
        // The kinds that common triggers consist of, without a call.
        match node {
            Node::Holds(index) => match self.breaches[*index] {
                Breach::Met { .. } => Ok(true),
                Breach::Idle | Breach::Open { .. } => Ok(false),
                Breach::Unsure | Breach::Gap { .. } => Err(Cause::Holds((*index).into())),
            },
            Node::Against { input, op, limit } => match self.slot(*input)? {
                Slot::Decimal(value) => Ok(accepts(*op, value.cmp(limit))),
                _ => Err(Cause::Unchecked),
            },
            Node::WindowAgainst { window, op, limit } => {
                let said = self.said(*window)?;
                Ok(accepts(*op, said.cmp(limit)))
            }
            other => self.truth_of(other),
        }
    }

    /// The value of a condition of another kind than those that `truth` knows itself.
    fn truth_of(&self, node: &'a Node) -> Known<bool> {
        match node {
            Node::Compare { op, left, right } => {
                let left = self.value(*left)?;
                left.compare(*op, self.value(*right)?)
            }
            Node::OneOf { value, choices } => match self.value(*value)? {
                Scalar::Text(text) => Ok(choices.iter().any(|choice| choice == text)),
                _ => Err(Cause::Unchecked),
            },
            Node::Not(operand) => self.truth(*operand).map(|truth| !truth),
            // Kleene: one side can decide alone; else the left reason is the reason.
            Node::And(left, right) => match (self.truth(*left), self.truth(*right)) {
                (Ok(false), _) | (_, Ok(false)) => Ok(false),
                (Err(cause), _) | (_, Err(cause)) => Err(cause),
                (Ok(true), Ok(true)) => Ok(true),
            },
            Node::Or(left, right) => match (self.truth(*left), self.truth(*right)) {
                (Ok(true), _) | (_, Ok(true)) => Ok(true),
                (Err(cause), _) | (_, Err(cause)) => Err(cause),
                (Ok(false), Ok(false)) => Ok(false),
            },
            Node::KOf { needed, conditions } => self.k_of(*needed, conditions),
            Node::Happened(input) => Ok(self.inputs[*input].is_some()),
            Node::Case { arms, otherwise } => self.truth(self.case(arms, *otherwise)?),
            Node::At(_) => match self.value_of(node)? {
                Scalar::Bool(truth) => Ok(truth),
                _ => Err(Cause::Unchecked),
            },
            Node::Run { of, slot: _ } => self.truth(*of),
            Node::Literal(Value::Bool(truth)) => Ok(*truth),
            Node::Failed(cause) => Err(*cause),
            Node::Input(input) => match self.in_force(*input)? {
                Scalar::Bool(truth) => Ok(truth),
                _ => Err(Cause::Unchecked),
            },
            _ => Err(Cause::Unchecked),
        }
    }

    /// The value of any node.
    #[inline]
    pub(super) fn value(&self, node: usize) -> Known<Scalar<'a>> {
        self.value_of(&self.program.nodes[node])
    }

    fn value_of(&self, node: &'a Node) -> Known<Scalar<'a>> {
        match node {
            Node::Literal(value) => Ok(value.into()),
            Node::Failed(cause) => Err(*cause),
            Node::Input(input) => self.in_force(*input),
            Node::Age(input) => match &self.inputs[*input] {
                Some(latest) => Ok(Scalar::Duration(self.now.since(latest.observed_at))),
                None => Err(Cause::NoObservation((*input).into())),
            },
            Node::Negate(operand) => self.value(*operand)?.negate(),
            Node::Absolute(operand) => self.value(*operand)?.absolute(),
            Node::Arithmetic {
                op,
                rounding,
                left,
                right,
            } => {
                let left = self.value(*left)?;
                left.arithmetic(*op, *rounding, self.value(*right)?)
            }
            Node::Min(operands) => self.extreme(operands, |order| order.is_lt()),
            Node::Max(operands) => self.extreme(operands, |order| order.is_gt()),
            Node::Clamp { value, low, high } => {
                let value = self.value(*value)?;
                let low = self.value(*low)?;
                let high = self.value(*high)?;
                let capped = if value.order(high)?.is_gt() {
                    high
                } else {
                    value
                };
                Ok(if capped.order(low)?.is_lt() {
                    low
                } else {
                    capped
                })
            }
            Node::Window(window) => self.window(*window),
            Node::Change { input, window } => self.change(*input, *window),
            Node::At(fixed) => self.at(*fixed),
            Node::Drop { value, from } => self.drop(*value, *from),
            Node::MedianOf {
                values,
                quorum,
                spread,
            } => self.median_of(values, *quorum, *spread),
            Node::Linear { value, from, to } => self.linear(*value, *from, *to),
            Node::Tiers { value, tiers } => self.tiers(*value, tiers),
            Node::Tick {
                value,
                strike,
                per,
                limit,
            } => self.tick(*value, *strike, *per, *limit),
            Node::Case { arms, otherwise } => self.value(self.case(arms, *otherwise)?),
            Node::DistanceKm(places) => self.distance_km(*places),
            Node::Against { .. }
            | Node::WindowAgainst { .. }
            | Node::Compare { .. }
            | Node::OneOf { .. }
            | Node::Not(_)
            | Node::And(..)
            | Node::Or(..)
            | Node::KOf { .. }
            | Node::Happened(_)
            | Node::Holds(_)
            | Node::Run { .. } => self.truth_at(node).map(Scalar::Bool),
        }
    }

    fn extreme(
        &self,
        operands: &[usize],
        wins: impl Fn(core::cmp::Ordering) -> bool,
    ) -> Known<Scalar<'a>> {
        let mut best: Option<Scalar<'a>> = None;
        for operand in operands {
            let value = self.value(*operand)?;
            best = Some(match best {
                Some(best) if !wins(value.order(best)?) => best,
                _ => value,
            });
        }
        best.ok_or(Cause::Unchecked)
    }

    /// Since when a condition that is true counts as begun.
    pub(super) fn began(&self, node: usize, runs: &[Option<Run>]) -> Option<Timestamp> {
        match &self.program.nodes[node] {
            Node::Holds(index) => match self.breaches[*index] {
                Breach::Met { since } => Some(since),
                _ => None,
            },
            Node::And(left, right) => Some(self.began(*left, runs)?.max(self.began(*right, runs)?)),
            Node::Or(left, right) => match (self.began(*left, runs), self.began(*right, runs)) {
                (Some(left), Some(right)) => Some(left.min(right)),
                (left, right) => left.or(right),
            },
            Node::KOf { needed, conditions } => {
                let began = |part: &usize| self.began(*part, runs);
                let mut beginnings: Vec<Timestamp> = conditions.iter().filter_map(began).collect();
                beginnings.sort_unstable();
                beginnings.get(needed.checked_sub(1)?).copied()
            }
            Node::Run { of: _, slot } => runs[*slot].map(|run| run.since),
            _ => None,
        }
    }

    /// When the one `holds` of a program that has one began, if it is what makes a condition true.
    pub(super) fn only_breach(&self, node: usize) -> Option<Timestamp> {
        match &self.program.nodes[node] {
            Node::And(left, right) => self.only_breach(*left).or_else(|| self.only_breach(*right)),
            Node::Holds(index) => match self.breaches[*index] {
                Breach::Met { since } => Some(since),
                _ => None,
            },
            _ => None,
        }
    }

    /// The full reason behind a short one.
    pub(super) fn explain(&self, cause: Cause) -> Unknown {
        let observed_at = |input: usize| {
            self.inputs[input]
                .as_ref()
                .map_or(self.now, |latest| latest.observed_at)
        };
        match cause {
            Cause::NoObservation(input) => Unknown::NoObservation {
                input: input.into(),
            },
            Cause::NoValue(input) => {
                let input = usize::from(input);
                let since = observed_at(input);
                Unknown::NoValue { input, since }
            }
            Cause::Stale(input) => {
                let input = usize::from(input);
                let max_age = self.program.inputs[input].max_age.unwrap_or(Seconds(0));
                let since = observed_at(input) + max_age + Seconds(1);
                Unknown::Stale { input, since }
            }
            Cause::Overflow => Unknown::Overflow,
            Cause::DivisionByZero => Unknown::DivisionByZero,
            Cause::Unchecked => Unknown::Unchecked,
            Cause::TooFewSources => Unknown::TooFewSources,
            Cause::SourcesApart => Unknown::SourcesApart,
            Cause::NotPositive => Unknown::NotPositive,
            Cause::NoSlope => Unknown::NoSlope,
            Cause::NoSuchPlace => Unknown::NoSuchPlace,
            Cause::Window(index) => self.explain_window(index.into()),
            Cause::Fixed(index) => self.explain_fixed(index.into()),
            Cause::Holds(index) => self.explain_holds(index.into()),
        }
    }

    fn explain_holds(&self, index: usize) -> Unknown {
        let holds = &self.program.holds[index];
        let (condition, recover) = (self.truth(holds.condition), self.truth(holds.recover));
        match (self.breaches[index], condition, recover) {
            (Breach::Gap { since }, _, Err(cause)) => Unknown::Gap {
                since,
                cause: Box::new(self.explain(cause)),
            },
            // Idle and condition ∧ ¬recovery unknown: the left reason first.
            (_, Err(cause), _) | (_, _, Err(cause)) => self.explain(cause),
            (_, Ok(_), Ok(_)) => Unknown::Unchecked,
        }
    }
}
