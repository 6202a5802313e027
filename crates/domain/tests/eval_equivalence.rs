//! Two engines, one meaning: on random covers and random streams, the incremental engine says what the naive evaluator
//! says, however the observations are batched, interleaved, repeated, and interrupted by restarts.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "by_hand/expressions.rs"]
mod by_hand;
#[path = "eval_equivalence/covers.rs"]
mod covers;
#[path = "eval_equivalence/streams.rs"]
mod streams;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use streams::{Case, Delivery, SOURCES, Turn};
use tocsin_domain::cover::Rearm;
use tocsin_domain::eval::reference::{self, Evaluation};
use tocsin_domain::eval::{
    InputObservation, Intake, Known, LossEvent, Part, Program, RiskState, Truth, Unknown,
};
use tocsin_domain::evidence::LookBack;
use tocsin_domain::lang::ir::{Expr, ExprKind};
use tocsin_domain::time::{Seconds, Timestamp};

/// The environment's `PROPTEST_CASES` goes before it.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 1_500,
        ..ProptestConfig::default()
    }
}

fn expected(case: &Case, watermark: Timestamp) -> Evaluation {
    // The naive evaluator does not depend on any order either.
    let reversed: Vec<InputObservation> = case.observations.iter().rev().cloned().collect();
    reference::evaluate(&case.cover, case.start(), &reversed, watermark)
}

fn at_once(case: &Case, program: &Program) -> (RiskState, Vec<LossEvent>) {
    let mut state = RiskState::new(program, case.start());
    let events = program
        .advance(&mut state, &case.observations, case.watermark)
        .unwrap();
    (state, events)
}

