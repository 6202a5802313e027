//! A stake pool's share price 5 % or more below that of 24 hours before, for ten minutes.

use super::harness::{check, check_claims};

const COVER: &str = "stake-pool-share-fall";

#[test]
fn the_fall() {
    check(COVER, &[
        ("a tenth", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=1000 · 24h..25h/5min supply=1000 · 24h5min..25h/5min lamports=900", "25h", "#1 24h5min→24h20min pays 0.1, true"),
        ("exactly the deductible", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min supply=1000 · 24h..25h/5min lamports=950", "25h", "#1 24h→24h15min pays 0.05, true"),
        ("a lamport less than the deductible", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min supply=1000 · 24h..25h/5min lamports=950.000000001", "25h", "false"),
        ("shares that nobody paid for", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min lamports=1000 · 24h..25h/5min supply=1250", "25h", "#1 24h→24h15min pays 0.2, true"),
        ("all of it", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min supply=1000 · 24h..25h/5min lamports=0", "25h", "#1 24h→24h15min pays 1, true"),
        ("gone from sight after a day", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min lamports=900 · 24h..25h/5min supply=1000 · 48h..49h/5min lamports=900 · 48h..49h/5min supply=1000", "49h", "#1 24h→24h15min pays 0.1, false"),
    ]);
}

#[test]
fn what_is_no_fall() {
    check(COVER, &[
        ("rewards", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min supply=1000 · 24h..25h/5min lamports=1001", "25h", "false"),
        ("a withdrawal", "0..1h/5min lamports=1200 · 0..1h/5min supply=1000 · 24h..25h/5min lamports=600 · 24h..25h/5min supply=500", "25h", "false"),
        ("a single reading", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=100 · 24h5min..25h/5min lamports=1000 · 24h..25h/5min supply=1000", "25h", "false"),
        ("back after exactly ten minutes", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=900 · 24h5min lamports=900 · 24h10min..25h/5min lamports=1000 · 24h..25h/5min supply=1000", "25h", "false"),
        ("three per cent a day", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h..25h/5min lamports=970 · 24h..25h/5min supply=1000 · 48h..49h/5min lamports=941 · 48h..49h/5min supply=1000", "49h", "false"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("no day before", "0..1h/5min lamports=900 · 0..1h/5min supply=1000", "1h", "unknown: input `lamports` was never observed"),
        ("an account that is gone", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h5min lamports=- · 24h5min supply=-", "24h5min", "unknown: input `lamports` was reported without a value at 1d5min"),
        ("a fall whose readings end", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=900 · 24h supply=1000", "25h", "unknown: the recovery of a breach cannot be seen since 1d5min1s: input `lamports` is older than its max_age since 1d5min1s"),
        ("and begins anew", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=900 · 24h supply=1000 · 24h30min..25h/5min lamports=900 · 24h30min..25h/5min supply=1000", "25h", "#1 24h30min→24h45min pays 0.1, true"),
        ("no shares", "0..1h/5min lamports=1000 · 0..1h/5min supply=1000 · 24h lamports=0 · 24h supply=0", "24h", "unknown: a division by zero"),
    ]);
}

#[test]
fn the_first_day_of_a_policy() {
    let fall = "24h..25h/5min lamports=1000 · 24h..25h/5min supply=1000 · 48h..49h/5min lamports=900 · 48h..49h/5min supply=1000";
    check_claims(COVER, &[
        ("a day before", fall, "24h", "3d", "pays 0.1"),
        ("a second less", fall, "24h+1s", "3d", "waiting period"),
        ("not begun", fall, "49h", "3d", "before inception"),
        ("over", fall, "0", "48h", "after expiry"),
    ]);
}
