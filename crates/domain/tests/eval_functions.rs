//! What the engine makes of the functions of several operands, of fixed times, of grids and of losses that settle,
//! worked out by hand.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "eval_functions/build.rs"]
mod build;
#[path = "by_hand/expressions.rs"]
mod by_hand;

use build::*;
use tocsin_domain::cover::Rearm;
use tocsin_domain::eval::{
    EvalError, InputObservation, LossEvent, Program, RiskState, Start, Unknown,
};
use tocsin_domain::lang::ir::{ExprKind, FixedTime, Grid, InputIndex, Reach, WindowFunction};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

/// What `fraction` comes to once a to d, as far as given, were observed at second 10.
fn worked_out(fraction: tocsin_domain::lang::ir::Expr, seen: [Option<&str>; 4]) -> String {
    let cover = Terms {
        when: truth(true),
        fraction,
        ..Terms::default()
    }
    .cover();
    let program = Program::compile(&cover);
    let rows: Vec<_> = seen
        .iter()
        .enumerate()
        .map(|(input, value)| match value {
            Some(value) => decimal_at(input, 10, value),
            None => empty_at(input, 10),
        })
        .collect();
    let mut state = RiskState::new(&program, None);
    let events = program.advance(&mut state, &rows, Timestamp(10)).unwrap();
    shown(&events[0])
}

/// The payout in few words; one out of range by its value.
fn shown(event: &LossEvent) -> String {
    match &event.payout {
        Ok(fraction) | Err(Unknown::PayoutOutOfRange { fraction }) => fraction.to_string(),
        Err(unknown) => unknown.describe(&["a", "b", "c", "d", "e"]).to_string(),
    }
}

const LARGEST: &str =
    "57896044618658097711785492504343953926634992332820282019728.792003956564819967";

#[test]
fn a_fall_is_a_part_of_what_it_fell_from() {
    let fall = || drop(input(A), input(B));
    assert_eq!(
        worked_out(fall(), [Some("0.9"), Some("1.2"), None, None]),
        "0.25"
    );
    assert_eq!(
        worked_out(fall(), [Some("2"), Some("3"), None, None]),
        "0.333333333333333333"
    );
    assert_eq!(
        worked_out(fall(), [Some("4"), Some("3"), None, None]),
        "-0.333333333333333333"
    );
    let not_positive = "a value is not above zero where it must be";
    assert_eq!(
        worked_out(fall(), [Some("4"), Some("0"), None, None]),
        not_positive
    );
    assert_eq!(
        worked_out(fall(), [Some("4"), Some("-1"), None, None]),
        not_positive
    );
    // The value's reason goes first.
    let no_value = "input `a` was reported without a value at 1970-01-01T00:00:10Z";
    assert_eq!(worked_out(fall(), [None, None, None, None]), no_value);
    let overflow = "a result is outside 256 bits";
    assert_eq!(
        worked_out(fall(), [Some("-1"), Some(LARGEST), None, None]),
        overflow
    );
}

#[test]
fn the_middle_of_several_sources_needs_enough_of_them_that_agree() {
    let middle = |quorum, spread| median_of(vec![input(A), input(B), input(C)], quorum, spread);
    let seen = [Some("1"), Some("1.02"), Some("1.01"), None];
    assert_eq!(worked_out(middle(3, None), seen), "1.01");
    let two = [Some("1"), None, Some("1.000000000000000001"), None];
    assert_eq!(worked_out(middle(2, None), two), "1");
    let negative = [Some("-1"), None, Some("-1.000000000000000001"), None];
    assert_eq!(worked_out(middle(2, None), negative), "-1");
    assert_eq!(
        worked_out(middle(3, None), two),
        "too few sources know a value"
    );
    assert_eq!(
        worked_out(middle(1, None), [None; 4]),
        "too few sources know a value"
    );
    // 0.02 of 1.01 is 0.0202, and they are 0.02 apart.
    assert_eq!(worked_out(middle(3, Some("0.02")), seen), "1.01");
    let apart = "the sources are too far apart";
    assert_eq!(
        worked_out(middle(3, Some("0.019801980198019801")), seen),
        apart
    );
    assert_eq!(
        worked_out(middle(3, Some("0.019801980198019802")), seen),
        "1.01"
    );
    let opposite = format!("-{LARGEST}");
    let extreme = [Some(LARGEST), Some(opposite.as_str()), None, None];
    assert_eq!(worked_out(middle(2, None), extreme), "0");
    assert_eq!(worked_out(middle(2, Some("1")), extreme), apart);
}

