//! What every part of the terms is worth at one instant.

use super::History;
use crate::cover::Cover;
use crate::eval::outcome::{InputObservation, Unknown};
use crate::eval::state::Start;
use crate::lang::ir::{Expr, ExprKind};
use crate::time::Timestamp;
use crate::value::Value;

/// One expression of a cover, or a part of one, and its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspected {
    /// How deep it stands: 0 for the whole expression.
    pub depth: usize,
    /// As a cover would write it.
    pub text: String,
    /// As of the instant.
    pub value: Result<Value, Unknown>,
    /// Of a `holds` alone: its breach, if there is one. The value of an open one is no more than "not yet".
    pub breach: Option<Breach>,
}

/// A breach that began and was not recovered from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Breach {
    /// It does not count so far.
    Open {
        /// When it began.
        since: Timestamp,
        /// When the time to recover is over.
        deadline: Timestamp,
    },
    /// It counts.
    Met {
        /// When it began.
        since: Timestamp,
    },
}

/// The values of the cover's trigger, payout and guards, in that order, and of all their parts, as of `at`; `None` before
/// the first instant of the risk. Literals are left out.
pub fn inspect(
    cover: &Cover,
    start: Start,
    observations: &[InputObservation],
    at: Timestamp,
) -> Option<Vec<Inspected>> {
    let history = History::new(cover, start, None, observations, at);
    let mut instants = history.instants(start.evaluate_from);
    if *instants.last()? < at {
        instants.push(at);
    }
    let names = cover.input_names();
    let mut inspected = Vec::new();
    for expr in cover.expressions() {
        history.inspect(expr, (&instants, &names), 0, &mut inspected);
    }
    Some(inspected)
}

impl History<'_> {
    fn inspect(
        &self,
        expr: &Expr,
        (instants, names): (&[Timestamp], &[&str]),
        depth: usize,
        inspected: &mut Vec<Inspected>,
    ) {
        if matches!(expr.kind, ExprKind::Literal(_)) {
            return;
        }
        // Only a `holds` has a past of its own.
        let needed = if remembers(expr) {
            instants
        } else {
            instants
                .split_last()
                .map_or(instants, |(last, _)| core::slice::from_ref(last))
        };
        let value = self.values(expr, needed).pop();
        inspected.push(Inspected {
            depth,
            text: expr.text(names).to_string(),
            value: value.unwrap_or(Err(Unknown::NotBegun)),
            breach: self.breach(expr, needed),
        });
        for part in expr.children() {
            self.inspect(part, (instants, names), depth + 1, inspected);
        }
    }

    fn breach(&self, expr: &Expr, instants: &[Timestamp]) -> Option<Breach> {
        let ExprKind::Holds(holds) = &expr.kind else {
            return None;
        };
        let last = self.replay(holds, instants).pop()?;
        let open = last.open_since().map(|since| Breach::Open {
            since,
            deadline: since + holds.window,
        });
        open.or_else(|| last.met_since().map(|since| Breach::Met { since }))
    }
}

fn remembers(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Holds(_)) || expr.children().into_iter().any(remembers)
}
