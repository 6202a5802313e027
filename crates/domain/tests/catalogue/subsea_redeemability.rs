//! Subsea: a claim token redeems for less than the threshold in two different blocks.

use super::harness::check;

const COVER: &str = "subsea-redeemability";

#[test]
fn two_blocks() {
    check(COVER, &[
        ("two", "0 redeemable=0.97#100 · 12 redeemable=0.97#101", "12s", "#1 0→12s pays 1, true"),
        ("one is not enough", "0 redeemable=0.97#100", "1h", "false"),
        ("one twice is one", "0 redeemable=0.97#100 · 12 redeemable=0.97#100", "1h", "false"),
        ("not in succession", "0 redeemable=0.97#100 · 12 redeemable=0.98#101 · 24 redeemable=0.97#102", "1h", "false"),
        ("they need not be neighbours", "0 redeemable=0.97#100 · 40min redeemable=0.5#300", "40min", "#1 0→40min pays 1, true"),
        ("a recovery afterwards is too late", "0 redeemable=0.97#100 · 12 redeemable=0.97#101 · 24 redeemable=1#102", "24s", "#1 0→12s pays 1, false"),
    ]);
}

#[test]
fn the_threshold() {
    check(COVER, &[
        ("exactly it is not below", "0 redeemable=0.98#100 · 12 redeemable=0.98#101", "12s", "false"),
        ("a hair lower is", "0 redeemable=0.979999999999999999#100 · 12 redeemable=0.979999999999999999#101", "12s", "#1 0→12s pays 1, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("65 minutes are tolerated", "0 redeemable=0.97#100 · 65min redeemable=0.97#101", "65min", "#1 0→65min pays 1, true"),
        ("a second more begins the count anew", "0 redeemable=0.97#100 · 65min+2s redeemable=0.97#101", "65min+2s", "false"),
        ("an empty reading does too", "0 redeemable=0.97#100 · 12 redeemable=-#101 · 24 redeemable=0.97#102", "24s", "false"),
    ]);
}
