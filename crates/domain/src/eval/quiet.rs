//! The quick way through observations that change nothing.
//!
//! Most observations of most risks are of a price that is where it always is. Where the trigger is one `holds` over
//! thresholds of one decimal input, that can be seen from the value and the times alone, and such observations are
//! passed over together. Whatever is not surely quiet (an empty row, a value beyond 128 bits, one that comes after the
//! last one became too old or at a deadline) goes the common way, so that both ways say the same.

use super::exact::narrow_units;
use super::outcome::InputObservation;
use super::program::{Node, Program};
use super::state::Breach;
use crate::lang::ir::CompareOp;
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

/// When a value changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Quiet {
    /// Where the condition is true.
    condition: Range,
    /// Where the recovery is true.
    recover: Range,
    max_age: Option<Seconds>,
    window: Seconds,
}

/// Numbers of units, both ends included; none where they cross.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    least: i128,
    greatest: i128,
}

impl Range {
    #[inline]
    fn contains(self, units: i128) -> bool {
        self.least <= units && units <= self.greatest
    }

    fn of(op: CompareOp, limit: i128) -> Option<Self> {
        let (least, greatest) = match op {
            CompareOp::Less => (i128::MIN, limit.checked_sub(1)?),
            CompareOp::LessOrEqual => (i128::MIN, limit),
            CompareOp::Greater => (limit.checked_add(1)?, i128::MAX),
            CompareOp::GreaterOrEqual => (limit, i128::MAX),
            CompareOp::Equal => (limit, limit),
            CompareOp::NotEqual => return None,
        };
        Some(Self { least, greatest })
    }

    fn complement(self) -> Option<Self> {
        match (self.least, self.greatest) {
            (i128::MIN, greatest) => Some(Self {
                least: greatest.checked_add(1)?,
                greatest: i128::MAX,
            }),
            (least, i128::MAX) => Some(Self {
                least: i128::MIN,
                greatest: least.checked_sub(1)?,
            }),
            _ => None,
        }
    }
}

impl Quiet {
    /// For a program of the kind described above.
    pub(super) fn of(program: &Program) -> Option<Self> {
        let [input] = &*program.inputs else {
            return None;
        };
        let [holds] = &*program.holds else {
            return None;
        };
        let is_plain = !program.has_memory()
            && program.runs.is_empty()
            && program.age_limits.is_empty()
            && holds.counter.is_none()
            && matches!(program.nodes[program.trigger], Node::Holds(0));
        if !is_plain {
            return None;
        }
        Some(Self {
            condition: range(program, holds.condition)?,
            recover: range(program, holds.recover)?,
            max_age: input.max_age,
            window: holds.window,
        })
    }

    /// How many of these observations, which come after the one at `last`, leave `breach` as it stands, and its value
    /// with it. They end with a second, not within one.
    #[inline]
    pub(super) fn passes(
        self,
        breach: Breach,
        last: Timestamp,
        observations: &[InputObservation],
    ) -> usize {
        let nothing = Range {
            least: 1,
            greatest: 0,
        };
        // Outside the first or inside the second.
        let (moving, settled, until) = match breach {
            Breach::Idle => (self.condition, self.recover, Timestamp(i64::MAX)),
            Breach::Open { since } => (self.recover, nothing, since + self.window),
            Breach::Met { .. } => (self.recover, nothing, Timestamp(i64::MAX)),
            Breach::Unsure | Breach::Gap { .. } => return 0,
        };
        let fresh_for = self.max_age.map_or(Seconds(i64::MAX), |max_age| {
            Seconds(max_age.0.saturating_add(1))
        });
        let mut last = last;
        let mut passed = 0;
        let mut rest = observations.iter().enumerate().peekable();
        while let Some((index, observation)) = rest.next() {
            let now = observation.observed_at;
            if rest.peek().is_some_and(|(_, next)| next.observed_at == now) {
                // The last of a second decides.
                continue;
            }
            let Some(Value::Decimal(value)) = &observation.value else {
                break;
            };
            let Some(units) = narrow_units(*value) else {
                break;
            };
            let is_quiet = !moving.contains(units) || settled.contains(units);
            if !is_quiet || now >= until || now > last + fresh_for {
                break;
            }
            last = now;
            passed = index + 1;
        }
        passed
    }
}

/// Where a condition over the one input is true.
fn range(program: &Program, node: usize) -> Option<Range> {
    match &program.nodes[node] {
        Node::Against { op, limit, .. } => Range::of(*op, limit.narrow()?),
        Node::Not(operand) => range(program, *operand)?.complement(),
        Node::And(left, right) => {
            let (left, right) = (range(program, *left)?, range(program, *right)?);
            Some(Range {
                least: left.least.max(right.least),
                greatest: left.greatest.min(right.greatest),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_say_what_comparisons_say() {
        let values = [i128::MIN, -2, -1, 0, 1, 2, i128::MAX];
        for op in [
            CompareOp::Less,
            CompareOp::LessOrEqual,
            CompareOp::Greater,
            CompareOp::GreaterOrEqual,
            CompareOp::Equal,
        ] {
            for limit in [-1, 0, 1] {
                let range = Range::of(op, limit).unwrap();
                for value in values {
                    let accepts = super::super::scalar::accepts(op, value.cmp(&limit));
                    assert_eq!(range.contains(value), accepts);
                    if let Some(complement) = range.complement() {
                        assert_eq!(complement.contains(value), !accepts);
                    }
                }
            }
        }
        assert_eq!(Range::of(CompareOp::Less, i128::MIN), None);
        assert_eq!(Range::of(CompareOp::NotEqual, 0), None);
    }
}