#[test]
fn payouts_have_shapes() {
    let slope = || linear(input(A), input(B), input(C));
    for (x, from, to, part) in [
        ("2", "1", "4", "0.333333333333333333"),
        ("2", "4", "1", "0.666666666666666666"),
        ("0", "1", "4", "0"),
        ("5", "1", "4", "1"),
        ("4", "1", "4", "1"),
        (LARGEST, "1", "1.000000000000000001", "1"),
        (
            "1",
            "2",
            "2",
            "`linear` goes from one place to the same place",
        ),
        (LARGEST, "-1", "0", "a result is outside 256 bits"),
    ] {
        assert_eq!(
            worked_out(slope(), [Some(x), Some(from), Some(to), None]),
            part,
            "{x}"
        );
    }
    let steps = || tiers(input(A), vec![("1", number("0.5")), ("3", input(B))]);
    for (x, part) in [("0.9", "0"), ("1", "0.5"), ("2.9", "0.5"), ("3", "0.7")] {
        assert_eq!(
            worked_out(steps(), [Some(x), Some("0.7"), None, None]),
            part
        );
    }
    // Only the part that is reached matters.
    assert_eq!(worked_out(steps(), [Some("1"), None, None, None]), "0.5");
    let no_value = "input `b` was reported without a value at 1970-01-01T00:00:10Z";
    assert_eq!(worked_out(steps(), [Some("3"), None, None, None]), no_value);

    let ticks = || tick(input(A), number("2"), number("0.01"), number("0.05"));
    for (x, pays) in [
        ("1", "0"),
        ("2", "0"),
        ("4", "0.02"),
        ("7", "0.05"),
        ("9", "0.05"),
    ] {
        assert_eq!(worked_out(ticks(), [Some(x), None, None, None]), pays);
    }
    let cases = || {
        let arm = |name, value| (compare_with(input(name), "1"), number(value));
        case(vec![arm(A, "0.1"), arm(B, "0.2")], number("0.3"))
    };
    // Above 1 is true.
    for (a, b, value) in [
        (Some("2"), None, "0.1"),
        (Some("0"), Some("2"), "0.2"),
        (Some("0"), Some("0"), "0.3"),
        (Some("0"), None, no_value),
    ] {
        assert_eq!(worked_out(cases(), [a, b, None, None]), value);
    }
}

#[test]
fn places_are_on_earth() {
    let distance = || distance_km([A, B, C, D].map(input));
    let quarter = worked_out(distance(), [Some("0"), Some("0"), Some("90"), Some("0")]);
    assert!(quarter.starts_with("10007.557"), "{quarter}");
    assert_eq!(
        worked_out(distance(), [Some("90.1"), Some("0"), Some("0"), Some("0")]),
        "a latitude is outside ±90° or a longitude outside ±360°"
    );
}

#[test]
fn some_of_several_conditions_began_with_the_one_that_completed_them() {
    let above = |name| compare_with(input(name), "1");
    let terms = Terms {
        when: k_of(2, vec![above(A), above(B), above(C)]),
        ..Terms::default()
    };
    let program = Program::compile(&terms.cover());
    let mut state = RiskState::new(&program, None);
    let rows = [
        decimal_at(A, 10, "2"),
        decimal_at(B, 20, "0"),
        decimal_at(C, 30, "0"),
        decimal_at(C, 40, "2"),
        decimal_at(B, 50, "2"),
    ];
    let events = program.advance(&mut state, &rows, Timestamp(60)).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].occurred_at.0, events[0].confirmed_at.0),
        (40, 40)
    );
}

#[test]
fn a_fixed_time_keeps_what_was_in_force_then() {
    let fraction = || at(A, FixedTime::Time(Timestamp(25)));
    let since = |evaluate_from, rows: &[_]| {
        let terms = Terms {
            when: compare_with(input(B), "1"),
            fraction: fraction(),
            max_age: Some(10),
            ..Terms::default()
        };
        let program = Program::compile(&terms.cover());
        let start = Start {
            evaluate_from,
            inception: None,
        };
        let mut state = RiskState::new(&program, start);
        let events = program.advance(&mut state, rows, Timestamp(60)).unwrap();
        shown(&events[0])
    };
    let early = [decimal_at(A, 20, "0.5"), decimal_at(B, 24, "2")];
    assert_eq!(since(None, &early), "1970-01-01T00:00:25Z has not come");
    let later = [
        decimal_at(A, 20, "0.5"),
        decimal_at(A, 26, "0.7"),
        decimal_at(B, 27, "2"),
    ];
    assert_eq!(since(None, &later), "0.5");
    let same = [
        decimal_at(A, 20, "0.5"),
        decimal_at(A, 25, "0.7"),
        decimal_at(B, 25, "2"),
    ];
    assert_eq!(since(None, &same), "0.7");
    // 11 seconds old by then.
    let stale = [
        decimal_at(A, 14, "0.5"),
        decimal_at(A, 26, "0.7"),
        decimal_at(B, 27, "2"),
    ];
    assert_eq!(
        since(None, &stale),
        "input `a` is older than its max_age since 1970-01-01T00:00:25Z"
    );
    let never = [decimal_at(A, 26, "0.7"), decimal_at(B, 27, "2")];
    assert_eq!(since(None, &never), "input `a` was never observed");
    let empty = [empty_at(A, 20), decimal_at(B, 27, "2")];
    assert_eq!(
        since(Some(Timestamp(27)), &empty),
        "input `a` was reported without a value at 1970-01-01T00:00:20Z"
    );
}

