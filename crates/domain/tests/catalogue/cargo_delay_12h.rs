//! Otonomi's shape: arrival more than 12 hours after the schedule locked at departure, which is the inception.

use super::harness::check_since;

const COVER: &str = "cargo-delay-12h";

#[test]
fn the_delay() {
    check_since(COVER, "1d", &[
        ("exactly 12 hours", "0 schedule=5d · 5d12h arrival=5d12h", "5d12h", "false"),
        ("a second more", "0 schedule=5d · 5d12h+1s arrival=5d12h+1s", "5d12h+1s", "#1 5d12h1s→5d12h1s pays 1, true"),
        ("early", "0 schedule=5d · 4d arrival=4d", "4d", "false"),
        ("what counts is when it arrived, not when that was told", "0 schedule=5d · 9d arrival=5d", "9d", "false"),
    ]);
}

#[test]
fn the_lock() {
    check_since(COVER, "1d", &[
        ("a later revision changes nothing", "0 schedule=5d · 2d schedule=7d · 6d arrival=6d", "6d", "#1 6d→6d pays 1, true"),
        ("nor does an earlier arrival time in it", "0 schedule=7d · 2d schedule=5d · 6d arrival=6d", "6d", "false"),
        ("one in the second of the departure counts", "0 schedule=5d · 1d schedule=7d · 6d arrival=6d", "6d", "false"),
        ("a second later it does not", "0 schedule=5d · 1d+1s schedule=7d · 6d arrival=6d", "6d", "#1 6d→6d pays 1, true"),
        ("no schedule at the departure is no answer", "1d+1s schedule=5d · 6d arrival=6d", "6d", "unknown: input `schedule` was never observed"),
        ("an empty one neither", "0 schedule=5d · 12h schedule=- · 2d schedule=5d · 6d arrival=6d", "6d", "unknown: input `schedule` was reported without a value at 12h"),
    ]);
}

#[test]
fn under_way() {
    check_since(COVER, "1d", &[
        ("nothing is decided before the arrival", "0 schedule=5d · 2d schedule=30d", "29d", "unknown: input `arrival` was never observed"),
    ]);
}
