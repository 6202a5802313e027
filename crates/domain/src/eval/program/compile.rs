//! From checked expressions to the flat program. Constant parts are computed here, once.

mod functions;
mod windows;

use super::{AgeLimit, Counter, EvidenceBegins, HoldsSpec, InputSpec, Mentioned, Node, Program};
use crate::cover::{Cover, Input, Rearm};
use crate::eval::exact::Units;
use crate::eval::quiet::Quiet;
use crate::eval::scalar::Cause;
use crate::eval::view::View;
use crate::lang::ir::{CompareOp, Expr, ExprKind, Holds, InputIndex};
use crate::time::Timestamp;
use crate::value::{Type, Value};

pub(super) fn compile(cover: &Cover) -> Program {
    let mut program = Program {
        inputs: cover
            .inputs
            .iter()
            .map(|input| spec(input, &cover.inputs))
            .collect(),
        input_names: cover
            .inputs
            .iter()
            .map(|input| input.name.clone())
            .collect(),
        nodes: Vec::new(),
        holds: Vec::new(),
        counters: 0,
        runs: Vec::new(),
        age_limits: Vec::new(),
        windows: Vec::new(),
        fixed: Vec::new(),
        inception: Mentioned::Nowhere,
        trigger: 0,
        payout: 0,
        settle: cover.payout.settle,
        guards: Vec::new(),
        rearm: Rearm::Never,
        evidence_begins: EvidenceBegins::WithTheBreach,
        quiet: None,
    };
    program.trigger = program.dated(&cover.trigger.when);
    let payout = match cover.payout.settle {
        Some(_) => Place::Settling,
        None => Place::Payout,
    };
    program.payout = program.expression(&cover.payout.fraction, payout);
    program.guards = cover
        .guards
        .iter()
        .map(|guard| program.expression(&guard.condition, Place::Payout))
        .collect();
    program.rearm = cover.trigger.rearm;
    if !(program.holds.is_empty()
        || (program.holds.len() == 1
            && demands_a_breach(&cover.trigger.when)
            && !counts_conditions(&cover.trigger.when)))
    {
        program.evidence_begins = EvidenceBegins::WithTheMemory;
    }
    program.quiet = Quiet::of(&program);
    program
}

fn spec(input: &Input, all: &[Input]) -> InputSpec {
    let named = |other: &Input| other.source.is_some() && other.source == input.source;
    let same = |other: &Input| named(other) || core::ptr::eq(other, input);
    InputSpec {
        ty: input.ty,
        max_age: input.max_age,
        stream: all.iter().position(same).unwrap_or_default(),
        windows: Vec::new(),
        fixed: Vec::new(),
    }
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Trigger,
    /// A payout that is sought until a loss has settled: it makes instants, but `age` makes none.
    Settling,
    /// A payout or a guard: evaluated when there is a loss, it makes no instants.
    Payout,
}

impl Place {
    fn makes_instants(self) -> bool {
        match self {
            Self::Trigger | Self::Settling => true,
            Self::Payout => false,
        }
    }
}

impl Program {
    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A condition of which it matters since when it is true: of `holds`, `and` and `or` that follows from their parts,
    /// anything else is tracked.
    fn dated(&mut self, expr: &Expr) -> usize {
        match &expr.kind {
            ExprKind::And(left, right) => {
                let (left, right) = (self.dated(left), self.dated(right));
                self.push(Node::And(left, right))
            }
            ExprKind::Or(left, right) => {
                let (left, right) = (self.dated(left), self.dated(right));
                self.push(Node::Or(left, right))
            }
            ExprKind::KOf { needed, conditions } => {
                let conditions = conditions.iter().map(|part| self.dated(part)).collect();
                self.k_of(*needed, conditions)
            }
            ExprKind::Holds(holds) => self.holds(holds, Place::Trigger),
            _ => {
                let of = self.expression(expr, Place::Trigger);
                let slot = self.runs.len();
                self.runs.push(of);
                self.push(Node::Run { of, slot })
            }
        }
    }

    fn expression(&mut self, expr: &Expr, place: Place) -> usize {
        if !is_constant(expr) {
            return self.operation(expr, place);
        }
        let before = self.nodes.len();
        let root = self.operation(expr, place);
        let view = View {
            program: self,
            inputs: &[],
            breaches: &[],
            memory: None,
            now: Timestamp(0),
        };
        let folded = match view.value(root) {
            Ok(value) => Node::Literal(value.to_value()),
            Err(cause) => Node::Failed(cause),
        };
        self.nodes.truncate(before);
        self.push(folded)
    }