#[test]
fn an_unknown_inception_is_the_first_observation() {
    let terms = Terms {
        when: compare_with(input(B), "1"),
        fraction: at(A, FixedTime::Inception),
        ..Terms::default()
    };
    let program = Program::compile(&terms.cover());
    let rows = [
        decimal_at(A, 10, "0.5"),
        decimal_at(A, 20, "0.7"),
        decimal_at(B, 30, "2"),
    ];
    for (inception, payout) in [(None, "0.5"), (Some(Timestamp(20)), "0.7")] {
        let start = Start {
            evaluate_from: None,
            inception,
        };
        let mut state = RiskState::new(&program, start);
        let events = program.advance(&mut state, &rows, Timestamp(30)).unwrap();
        assert_eq!(shown(&events[0]), payout);
    }
}

#[test]
fn days_of_new_york_begin_where_its_clocks_say() {
    // 2023-03-12 had 23 hours there: from 05:00Z to 04:00Z.
    let march_12 = 1_678_597_200;
    let march_13 = 1_678_680_000;
    let window = window(
        WindowFunction::Sum,
        E,
        Reach::Last(Seconds(86_400)),
        Some(Grid {
            period: Seconds(86_400),
            zone: Some("America/New_York".to_owned()),
        }),
        Type::Decimal,
    );
    let terms = Terms {
        when: compare_with(window, "1"),
        ..Terms::default()
    };
    let program = Program::compile(&terms.cover());
    for (rows, confirmed) in [
        // Both on the 12th.
        ([march_12 + 1, march_13], Some(march_13)),
        // The first instant of the 12th closes the 11th.
        ([march_12, march_13], None),
        // One on the 12th, one on the 13th, less than 24 hours apart.
        ([march_13 - 1, march_13 + 1], None),
    ] {
        let rows = rows.map(|at| decimal_at(E, at, "1"));
        let mut state = RiskState::new(&program, None);
        let events = program
            .advance(&mut state, &rows, Timestamp(march_13 + 86_399))
            .unwrap();
        let found = events.first().map(|event| event.confirmed_at.0);
        assert_eq!(found, confirmed, "{rows:?}");
        assert_eq!(
            program.next_deadline(&state),
            Some(Timestamp(march_13 + 86_400))
        );
    }
}

