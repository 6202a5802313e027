//! Walking a checked expression.

use super::ir::{Expr, ExprKind, InputIndex};
use crate::diagnostic::Span;

impl Expr {
    /// The expressions directly below this one, in the order in which they are written.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Input(_) | ExprKind::Age(_) => Vec::new(),
            ExprKind::Negate(x) | ExprKind::Absolute(x) | ExprKind::Not(x) => vec![x],
            ExprKind::OneOf { value, .. } => vec![value],
            ExprKind::Arithmetic { left, right, .. } | ExprKind::Compare { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::And(left, right) | ExprKind::Or(left, right) => vec![left, right],
            ExprKind::Min(values) | ExprKind::Max(values) => values.iter().collect(),
            ExprKind::Clamp { value, low, high } => vec![value, low, high],
            ExprKind::Holds(holds) => vec![&holds.condition, &holds.recover],
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            ExprKind::Literal(_) | ExprKind::Input(_) | ExprKind::Age(_) => Vec::new(),
            ExprKind::Negate(x) | ExprKind::Absolute(x) | ExprKind::Not(x) => vec![x],
            ExprKind::OneOf { value, .. } => vec![value],
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

    fn collect_inputs(&self, seen: &mut Vec<InputIndex>) {
        if let ExprKind::Input(input) | ExprKind::Age(input) = &self.kind
            && !seen.contains(input)
        {
            seen.push(*input);
        }
        for child in self.children() {
            child.collect_inputs(seen);
        }
    }
}
