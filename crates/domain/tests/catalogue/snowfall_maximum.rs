//! Arbol's shape: the greatest daily snowfall at or above the strike pays all.

use super::harness::{check, check_claims, check_epochs};

const COVER: &str = "snowfall-maximum";

#[test]
fn the_strike() {
    check(COVER, &[
        ("exactly the strike", "0 snow=5 · 1d snow=30", "1d", "#1 1d→1d pays 1, true"),
        ("a hair below", "0 snow=5 · 1d snow=29.999999999999999999", "1d", "false"),
        ("days do not add up", "0..9d/1d snow=29", "9d", "false"),
        ("once", "0 snow=30 · 1d snow=0 · 2d snow=40", "2d", "#1 0→0 pays 1, true"),
    ]);
}

#[test]
fn missing_days() {
    check(COVER, &[
        ("36 hours are tolerated", "0 snow=5", "36h", "false"),
        ("then nothing is known", "0 snow=5", "36h+1s", "unknown: input `snow` is older than its max_age since 1d12h1s"),
        ("a missing day hides nothing that was seen", "0 snow=35 · 1d snow=-", "1d", "#1 0→0 pays 1, unknown: input `snow` was reported without a value at 1d"),
        ("nor is it a day without snow", "0 snow=5 · 1d snow=-", "1d", "unknown: input `snow` was reported without a value at 1d"),
    ]);
}

#[test]
fn within_the_season() {
    check_claims(COVER, &[
        ("on its first second", "1d snow=30", "1d", "2d", "pays 1"),
        ("on its last", "0 snow=0 · 2d-1s snow=30", "1d", "2d", "pays 1"),
        ("as it ends", "0 snow=0 · 2d snow=30", "1d", "2d", "after expiry"),
    ]);
}

#[test]
fn a_risk_that_begins_with_its_policy() {
    check_epochs(COVER, &[
        ("the row in force as it begins counts from there", "0 snow=30 · 1d snow=0", "12h", "2d", "pays 1"),
        ("one that was superseded does not", "0 snow=30 · 12h snow=0", "12h", "2d", "nothing happened"),
    ]);
}
