//! Observations that change nothing are passed over together; what comes of the others must be the same.
//!
//! The same terms with a second input, which their payout adds and takes away again, go the common way throughout.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use alloy_primitives::U256;
use proptest::prelude::*;
use tocsin_domain::cover::Cover;
use tocsin_domain::eval::{InputObservation, LossEvent, Program, RiskState};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

const TRIGGERS: [&str; 7] = [
    "holds(a <= 0.995, for: 10s, recover: a >= 0.999, confirm: observation)",
    "holds(a < 0.995, for: 10s, confirm: time)",
    "holds(a > 1, for: 5s, recover: a <= 1, confirm: time)",
    "holds(a >= 0.995 and a < 1, for: 8s, recover: a > 2, confirm: observation)",
    // Both at once, and neither.
    "holds(a <= 1, for: 6s, recover: a >= 1, confirm: observation)",
    "holds(a < 0.995, for: 6s, recover: a == 1, confirm: time)",
    "holds(a != 1, for: 6s, confirm: observation)",
];

const VALUES: [&str; 9] = [
    "0.9",
    "0.995",
    "0.994999999999999999",
    "0.997",
    "0.999",
    "1",
    "1.000000000000000001",
    "300000000000000000000",
    "-300000000000000000000",
];

fn program(when: &str, max_age: Option<i64>, rearm: &str, fraction: &str, more: &str) -> Program {
    let max_age = max_age.map_or(String::new(), |max_age| format!("max_age = \"{max_age}s\""));
    let text = format!(
        r#"
        name = "quiet"
        version = 1
        [inputs.a]
        metric = "price"
        {max_age}
        {more}
        [trigger]
        when = "{when}"
        rearm = "{rearm}"
        [payout]
        fraction = "{fraction}"
        "#
    );
    Program::compile(&Cover::parse(&text).unwrap().0)
}

/// Pauses, sequences and values; no value is an empty row.
fn rows() -> impl Strategy<Value = Vec<InputObservation>> {
    let pause = prop_oneof![2 => Just(0), 5 => Just(1), 3 => 2..6i64, 1 => 6..20i64];
    // Quiet for a while, then not.
    let value = prop_oneof![
        1 => Just(None),
        6 => Just(Some(5)),
        6 => (0..VALUES.len()).prop_map(Some),
        3 => Just(Some(0)),
    ];
    prop::collection::vec((pause, 0..3u64, value), 0..60).prop_map(|rows| {
        let mut now = 100;
        let mut observations: Vec<_> = rows
            .into_iter()
            .map(|(pause, sequence, value)| {
                now += pause;
                InputObservation {
                    input: 0,
                    observed_at: Timestamp(now),
                    sequence: Sequence(U256::from(sequence)),
                    value: value.map(|choice| Value::Decimal(VALUES[choice].parse().unwrap())),
                }
            })
            .collect();
        observations.sort_by_key(|seen| (seen.observed_at, seen.sequence));
        observations.dedup_by_key(|seen| (seen.observed_at, seen.sequence));
        observations
    })
}

/// Without the inputs, of which one has one more.
fn essence(events: Vec<LossEvent>) -> Vec<LossEvent> {
    let bare = |event| LossEvent {
        inputs: Vec::new(),
        ..event
    };
    events.into_iter().map(bare).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn passing_over_what_changes_nothing_changes_nothing(
        when in prop::sample::select(&TRIGGERS[..]),
        max_age in prop::option::of(1..9i64),
        rearm in prop::sample::select(vec!["never", "after 4s"]),
        evaluate_from in prop::option::of((95..130i64).prop_map(Timestamp)),
        observations in rows(),
        batch in 1..30usize,
        after in 0..30i64,
    ) {
        let quick = program(when, max_age, rearm, "clamp(1 - a, 0, 1)", "");
        let other = "[inputs.b]\nmetric = \"price\"";
        let common = program(when, max_age, rearm, "clamp(1 - a, 0, 1) * clamp(b, 1, 1)", other);
        let mut quick_state = RiskState::new(&quick, evaluate_from);
        let mut common_state = RiskState::new(&common, evaluate_from);
        let seen_b = InputObservation {
            input: 1,
            observed_at: Timestamp(0),
            sequence: Sequence(U256::ZERO),
            value: Some(Value::Decimal("1".parse().unwrap())),
        };
        // Of another input, so that only a later beginning than this makes it no instant.
        let evaluate_later = evaluate_from.is_some();
        if evaluate_later {
            common.advance(&mut common_state, &[seen_b], Timestamp(1)).unwrap();
            quick.advance(&mut quick_state, &[], Timestamp(1)).unwrap();
        }
        let last = observations.last().map_or(100, |last| last.observed_at.0);
        let mut from = Timestamp(1);
        let cuts = observations.chunks(batch).map(|rows| rows.last().unwrap().observed_at);
        for to in cuts.chain([Timestamp(last + after)]) {
            let rows: Vec<_> = observations
                .iter()
                .filter(|seen| from < seen.observed_at && seen.observed_at <= to)
                .cloned()
                .collect();
            from = to;
            let found = quick.advance(&mut quick_state, &rows, to).unwrap();
            let expected = common.advance(&mut common_state, &rows, to).unwrap();
            let found = essence(found);
            let mut expected = essence(expected);
            if !evaluate_later {
                // Nothing is known of `b`.
                for (event, found) in expected.iter_mut().zip(&found) {
                    event.payout.clone_from(&found.payout);
                }
            }
            prop_assert_eq!(found, expected);
            let begun = observations.first().is_some_and(|first| first.observed_at <= to)
                && evaluate_from.is_none_or(|start| start <= to);
            if begun {
                prop_assert_eq!(quick.truth(&quick_state), common.truth(&common_state));
                prop_assert_eq!(quick.next_deadline(&quick_state), common.next_deadline(&common_state));
            }
        }
    }
}
