//! What an engine refuses to take in, and how independent sources are merged into batches it accepts.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use alloy_primitives::U256;
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::diagnostic::Span;
use tocsin_domain::eval::{
    Batch, EvalError, InputObservation, Intake, LossEvent, Part, Program, RiskState, Truth, Unknown,
};
use tocsin_domain::lang::ir::{
    CompareOp, Expr, ExprKind, Grid, InputIndex, Reach, Window, WindowFunction,
};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

/// Two prices from two sources.
fn program() -> Program {
    program_of("a <= 0.995 and b <= 0.995")
}

const COVER: &str = r#"
        name = "two-prices"
        version = 1
        [inputs.a]
        metric = "price"
        subject = "asset:a"
        source = "feed:one"
        [inputs.b]
        metric = "price"
        subject = "asset:b"
        source = "feed:two"
        [trigger]
        when = "{when}"
        [payout]
        fraction = "20%"
        "#;

fn program_of(when: &str) -> Program {
    Program::compile(&Cover::parse(&COVER.replace("{when}", when)).unwrap().0)
}

const A: usize = 0;
const B: usize = 1;

fn seen(input: usize, at: i64, sequence: u64, price: &str) -> InputObservation {
    InputObservation {
        input,
        observed_at: Timestamp(at),
        sequence: Sequence(U256::from(sequence)),
        value: (!price.is_empty()).then(|| Value::Decimal(price.parse().unwrap())),
    }
}

fn confirmed(events: &[LossEvent]) -> Vec<i64> {
    events.iter().map(|event| event.confirmed_at.0).collect()
}

#[test]
fn a_refused_batch_names_its_fault_and_leaves_the_state_alone() {
    let program = program();
    let mut state = RiskState::new(&program, None);
    program
        .advance(&mut state, &[seen(A, 10, 1, "0.9")], Timestamp(20))
        .unwrap();
    let delay = InputObservation {
        value: Some(Value::Duration(Seconds(1))),
        ..seen(B, 30, 1, "")
    };
    for (batch, watermark, message) in [
        (
            vec![seen(A, 30, 1, "0.9"), seen(A, 20, 2, "0.9")],
            40,
            "input `a` at 1970-01-01T00:00:20Z, sequence 2: late, everything up to 1970-01-01T00:00:20Z was reported before",
        ),
        (
            vec![seen(A, 41, 1, "0.9")],
            40,
            "input `a` at 1970-01-01T00:00:41Z, sequence 1: past the watermark 1970-01-01T00:00:40Z of its batch",
        ),
        (
            vec![seen(B, 30, 1, "0.9"), seen(A, 30, 1, "0.9")],
            40,
            "input `a` at 1970-01-01T00:00:30Z, sequence 1: out of order; sort by time, input and sequence",
        ),
        (
            vec![seen(A, 30, 7, "0.9"), seen(A, 30, 7, "0.8")],
            40,
            "input `a` at 1970-01-01T00:00:30Z, sequence 7: the source says both 0.9 and 0.8",
        ),
        (
            vec![seen(A, 30, 7, "0.9"), seen(A, 30, 7, "")],
            40,
            "input `a` at 1970-01-01T00:00:30Z, sequence 7: the source says both 0.9 and that there is no value",
        ),
        (
            vec![delay],
            40,
            "input `b` at 1970-01-01T00:00:30Z, sequence 1: expected a decimal, found a duration",
        ),
        (
            vec![seen(2, 30, 1, "0.9")],
            40,
            "an observation names input number 2, counted from 0; the cover has 2",
        ),
        (
            vec![],
            19,
            "the watermark moves back from 1970-01-01T00:00:20Z to 1970-01-01T00:00:19Z",
        ),
        (
            vec![],
            i64::MAX,
            "9223372036854775807 s is no time to evaluate: instants end with the year 9999",
        ),
    ] {
        let before = state.clone();
        let error = program
            .advance(&mut state, &batch, Timestamp(watermark))
            .unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(state, before);
    }
    // And it goes on from there.
    let events = program
        .advance(&mut state, &[seen(B, 30, 1, "0.9")], Timestamp(40))
        .unwrap();
    assert_eq!(confirmed(&events), [30]);
}

#[test]
fn a_state_of_another_cover_is_refused() {
    let mut state = RiskState::new(
        &program_of("holds(a <= 0.995, for: 1d) and b <= 0.995"),
        None,
    );
    assert_eq!(
        program().advance(&mut state, &[], Timestamp(0)),
        Err(EvalError::ForeignState)
    );
}

