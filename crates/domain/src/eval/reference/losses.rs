//! Loss events: where the trigger is met, since when, what it pays, and where evaluating it anew must begin.

use super::replay::State;
use super::{Condition, History};
use crate::cover::Rearm;
use crate::decimal::Decimal;
use crate::eval::outcome::{LossEvent, Unknown};
use crate::lang::ir::{Expr, ExprKind, Holds};
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

impl History<'_> {
    /// The loss events whose payout is settled, in order.
    pub(super) fn events(&self, instants: &[Timestamp], truths: &[Condition]) -> Vec<LossEvent> {
        let settle = self.cover.payout.settle.unwrap_or(Seconds(0));
        let mut events = Vec::new();
        for (at, occurred_at) in self.met(instants, truths) {
            let confirmed_at = instants[at];
            let settled_at = confirmed_at + settle;
            if settled_at > self.watermark {
                break;
            }
            let until_settled: Vec<Timestamp> = instants
                .iter()
                .copied()
                .filter(|instant| confirmed_at <= *instant && *instant <= settled_at)
                .collect();
            events.push(LossEvent {
                ordinal: u32::try_from(events.len() + 1).unwrap_or(u32::MAX),
                occurred_at,
                confirmed_at,
                settled_at,
                evidence_from: self
                    .decisive(instants, at, occurred_at)
                    .into_iter()
                    .fold(occurred_at, Timestamp::min),
                payout: self.payout(&until_settled),
                inputs: (0..self.cover.inputs.len())
                    .map(|input| self.in_force(input, confirmed_at))
                    .collect(),
                guards: self
                    .cover
                    .guards
                    .iter()
                    .flat_map(|guard| self.conditions(&guard.condition, &[confirmed_at]))
                    .collect(),
            });
        }
        events
    }

    /// The places of the instants at which a loss event is confirmed, each with when it occurred.
    pub(super) fn met(
        &self,
        instants: &[Timestamp],
        truths: &[Condition],
    ) -> Vec<(usize, Timestamp)> {
        let began = self.began(&self.cover.trigger.when, instants);
        let mut met: Vec<(usize, Timestamp)> = Vec::new();
        for at in 0..instants.len() {
            let (Ok(true), Some(occurred_at)) = (&truths[at], began[at]) else {
                continue;
            };
            if self
                .known
                .is_some_and(|known| occurred_at < known.occurred_at)
            {
                continue;
            }
            let last = met.last().map(|(last, _)| instants[*last]);
            let before = self.known.and_then(|known| known.previous);
            let is_new = match (last, before, self.cover.trigger.rearm) {
                (None, None, _) => true,
                (_, _, Rearm::Never) => false,
                (None, Some(before), Rearm::After(pause)) => {
                    // The trigger was false since then: before the evidence begins, or to be seen in it.
                    let seen_false = self
                        .known
                        .is_some_and(|known| known.was_false && before < known.evidence_from)
                        || (0..at).any(|earlier| {
                            instants[earlier] > before && truths[earlier] == Ok(false)
                        });
                    seen_false && occurred_at >= before + pause
                }
                (Some(last), _, Rearm::After(pause)) => {
                    let seen_false = (0..at)
                        .any(|earlier| instants[earlier] > last && truths[earlier] == Ok(false));
                    seen_false && occurred_at >= last + pause
                }
            };
            if is_new {
                met.push((at, occurred_at));
            }
        }
        met
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
        if let ([only], true) = (
            every.as_slice(),
            demands_a_breach(when) && !counts_conditions(when),
        ) {
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
            ExprKind::KOf { conditions, .. } => conditions
                .iter()
                .any(|part| self.run_began_at(part, instants, at, began)),
            ExprKind::Holds(_) => false,
            _ => self.began(expr, instants)[at] == Some(began),
        }
    }

    /// The largest known fraction at these instants, the first of which is the confirmation.
    fn payout(&self, instants: &[Timestamp]) -> Result<Decimal, Unknown> {
        let zero_to_one = Decimal::ZERO..=Decimal::ONE;
        let mut largest: Option<Decimal> = None;
        let mut reason = None;
        for fraction in self.values(&self.cover.payout.fraction, instants) {
            match fraction {
                Ok(Value::Decimal(fraction)) if zero_to_one.contains(&fraction) => {
                    largest = largest.max(Some(fraction));
                }
                Ok(Value::Decimal(fraction)) => {
                    return Err(Unknown::PayoutOutOfRange { fraction });
                }
                Ok(_) => return Err(Unknown::Unchecked),
                Err(unknown) => reason = reason.or(Some(unknown)),
            }
        }
        largest.ok_or(reason.unwrap_or(Unknown::Unchecked))
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

/// Whether `k_of` is, or joins, a part of the trigger.
fn counts_conditions(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(left, right) | ExprKind::Or(left, right) => {
            counts_conditions(left) || counts_conditions(right)
        }
        ExprKind::KOf { .. } => true,
        _ => false,
    }
}
