//! Neptune Mutual: all withdrawals halted for more than fifteen days.

use super::harness::{check, check_claims};

const COVER: &str = "neptune-exchange-halt";

#[test]
fn the_fifteen_days() {
    check(COVER, &[
        ("still halted when they are over", "0..15d/1d halted=true", "15d", "#1 0→15d pays 1, true"),
        ("a second before", "0..14d/1d halted=true", "15d-1s", "false"),
        ("a restart at exactly fifteen days is in time", "0..14d/1d halted=true · 15d halted=false", "16d", "false"),
        ("a second later is too late", "0..15d/1d halted=true · 15d+1s halted=false", "16d", "#1 0→15d pays 1, false"),
        ("a restart begins them anew", "0..9d/1d halted=true · 9d+1h halted=false · 9d+2h halted=true · 10d..24d/1d halted=true", "24d+2h", "#1 9d2h→24d2h pays 1, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("loses the clock", "0..3d/1d halted=true", "5d", "unknown: the recovery of a breach cannot be seen since 4d1h1s: input `halted` is older than its max_age since 4d1h1s"),
        ("which begins anew", "0..3d/1d halted=true · 5d..19d/1d halted=true", "20d-1s", "false"),
    ]);
}

#[test]
fn policies_begin_at_the_midnight_after_their_purchase() {
    check_claims(COVER, &[
        ("bought the day before the halt", "2d halted=false · 3d-1h halted=false · 3d+10h..18d+10h/1d halted=true", "3d", "30d", "pays 1"),
        ("bought on its first day", "2d halted=false · 3d-1h halted=false · 3d+10h..18d+10h/1d halted=true", "4d", "30d", "before inception"),
        ("the halt may outlast the policy", "2d halted=false · 3d-1h halted=false · 3d+10h..18d+10h/1d halted=true", "3d", "4d", "pays 1"),
    ]);
}
