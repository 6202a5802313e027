//! InsurAce: the mean of ten daily closes is below 0.88.

use super::harness::{check, check_claims};

const COVER: &str = "insurace-depeg-10d";

#[test]
fn ten_closes() {
    check(COVER, &[
        ("ten closes below pay what the mean lost", "0..10d/1d price=0.87", "10d", "#1 10d→10d pays 0.13, true"),
        ("a second before, the tenth day has not closed", "0..10d-1s/1d price=0.87", "10d-1s", "unknown: not enough of the window over `price` is known"),
        ("exactly 0.88 is not below", "0..11d/1d price=0.88", "11d", "false"),
        ("one close a hair lower is", "0..10d/1d price=0.88 · 5d price=0.879999999999999999", "10d", "#1 10d→10d pays 0.120000000000000001, true"),
        ("prices within a day do not count", "0..10d/1d price=0.88 · 3d+6h price=0.1 · 3d+12h price=0.88", "10d", "false"),
        ("one collapse in ten days is enough", "0..9d/1d price=1 · 9d+1h price=0 · 10d price=0", "11d", "#1 11d→11d pays 0.2, true"),
    ]);
}

#[test]
fn midnight() {
    check(COVER, &[
        ("the last second belongs to the day", "0..9d/1d price=0.88 · 10d-1s price=0", "10d", "#1 10d→10d pays 0.208, true"),
        ("midnight itself to the next", "0..9d/1d price=0.88 · 10d price=0", "10d", "false"),
        ("and counts when that has closed", "0..9d/1d price=0.88 · 10d price=0", "11d", "#1 11d→11d pays 0.208, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("a close may be 25 hours old", "0..8d/1d price=0.5 · 9d-1h-1s price=0.5 · 10d price=0.5", "10d", "#1 10d→10d pays 0.5, true"),
        ("a second older is no close", "0..8d/1d price=0.5 · 9d-1h-2s price=0.5 · 10d price=0.5", "10d", "unknown: not enough of the window over `price` is known"),
        ("an empty last word of the day is none either", "0..10d/1d price=0.5 · 4d+23h price=-", "10d", "unknown: not enough of the window over `price` is known"),
        ("nine closes are not ten", "1d..10d/1d price=0.5", "10d", "unknown: not enough of the window over `price` is known"),
    ]);
}

#[test]
fn the_policy() {
    check_claims(COVER, &[
        ("begins at that midnight", "0..10d/1d price=0.87", "10d", "20d", "pays 0.13"),
        ("begins a second later", "0..10d/1d price=0.87", "10d+1s", "20d", "before inception"),
        ("ends at that midnight", "0..10d/1d price=0.87", "0", "10d", "after expiry"),
        ("ends a second later", "0..10d/1d price=0.87", "0", "10d+1s", "pays 0.13"),
    ]);
}