#[test]
fn a_state_that_remembers_another_window_is_refused() {
    let plain = program_of("a > 1");
    // A mean of closes remembers what a mean of all seconds does.
    let mut programs = WINDOWS.map(program_looking_back).to_vec();
    programs.remove(2);
    for (made_by, program) in programs.iter().enumerate() {
        for (used_by, other) in programs.iter().enumerate() {
            let mut state = RiskState::new(program, None);
            let outcome = other.advance(&mut state, &[], Timestamp(0));
            let expected = if made_by == used_by {
                Ok(Vec::new())
            } else {
                Err(EvalError::ForeignState)
            };
            assert_eq!(outcome, expected, "{made_by} {used_by}");
        }
        let mut state = RiskState::new(program, None);
        let outcome = plain.advance(&mut state, &[], Timestamp(0));
        assert_eq!(outcome, Err(EvalError::ForeignState));
        let mut state = RiskState::new(&plain, None);
        let outcome = program.advance(&mut state, &[], Timestamp(0));
        assert_eq!(outcome, Err(EvalError::ForeignState));
    }
}

#[test]
fn windows_go_on_after_a_restart_and_wake_up_by_themselves() {
    for (window, confirmed_at) in WINDOWS.into_iter().zip([24, 30, 25, 20, 20]) {
        let program = program_looking_back(window);
        let mut state = RiskState::new(&program, None);
        let rows = [
            seen(A, 10, 1, "0.5"),
            seen(A, 14, 2, "0.7"),
            seen(A, 20, 3, "2"),
            seen(A, 21, 4, "3"),
        ];
        let mut events = Vec::new();
        for row in &rows {
            let row = core::slice::from_ref(row);
            events.extend(
                program
                    .advance(&mut state, row, row[0].observed_at)
                    .unwrap(),
            );
            let stored = serde_json::to_string(&state).unwrap();
            let again: RiskState = serde_json::from_str(&stored).unwrap();
            assert_eq!(again, state);
            state = again;
        }
        // Time alone does the rest.
        while events.is_empty() {
            let deadline = program.next_deadline(&state).unwrap();
            events.extend(program.advance(&mut state, &[], deadline).unwrap());
        }
        assert_eq!(confirmed(&events), [confirmed_at], "{window:?}");
    }
}

/// Above 1 over the last ten seconds.
const WINDOWS: [(WindowFunction, Option<i64>); 5] = [
    (WindowFunction::Twap, None),
    (WindowFunction::Min, None),
    (WindowFunction::TwapOfCloses(Seconds(5)), None),
    (WindowFunction::Median, None),
    (WindowFunction::Max, Some(5)),
];

fn program_looking_back((function, every): (WindowFunction, Option<i64>)) -> Program {
    let expr = |kind, ty| Expr {
        kind,
        ty,
        span: Span::default(),
    };
    let window = ExprKind::Window(Window {
        function,
        input: InputIndex(A),
        reach: Reach::Last(Seconds(10)),
        coverage: Decimal::ONE,
        every: every.map(|period| Grid {
            period: Seconds(period),
            zone: None,
        }),
    });
    let limit = ExprKind::Literal(Value::Decimal(Decimal::ONE));
    let text = COVER.replace("{when}", "a > 1");
    let mut cover = Cover::parse(&text).unwrap().0;
    cover.trigger.when.kind = ExprKind::Compare {
        op: CompareOp::Greater,
        left: Box::new(expr(window, Type::Decimal)),
        right: Box::new(expr(limit, Type::Decimal)),
    };
    Program::compile(&cover)
}

#[test]
fn an_exact_repeat_in_a_batch_is_dropped() {
    let program = program();
    let mut state = RiskState::new(&program, None);
    let batch = [
        seen(A, 5, 1, "0.9"),
        seen(A, 5, 1, "0.9"),
        seen(B, 5, 1, "0.9"),
    ];
    let events = program.advance(&mut state, &batch, Timestamp(5)).unwrap();
    assert_eq!(confirmed(&events), [5]);
}

#[test]
fn an_observation_waits_until_every_source_has_reported_past_it() {
    let program = program();
    let mut intake = Intake::new(&program, &RiskState::new(&program, None), 2);
    intake.observe(1, seen(B, 8, 1, "0.9")).unwrap();
    assert_eq!(intake.reported(1, Timestamp(10)).unwrap(), None);
    intake.observe(0, seen(A, 9, 2, "0.9")).unwrap();
    intake.observe(0, seen(A, 3, 1, "1")).unwrap();
    assert_eq!(
        intake.reported(0, Timestamp(8)).unwrap(),
        Some(Batch {
            observations: &[seen(A, 3, 1, "1"), seen(B, 8, 1, "0.9")],
            watermark: Timestamp(8)
        })
    );
    // The slower source decides.
    assert_eq!(intake.reported(1, Timestamp(99)).unwrap(), None);
    assert_eq!(
        intake.reported(0, Timestamp(50)).unwrap(),
        Some(Batch {
            observations: &[seen(A, 9, 2, "0.9")],
            watermark: Timestamp(50)
        })
    );
}

#[test]
fn repeats_are_dropped_and_contradictions_refused() {
    let program = program();
    let mut intake = Intake::new(&program, &RiskState::new(&program, None), 1);
    intake.observe(0, seen(A, 3, 1, "0.9")).unwrap();
    intake.observe(0, seen(A, 3, 1, "0.9")).unwrap();
    let error = intake.observe(0, seen(A, 3, 1, "0.8")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input `a` at 1970-01-01T00:00:03Z, sequence 1: the source says both 0.9 and 0.8"
    );
    // Another sequence is another observation.
    intake.observe(0, seen(A, 3, 2, "0.8")).unwrap();
    let batch = intake.reported(0, Timestamp(3)).unwrap().unwrap();
    assert_eq!(
        batch.observations,
        [seen(A, 3, 1, "0.9"), seen(A, 3, 2, "0.8")]
    );
}

