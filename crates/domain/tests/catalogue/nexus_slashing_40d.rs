//! Nexus Mutual: penalties above the deductible within forty days.

use super::harness::check;

const COVER: &str = "nexus-slashing-40d";

#[test]
fn the_deductible() {
    check(COVER, &[
        ("what exceeds it is paid", "0 penalty=0.008 · 39d penalty=0.003", "79d", "#1 39d→39d pays 0.001, false"),
        ("exactly 1 % does not", "0 penalty=0.008 · 39d penalty=0.002", "90d", "false"),
        ("nothing is slashed twice", "0 penalty=0.8 · 1d penalty=0.8", "40d", "#1 0→0 pays 0.99, true"),
    ]);
}

#[test]
fn the_forty_days() {
    check(COVER, &[
        ("a second less than forty days apart", "0 penalty=0.006 · 40d-1s penalty=0.006", "80d-1s", "#1 39d23h59min59s→39d23h59min59s pays 0.002, false"),
        ("exactly forty days apart", "0 penalty=0.006 · 40d penalty=0.006", "90d", "false"),
    ]);
}

#[test]
fn the_settlement() {
    check(COVER, &[
        ("a later penalty raises it", "0 penalty=0.02 · 18d penalty=0.03", "40d", "#1 0→0 pays 0.04, true"),
        ("nothing is settled a second before", "0 penalty=0.02 · 18d penalty=0.03", "40d-1s", "true"),
        ("a penalty at the last second counts", "0 penalty=0.02 · 18d penalty=0.03 · 40d penalty=0.04", "40d", "#1 0→0 pays 0.06, true"),
        ("a second later it does not", "0 penalty=0.02 · 18d penalty=0.03 · 40d+1s penalty=0.04", "41d", "#1 0→0 pays 0.04, true"),
    ]);
}

#[test]
fn an_unknown_amount() {
    check(COVER, &[
        ("makes the sum unknown", "0 penalty", "1d", "unknown: input `penalty` was reported without a value at 0"),
    ]);
}
