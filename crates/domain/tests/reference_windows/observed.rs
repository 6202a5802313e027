//! Windows over observations and events: `mean`, `median`, `sum`, `count`, `happened`, and blocks of local days.

use tocsin_domain::eval::Unknown;
use tocsin_domain::lang::ir::WindowFunction::{Count, Max, Mean, Median, Sum, Twap};
use tocsin_domain::lang::ir::{ExprKind, InputIndex};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use super::terms::{
    A, D, DAY, E, World, covered, every, expr, is, not_covered, not_yet, seen, seen_as,
    since_inception, stream, window,
};

fn steps() -> World {
    World::of(stream(A, &[(0, "1"), (10, "2"), (20, "4")]))
}

#[test]
fn what_stands_at_the_start_is_outside_and_what_arrives_is_inside() {
    assert_eq!(steps().over(window(Sum, A, 10), 20), is("4"));
    assert_eq!(steps().over(window(Sum, A, 11), 20), is("6"));
    assert_eq!(steps().over(window(Sum, A, 20), 20), is("6"));
    assert_eq!(steps().over(window(Count, A, 20), 20), is("2"));
    assert_eq!(steps().over(window(Count, A, 20), 29), is("2"));
    assert_eq!(steps().over(window(Count, A, 20), 30), is("1"));
    assert_eq!(steps().over(window(Mean, A, 20), 20), is("3"));
}

#[test]
fn every_observation_of_a_second_counts_once_and_empty_rows_do_not() {
    let twice = seen_as(A, 5, 2, "4");
    let world = World::of(vec![
        seen(A, 0, "9"),
        seen_as(A, 5, 1, "1"),
        twice.clone(),
        twice,
        seen_as(A, 5, 3, ""),
        seen_as(A, 6, 1, "4"),
    ]);
    let count = covered(window(Count, A, 6), "0.8");
    assert_eq!(world.over(count, 6), is("3"));
    assert_eq!(world.over(covered(window(Sum, A, 6), "0.8"), 6), is("9"));
    assert_eq!(world.over(covered(window(Mean, A, 6), "0.8"), 6), is("3"));
    assert_eq!(world.over(covered(window(Median, A, 6), "0.8"), 6), is("4"));
    // The second 5 is unknown: five of six are known.
    assert_eq!(
        world.over(covered(window(Count, A, 6), "0.84"), 6),
        not_covered(A)
    );
}

#[test]
fn a_window_of_observations_is_covered_first_and_then_not_empty() {
    let empty = Err(Unknown::EmptyWindow { input: A });
    for function in [Mean, Median, Sum, Count] {
        assert_eq!(steps().over(window(function, A, 5), 19), empty);
        assert_eq!(steps().over(window(function, A, 5), 4), not_covered(A));
    }
    // Nothing lies between the inception and itself.
    let world = steps().inception(10);
    assert_eq!(world.over(since_inception(Sum, A), 10), empty);
    assert_eq!(world.over(since_inception(Sum, A), 9), not_yet(10));
    assert_eq!(world.over(since_inception(Sum, A), 20), is("4"));
}

#[test]
fn means_and_medians_are_cut_toward_zero() {
    let unit = "-0.000000000000000001";
    let world = World::of(stream(A, &[(0, "0"), (1, unit), (2, "0")]));
    assert_eq!(world.over(window(Mean, A, 2), 2), is("0"));
    assert_eq!(world.over(window(Median, A, 2), 2), is("0"));
    let world = World::of(stream(A, &[(0, "5"), (1, "-1"), (2, "-1"), (3, "-2")]));
    assert_eq!(
        world.over(window(Mean, A, 3), 3),
        is("-1.333333333333333333")
    );
    assert_eq!(world.over(window(Median, A, 3), 3), is("-1"));
    assert_eq!(world.over(window(Median, A, 2), 3), is("-1.5"));
    let delays = World::of(stream(D, &[(0, "0"), (1, "-3"), (2, "-4")]));
    assert_eq!(delays.over(window(Median, D, 2), 2), is("-3"));
    assert_eq!(delays.over(window(Sum, D, 2), 2), is("-7"));
}

