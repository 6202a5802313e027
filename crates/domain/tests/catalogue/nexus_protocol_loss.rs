//! Nexus Mutual: more than 5 % lost within two hours.

use super::harness::check;

const COVER: &str = "nexus-protocol-loss";

#[test]
fn the_deductible() {
    check(COVER, &[
        ("what exceeds it is paid", "0 loss=0.04 · 1h loss=0.02", "3h", "#1 1h→1h pays 0.01, false"),
        ("exactly 5 % does not", "0 loss=0.03 · 1h loss=0.02", "4h", "false"),
        ("a hair more does", "0 loss=0.050000000000000001", "2h", "#1 0→0 pays 0.000000000000000001, false"),
        ("nothing is lost twice", "0 loss=0.7 · 1h loss=0.7", "2h", "#1 0→0 pays 0.95, true"),
    ]);
}

#[test]
fn the_two_hours() {
    check(COVER, &[
        ("a second less than two hours apart", "0 loss=0.03 · 2h-1s loss=0.03", "4h-1s", "#1 1h59min59s→1h59min59s pays 0.01, false"),
        ("exactly two hours apart", "0 loss=0.03 · 2h loss=0.03", "5h", "false"),
    ]);
}

#[test]
fn the_settlement() {
    check(COVER, &[
        ("nothing is settled a second before", "0 loss=0.5", "2h-1s", "true"),
        ("it is after two hours", "0 loss=0.5", "2h", "#1 0→0 pays 0.45, false"),
        ("the worst two hours count", "0 loss=0.06 · 1h loss=0.2 · 2h loss=0.3", "2h", "#1 0→0 pays 0.45, true"),
        ("what comes later does not", "0 loss=0.06 · 2h+1s loss=0.9", "3h", "#1 0→0 pays 0.01, true"),
        ("it is one loss event", "0 loss=0.06 · 5h loss=0.9", "9h", "#1 0→0 pays 0.01, false"),
    ]);
}

#[test]
fn an_unknown_amount() {
    check(COVER, &[
        ("makes the sum unknown", "0 loss", "1h", "unknown: input `loss` was reported without a value at 0"),
        ("until it leaves the window", "0 loss", "2h", "false"),
        ("no losses at all are none", "10d loss=0", "10d", "false"),
    ]);
}
