//! Windows over values in force: `twap`, its closes, `geo_twap`, `min`, `max`.

use tocsin_domain::eval::Unknown;
use tocsin_domain::lang::ir::WindowFunction::{GeoTwap, Max, Min, Twap, TwapOfCloses};
use tocsin_domain::time::Seconds;

use super::terms::{
    A, D, DAY, World, covered, every, is, not_covered, not_yet, seen_as, since_inception, stream,
    window,
};

fn steps() -> World {
    World::of(stream(A, &[(0, "1"), (10, "2"), (20, "4")]))
}

#[test]
fn a_mean_over_time_weighs_the_seconds_in_force_and_not_the_value_that_arrives() {
    assert_eq!(steps().over(window(Twap, A, 20), 20), is("1.5"));
    assert_eq!(steps().over(window(Twap, A, 20), 30), is("3"));
    // 1 was carried into (5, 15] and held for five of ten seconds.
    assert_eq!(steps().over(window(Twap, A, 10), 15), is("1.5"));
    // (1·10 + 2·10 + 4·1) / 21
    assert_eq!(
        steps().over(window(Twap, A, 21), 21),
        is("1.619047619047619047")
    );
    let below = World::of(stream(A, &[(0, "-1"), (2, "-2")]));
    assert_eq!(
        below.over(window(Twap, A, 3), 3),
        is("-1.333333333333333333")
    );
}

#[test]
fn a_mean_of_huge_values_does_not_overflow() {
    let greatest = "57896044618658097711785492504343953926634992332820282019728.792003956564819967";
    let world = World::of(stream(A, &[(0, greatest)]));
    assert_eq!(world.over(window(Twap, A, DAY), DAY), is(greatest));
    assert_eq!(world.over(window(GeoTwap, A, DAY), DAY), is(greatest));
}

#[test]
fn a_window_needs_its_part_known() {
    // 15 of 20 seconds.
    assert_eq!(steps().over(window(Twap, A, 20), 15), not_covered(A));
    assert_eq!(
        steps().over(covered(window(Twap, A, 20), "0.75"), 15),
        is("1.333333333333333333")
    );
    assert_eq!(
        steps().over(covered(window(Twap, A, 20), "0.750000000000000001"), 15),
        not_covered(A)
    );
    // 9 of 10, then 8 of 10.
    let window = covered(window(Min, A, 10), "0.9");
    assert_eq!(steps().over(window.clone(), 9), is("1"));
    assert_eq!(steps().over(window, 8), not_covered(A));
    assert_eq!(
        World::default().over(super::terms::window(Twap, A, 10), 8),
        not_covered(A)
    );
}

#[test]
fn a_value_is_known_up_to_its_greatest_age_to_the_second() {
    // Known in 0…3 and 10…13.
    let world = World::of(stream(A, &[(0, "1"), (10, "3")])).max_age(3);
    // (1·4 + 3·2) / 6 of 12
    assert_eq!(
        world.over(covered(window(Twap, A, 12), "0.5"), 12),
        is("1.666666666666666666")
    );
    assert_eq!(
        world.over(covered(window(Twap, A, 12), "0.51"), 12),
        not_covered(A)
    );
    assert_eq!(world.over(window(Twap, A, 4), 4), is("1"));
    assert_eq!(world.over(window(Twap, A, 5), 5), not_covered(A));
    // Seconds 11…20, of which 11, 12 and 13 are known; unknown now does not matter.
    assert_eq!(world.over(covered(window(Twap, A, 10), "0.3"), 21), is("3"));
    assert_eq!(
        world.over(covered(window(Max, A, 10), "0.31"), 21),
        not_covered(A)
    );
    // Nothing of it is known, however little is asked for.
    assert_eq!(
        world.over(covered(window(Min, A, 3), "0.000000000000000001"), 30),
        not_covered(A)
    );
}

#[test]
fn a_row_without_a_value_ends_the_value_before_it() {
    let world = World::of(stream(A, &[(0, "1"), (4, ""), (8, "5")]));
    assert_eq!(world.over(window(Twap, A, 10), 10), not_covered(A));
    // (1·4 + 5·2) / 6
    assert_eq!(
        world.over(covered(window(Twap, A, 10), "0.6"), 10),
        is("2.333333333333333333")
    );
}

#[test]
fn the_last_of_a_second_is_in_force() {
    let world = World::of(vec![
        seen_as(A, 0, 1, "7"),
        seen_as(A, 0, 3, "1"),
        seen_as(A, 0, 2, "9"),
        seen_as(A, 5, 1, "4"),
        seen_as(A, 5, 2, "3"),
    ]);
    assert_eq!(world.over(window(Twap, A, 10), 10), is("2"));
    assert_eq!(world.over(window(Max, A, 10), 10), is("3"));
}

