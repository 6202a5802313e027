//! Custody: attested reserves below liabilities for 72 hours.

use super::harness::{check, check_claims};

const COVER: &str = "custody-reserve-shortfall";

/// A shortfall of a tenth, last attested at 60 hours.
const SHORT: &str = "0..60h/12h liabilities=100 · 0..60h/12h reserves=90";

#[test]
fn the_shortfall() {
    check(COVER, &[
        ("a tenth is missing", SHORT, "72h", "#1 0→72h pays 0.1, true"),
        ("it takes all of the period", SHORT, "72h-1s", "false"),
        ("it pays what is missing at the end of it", &format!("{SHORT} · 71h reserves=50"), "72h", "#1 0→72h pays 0.5, true"),
        ("nothing left pays all", &format!("{SHORT} · 72h reserves=0"), "72h", "#1 0→72h pays 1, true"),
        ("exactly covered is no shortfall", "0..72h/12h liabilities=100 · 0..72h/12h reserves=100", "72h", "false"),
        ("a hair less is", "0..72h/12h liabilities=1 · 0..72h/12h reserves=0.999999999999999999", "72h", "#1 0→72h pays 0.000000000000000001, true"),
        ("it may begin with what is owed", "0..73h/12h reserves=100 · 0 liabilities=100 · 1h..61h/12h liabilities=125", "73h", "#1 1h→73h pays 0.2, true"),
    ]);
}

#[test]
fn the_recovery() {
    check(COVER, &[
        ("covered again at exactly 72 hours", &format!("{SHORT} · 72h reserves=100"), "80h", "false"),
        ("a second later is too late", &format!("{SHORT} · 72h+1s reserves=100"), "72h+1s", "#1 0→72h pays 0.1, false"),
        ("nearly covered is no recovery", &format!("{SHORT} · 65h reserves=99.999999999999999999 · 66h reserves=90"), "72h", "#1 0→72h pays 0.1, true"),
        ("any recovery ends it", &format!("{SHORT} · 65h reserves=100 · 66h reserves=90"), "80h", "false"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("25 hours are tolerated", "0 liabilities=100 · 0 reserves=90", "25h", "false"),
        ("then the clock is lost", "0 liabilities=100 · 0 reserves=90", "25h+1s", "unknown: the recovery of a breach cannot be seen since 1d1h1s: input `reserves` is older than its max_age since 1d1h1s"),
        ("and begins anew", "0 liabilities=100 · 0 reserves=90 · 26h..98h/12h liabilities=100 · 26h..98h/12h reserves=90", "98h", "#1 26h→98h pays 0.1, true"),
        ("no liabilities, no answer", "0 reserves=90", "1h", "unknown: input `liabilities` was never observed"),
    ]);
}

#[test]
fn the_next_shortfall() {
    let again = |when: &str| {
        format!("0..13d/12h liabilities=100 · 0..84h/12h reserves=90 · 4d..9d12h/12h reserves=100 · {when} reserves=80 · 10d12h..13d/12h reserves=80")
    };
    check(COVER, &[
        ("seven days after the confirmation", &again("10d"), "13d", "#1 0→3d pays 0.1, #2 10d→13d pays 0.2, true"),
        ("a second earlier is still the same", &again("10d-1s"), "14d", "#1 0→3d pays 0.1, true"),
    ]);
}

#[test]
fn the_waiting_period() {
    let short = "0..3d12h/12h liabilities=100 · 0..60h/12h reserves=100 · 72h..144h/12h reserves=90 · 4d..6d/12h liabilities=100";
    check_claims(COVER, &[
        ("bought 72 hours before", short, "0", "6d+1s", "pays 0.1"),
        ("a second later", short, "1s", "6d+1s", "waiting period"),
    ]);
}