#[test]
fn a_sum_overflows_at_its_end_and_not_on_the_way() {
    let greatest = "57896044618658097711785492504343953926634992332820282019728.792003956564819967";
    let least = format!("-{greatest}");
    let world = World::of(stream(
        A,
        &[(0, "0"), (1, greatest), (2, greatest), (3, &least)],
    ));
    assert_eq!(world.over(window(Sum, A, 3), 3), is(greatest));
    assert_eq!(world.over(window(Sum, A, 2), 2), Err(Unknown::Overflow));
    assert_eq!(world.over(window(Mean, A, 2), 2), is(greatest));
    assert_eq!(world.over(window(Median, A, 2), 2), is(greatest));
    let longest = i64::MAX.to_string();
    let delays = World::of(stream(D, &[(0, "0"), (1, &longest), (2, "1")]));
    assert_eq!(delays.over(window(Sum, D, 2), 2), Err(Unknown::Overflow));
    assert_eq!(
        delays.over(window(Mean, D, 2), 2),
        is("4611686018427387904")
    );
}

#[test]
fn events_count_by_being_there_and_need_no_coverage() {
    let world = World::of(vec![
        seen_as(E, 10, 1, "2.5"),
        seen_as(E, 10, 2, ""),
        seen_as(E, 20, 1, "4"),
        seen_as(E, 30, 1, ""),
    ])
    .max_age(1);
    assert_eq!(world.over(window(Count, E, 100), 9), is("0"));
    assert_eq!(world.over(window(Sum, E, 100), 9), is("0"));
    assert_eq!(world.over(window(Count, E, 100), 10), is("2"));
    assert_eq!(world.over(window(Count, E, 100), 99), is("4"));
    assert_eq!(world.over(window(Count, E, 10), 20), is("1"));
    assert_eq!(world.over(window(Sum, E, 10), 20), is("4"));
    let unsaid = |since| {
        Err(Unknown::NoValue {
            input: E,
            since: Timestamp(since),
        })
    };
    assert_eq!(world.over(window(Sum, E, 25), 30), unsaid(10));
    assert_eq!(world.over(window(Sum, E, 20), 30), unsaid(30));
    // A mean over time of events is none.
    for function in [Twap, Max, Mean] {
        assert_eq!(
            world.over(window(function, E, 10), 20),
            Err(Unknown::Unchecked)
        );
    }
}

#[test]
fn what_happened_once_has_happened() {
    let world = World::of(vec![seen(E, 10, "")]).max_age(1);
    let happened = || expr(ExprKind::Happened(InputIndex(E)), Type::Bool);
    assert_eq!(world.is(happened(), 9), Ok(false));
    assert_eq!(world.is(happened(), 10), Ok(true));
    assert_eq!(world.is(happened(), 1_000), Ok(true));
    let age = expr(ExprKind::Age(InputIndex(E)), Type::Duration);
    assert_eq!(world.read(age.clone(), 25), is("15"));
    assert_eq!(world.read(age, 9), Err(Unknown::NoObservation { input: E }));
}

fn time(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().0
}

/// One event every hour.
fn hourly(from: &str, hours: i64) -> World {
    let from = time(from);
    let rows = (0..hours).map(|hour| seen(E, from + hour * 3600, "1"));
    World::of(rows.collect())
}

#[test]
fn calendar_days_in_new_york_are_23_and_25_hours_long() {
    let daily = || every(window(Count, E, DAY), DAY, Some("America/New_York"));
    let spring = hourly("2024-03-08T00:30:00Z", 120);
    // 10 March lasts from 05:00Z to 04:00Z.
    assert_eq!(spring.over(daily(), time("2024-03-11T04:00:00Z")), is("23"));
    assert_eq!(spring.over(daily(), time("2024-03-11T03:59:59Z")), is("24"));
    assert_eq!(spring.over(daily(), time("2024-03-12T03:59:59Z")), is("23"));
    let autumn = hourly("2024-11-01T00:30:00Z", 120);
    assert_eq!(autumn.over(daily(), time("2024-11-04T05:00:00Z")), is("25"));
    // The two days that ended then.
    let two = || every(window(Count, E, 2 * DAY), DAY, Some("America/New_York"));
    assert_eq!(autumn.over(two(), time("2024-11-04T12:00:00Z")), is("49"));
    let utc = || every(window(Count, E, DAY), DAY, None);
    assert_eq!(autumn.over(utc(), time("2024-11-04T12:00:00Z")), is("24"));
}

#[test]
fn the_seconds_of_a_local_day_are_what_must_be_covered() {
    let start = time("2024-11-03T04:00:00Z");
    let world = World::of(stream(A, &[(start, "1"), (start + 5 * 3600, "2")]));
    let window = every(window(Twap, A, DAY), DAY, Some("America/New_York"));
    // (1·5 + 2·20) / 25 hours
    assert_eq!(world.over(window.clone(), start + 25 * 3600), is("1.8"));
    assert_eq!(world.over(window, start + 25 * 3600 - 1), not_covered(A));
}
