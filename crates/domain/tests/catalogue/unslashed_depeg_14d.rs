//! Unslashed: the time-weighted mean of fourteen days is below 0.87.

use super::harness::{check, check_claims};

const COVER: &str = "unslashed-depeg-14d";

#[test]
fn the_mean() {
    check(COVER, &[
        ("fourteen days below pay what the mean lost", "0..14d/1d price=0.86", "14d", "#1 14d→14d pays 0.14, true"),
        ("a second before, they are not full", "0..13d/1d price=0.86", "14d-1s", "unknown: not enough of the window over `price` is known"),
        ("exactly 0.87 is not below", "0..15d/1d price=0.87", "15d", "false"),
        ("nor is it as a mean", "0..6d/1d price=0.88 · 7d..14d/1d price=0.86", "14d", "false"),
        ("a second later it is", "0..6d/1d price=0.88 · 7d..14d/1d price=0.86 · 14d+1s price=0.86", "14d+1s", "#1 14d1s→14d1s pays 0.130000016534391535, true"),
    ]);
}

#[test]
fn instants() {
    check(COVER, &[
        ("a price that arrives now has no weight", "0..13d/1d price=0.87 · 14d price=0", "14d", "false"),
        ("a second later it has one", "0..13d/1d price=0.87 · 14d price=0 · 14d+1s price=0", "14d+1s", "#1 14d1s→14d1s pays 0.130000719246031747, true"),
        ("between observations nothing is looked at", "0 price=1 · 1d..14d/1d price=0.86", "15d-1s", "false"),
        ("until one leaves the window", "0 price=1 · 1d..14d/1d price=0.86", "15d", "#1 15d→15d pays 0.14, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("25 hours are tolerated", "0..5d/1d price=0.5 · 6d+1h+1s..13d+1h+1s/1d price=0.5", "14d", "#1 14d→14d pays 0.5, true"),
        ("one more second makes the mean unknown", "0..5d/1d price=0.5 · 6d+1h+2s..13d+1h+2s/1d price=0.5", "14d", "unknown: not enough of the window over `price` is known"),
        ("so does an empty price", "0..14d/1d price=0.5 · 7d+1h price=-", "14d", "unknown: not enough of the window over `price` is known"),
    ]);
}

#[test]
fn the_policy() {
    check_claims(COVER, &[
        ("begins when the mean falls below", "0..14d/1d price=0.86", "14d", "20d", "pays 0.14"),
        ("begins a second later", "0..14d/1d price=0.86", "14d+1s", "20d", "before inception"),
    ]);
}