#[test]
fn a_settling_loss_takes_the_largest_part_until_then() {
    let settled = |rows: &[InputObservation], to: i64, rearm| {
        let terms = Terms {
            when: compare_with(input(A), "1"),
            fraction: input(B),
            settle: Some(20),
            guards: vec![compare_with(input(C), "1")],
            rearm,
            ..Terms::default()
        };
        let program = Program::compile(&terms.cover());
        let mut state = RiskState::new(&program, None);
        let mut events = Vec::new();
        // One instant a batch, each after a restart.
        for now in 0..=to {
            let new: Vec<_> = rows
                .iter()
                .filter(|row| row.observed_at.0 == now)
                .cloned()
                .collect();
            let found = program.advance(&mut state, &new, Timestamp(now)).unwrap();
            assert!(found.iter().all(|event| event.settled_at.0 == now));
            events.extend(found);
            let stored = serde_json::to_string(&state).unwrap();
            let again: RiskState = serde_json::from_str(&stored).unwrap();
            assert_eq!(again, state);
            assert_eq!(
                program.is_latched(&state),
                rearm == Rearm::Never && !events.is_empty()
            );
            state = again;
        }
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.observed_at.0 <= to)
            .cloned()
            .collect();
        let mut at_once = RiskState::new(&program, None);
        assert_eq!(
            program.advance(&mut at_once, &rows, Timestamp(to)).unwrap(),
            events
        );
        assert_eq!(at_once, state);
        events
    };
    let met = [
        decimal_at(B, 10, "0.1"),
        decimal_at(C, 10, "2"),
        decimal_at(A, 11, "2"),
    ];
    let with = |more: &[_]| [&met, more].concat();
    let fell = with(&[
        decimal_at(B, 12, "0.4"),
        decimal_at(C, 12, "0"),
        decimal_at(B, 31, "0.3"),
    ]);
    assert_eq!(settled(&fell, 30, Rearm::Never), []);
    let events = settled(&fell, 40, Rearm::Never);
    assert_eq!(events.len(), 1);
    assert_eq!(shown(&events[0]), "0.4");
    assert_eq!(events[0].confirmed_at, Timestamp(11));
    assert_eq!(events[0].guards, [Ok(true)]);
    assert_eq!(
        events[0].inputs[1],
        Ok(Value::Decimal("0.1".parse().unwrap()))
    );
    // At the very end still, and not after it.
    let rose = with(&[decimal_at(B, 31, "0.5"), decimal_at(B, 32, "0.6")]);
    assert_eq!(shown(&settled(&rose, 40, Rearm::Never)[0]), "0.5");
    // Once out of range, it is out of range.
    let wild = with(&[
        decimal_at(B, 12, "2"),
        decimal_at(B, 13, "3"),
        decimal_at(B, 14, "0.5"),
    ]);
    assert_eq!(shown(&settled(&wild, 40, Rearm::Never)[0]), "2");
    // Unknown where it is confirmed, known later; unknown throughout.
    let lost = [
        empty_at(B, 10),
        decimal_at(C, 10, "2"),
        decimal_at(A, 11, "2"),
    ];
    assert_eq!(
        shown(&settled(&lost, 40, Rearm::Never)[0]),
        "input `b` was reported without a value at 1970-01-01T00:00:10Z"
    );
    let found = [&lost[..], &[decimal_at(B, 20, "0.2")]].concat();
    assert_eq!(shown(&settled(&found, 40, Rearm::Never)[0]), "0.2");
    // The next breach can be confirmed before the first has settled.
    let twice = with(&[
        decimal_at(A, 15, "0"),
        decimal_at(A, 16, "2"),
        decimal_at(B, 33, "0.9"),
    ]);
    let events = settled(&twice, 40, Rearm::After(Seconds(2)));
    let found: Vec<_> = events
        .iter()
        .map(|event| (event.ordinal, event.confirmed_at.0, shown(event)))
        .collect();
    assert_eq!(
        found,
        [(1, 11, "0.1".to_owned()), (2, 16, "0.9".to_owned())]
    );
}

#[test]
fn events_are_there_or_not_and_confirm_without_an_amount() {
    let terms = Terms {
        when: holds(happened(E), 10),
        ..Terms::default()
    };
    let program = Program::compile(&terms.cover());
    let mut state = RiskState::new(&program, None);
    let rows = [
        decimal_at(A, 5, "1"),
        empty_at(E, 10),
        empty_at(E, 10),
        empty_at(E, 25),
    ];
    let events = program.advance(&mut state, &rows, Timestamp(30)).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].occurred_at.0, events[0].confirmed_at.0),
        (10, 25)
    );
    // Its amount is a decimal, whatever it is called.
    let duration = InputObservation {
        value: Some(Value::Duration(Seconds(1))),
        ..empty_at(E, 40)
    };
    assert!(matches!(
        program.advance(&mut state, &[duration], Timestamp(40)),
        Err(EvalError::WrongType {
            expected: Type::Decimal,
            ..
        })
    ));
    program
        .advance(&mut state, &[decimal_at(E, 40, "3")], Timestamp(40))
        .unwrap();
}

#[test]
fn what_no_checked_cover_holds_is_never_known() {
    for kind in [
        ExprKind::Happened(InputIndex(A)),
        compare_with(
            window(
                WindowFunction::Twap,
                E,
                Reach::Last(Seconds(9)),
                None,
                Type::Decimal,
            ),
            "1",
        )
        .kind,
        compare_with(input(E), "1").kind,
        compare_with(at(E, FixedTime::Inception), "1").kind,
    ] {
        let terms = Terms {
            when: expr(kind, Type::Bool),
            ..Terms::default()
        };
        let program = Program::compile(&terms.cover());
        let mut state = RiskState::new(&program, None);
        let rows = [decimal_at(A, 10, "2"), decimal_at(E, 10, "2")];
        let events = program.advance(&mut state, &rows, Timestamp(30)).unwrap();
        assert_eq!(events, []);
        let truth = program.truth(&state);
        assert_eq!(
            truth,
            tocsin_domain::eval::Truth::Unknown(Unknown::Unchecked)
        );
    }
}
