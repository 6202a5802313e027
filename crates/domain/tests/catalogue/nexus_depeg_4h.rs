//! Nexus Mutual: more than 10 % below the peg for more than four hours.

use super::harness::check;

const COVER: &str = "nexus-depeg-4h";

#[test]
fn the_depth() {
    check(COVER, &[
        ("15 % for four hours", "0..4h/1h price=0.85", "4h", "#1 0→4h pays 0.15, true"),
        ("exactly 10 % is not more", "0..5h/1h price=0.9", "5h", "false"),
        ("a hair more is", "0..4h/1h price=0.899999999999999999", "4h", "#1 0→4h pays 0.100000000000000001, true"),
    ]);
}

#[test]
fn the_four_hours() {
    check(COVER, &[
        ("a second before", "0..3h/1h price=0.85", "4h-1s", "false"),
        ("a recovery to exactly 0.90 at exactly four hours is in time", "0..3h/1h price=0.85 · 4h price=0.9", "5h", "false"),
        ("a second later is too late", "0..4h/1h price=0.85 · 4h+1s price=0.9", "5h", "#1 0→4h pays 0.15, false"),
        ("a recovery in between begins them anew", "0..3h/1h price=0.85 · 3h+30min price=0.9 · 4h..8h/1h price=0.8", "8h", "#1 4h→8h pays 0.2, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("90 minutes are tolerated", "0 price=0.85 · 90min price=0.85 · 3h price=0.85", "4h", "#1 0→4h pays 0.15, true"),
        ("a second more is a gap", "0 price=0.85 · 90min+2s price=0.85 · 3h price=0.85", "4h", "false"),
        ("and is shown as one", "0 price=0.85", "2h", "unknown: the recovery of a breach cannot be seen since 1h30min1s: input `price` is older than its max_age since 1h30min1s"),
    ]);
}
