//! Losses: settling, guards, beginnings of `k_of`, events that confirm.

use tocsin_domain::cover::{Cover, Guard, Rearm};
use tocsin_domain::eval::{LossEvent, Unknown};
use tocsin_domain::lang::ir::WindowFunction::{Max, Twap};
use tocsin_domain::lang::ir::{
    ArithmeticOp, CompareOp, Confirm, Expr, ExprKind, Holds, InputIndex,
};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;

use super::terms::{
    A, B, E, World, arithmetic, boxed, compare, cover, decimal, expr, input, number, of, seen,
    seen_as, span, stream, window,
};

fn below(index: usize, limit: &str) -> Expr {
    compare(input(index), CompareOp::Less, number(limit))
}

fn settled(fraction: Expr, seconds: i64) -> Cover {
    let mut cover = cover(below(A, "1"), fraction);
    cover.payout.settle = Some(Seconds(seconds));
    cover
}

fn losses(world: &World, cover: &Cover, watermark: i64) -> Vec<LossEvent> {
    world.evaluate(cover.clone(), None, watermark).events
}

/// `1 - a`
fn lost() -> Expr {
    arithmetic(ArithmeticOp::Subtract, number("1"), input(A), Type::Decimal)
}

#[test]
fn the_largest_fraction_until_the_settlement_counts() {
    let world = World::of(stream(
        A,
        &[(0, "1"), (10, "0.9"), (15, "0.2"), (20, "0.1"), (21, "0")],
    ));
    let cover = settled(lost(), 10);
    assert_eq!(losses(&world, &cover, 19), []);
    let [loss] = &losses(&world, &cover, 20)[..] else {
        panic!("one loss");
    };
    assert_eq!(loss.occurred_at, Timestamp(10));
    assert_eq!(loss.confirmed_at, Timestamp(10));
    assert_eq!(loss.settled_at, Timestamp(20));
    // 0.1 stands at the very end; 0 comes too late.
    assert_eq!(loss.payout, Ok(decimal("0.9")));
    assert_eq!(
        loss.inputs[A],
        Ok(tocsin_domain::value::Value::Decimal(decimal("0.9")))
    );
    assert_eq!(losses(&world, &cover, 99), losses(&world, &cover, 20));
    // Without an observation at its end, the settlement is an instant of its own.
    let cover = settled(lost(), 7);
    let evaluation = world.evaluate(cover, None, 17);
    assert!(evaluation.instants.contains(&Timestamp(17)));
    assert_eq!(evaluation.events[0].payout, Ok(decimal("0.8")));
    let plain = losses(&world, &super::terms::cover(below(A, "1"), lost()), 99);
    assert_eq!(plain[0].settled_at, Timestamp(10));
    assert_eq!(plain[0].payout, Ok(decimal("0.1")));
}

#[test]
fn a_settlement_takes_what_is_known_and_refuses_what_is_out_of_range() {
    let payout = |rows: &[(i64, &str)]| {
        let world = World::of(stream(A, rows));
        losses(&world, &settled(lost(), 10), 99)[0].payout.clone()
    };
    assert_eq!(payout(&[(0, "0.5"), (5, "")]), Ok(decimal("0.5")));
    assert_eq!(
        payout(&[(0, "0.5"), (5, "-1"), (6, "-2")]),
        Err(Unknown::PayoutOutOfRange {
            fraction: decimal("2")
        })
    );
    let world = World::of(vec![seen(A, 0, "0.5"), seen(B, 0, ""), seen(B, 4, "")]);
    assert_eq!(
        losses(&world, &settled(input(B), 10), 99)[0].payout,
        Err(Unknown::NoValue {
            input: B,
            since: Timestamp(0)
        })
    );
}

#[test]
fn windows_of_a_payout_move_while_it_is_settled() {
    // The mean of (t − 10, t] rises until 0.9 was in force all along; nothing is observed then.
    let world = World::of(stream(A, &[(0, "0.1"), (10, "0.9")]));
    let cover = settled(of(window(Twap, A, 10)), 10);
    let loss = &losses(&world, &cover, 99)[0];
    // Not covered at 0, 0.1 at 10.
    assert_eq!(loss.settled_at, Timestamp(10));
    assert_eq!(loss.payout, Ok(decimal("0.1")));
    let cover = settled(of(window(Twap, A, 10)), 20);
    assert_eq!(losses(&world, &cover, 99)[0].payout, Ok(decimal("0.9")));
}