    fn operation(&mut self, expr: &Expr, place: Place) -> usize {
        let node = match &expr.kind {
            ExprKind::Literal(value) => Node::Literal(value.clone()),
            ExprKind::Input(input) => match self.input(*input) {
                // That something happened is no value.
                Some(input) if self.inputs[input].ty != Type::Event => Node::Input(input),
                _ => Node::Failed(Cause::Unchecked),
            },
            ExprKind::Age(input) => match self.input(*input) {
                Some(input) if place != Place::Trigger => Node::Age(input),
                _ => Node::Failed(Cause::Unchecked),
            },
            ExprKind::Negate(operand) => Node::Negate(self.expression(operand, place)),
            ExprKind::Absolute(operand) => Node::Absolute(self.expression(operand, place)),
            ExprKind::Arithmetic {
                op,
                rounding,
                left,
                right,
            } => Node::Arithmetic {
                op: *op,
                rounding: *rounding,
                left: self.expression(left, place),
                right: self.expression(right, place),
            },
            ExprKind::Compare { op, left, right } => self.comparison(*op, left, right, place),
            ExprKind::OneOf { value, choices } => Node::OneOf {
                value: self.expression(value, place),
                choices: choices.clone(),
            },
            ExprKind::Not(operand) => Node::Not(self.expression(operand, place)),
            ExprKind::And(left, right) => {
                Node::And(self.expression(left, place), self.expression(right, place))
            }
            ExprKind::Or(left, right) => {
                Node::Or(self.expression(left, place), self.expression(right, place))
            }
            ExprKind::Min(operands) => Node::Min(self.expressions(operands, place)),
            ExprKind::Max(operands) => Node::Max(self.expressions(operands, place)),
            ExprKind::Clamp { value, low, high } => Node::Clamp {
                value: self.expression(value, place),
                low: self.expression(low, place),
                high: self.expression(high, place),
            },
            ExprKind::Holds(holds) => return self.holds(holds, place),
            ExprKind::Window(window) => self.window(window, expr.ty, place),
            ExprKind::Change { input, window } => self.change(*input, *window, expr.ty, place),
            ExprKind::At { input, time } => self.at(*input, *time, place),
            ExprKind::Happened(_)
            | ExprKind::Drop { .. }
            | ExprKind::MedianOf { .. }
            | ExprKind::KOf { .. }
            | ExprKind::Linear { .. }
            | ExprKind::Tiers { .. }
            | ExprKind::Tick { .. }
            | ExprKind::Case { .. }
            | ExprKind::DistanceKm(_) => return self.function(expr, place),
        };
        self.push(node)
    }

    fn expressions(&mut self, operands: &[Expr], place: Place) -> Vec<usize> {
        operands
            .iter()
            .map(|operand| self.expression(operand, place))
            .collect()
    }

    fn input(&self, input: InputIndex) -> Option<usize> {
        (input.0 < self.inputs.len()).then_some(input.0)
    }

    fn comparison(&mut self, op: CompareOp, left: &Expr, right: &Expr, place: Place) -> Node {
        let left = self.compared(left, place);
        let right = self.compared(right, place);
        match (&self.nodes[left], &self.nodes[right]) {
            (Node::Age(input), Node::Literal(Value::Duration(limit)))
            | (Node::Literal(Value::Duration(limit)), Node::Age(input))
                if place == Place::Trigger =>
            {
                self.age_limits.push(AgeLimit {
                    input: *input,
                    limit: *limit,
                });
            }
            (Node::Age(_), Node::Literal(_) | Node::Failed(_))
            | (Node::Literal(_) | Node::Failed(_), Node::Age(_)) => {}
            // Its instants would not be known.
            (Node::Age(_), _) | (_, Node::Age(_)) if place == Place::Trigger => {
                return Node::Failed(Cause::Unchecked);
            }
            (Node::Input(input), Node::Literal(Value::Decimal(limit))) => {
                return Node::Against {
                    input: *input,
                    op,
                    limit: Units::from(*limit),
                };
            }
            (Node::Window(window), Node::Literal(limit))
                if self.windows[*window].ty == limit.ty() =>
            {
                if let Some(limit) = Units::of(limit) {
                    return Node::WindowAgainst {
                        window: *window,
                        op,
                        limit,
                    };
                }
            }
            _ => {}
        }
        Node::Compare { op, left, right }
    }

    /// One side of a comparison, the one place of a trigger where `age` may stand.
    fn compared(&mut self, side: &Expr, place: Place) -> usize {
        match &side.kind {
            ExprKind::Age(input) => match self.input(*input) {
                Some(input) => self.push(Node::Age(input)),
                None => self.push(Node::Failed(Cause::Unchecked)),
            },
            _ => self.expression(side, place),
        }
    }

    fn holds(&mut self, holds: &Holds, place: Place) -> usize {
        let condition = self.expression(&holds.condition, place);
        let recover = match &holds.recover.kind {
            // A silent `recover:`; what the condition computes need not be computed twice.
            ExprKind::Not(negated) if **negated == holds.condition => {
                self.push(Node::Not(condition))
            }
            _ => self.expression(&holds.recover, place),
        };
        let mut inputs: Vec<usize> = [&holds.condition, &holds.recover]
            .into_iter()
            .flat_map(Expr::inputs)
            .filter_map(|input| self.input(input))
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        // One observation is no requirement: a breach that time alone began (an age limit) need not have any.
        let counter = usize::try_from(holds.observations)
            .ok()
            .filter(|needed| *needed > 1);
        let counter = counter.map(|needed| {
            self.counters += 1;
            Counter {
                needed,
                slot: self.counters - 1,
            }
        });
        self.holds.push(HoldsSpec {
            condition,
            recover,
            window: holds.window,
            at_least: holds.at_least,
            confirm: holds.confirm,
            inputs,
            counter,
        });
        let index = self.holds.len() - 1;
        self.push(Node::Holds(index))
    }
}

/// Whether the trigger is a `holds`, or `and` joins one to it.
fn demands_a_breach(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(left, right) => demands_a_breach(left) || demands_a_breach(right),
        ExprKind::Holds(_) => true,
        _ => false,
    }
}

/// Whether the trigger is a `k_of`, or `and` and `or` join one to it.
fn counts_conditions(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(left, right) | ExprKind::Or(left, right) => {
            counts_conditions(left) || counts_conditions(right)
        }
        ExprKind::KOf { .. } => true,
        _ => false,
    }
}

/// The same at every instant. A `holds` never is: even of constants it takes time.
fn is_constant(expr: &Expr) -> bool {
    !matches!(
        expr.kind,
        ExprKind::Input(_)
            | ExprKind::Age(_)
            | ExprKind::Happened(_)
            | ExprKind::Window(_)
            | ExprKind::Change { .. }
            | ExprKind::At { .. }
            | ExprKind::Holds(_)
    ) && expr.children().into_iter().all(is_constant)
}
