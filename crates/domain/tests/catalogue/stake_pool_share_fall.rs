//! A stake pool's share price 5 % or more below that of 24 hours before, for ten minutes.

use super::harness::{check, check_claims};

const COVER: &str = "stake-pool-share-fall";

#[test]
fn the_fall() {
    check(COVER, &[
        ("a tenth", "0..24h/5min lamports=1000 · 0..26h/5min supply=1000 · 24h5min..26h/5min lamports=900", "26h", "#1 24h5min→24h20min pays 0.1, true"),
        ("exactly the deductible", "0..24h/5min lamports=1000 · 0..26h/5min supply=1000 · 24h5min..26h/5min lamports=950", "26h", "#1 24h5min→24h20min pays 0.05, true"),
        ("a lamport less than the deductible", "0..24h/5min lamports=1000 · 0..26h/5min supply=1000 · 24h5min..26h/5min lamports=950.000000001", "26h", "false"),
        ("shares that nobody paid for", "0..26h/5min lamports=1000 · 0..24h/5min supply=1000 · 24h5min..26h/5min supply=1250", "26h", "#1 24h5min→24h20min pays 0.2, true"),
        ("all of it", "0..24h/5min lamports=1000 · 0..26h/5min supply=1000 · 24h5min..26h/5min lamports=0", "26h", "#1 24h5min→24h20min pays 1, true"),
        ("seen until it is a day old", "0..24h/5min lamports=1000 · 0..50h/5min supply=1000 · 24h5min..50h/5min lamports=900", "50h", "#1 24h5min→24h20min pays 0.1, false"),
    ]);
}

#[test]
fn what_is_no_fall() {
    check(COVER, &[
        ("rewards", "0..24h/5min lamports=1000 · 0..26h/5min supply=1000 · 24h5min..26h/5min lamports=1001", "26h", "false"),
        ("a withdrawal", "0..24h/5min lamports=1200 · 0..24h/5min supply=1000 · 24h5min..26h/5min lamports=600 · 24h5min..26h/5min supply=500", "26h", "false"),
        ("a single reading", "0..24h/5min lamports=1000 · 24h5min lamports=100 · 24h10min..26h/5min lamports=1000 · 0..26h/5min supply=1000", "26h", "false"),
        ("three per cent a day", "0..24h/5min lamports=1000 · 24h5min..48h/5min lamports=970 · 48h5min..50h/5min lamports=941 · 0..50h/5min supply=1000", "50h", "false"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("no day before", "0..12h/5min lamports=900 · 0..12h/5min supply=1000", "12h", "unknown: input `lamports` was never observed"),
        ("an account that is gone", "0..24h/5min lamports=1000 · 0..24h/5min supply=1000 · 24h5min lamports=- · 24h5min supply=-", "24h5min", "unknown: input `lamports` was reported without a value at 1d5min"),
        ("a fall whose readings end", "0..24h/5min lamports=1000 · 0..24h5min/5min supply=1000 · 24h5min lamports=900", "26h", "unknown: input `lamports` is older than its max_age since 1d10min1s"),
        ("no shares", "0..24h/5min lamports=1000 · 0..24h/5min supply=1000 · 24h5min lamports=0 · 24h5min supply=0", "24h5min", "unknown: division by zero"),
    ]);
}

#[test]
fn the_first_day_of_a_policy() {
    let fall = "0..48h/5min lamports=1000 · 0..50h/5min supply=1000 · 48h5min..50h/5min lamports=900";
    check_claims(COVER, &[
        ("a day and more before", fall, "24h", "30d", "pays 0.1"),
        ("exactly a day before", fall, "24h5min", "30d", "pays 0.1"),
        ("less", fall, "24h5min+1s", "30d", "waiting period"),
        ("not begun", fall, "49h", "30d", "before inception"),
        ("over", fall, "0", "48h5min", "after expiry"),
    ]);
}
