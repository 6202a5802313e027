//! Expressions: the values, the truth and the beginnings of one, over all instants.

use super::{Condition, History, arithmetic, functions};
use crate::decimal::Rounding;
use crate::eval::outcome::Unknown;
use crate::lang::ir::{ArithmeticOp, Expr, ExprKind, InputIndex};
use crate::time::Timestamp;
use crate::value::Value;

impl History<'_> {
    /// The values of `expr` at `instants`.
    pub(super) fn values(
        &self,
        expr: &Expr,
        instants: &[Timestamp],
    ) -> Vec<Result<Value, Unknown>> {
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
            ExprKind::Window(window) => {
                instants.iter().map(|at| self.window(window, *at)).collect()
            }
            ExprKind::At { input, time } => instants
                .iter()
                .map(|at| self.as_of(input.0, *time, *at))
                .collect(),
            ExprKind::Change { input, window } => instants
                .iter()
                .map(|at| {
                    let now = self.in_force(input.0, *at)?;
                    let before = self.in_force(input.0, *at - *window)?;
                    arithmetic::calculate(
                        ArithmeticOp::Subtract,
                        Rounding::Truncate,
                        &[now, before],
                    )
                })
                .collect(),
            ExprKind::Drop { value, from } => several(&[value, from])
                .into_iter()
                .map(|row| functions::drop(&row?))
                .collect(),
            ExprKind::MedianOf {
                values,
                quorum,
                spread,
            } => self
                .rows(values, instants)
                .iter()
                .map(|row| functions::median_of(expr.ty, row, *quorum, *spread))
                .collect(),
            ExprKind::Linear { value, from, to } => several(&[value, from, to])
                .into_iter()
                .map(|row| functions::linear(&row?))
                .collect(),
            ExprKind::Tiers { value, tiers } => {
                let bounds: Vec<&Value> = tiers.iter().map(|(bound, _)| bound).collect();
                let parts = self.rows(tiers.iter().map(|(_, part)| part), instants);
                one(value)
                    .into_iter()
                    .zip(parts)
                    .map(|(value, parts)| functions::tier(&value?, &bounds, &parts))
                    .collect()
            }
            ExprKind::Tick {
                value,
                strike,
                per,
                limit,
            } => several(&[value, strike, per, limit])
                .into_iter()
                .map(|row| functions::tick(&row?))
                .collect(),
            ExprKind::Case { arms, otherwise } => self.cases(arms, otherwise, instants),
            ExprKind::DistanceKm(places) => several(&places.iter().collect::<Vec<_>>())
                .into_iter()
                .map(|row| functions::distance_km(&row?))
                .collect(),
            _ => self
                .conditions(expr, instants)
                .into_iter()
                .map(|truth| truth.map(Value::Bool))
                .collect(),
        }
    }

    /// At each of the `instants`, the values of several expressions.
    fn rows<'e>(
        &self,
        parts: impl IntoIterator<Item = &'e Expr>,
        instants: &[Timestamp],
    ) -> Vec<Vec<Result<Value, Unknown>>> {
        let columns: Vec<_> = parts
            .into_iter()
            .map(|part| self.values(part, instants))
            .collect();
        (0..instants.len()).map(|at| row_of(&columns, at)).collect()
    }

    fn cases(
        &self,
        arms: &[(Expr, Expr)],
        otherwise: &Expr,
        instants: &[Timestamp],
    ) -> Vec<Result<Value, Unknown>> {
        let conditions: Vec<_> = arms
            .iter()
            .map(|(condition, _)| self.conditions(condition, instants))
            .collect();
        let values = self.rows(arms.iter().map(|(_, value)| value), instants);
        let otherwise = self.values(otherwise, instants);
        (0..instants.len())
            .map(|at| {
                let arms: Vec<_> = row_of(&conditions, at)
                    .into_iter()
                    .zip(values[at].iter().cloned())
                    .collect();
                functions::case(&arms, &otherwise[at])
            })
            .collect()
    }

    /// The truth of `expr` at `instants`.
    pub(super) fn conditions(&self, expr: &Expr, instants: &[Timestamp]) -> Vec<Condition> {
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
            ExprKind::Happened(InputIndex(input)) => instants
                .iter()
                .map(|at| Ok(self.last(*input, *at).is_some()))
                .collect(),
            ExprKind::KOf { needed, conditions } => {
                let columns: Vec<_> = conditions
                    .iter()
                    .map(|condition| self.conditions(condition, instants))
                    .collect();
                (0..instants.len())
                    .map(|at| functions::k_of(*needed, &row_of(&columns, at)))
                    .collect()
            }
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
    pub(super) fn began(&self, expr: &Expr, instants: &[Timestamp]) -> Vec<Option<Timestamp>> {
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
            ExprKind::KOf { needed, conditions } => {
                let columns: Vec<_> = conditions
                    .iter()
                    .map(|condition| self.began(condition, instants))
                    .collect();
                (0..instants.len())
                    .map(|at| {
                        let mut begun: Vec<_> =
                            row_of(&columns, at).into_iter().flatten().collect();
                        begun.sort_unstable();
                        begun.get((*needed as usize).checked_sub(1)?).copied()
                    })
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
}

fn row_of<T: Clone>(columns: &[Vec<T>], at: usize) -> Vec<T> {
    columns.iter().map(|column| column[at].clone()).collect()
}

pub(super) fn kleene_and(left: Condition, right: Condition) -> Condition {
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
