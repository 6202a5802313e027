//! Walking a checked expression.

use super::ir::{Expr, ExprKind, FixedTime, InputIndex, Reach, Window};
use crate::diagnostic::Span;

impl Expr {
    /// The expressions directly below this one, in the order in which they are written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Input(_)
            | ExprKind::Age(_)
            | ExprKind::Window(_)
            | ExprKind::At { .. }
            | ExprKind::Change { .. }
            | ExprKind::Happened(_) => Vec::new(),
            ExprKind::Negate(x) | ExprKind::Absolute(x) | ExprKind::Not(x) => vec![x],
            ExprKind::OneOf { value, .. } => vec![value],
            ExprKind::Drop { value, from } => vec![value, from],
            ExprKind::MedianOf { values, .. } => values.iter().collect(),
            ExprKind::KOf { conditions, .. } => conditions.iter().collect(),
            ExprKind::Linear { value, from, to } => vec![value, from, to],
            ExprKind::Tiers { value, tiers } => {
                let parts = tiers.iter().map(|(_, part)| part);
                core::iter::once(&**value).chain(parts).collect()
            }
            ExprKind::Tick {
                value,
                strike,
                per,
                limit,
            } => vec![value, strike, per, limit],
            ExprKind::Case { arms, otherwise } => {
                let arms = arms
                    .iter()
                    .flat_map(|(condition, value)| [condition, value]);
                arms.chain([&**otherwise]).collect()
            }
            ExprKind::DistanceKm(places) => places.iter().collect(),
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::And(left, right) | ExprKind::Or(left, right) => vec![left, right],
            ExprKind::Min(values) | ExprKind::Max(values) => values.iter().collect(),
            ExprKind::Clamp { value, low, high } => vec![value, low, high],
            ExprKind::Holds(holds) => vec![&holds.condition, &holds.recover],
        }
    }

    /// The same, to change them.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Literal(_)
            | ExprKind::Input(_)
            | ExprKind::Age(_)
            | ExprKind::Window(_)
            | ExprKind::At { .. }
            | ExprKind::Change { .. }
            | ExprKind::Happened(_) => Vec::new(),
            ExprKind::Negate(x) | ExprKind::Absolute(x) | ExprKind::Not(x) => vec![x],
            ExprKind::OneOf { value, .. } => vec![value],
            ExprKind::Drop { value, from } => vec![value, from],
            ExprKind::MedianOf { values, .. } => values.iter_mut().collect(),
            ExprKind::KOf { conditions, .. } => conditions.iter_mut().collect(),
            ExprKind::Linear { value, from, to } => vec![value, from, to],
            ExprKind::Tiers { value, tiers } => {
                let parts = tiers.iter_mut().map(|(_, part)| part);
                core::iter::once(&mut **value).chain(parts).collect()
            }
            ExprKind::Tick {
                value,
                strike,
                per,
                limit,
            } => vec![value, strike, per, limit],
            ExprKind::Case { arms, otherwise } => {
                let arms = arms
                    .iter_mut()
                    .flat_map(|(condition, value)| [condition, value]);
                arms.chain([&mut **otherwise]).collect()
            }
            ExprKind::DistanceKm(places) => places.iter_mut().collect(),
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::And(left, right) | ExprKind::Or(left, right) => vec![left, right],
            ExprKind::Min(values) | ExprKind::Max(values) => values.iter_mut().collect(),
            ExprKind::Clamp { value, low, high } => vec![value, low, high],
            ExprKind::Holds(holds) => vec![&mut holds.condition, &mut holds.recover],
        }
    }

    /// Gives every node the span that `map` makes of its own.
    pub fn map_spans(&mut self, map: &impl Fn(Span) -> Span) {
        self.span = map(self.span);
        for child in self.children_mut() {
            child.map_spans(map);
        }
    }

    /// The same without places, to compare meaning.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        self.map_spans(&|_| Span::default());
        self
    }

    /// The inputs it mentions, in the order of their first mention.
    pub fn inputs(&self) -> Vec<InputIndex> {
        let mut seen = Vec::new();
        self.collect_inputs(&mut seen);
        seen
    }

    /// Whether its value depends on when a policy began.
    pub fn mentions_inception(&self) -> bool {
        let own = match &self.kind {
            ExprKind::At { time, .. } => *time == FixedTime::Inception,
            ExprKind::Window(window) => window.reach == Reach::SinceInception,
            _ => false,
        };
        own || self.children().into_iter().any(Self::mentions_inception)
    }

    fn collect_inputs(&self, seen: &mut Vec<InputIndex>) {
        let own = match &self.kind {
            ExprKind::Input(input)
            | ExprKind::Age(input)
            | ExprKind::Happened(input)
            | ExprKind::At { input, .. }
            | ExprKind::Change { input, .. }
            | ExprKind::Window(Window { input, .. }) => Some(*input),
            _ => None,
        };
        seen.extend(own.filter(|input| !seen.contains(input)));
        for child in self.children() {
            child.collect_inputs(seen);
        }
    }
}
