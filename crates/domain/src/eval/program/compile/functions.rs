//! The functions of several operands, from checked expressions to nodes.

use super::{Node, Place, Program};
use crate::eval::scalar::Cause;
use crate::lang::ir::{Expr, ExprKind};
use crate::value::Type;

impl Program {
    /// Compiles one of the functions below; anything else is unchecked.
    pub(super) fn function(&mut self, expr: &Expr, place: Place) -> usize {
        let node = match &expr.kind {
            ExprKind::Happened(input) => match self.input(*input) {
                Some(input) if self.inputs[input].ty == Type::Event => Node::Happened(input),
                _ => Node::Failed(Cause::Unchecked),
            },
            ExprKind::Drop { value, from } => Node::Drop {
                value: self.expression(value, place),
                from: self.expression(from, place),
            },
            ExprKind::MedianOf {
                values,
                quorum,
                spread,
            } => Node::MedianOf {
                values: self.expressions(values, place),
                quorum: usize::try_from(*quorum).unwrap_or(usize::MAX),
                spread: *spread,
            },
            ExprKind::KOf { needed, conditions } => {
                let conditions = self.expressions(conditions, place);
                return self.k_of(*needed, conditions);
            }
            ExprKind::Linear { value, from, to } => Node::Linear {
                value: self.expression(value, place),
                from: self.expression(from, place),
                to: self.expression(to, place),
            },
            ExprKind::Tiers { value, tiers } => Node::Tiers {
                value: self.expression(value, place),
                tiers: tiers
                    .iter()
                    .map(|(bound, part)| (bound.clone(), self.expression(part, place)))
                    .collect(),
            },
            ExprKind::Tick {
                value,
                strike,
                per,
                limit,
            } => Node::Tick {
                value: self.expression(value, place),
                strike: self.expression(strike, place),
                per: self.expression(per, place),
                limit: self.expression(limit, place),
            },
            ExprKind::Case { arms, otherwise } => Node::Case {
                arms: arms
                    .iter()
                    .map(|(condition, value)| {
                        let condition = self.expression(condition, place);
                        (condition, self.expression(value, place))
                    })
                    .collect(),
                otherwise: self.expression(otherwise, place),
            },
            ExprKind::DistanceKm(places) => {
                Node::DistanceKm(places.each_ref().map(|part| self.expression(part, place)))
            }
            _ => Node::Failed(Cause::Unchecked),
        };
        self.push(node)
    }

    /// Whether `needed` of these are true.
    pub(super) fn k_of(&mut self, needed: u32, conditions: Vec<usize>) -> usize {
        self.push(Node::KOf {
            needed: usize::try_from(needed).unwrap_or(usize::MAX),
            conditions,
        })
    }
}