fn restarted(state: &RiskState) -> RiskState {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

/// The observations after `from` and up to `to`.
fn between(case: &Case, from: Option<Timestamp>, to: Timestamp) -> Vec<InputObservation> {
    let is_new = |seen: &&InputObservation| {
        from.is_none_or(|from| from < seen.observed_at) && seen.observed_at <= to
    };
    case.observations.iter().filter(is_new).cloned().collect()
}

/// Delivers each source's observations in its own order, sources taking turns as `delivery` says.
fn interleaved(case: &Case, delivery: &Delivery, program: &Program) -> (RiskState, Vec<LossEvent>) {
    let mut state = RiskState::new(program, case.start());
    let mut intake = Intake::new(program, &state, SOURCES);
    let mut events = Vec::new();
    let mut queues: Vec<Vec<InputObservation>> = vec![Vec::new(); SOURCES];
    for seen in case.observations.iter().rev() {
        queues[delivery.slots[seen.input]].push(seen.clone());
    }
    let mut report = |intake: &mut Intake, slot: usize, to: Timestamp| {
        if let Some(batch) = intake.reported(slot, to).unwrap() {
            events.extend(
                program
                    .advance(&mut state, batch.observations, batch.watermark)
                    .unwrap(),
            );
        }
    };
    for (slot, turn) in &delivery.turns {
        let slot = *slot;
        match turn {
            Turn::Observe | Turn::Repeat => {
                let Some(seen) = queues[slot].pop() else {
                    continue;
                };
                if matches!(turn, Turn::Repeat) {
                    intake.observe(slot, seen.clone()).unwrap();
                }
                intake.observe(slot, seen).unwrap();
            }
            Turn::Report => match queues[slot].last() {
                Some(next) => report(&mut intake, slot, next.observed_at - Seconds(1)),
                None => report(&mut intake, slot, case.watermark),
            },
        }
    }
    for (slot, queue) in queues.into_iter().enumerate() {
        for seen in queue.into_iter().rev() {
            intake.observe(slot, seen).unwrap();
        }
        report(&mut intake, slot, case.watermark);
    }
    (state, events)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(
        (case, delivery) in streams::cases_and_deliveries()
    ) {
        let program = Program::compile(&case.cover);
        let expected_at_end = expected(&case, case.watermark);
        let (state, events) = at_once(&case, &program);
        prop_assert_eq!(&events, &expected_at_end.events, "{}", case.shown());
        prop_assert_eq!(program.truth(&state), expected_at_end.truth, "{}", case.shown());
        prop_assert_eq!(state.has_begun(), !expected_at_end.instants.is_empty());

        // In batches, with restarts; what is known in between is known then.
        let mut batched = RiskState::new(&program, case.start());
        let mut batched_events = Vec::new();
        let watermarks = delivery.batches.iter().copied().filter(|(at, _)| *at < case.watermark);
        for (watermark, restart) in watermarks.chain([(case.watermark, true)]) {
            let new = between(&case, batched.evaluated_to(), watermark);
            batched_events.extend(program.advance(&mut batched, &new, watermark).unwrap());
            if restart {
                let again = restarted(&batched);
                prop_assert_eq!(&again, &batched);
                batched = again;
                let expected = expected(&case, watermark);
                prop_assert_eq!(&batched_events, &expected.events);
                prop_assert_eq!(program.truth(&batched), expected.truth);
            }
        }
        prop_assert_eq!(&batched_events, &events);
        prop_assert_eq!(&batched, &state);

        let (merged, merged_events) = interleaved(&case, &delivery, &program);
        prop_assert_eq!(&merged_events, &events);
        prop_assert_eq!(&merged, &state);
    }

    #[test]
    fn many_risks_in_one_batch_are_each_as_if_alone(
        (case, delivery) in streams::cases_and_deliveries(),
        herd in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize), 1..100),
    ) {
        let program = Program::compile(&case.cover);
        // Each risk has what the case has up to some batch, and each batch names them in an order of its own.
        let mut watermarks: Vec<Timestamp> = delivery.batches.iter().map(|(at, _)| *at).collect();
        watermarks.push(case.watermark);
        watermarks.sort_unstable();
        watermarks.dedup();
        let mut together = vec![RiskState::new(&program, case.start()); herd.len()];
        let mut alone = together.clone();
        let mut met = vec![Vec::new(); herd.len()];
        let mut met_alone = met.clone();
        for (round, watermark) in watermarks.iter().enumerate() {
            let mut order: Vec<usize> = (0..herd.len()).collect();
            order.sort_by_key(|risk| herd[*risk].0.index(1 + risk + 7 * round));
            // Some have nothing in this batch.
            order.retain(|risk| (round + herd[*risk].1) % 4 != 0);
            let rows: Vec<Vec<InputObservation>> = order
                .iter()
                .map(|risk| between(&case, together[*risk].evaluated_to(), *watermark))
                .collect();
            let parts = order.iter().zip(&rows).map(|(risk, observations)| Part {
                risk: *risk,
                observations,
                watermark: *watermark,
            });
            program
                .advance_each(&mut together, parts, |risk, event| met[risk].push(event))
                .unwrap();
            for (risk, rows) in order.iter().zip(&rows) {
                let events = program.advance(&mut alone[*risk], rows, *watermark).unwrap();
                met_alone[*risk].extend(events);
            }
        }
        prop_assert_eq!(&together, &alone);
        prop_assert_eq!(&met, &met_alone);
    }

    #[test]
    fn a_loss_can_be_evaluated_again_from_its_evidence(case in streams::cases()) {
        let program = Program::compile(&case.cover);
        let all = expected(&case, case.watermark);
        let first = case.observations.first().map(|seen| seen.observed_at);
        let inception = case.inception.or(first);
        let mut previous = None;
        for event in &all.events {
            let begins = LookBack::of(&case.cover).begins(event.evidence_from, inception);
            let (before, after): (Vec<_>, Vec<_>) = case
                .observations
                .iter()
                .filter(|seen| seen.observed_at <= event.settled_at)
                .cloned()
                .partition(|seen| seen.observed_at <= begins);
            let carried = (0..case.cover.inputs.len())
                .filter_map(|input| before.iter().rfind(|seen| seen.input == input).cloned());
            let mut evidence: Vec<InputObservation> = carried.chain(after).collect();
            evidence.sort_by_key(|seen| (seen.observed_at, seen.input, seen.sequence));
            let found = [LossEvent { ordinal: 1, ..event.clone() }];
            let known = Known {
                evidence_from: event.evidence_from,
                inception,
                occurred_at: event.occurred_at,
                previous,
                already_true: false,
                was_false: true,
            };
            let shown = known.readings().map(|known| {
                let again = reference::evaluate_evidence(&case.cover, known, &evidence, event.settled_at);
                let mut state = RiskState::from_evidence(&program, known);
                let events = program.advance(&mut state, &evidence, event.settled_at).unwrap();
                assert_eq!(again.events, events);
                events == found
            });
            // Of two plain conditions joined by `or`, one may have been true before the evidence and the other not.
            let undecided = case.cover.trigger.rearm != Rearm::Never && plain_alternatives(&case.cover.trigger.when) > 1;
            prop_assert!(
                undecided || shown.contains(&true),
                "{event:?} after {previous:?} is not found again in {}",
                case.shown()
            );
            previous = Some(event.confirmed_at);
        }
    }

    #[test]
    fn before_the_next_deadline_time_alone_changes_nothing(case in streams::cases()) {
        let program = Program::compile(&case.cover);
        let (state, _) = at_once(&case, &program);
        let quiet_until = match program.next_deadline(&state) {
            Some(deadline) => deadline - Seconds(1),
            None => case.watermark + Seconds(1_000_000),
        };
        prop_assert!(quiet_until >= case.watermark);
        let mut later = state.clone();
        let events = program.advance(&mut later, &[], quiet_until).unwrap();
        prop_assert_eq!(events, vec![]);
        prop_assert_eq!(program.truth(&later), program.truth(&state));
        prop_assert_eq!(program.next_deadline(&later), program.next_deadline(&state));
    }
}

