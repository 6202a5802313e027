//! Arbol's shape: clamp((rain of the period − strike) · tick, 0, limit), read once at the end.

use super::harness::{check, check_claims, check_guards};

const COVER: &str = "rainfall-index";

/// 240 mm in 30 days.
const RAIN: &str = "1s..29d+1s/1d rain=8";

#[test]
fn the_tick() {
    check(COVER, &[
        ("40 mm above the strike", &format!("{RAIN} · 30d closed"), "30d", "#1 30d→30d pays 0.2, true"),
        ("exactly the strike", "1s..19d+1s/1d rain=10 · 20d+1s..29d+1s/1d rain=0 · 30d closed", "30d", "false"),
        ("a hair above is a loss that pays nothing yet", "1s..18d+1s/1d rain=10 · 19d+1s rain=10.000000000000000001 · 20d+1s..29d+1s/1d rain=0 · 30d closed", "30d", "#1 30d→30d pays 0, true"),
        ("exactly the limit", "1s..18d+1s/1d rain=20 · 19d+1s rain=20 · 20d+1s..29d+1s/1d rain=0 · 30d closed", "30d", "#1 30d→30d pays 1, true"),
        ("and above it", "1s..29d+1s/1d rain=100 · 30d closed", "30d", "#1 30d→30d pays 1, true"),
    ]);
}

#[test]
fn the_index_is_read_once() {
    check(COVER, &[
        ("not before the end", RAIN, "30d-1s", "false"),
        ("and never again", &format!("{RAIN} · 30d closed"), "30d+1s", "#1 30d→30d pays 0.2, false"),
        ("without an end there is no answer to give", RAIN, "40d", "false"),
    ]);
}

#[test]
fn the_ends_of_the_period() {
    check(COVER, &[
        ("the second of its beginning is outside", &format!("0 rain=100 · {RAIN} · 30d closed"), "30d", "#1 30d→30d pays 0.2, true"),
        ("that of its end is inside", &format!("{RAIN} · 30d rain=8 · 30d closed"), "30d", "#1 30d→30d pays 0.24, true"),
        ("the next is outside", &format!("{RAIN} · 30d closed · 30d+1s rain=100"), "30d+1s", "#1 30d→30d pays 0.2, false"),
    ]);
}

#[test]
fn missing_days() {
    check(COVER, &[
        ("three of thirty may be missing", "1s..26d+1s/1d rain=8 · 30d closed", "30d", "#1 30d→30d pays 0.08, true"),
        ("four may not, and that is no answer", "1s..25d+1s/1d rain=8 · 30d closed", "30d", "unknown: not enough of the window over `rain` is known"),
    ]);
}

#[test]
fn rows_at_the_wrong_time() {
    check_guards(COVER, &[
        ("27 of 30 days have a row", "1s..26d+1s/1d rain=8 · 30d closed", "30d", "rows_enough: true"),
        ("of rows at the end of their day 26 are there, and the coverage says 27", "0..26d/1d rain=8 · 30d closed", "30d", "rows_enough: false"),
    ]);
}

#[test]
fn the_end_belongs_to_the_policy() {
    let closed = format!("{RAIN} · 30d closed");
    check_claims(COVER, &[
        ("it ends with the period", &closed, "0", "30d", "pays 0.2"),
        ("a second earlier", &closed, "0", "30d-1s", "after expiry"),
    ]);
}
