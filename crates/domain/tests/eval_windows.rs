//! What each window says, at which instants, against a recomputation second by second that remembers nothing.
//!
//! The stored state shows what a window said at the last instant; the recomputation says both from all observations.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "by_hand/expressions.rs"]
mod by_hand;
#[path = "eval_windows/cases.rs"]
mod cases;
#[path = "eval_windows/naive.rs"]
mod naive;

use cases::{Case, cases};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;
use tocsin_domain::eval::{InputObservation, Program, RiskState, Start};
use tocsin_domain::time::Timestamp;

fn new_state(case: &Case, program: &Program) -> RiskState {
    RiskState::new(
        program,
        Start {
            evaluate_from: case.evaluate_from.map(Timestamp),
            inception: case.inception.map(Timestamp),
        },
    )
}

/// The last instant, and what the window said then.
fn last_read(state: &RiskState) -> Option<(i64, Json)> {
    let stored = serde_json::to_value(state).unwrap();
    let memory = &stored["memory"];
    let instant = memory["instant"].as_i64()?;
    Some((instant, memory["windows"][0]["reading"].clone()))
}

fn restarted(state: &RiskState) -> RiskState {
    serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap()
}

fn taken_at(case: &Case, from: i64, to: i64) -> Vec<InputObservation> {
    let is_new = |seen: &&InputObservation| (from..=to).contains(&seen.observed_at.0);
    case.observations.iter().filter(is_new).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_window_says_what_every_second_of_it_says(case in cases()) {
        let program = Program::compile(&case.cover);
        let instants = naive::instants(&case);

        // Second by second, with a restart at each.
        let mut state = new_state(&case, &program);
        for now in 0..=case.watermark {
            program.advance(&mut state, &taken_at(&case, now, now), Timestamp(now)).unwrap();
            let again = restarted(&state);
            prop_assert_eq!(&again, &state);
            state = again;
            let last = instants.iter().rfind(|instant| **instant <= now);
            let expected = last.map(|last| (*last, naive::reading(&case, *last)));
            prop_assert_eq!(last_read(&state), expected, "at {}", now);
            let next = instants.iter().find(|instant| **instant > now);
            let announced = program.next_deadline(&state).map(|deadline| deadline.0);
            // What comes of observations is announced with them.
            if let Some(next) = next && case.observations[0].observed_at.0 <= now {
                let observed = case.observations.iter().any(|seen| seen.observed_at.0 == *next);
                prop_assert!(observed || announced == Some(*next), "{:?} after {} is {:?}", announced, now, next);
            }
        }

        // At once, and cut in two.
        let mut at_once = new_state(&case, &program);
        program.advance(&mut at_once, &case.observations, Timestamp(case.watermark)).unwrap();
        prop_assert_eq!(&at_once, &state);
        let mut halves = new_state(&case, &program);
        let cut = case.cut.min(case.watermark);
        program.advance(&mut halves, &taken_at(&case, 0, cut), Timestamp(cut)).unwrap();
        program.advance(&mut halves, &taken_at(&case, cut + 1, case.watermark), Timestamp(case.watermark)).unwrap();
        prop_assert_eq!(&halves, &state);
    }

    #[test]
    fn a_window_of_the_payout_is_read_at_the_confirmation_alone(case in cases()) {
        // Confirmed at its first instant, wherever that is.
        let program = Program::compile(&case.with_the_window_in_the_payout());
        let mut state = new_state(&case, &program);
        let events = program.advance(&mut state, &case.observations, Timestamp(case.watermark)).unwrap();
        let first = naive::first_instant(&case).filter(|first| *first <= case.watermark);
        prop_assert_eq!(events.first().map(|event| event.confirmed_at.0), first);
        if let Some(first) = first {
            let stored = serde_json::to_value(&state).unwrap();
            let reading = &stored["memory"]["windows"][0]["reading"];
            // With a grid, observations after a boundary move the window without being asked.
            if case.window.as_ref().is_none_or(|window| window.every.is_none()) {
                prop_assert_eq!(reading, &naive::reading(&case, first));
            }
        }
    }
}

/// A property that nothing interesting ever reaches proves nothing.
#[test]
fn random_windows_are_interesting() {
    let mut runner = TestRunner::deterministic();
    let strategy = cases();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..1_500 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let kind = case.kind();
        let mut kinds: Vec<String> = naive::instants(&case)
            .into_iter()
            .map(|instant| match naive::reading(&case, instant) {
                Json::Object(reading) if reading.contains_key("Ok") => "known".to_owned(),
                reading => match &reading["Err"] {
                    Json::String(lack) => lack.clone(),
                    Json::Object(lack) => lack.keys().next().unwrap().clone(),
                    _ => panic!("{reading}"),
                },
            })
            .map(|outcome| format!("{kind} {outcome}"))
            .collect();
        kinds.sort();
        kinds.dedup();
        for kind in kinds {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let seen = |kind: &str, least: usize| {
        let count = counts.get(kind).copied().unwrap_or_default();
        assert!(count >= least, "{kind}: {count} of {counts:#?}");
    };
    for kind in [
        "Twap",
        "TwapOfCloses",
        "GeoTwap",
        "Min",
        "Max",
        "Mean",
        "Median",
        "Sum",
        "Count",
    ] {
        seen(&format!("{kind} known"), 30);
        seen(&format!("{kind} not_covered"), 30);
        seen(&format!("{kind} not_yet"), 5);
    }
    for kind in ["Mean", "Median", "Sum", "Count"] {
        seen(&format!("{kind} empty"), 5);
    }
    seen("GeoTwap not_positive", 10);
    seen("Sum no_value", 10);
    seen("Sum overflow", 3);
    for outcome in ["known", "no_observation", "no_value", "stale"] {
        seen(&format!("Change {outcome}"), 10);
    }
}