/// How many conditions other than `holds` the trigger joins, if `or` or `k_of` is among what joins them.
fn plain_alternatives(expr: &Expr) -> usize {
    fn plain(expr: &Expr) -> usize {
        match &expr.kind {
            ExprKind::And(left, right) | ExprKind::Or(left, right) => plain(left) + plain(right),
            ExprKind::KOf { conditions, .. } => conditions.iter().map(plain).sum(),
            ExprKind::Holds(_) => 0,
            _ => 1,
        }
    }
    match &expr.kind {
        ExprKind::And(left, right) => plain_alternatives(left).max(plain_alternatives(right)),
        ExprKind::Or(..) | ExprKind::KOf { .. } => plain(expr),
        _ => 0,
    }
}

/// A property that nothing interesting ever reaches proves nothing.
#[test]
fn random_cases_are_interesting() {
    let mut runner = TestRunner::deterministic();
    let strategy = streams::cases();
    let mut seen = Seen::default();
    for _ in 0..1_000 {
        seen.look_at(&strategy.new_tree(&mut runner).unwrap().current());
    }
    let often = |count: usize, least: usize| assert!(count >= least, "of 1000 cases: {seen:?}");
    often(seen.events, 300);
    often(seen.second_events, 20);
    often(seen.paid, 150);
    often(seen.unpayable, 20);
    often(seen.met_later, 50);
    often(seen.met_by_observation, 20);
    often(seen.recoveries, 50);
    often(seen.gaps, 30);
    often(seen.second_breaches, 30);
    often(seen.mixed_unknown, 100);
    often(seen.evaluated_late, 100);
    often(seen.stale, 100);
    often(seen.failed_arithmetic, 15);
}

/// In how many cases something happened.
#[derive(Default, Debug)]
struct Seen {
    events: usize,
    second_events: usize,
    paid: usize,
    unpayable: usize,
    /// A breach that was met some time after it began.
    met_later: usize,
    met_by_observation: usize,
    recoveries: usize,
    gaps: usize,
    second_breaches: usize,
    /// The trigger was known at one instant and unknown at another.
    mixed_unknown: usize,
    evaluated_late: usize,
    stale: usize,
    failed_arithmetic: usize,
}

impl Seen {
    fn look_at(&mut self, case: &Case) {
        let program = Program::compile(&case.cover);
        let mut state = RiskState::new(&program, case.start());
        let instants = expected(case, case.watermark).instants;
        let mut events = Vec::new();
        let mut truths = Vec::new();
        let mut breaches: Vec<Vec<String>> = Vec::new();
        for instant in &instants {
            let new = between(case, state.evaluated_to(), *instant);
            events.extend(program.advance(&mut state, &new, *instant).unwrap());
            truths.push(program.truth(&state));
            breaches.push(breach_kinds(&state));
        }
        let count = |happened: bool| usize::from(happened);
        let steps = |from: &str, to: &str| {
            let pairs = breaches.iter().zip(breaches.iter().skip(1));
            pairs
                .flat_map(|(before, after)| before.iter().zip(after))
                .filter(|(before, after)| *before == from && *after == to)
                .count()
        };
        let any_unknown = |is: &dyn Fn(&Unknown) -> bool| {
            truths
                .iter()
                .any(|truth| matches!(truth, Truth::Unknown(unknown) if is(unknown)))
        };
        self.events += count(!events.is_empty());
        self.second_events += count(events.len() > 1);
        self.paid += count(events.iter().any(|event| event.payout.is_ok()));
        self.unpayable += count(events.iter().any(|event| event.payout.is_err()));
        self.met_later += count(
            events
                .iter()
                .any(|event| event.confirmed_at > event.occurred_at),
        );
        self.met_by_observation += count(events.iter().any(|event| {
            let observed = |at| case.observations.iter().any(|seen| seen.observed_at == at);
            event.confirmed_at > event.occurred_at && observed(event.confirmed_at)
        }));
        self.recoveries += count(steps("open", "idle") > 0);
        self.gaps += count(steps("open", "gap") > 0);
        self.second_breaches += count(steps("idle", "open") > 1);
        self.mixed_unknown += count(
            any_unknown(&|_| true)
                && truths
                    .iter()
                    .any(|truth| !matches!(truth, Truth::Unknown(_))),
        );
        self.evaluated_late += count(
            case.observations
                .iter()
                .any(|seen| Some(seen.observed_at) < case.evaluate_from),
        );
        self.stale += count(any_unknown(&|unknown| {
            matches!(unknown, Unknown::Stale { .. })
        }));
        let failed =
            |unknown: &Unknown| matches!(unknown, Unknown::Overflow | Unknown::DivisionByZero);
        let failed_payout = events
            .iter()
            .any(|event| event.payout.as_ref().is_err_and(failed));
        self.failed_arithmetic += count(any_unknown(&failed) || failed_payout);
    }
}

/// `open`, `gap` and so on of each `holds`, as the stored state spells them.
fn breach_kinds(state: &RiskState) -> Vec<String> {
    let stored = serde_json::to_value(state).unwrap();
    let breaches = stored["breaches"].as_array().unwrap();
    breaches
        .iter()
        .map(|breach| match breach {
            serde_json::Value::String(kind) => kind.clone(),
            other => other.as_object().unwrap().keys().next().unwrap().clone(),
        })
        .collect()
}
