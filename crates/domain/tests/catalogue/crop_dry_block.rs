//! ACRE's rule: sums of ten local days, one for every day.
//!
//! Midnight in Nairobi is 21 h UTC; a day's row is observed a second later. Day 0 begins at 21 h.

use super::harness::{check, check_claims, check_guards};

const COVER: &str = "crop-dry-block";

/// Days 0 to 9 bring 5 mm each.
const WET: &str = "21h+1s..9d21h+1s/1d rain=5";

#[test]
fn the_blocks() {
    let dry = format!("{WET} · 10d21h+1s..17d21h+1s/1d rain=0");
    let sudden = "21h+1s..8d21h+1s/1d rain=5 · 9d21h+1s rain=20 · 10d21h+1s..19d21h+1s/1d rain=0";
    check(COVER, &[
        ("days 7 to 16 bring exactly 15 mm, days 8 to 17 bring 10", &dry, "18d21h", "#1 18d21h→18d21h pays 0.5, true"),
        ("not before their last midnight", &dry, "18d21h-1s", "false"),
        ("days 10 to 19 bring nothing, days 9 to 18 brought 20", sudden, "20d21h", "#1 20d21h→20d21h pays 1, true"),
        ("a drier block later pays no more", &dry, "19d21h", "#1 18d21h→18d21h pays 0.5, true"),
        ("a UTC day is over earlier, and does not count", sudden, "20d21h-1s", "false"),
    ]);
}

#[test]
fn a_row_at_midnight_belongs_to_the_day_that_ends() {
    let dry = format!("{WET} · 10d21h+1s..17d21h+1s/1d rain=0");
    check(COVER, &[
        ("at midnight", &format!("{dry} · 18d21h rain=5 · 18d21h+1s rain=0"), "19d21h", "#1 19d21h→19d21h pays 0.5, true"),
        ("a second later", &format!("{dry} · 18d21h+1s rain=5"), "18d21h+1s", "#1 18d21h→18d21h pays 0.5, true"),
    ]);
}

#[test]
fn missing_days() {
    check(COVER, &[
        ("two of ten may be missing", &format!("{WET} · 10d21h+1s..15d21h+1s/1d rain=0"), "18d21h", "#1 18d21h→18d21h pays 0.5, true"),
        ("three may not", &format!("{WET} · 10d21h+1s..14d21h+1s/1d rain=0"), "18d21h", "unknown: not enough of the window over `rain` is known"),
        ("a row without a value is a missing day", &format!("{WET} · 10d21h+1s..14d21h+1s/1d rain=0 · 15d21h+1s..17d21h+1s/1d rain=-"), "18d21h", "unknown: not enough of the window over `rain` is known"),
        ("nor can a series begin in the middle of a block", "21h+1s..7d21h+1s/1d rain=0", "8d21h", "unknown: not enough of the window over `rain` is known"),
    ]);
}

#[test]
fn rows_at_the_wrong_time() {
    check_guards(COVER, &[
        ("eight days have a row", &format!("{WET} · 10d21h+1s..15d21h+1s/1d rain=0"), "18d21h", "rows_enough: true"),
        ("of rows at the end of their day seven are there, and the coverage says eight", "8d21h rain=20 · 9d21h..15d21h/1d rain=0", "18d21h", "rows_enough: false"),
    ]);
}

#[test]
fn a_block_lies_within_the_policy() {
    let dry = format!("{WET} · 10d21h+1s..20d21h+1s/1d rain=0");
    check_claims(COVER, &[
        ("it begins with the policy", &dry, "8d21h", "60d", "pays 0.5"),
        ("a second before it", &dry, "8d21h+1s", "60d", "waiting period"),
    ]);
}
