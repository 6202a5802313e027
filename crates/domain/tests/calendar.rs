//! Grids: multiples of a period, and local days of the time zones of the world.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use proptest::prelude::*;
use tocsin_domain::calendar::{block_start, last_boundary, next_boundary, zone_exists};
use tocsin_domain::lang::ir::Grid;
use tocsin_domain::time::{Seconds, Timestamp};

const DAY: i64 = 86_400;

fn plain(period: i64) -> Grid {
    Grid {
        period: Seconds(period),
        zone: None,
    }
}

fn days(days: i64, zone: &str) -> Grid {
    Grid {
        period: Seconds(days * DAY),
        zone: Some(zone.to_owned()),
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Every boundary after `from` and up to `to`.
fn boundaries(grid: &Grid, from: &str, to: &str) -> Vec<String> {
    let mut at = time(from);
    let mut found = Vec::new();
    loop {
        at = next_boundary(grid, at).unwrap();
        if at > time(to) {
            return found;
        }
        found.push(at.to_string());
    }
}

#[test]
fn without_a_zone_boundaries_are_multiples_before_1970_too() {
    let hours = plain(3600);
    for (at, last) in [(0, 0), (3599, 0), (3600, 3600), (-1, -3600), (-3600, -3600)] {
        assert_eq!(last_boundary(&hours, Timestamp(at)), Some(Timestamp(last)));
        assert_eq!(
            next_boundary(&hours, Timestamp(at)),
            Some(Timestamp(last + 3600))
        );
    }
    assert_eq!(last_boundary(&plain(0), Timestamp(5)), None);
    assert_eq!(next_boundary(&plain(7), Timestamp(i64::MAX)), None);
    assert_eq!(last_boundary(&plain(7), Timestamp(i64::MIN)), None);
}

#[test]
fn new_york_has_days_of_23_and_25_hours() {
    let grid = days(1, "America/New_York");
    assert_eq!(
        boundaries(&grid, "2024-03-09T05:00:00Z", "2024-03-11T04:00:00Z"),
        ["2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"]
    );
    assert_eq!(
        boundaries(&grid, "2024-11-03T03:59:59Z", "2024-11-05T05:00:00Z"),
        [
            "2024-11-03T04:00:00Z",
            "2024-11-04T05:00:00Z",
            "2024-11-05T05:00:00Z"
        ]
    );
    assert_eq!(
        last_boundary(&grid, time("2024-11-04T04:59:59Z")),
        Some(time("2024-11-03T04:00:00Z"))
    );
}

#[test]
fn lord_howe_moves_its_clocks_by_half_an_hour() {
    assert_eq!(
        boundaries(
            &days(1, "Australia/Lord_Howe"),
            "2024-04-05T13:00:00Z",
            "2024-04-08T00:00:00Z"
        ),
        ["2024-04-06T13:00:00Z", "2024-04-07T13:30:00Z"]
    );
}

#[test]
fn a_skipped_date_is_no_day() {
    let grid = days(1, "Pacific/Apia");
    assert_eq!(
        boundaries(&grid, "2011-12-28T12:00:00Z", "2012-01-01T00:00:00Z"),
        [
            "2011-12-29T10:00:00Z",
            // 30 December never came; the 31st begins where the 29th ends.
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z"
        ]
    );
    // Two days before the 31st is the 29th: the dates are counted, not the days that were lived.
    assert_eq!(
        block_start(&grid, time("2011-12-30T10:00:00Z"), Seconds(2 * DAY)),
        time("2011-12-29T10:00:00Z")
    );
    assert_eq!(
        block_start(&grid, time("2011-12-30T10:00:00Z"), Seconds(DAY)),
        time("2011-12-30T10:00:00Z")
    );
}

#[test]
fn a_midnight_that_is_skipped_or_comes_twice_begins_the_day_once() {
    // Clocks went from 00:00 to 01:00.
    assert_eq!(
        boundaries(
            &days(1, "America/Sao_Paulo"),
            "2018-11-03T03:00:00Z",
            "2018-11-05T02:00:00Z"
        ),
        ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]
    );
    // Clocks went from 00:01 back to 23:01 of the day before.
    let grid = days(1, "America/St_Johns");
    assert_eq!(
        boundaries(&grid, "2006-10-28T02:30:00Z", "2006-10-30T03:30:00Z"),
        ["2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"]
    );
    assert_eq!(
        last_boundary(&grid, time("2006-10-29T03:00:00Z")),
        Some(time("2006-10-29T02:30:00Z"))
    );
}

#[test]
fn several_days_are_counted_from_the_local_1970_01_01() {
    let weeks = days(7, "America/New_York");
    // A Thursday, as every week since then.
    assert_eq!(
        last_boundary(&weeks, time("2024-03-13T12:00:00Z")),
        Some(time("2024-03-07T05:00:00Z"))
    );
    assert_eq!(
        next_boundary(&weeks, time("2024-03-13T12:00:00Z")),
        Some(time("2024-03-14T04:00:00Z"))
    );
    assert_eq!(
        last_boundary(&weeks, time("1969-12-31T12:00:00Z")),
        Some(time("1969-12-25T05:00:00Z"))
    );
    assert_eq!(
        last_boundary(&weeks, time("1970-01-01T05:00:00Z")),
        Some(time("1970-01-01T05:00:00Z"))
    );
}

#[test]
fn a_block_of_whole_days_starts_at_a_local_midnight() {
    let grid = days(1, "America/New_York");
    let boundary = time("2024-03-11T04:00:00Z");
    assert_eq!(
        block_start(&grid, boundary, Seconds(DAY)),
        time("2024-03-10T05:00:00Z")
    );
    assert_eq!(
        block_start(&grid, boundary, Seconds(36 * 3600)),
        boundary - Seconds(36 * 3600)
    );
    assert_eq!(
        block_start(&plain(DAY), time("2024-03-11T00:00:00Z"), Seconds(2 * DAY)),
        time("2024-03-09T00:00:00Z")
    );
}

#[test]
fn zones_are_known_by_their_exact_names() {
    for name in [
        "UTC",
        "Etc/UTC",
        "Europe/Berlin",
        "Pacific/Apia",
        "US/Eastern",
    ] {
        assert!(zone_exists(name), "{name}");
    }
    for name in [
        "",
        "america/new_york",
        "Mars/Olympus",
        "Etc/Unknown",
        "EST5EDT4,M3",
        "../UTC",
    ] {
        assert!(!zone_exists(name), "{name}");
    }
    assert_eq!(last_boundary(&days(1, "Mars/Olympus"), Timestamp(0)), None);
}

fn grids() -> impl Strategy<Value = Grid> {
    let zones = prop::sample::select(vec![
        "UTC",
        "America/New_York",
        "America/St_Johns",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Monrovia",
        "Europe/Dublin",
        "America/Toronto",
        "Asia/Kathmandu",
    ]);
    prop_oneof![
        (1_i64..5_000_000).prop_map(plain),
        (1_i64..40, zones).prop_map(|(number, zone)| days(number, zone)),
    ]
}

proptest! {
    #[test]
    fn every_instant_lies_between_two_neighbouring_boundaries(
        grid in grids(), at in -5_000_000_000_i64..10_000_000_000
    ) {
        let at = Timestamp(at);
        let last = last_boundary(&grid, at).unwrap();
        let next = next_boundary(&grid, at).unwrap();
        prop_assert!(last <= at && at < next);
        prop_assert_eq!(last_boundary(&grid, last), Some(last));
        prop_assert_eq!(next_boundary(&grid, last), Some(next));
        prop_assert_eq!(last_boundary(&grid, next), Some(next));
        prop_assert_eq!(last_boundary(&grid, next - Seconds(1)), Some(last));
        if grid.zone.is_none() {
            prop_assert_eq!(last.0, at.0.div_euclid(grid.period.0) * grid.period.0);
            prop_assert_eq!(next - grid.period, last);
        } else {
            let off = (next.since(last).0 - grid.period.0).abs();
            prop_assert!(off <= DAY + 3600, "{} s", next.since(last).0);
            prop_assert_eq!(block_start(&grid, next, Seconds(0)), next);
        }
    }
}