#[test]
fn losses_are_counted_and_rearmed_from_their_confirmation() {
    let world = World::of(stream(
        A,
        &[(0, "0.5"), (5, "2"), (10, "0.4"), (12, "2"), (30, "2")],
    ));
    let mut cover = settled(lost(), 20);
    cover.trigger.rearm = Rearm::After(Seconds(10));
    let found = losses(&world, &cover, 30);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].settled_at, Timestamp(20));
    assert_eq!(found[1].confirmed_at, Timestamp(10));
    assert_eq!(found[1].settled_at, Timestamp(30));
    assert_eq!((found[0].ordinal, found[1].ordinal), (1, 2));
    assert_eq!(losses(&world, &cover, 29).len(), 1);
}

#[test]
fn guards_are_recorded_as_of_the_confirmation() {
    let world = World::of(vec![
        seen(A, 0, "2"),
        seen(B, 3, "1"),
        seen(A, 10, "0.5"),
        seen(B, 11, "9"),
    ]);
    let mut cover = cover(below(A, "1"), number("1"));
    let fresh = compare(
        expr(ExprKind::Age(InputIndex(B)), Type::Duration),
        CompareOp::Less,
        span(7),
    );
    let peak = compare(of(window(Max, A, 20)), CompareOp::Greater, number("1"));
    let conditions = [below(B, "5"), fresh, peak];
    cover.guards = conditions
        .map(|condition| Guard {
            name: "guard".to_owned(),
            condition,
        })
        .to_vec();
    let loss = &losses(&world, &cover, 99)[0];
    assert_eq!(
        loss.guards,
        [Ok(true), Ok(false), Err(Unknown::NotCovered { input: A })]
    );
}

fn holds(condition: Expr, seconds: i64, confirm: Confirm) -> Expr {
    let recover = expr(ExprKind::Not(boxed(condition.clone())), Type::Bool);
    let holds = Holds {
        condition,
        recover,
        window: Seconds(seconds),
        at_least: false,
        confirm,
        observations: 1,
    };
    expr(ExprKind::Holds(Box::new(holds)), Type::Bool)
}

#[test]
fn k_of_began_with_the_last_one_it_needed() {
    let kind = |needed| ExprKind::KOf {
        needed,
        conditions: vec![
            below(A, "1"),
            holds(below(B, "1"), 10, Confirm::Time),
            compare(input(super::terms::Z), CompareOp::Less, number("1")),
        ],
    };
    let world = World::of(vec![
        seen(super::terms::Z, 0, "2"),
        seen(A, 5, "0.5"),
        seen(B, 3, "0.5"),
        seen(super::terms::Z, 20, "0.5"),
    ]);
    let occurred = |needed| {
        let cover = cover(expr(kind(needed), Type::Bool), number("1"));
        let loss = losses(&world, &cover, 99)[0].clone();
        (loss.occurred_at.0, loss.confirmed_at.0)
    };
    assert_eq!(occurred(1), (5, 5));
    // B holds from 3, which is known at 13; of {3, 5} the second counts.
    assert_eq!(occurred(2), (5, 13));
    assert_eq!(occurred(3), (20, 20));
}

#[test]
fn what_is_true_at_the_time_of_k_of_is_dated_in_the_order_of_its_beginnings() {
    // At 12, {3, 9} are true: the first of two is that of the breach.
    let conditions = vec![holds(below(B, "1"), 9, Confirm::Time), below(A, "1")];
    let world = World::of(vec![seen(A, 0, "2"), seen(B, 3, "0.5"), seen(A, 12, "0.5")]);
    let when = expr(
        ExprKind::KOf {
            needed: 1,
            conditions,
        },
        Type::Bool,
    );
    let loss = &losses(&world, &cover(when, number("1")), 99)[0];
    assert_eq!((loss.occurred_at.0, loss.confirmed_at.0), (3, 12));
    assert_eq!(loss.evidence_from, Timestamp(3));
}

#[test]
fn an_event_without_an_amount_confirms() {
    let happened = expr(ExprKind::Happened(InputIndex(E)), Type::Bool);
    let cover = cover(holds(happened, 10, Confirm::Observation), number("1"));
    let world = World::of(vec![
        seen(E, 0, ""),
        seen_as(E, 10, 2, ""),
        seen_as(E, 14, 3, ""),
    ]);
    let loss = &losses(&world, &cover, 99)[0];
    assert_eq!((loss.occurred_at.0, loss.confirmed_at.0), (0, 14));
    assert_eq!(losses(&world, &cover, 13), []);
}
