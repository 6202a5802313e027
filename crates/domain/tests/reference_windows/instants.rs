//! The instants that windows and fixed times add.

use tocsin_domain::lang::ir::WindowFunction::{Count, Max, Twap, TwapOfCloses};
use tocsin_domain::lang::ir::{CompareOp, Expr, FixedTime};
use tocsin_domain::time::{Seconds, Timestamp};

use super::terms::{
    A, DAY, E, World, at, change, compare, cover, every, number, of, seen, since_inception, stream,
    window,
};

/// A trigger that is never met, in order to look at its instants.
fn never(watched: Expr) -> Expr {
    compare(watched, CompareOp::Less, number("-1000"))
}

fn instants(world: &World, watched: Expr, from: Option<i64>, watermark: i64) -> Vec<i64> {
    let evaluation = world.evaluate(cover(never(watched), number("1")), from, watermark);
    evaluation.instants.into_iter().map(|at| at.0).collect()
}

fn two() -> World {
    World::of(stream(A, &[(100, "1"), (110, "2")]))
}

#[test]
fn an_observation_leaves_a_window_after_its_length() {
    let exits = |watched| instants(&two(), watched, None, 1_000);
    assert_eq!(exits(of(window(Twap, A, 50))), [100, 110, 150, 160]);
    assert_eq!(exits(change(A, 50)), [100, 110, 150, 160]);
    assert_eq!(exits(of(since_inception(Max, A))), [100, 110]);
    let events = World::of(vec![seen(E, 5, ""), seen(E, 6, "1")]).max_age(3);
    // An event does not age out of a window.
    assert_eq!(
        instants(&events, of(window(Count, E, 20)), None, 1_000),
        [5, 6, 10, 25, 26]
    );
}

#[test]
fn staleness_leaves_a_window_too_where_it_really_occurs() {
    // 110 comes before 100 is older than 15 s; 110 is stale from 126 on.
    let world = two().max_age(15);
    assert_eq!(
        instants(&world, of(window(Twap, A, 50)), None, 1_000),
        [100, 110, 126, 150, 160, 176]
    );
    let world = two().max_age(5);
    assert_eq!(
        instants(&world, change(A, 50), None, 1_000),
        [100, 106, 110, 116, 150, 156, 160, 166]
    );
    assert_eq!(
        instants(&world, change(A, 50), None, 156),
        [100, 106, 110, 116, 150, 156]
    );
}

#[test]
fn a_window_on_a_grid_moves_at_its_boundaries_only() {
    let watched = || of(every(window(Twap, A, 50), 20, None));
    assert_eq!(
        instants(&two(), watched(), None, 161),
        [100, 110, 120, 140, 160]
    );
    let local = of(every(window(Count, A, DAY), DAY, Some("America/New_York")));
    let start = Timestamp::parse("2024-03-10T04:59:00Z").unwrap().0;
    let world = World::of(stream(A, &[(start, "1")]));
    let hour = 3600;
    assert_eq!(
        instants(&world, local, None, start + 48 * hour),
        [
            start,
            start + 60,
            start + 60 + 23 * hour,
            start + 60 + 47 * hour
        ]
    );
}

#[test]
fn closes_move_at_the_ends_of_their_periods_only() {
    let closes = of(window(TwapOfCloses(Seconds(30)), A, 90));
    assert_eq!(
        instants(&two(), closes, None, 200),
        [100, 110, 120, 150, 180]
    );
}

#[test]
fn fixed_times_and_the_inception_are_instants() {
    let fixed = |time| at(A, FixedTime::Time(Timestamp(time)));
    assert_eq!(instants(&two(), fixed(105), None, 200), [100, 105, 110]);
    assert_eq!(instants(&two(), fixed(300), None, 200), [100, 110]);
    assert_eq!(instants(&two(), fixed(99), None, 200), [100, 110]);
    let inception = || at(A, FixedTime::Inception);
    assert_eq!(
        instants(&two().inception(103), inception(), None, 200),
        [100, 103, 110]
    );
    assert_eq!(
        instants(&two().inception(90), inception(), None, 200),
        [100, 110]
    );
    let running = || of(since_inception(Max, A));
    assert_eq!(
        instants(&two().inception(104), running(), None, 200),
        [100, 104, 110]
    );
    let on_grid = of(every(since_inception(Max, A), 50, None));
    assert_eq!(
        instants(&two().inception(104), on_grid, None, 200),
        [100, 104, 110, 150, 200]
    );
}

#[test]
fn what_was_observed_before_the_start_still_leaves_after_it() {
    assert_eq!(
        instants(&two(), of(window(Twap, A, 50)), Some(155), 1_000),
        [155, 160]
    );
}

#[test]
fn payouts_move_by_themselves_only_while_they_are_settled() {
    let fraction = || of(window(Max, A, 50));
    let all = |settle: Option<i64>| {
        let mut cover = cover(never(number("0")), fraction());
        cover.payout.settle = settle.map(Seconds);
        let evaluation = two().evaluate(cover, None, 1_000);
        let at = evaluation.instants.into_iter().map(|at| at.0);
        at.collect::<Vec<_>>()
    };
    assert_eq!(all(None), [100, 110]);
    assert_eq!(all(Some(5)), [100, 110, 150, 160]);
}
