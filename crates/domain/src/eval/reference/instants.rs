//! The instants of a risk: every second at which the value of something that is watched can change.

use super::History;
use crate::calendar;
use crate::eval::outcome::InputObservation;
use crate::lang::ir::{Expr, ExprKind, FixedTime, Grid, Holds, InputIndex, Reach, WindowFunction};
use crate::time::{Seconds, Timestamp};
use crate::value::{Type, Value};

impl History<'_> {
    fn first_instant(&self, evaluate_from: Option<Timestamp>) -> Option<Timestamp> {
        let times = self.observations.iter().map(|seen| seen.observed_at);
        match (times.min(), evaluate_from) {
            (Some(first), Some(from)) if first <= from => Some(from),
            (first, _) => first,
        }
    }

    /// Every instant of the risk, in order.
    pub(super) fn instants(&self, evaluate_from: Option<Timestamp>) -> Vec<Timestamp> {
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
        for expr in self.moving_by_themselves() {
            self.own_instants(expr, first, &mut instants);
        }
        instants.retain(|at| first <= *at && *at <= self.watermark);
        instants.sort_unstable();
        instants.dedup();
        // Up to the earliest one that is still missing, every replay is right.
        while let Some(missing) = self
            .missing_deadline(&self.cover.trigger.when, &instants)
            .into_iter()
            .chain(self.missing_settlement(&instants))
            .min()
        {
            instants.push(missing);
            instants.sort_unstable();
        }
        instants
    }

    /// The expressions that are watched all the time, not only looked up once.
    fn moving_by_themselves(&self) -> Vec<&Expr> {
        let settled = self
            .cover
            .payout
            .settle
            .map(|_| &self.cover.payout.fraction);
        core::iter::once(&self.cover.trigger.when)
            .chain(settled)
            .collect()
    }

    /// The instants at which `expr` can change although nothing is observed.
    fn own_instants(&self, expr: &Expr, first: Timestamp, instants: &mut Vec<Timestamp>) {
        match &expr.kind {
            ExprKind::Window(window) => {
                match (&window.every, window.function, window.reach) {
                    (Some(grid), _, _) => self.boundaries(grid, first, instants),
                    (None, WindowFunction::TwapOfCloses(period), _) => {
                        let ends = Grid { period, zone: None };
                        self.boundaries(&ends, first, instants);
                    }
                    (None, _, Reach::Last(reach)) => {
                        self.exits(window.input.0, reach, instants);
                    }
                    (None, _, Reach::SinceInception) => {}
                }
                if window.reach == Reach::SinceInception {
                    instants.extend(self.inception);
                }
            }
            ExprKind::Change { input, window } => self.exits(input.0, *window, instants),
            ExprKind::At {
                time: FixedTime::Time(time),
                ..
            } => instants.push(*time),
            ExprKind::At {
                time: FixedTime::Inception,
                ..
            } => instants.extend(self.inception),
            _ => {}
        }
        for part in expr.children() {
            self.own_instants(part, first, instants);
        }
    }

    /// `reach` after every second at which what is known of `input` can change.
    fn exits(&self, input: usize, reach: Seconds, instants: &mut Vec<Timestamp>) {
        let is_event = self.cover.inputs[input].ty == Type::Event;
        let max_age = self.cover.inputs[input].max_age.filter(|_| !is_event);
        for seen in self.observations.iter().filter(|seen| seen.input == input) {
            let at = seen.observed_at;
            instants.push(at + reach);
            if let Some(max_age) = max_age {
                let stale = at + max_age + Seconds(1);
                instants.push(self.unless_observed(input, at, stale) + reach);
            }
        }
    }

    /// The boundaries of a grid from `first` to the watermark.
    fn boundaries(&self, grid: &Grid, first: Timestamp, instants: &mut Vec<Timestamp>) {
        let mut next = calendar::next_boundary(grid, first - Seconds(1));
        while let Some(boundary) = next.filter(|boundary| *boundary <= self.watermark) {
            instants.push(boundary);
            next = calendar::next_boundary(grid, boundary);
        }
    }

    /// The first end of a settlement that is not among the `instants`.
    fn missing_settlement(&self, instants: &[Timestamp]) -> Option<Timestamp> {
        let settle = self.cover.payout.settle?;
        let truths = self.conditions(&self.cover.trigger.when, instants);
        self.met(instants, &truths)
            .into_iter()
            .map(|(at, _)| instants[at] + settle)
            .filter(|end| *end <= self.watermark && !instants.contains(end))
            .min()
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
}