#[test]
fn a_mean_of_durations_is_cut_to_whole_seconds() {
    let world = World::of(stream(D, &[(0, "-10"), (1, "-15"), (2, "-15")]));
    assert_eq!(world.over(window(Twap, D, 3), 3), is("-13"));
}

#[test]
fn closes_are_the_values_just_before_the_ends_of_utc_days() {
    let world = World::of(stream(
        A,
        &[
            (10 * DAY + DAY / 2, "1"),
            (12 * DAY - 1, "2"),
            (12 * DAY, "9"),
        ],
    ));
    let closes = window(TwapOfCloses(Seconds(DAY)), A, 2 * DAY);
    assert_eq!(world.over(closes.clone(), 12 * DAY), is("1.5"));
    // In the days after, the same two ended.
    assert_eq!(world.over(closes.clone(), 13 * DAY - 1), is("1.5"));
    assert_eq!(world.over(closes.clone(), 13 * DAY), is("5.5"));
    // Of the two days that ended by then, the first was not known at its end.
    assert_eq!(world.over(closes.clone(), 11 * DAY), not_covered(A));
    assert_eq!(world.over(covered(closes, "0.5"), 11 * DAY), is("1"));
    // No day ended within an hour of noon.
    let hour = window(TwapOfCloses(Seconds(DAY)), A, 3600);
    assert_eq!(world.over(hour, 12 * DAY + DAY / 2), not_covered(A));
}

#[test]
fn a_geometric_mean_needs_values_above_zero_in_force() {
    let world = World::of(stream(A, &[(0, "1"), (5, "4"), (10, "0"), (11, "4")]));
    // Zero arrives at 10 and has no weight yet.
    assert_eq!(world.over(window(GeoTwap, A, 10), 10), is("2"));
    assert_eq!(
        world.over(window(GeoTwap, A, 10), 11),
        Err(Unknown::NotPositive)
    );
    assert_eq!(world.over(window(GeoTwap, A, 12), 11), not_covered(A));
    // ³√(1·1·2)
    let third = World::of(stream(A, &[(0, "1"), (2, "2")]));
    assert_eq!(
        third.over(window(GeoTwap, A, 3), 3),
        is("1.259921049894873164")
    );
}

#[test]
fn extremes_look_at_the_value_carried_in_and_at_the_one_that_arrives() {
    let world = World::of(stream(A, &[(0, "1"), (10, "2"), (20, "4"), (21, "3")]));
    assert_eq!(world.over(window(Min, A, 5), 14), is("1"));
    assert_eq!(world.over(window(Min, A, 5), 15), is("2"));
    assert_eq!(world.over(window(Max, A, 5), 20), is("4"));
    assert_eq!(world.over(window(Max, A, 5), 19), is("2"));
    // As of 20 it is still 4, one second in.
    assert_eq!(world.over(window(Max, A, 1), 21), is("4"));
    assert_eq!(world.over(window(Max, A, 1), 22), is("3"));
}

#[test]
fn since_inception_begins_there_and_knows_nothing_before() {
    let world = steps().inception(5);
    let extreme = |function| since_inception(function, A);
    assert_eq!(world.over(extreme(Max), 4), not_yet(5));
    assert_eq!(world.over(extreme(Max), 5), is("1"));
    assert_eq!(world.over(extreme(Max), 25), is("4"));
    assert_eq!(world.over(extreme(Min), 25), is("1"));
    assert_eq!(steps().inception(10).over(extreme(Min), 25), is("2"));
    // No second has passed.
    assert_eq!(world.over(extreme(Twap), 5), not_covered(A));
    assert_eq!(world.over(extreme(Twap), 15), is("1.5"));
    // Said nowhere, it is the first observation, of whatever input.
    assert_eq!(steps().over(extreme(Twap), 20), is("1.5"));
    let unknown = World::of(stream(A, &[(0, ""), (5, "2")]));
    assert_eq!(unknown.over(extreme(Min), 0), not_covered(A));
    assert_eq!(unknown.over(extreme(Min), 9), not_covered(A));
    assert_eq!(unknown.over(covered(extreme(Min), "0.4"), 9), is("2"));
}

#[test]
fn a_window_on_a_grid_stands_still_between_boundaries() {
    let window = every(window(Twap, A, 10), 10, None);
    assert_eq!(steps().over(window.clone(), 9), not_covered(A));
    assert_eq!(steps().over(window.clone(), 10), is("1"));
    assert_eq!(steps().over(window.clone(), 19), is("1"));
    assert_eq!(steps().over(window.clone(), 20), is("2"));
    assert_eq!(steps().over(window, 29), is("2"));
    let running = every(since_inception(Max, A), 10, None);
    let world = steps().inception(15);
    assert_eq!(world.over(running.clone(), 14), not_yet(15));
    // The last boundary, 10, lies before the inception.
    assert_eq!(world.over(running.clone(), 19), not_yet(15));
    assert_eq!(world.over(running.clone(), 20), is("4"));
    assert_eq!(world.over(running, 29), is("4"));
}