#[test]
fn what_a_source_declared_complete_stays_complete() {
    let program = program();
    let mut state = RiskState::new(&program, None);
    program.advance(&mut state, &[], Timestamp(10)).unwrap();
    // After a restart the sources are as far as the state is.
    let mut intake = Intake::new(&program, &state, 2);
    let late = intake.observe(0, seen(A, 10, 1, "0.9")).unwrap_err();
    assert_eq!(
        late.to_string(),
        "input `a` at 1970-01-01T00:00:10Z, sequence 1: late, everything up to 1970-01-01T00:00:10Z was reported before"
    );
    intake.reported(0, Timestamp(20)).unwrap();
    assert!(matches!(
        intake.observe(0, seen(A, 20, 1, "0.9")),
        Err(EvalError::Late { .. })
    ));
    // The other source is not.
    intake.observe(1, seen(B, 20, 1, "0.9")).unwrap();
    assert_eq!(
        intake.reported(0, Timestamp(19)).unwrap_err(),
        EvalError::WatermarkMovedBack {
            from: Timestamp(20),
            to: Timestamp(19)
        }
    );
    assert_eq!(
        intake.reported(2, Timestamp(30)).unwrap_err(),
        EvalError::NoSuchSource {
            source_slot: 2,
            sources: 2
        }
    );
    assert!(matches!(
        intake.observe(0, seen(7, 30, 1, "0.9")),
        Err(EvalError::NoSuchInput {
            input: 7,
            inputs: 2
        })
    ));
}

#[test]
fn deadlines_tell_when_time_alone_matters() {
    let program = program_of("holds(a <= 0.995, for: 1d, confirm: time) and b <= 0.995");
    let mut state = RiskState::new(&program, None);
    assert_eq!(program.next_deadline(&state), None);
    let batch = [seen(A, 5, 1, "0.9"), seen(B, 6, 1, "0.9")];
    assert_eq!(
        program.advance(&mut state, &batch, Timestamp(7)).unwrap(),
        vec![]
    );
    assert_eq!(program.next_deadline(&state), Some(Timestamp(86_405)));
    assert_eq!(program.truth(&state), Truth::False);
    let events = program.advance(&mut state, &[], Timestamp(86_405)).unwrap();
    assert_eq!(confirmed(&events), [86_405]);
    assert_eq!(program.next_deadline(&state), None);
    assert_eq!(program.truth(&state), Truth::True);
}

#[test]
fn a_loss_event_survives_storage_with_its_reasons() {
    let unknown = Unknown::Gap {
        since: Timestamp(9),
        cause: Box::new(Unknown::Stale {
            input: B,
            since: Timestamp(9),
        }),
    };
    let fraction = "1.5".parse().unwrap();
    let event = LossEvent {
        ordinal: 2,
        occurred_at: Timestamp(5),
        confirmed_at: Timestamp(9),
        settled_at: Timestamp(9),
        evidence_from: Timestamp(3),
        payout: Err(Unknown::PayoutOutOfRange { fraction }),
        inputs: vec![Ok(Value::Decimal(fraction)), Err(unknown.clone())],
        guards: vec![Ok(true), Err(unknown.clone())],
    };
    let stored = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<LossEvent>(&stored).unwrap(), event);
    assert_eq!(
        unknown.describe(&["a", "b"]).to_string(),
        "the recovery of a breach cannot be seen since 1970-01-01T00:00:09Z: \
         input `b` is older than its max_age since 1970-01-01T00:00:09Z"
    );
}

#[test]
fn a_part_that_is_refused_leaves_the_risks_behind_it_alone() {
    let program = program();
    let mut states = vec![RiskState::new(&program, None); 3];
    let (good, late) = ([seen(A, 5, 1, "1")], [seen(A, 9, 1, "1")]);
    let part = |risk, observations| Part {
        risk,
        observations,
        watermark: Timestamp(5),
    };
    let batch = [part(2, &good), part(0, &late), part(1, &good)];
    let refused = program
        .advance_each(&mut states, batch, |_, _| {})
        .unwrap_err();
    assert_eq!(refused.risk, 0);
    assert!(matches!(refused.reason, EvalError::BeyondWatermark { .. }));
    let evaluated: Vec<_> = states.iter().map(RiskState::evaluated_to).collect();
    assert_eq!(evaluated, [None, None, Some(Timestamp(5))]);
    let refused = program
        .advance_each(&mut states, [part(3, &good)], |_, _| {})
        .unwrap_err();
    assert_eq!(
        refused.reason.to_string(),
        "a batch names risk number 3, counted from 0; there are 3"
    );
}
