//! Uno Re: below the threshold for ten days on end.

use super::harness::check;

const COVER: &str = "uno-re-depeg-10d";

#[test]
fn the_threshold() {
    check(COVER, &[
        ("below it for ten days", "0..10d/1d price=0.94", "10d", "#1 0→10d pays 0.06, true"),
        ("exactly the threshold is not below", "0..11d/1d price=0.95", "11d", "false"),
        ("a hair lower is", "0..10d/1d price=0.949999999999999999", "10d", "#1 0→10d pays 0.050000000000000001, true"),
    ]);
}

#[test]
fn the_ten_days() {
    check(COVER, &[
        ("a second before", "0..9d/1d price=0.94", "10d-1s", "false"),
        ("the threshold itself, a second before, ends them", "0..9d/1d price=0.94 · 10d-1s price=0.95 · 10d price=0.94", "11d", "false"),
        ("at exactly ten days they are full", "0..9d/1d price=0.94 · 10d price=0.95", "10d", "#1 0→10d pays 0.06, true"),
        ("one price above begins them anew", "0..9d/1d price=0.94 · 9d+12h price=0.96 · 10d..20d/1d price=0.9", "20d", "#1 10d→20d pays 0.1, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("is a gap", "0..4d/1d price=0.9", "6d", "unknown: the recovery of a breach cannot be seen since 5d1h1s: input `price` is older than its max_age since 5d1h1s"),
        ("after which the ten days begin anew", "0..4d/1d price=0.9 · 6d..16d/1d price=0.9", "16d", "#1 6d→16d pays 0.1, true"),
    ]);
}
