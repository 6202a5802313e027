//! Nexus Mutual: withdrawals halted for a hundred days on end, or a loss of 10 % announced.

use super::harness::check;

const COVER: &str = "nexus-custody";

#[test]
fn the_halt() {
    check(COVER, &[
        ("a hundred days", "0..100d/1d halted=true · 0..100d/1d announced_loss=0", "100d", "#1 0→100d pays 1, true"),
        ("a second less", "0..99d/1d halted=true · 0..99d/1d announced_loss=0", "100d-1s", "false"),
        ("a restart a second before the end", "0..99d/1d halted=true · 100d-1s halted=false · 100d..101d/1d halted=true · 0..101d/1d announced_loss=0", "101d", "false"),
        ("at the end it is too late", "0..99d/1d halted=true · 100d halted=false · 0..100d/1d announced_loss=0", "100d", "#1 0→100d pays 1, true"),
        ("a restart begins the hundred days anew", "0..49d/1d halted=true · 50d halted=false · 51d..150d/1d halted=true · 0..150d/1d announced_loss=0", "151d-1s", "false"),
        ("and they run in full", "0..49d/1d halted=true · 50d halted=false · 51d..151d/1d halted=true · 0..151d/1d announced_loss=0", "151d", "#1 51d→151d pays 1, true"),
    ]);
}

#[test]
fn the_loss() {
    check(COVER, &[
        ("exactly 10 % is paid as announced", "0..3d/1d halted=false · 0..2d/1d announced_loss=0 · 3d announced_loss=0.1", "3d", "#1 3d→3d pays 0.1, true"),
        ("a hair less is none", "0..3d/1d halted=false · 3d announced_loss=0.099999999999999999", "3d", "false"),
        ("announced during a halt it is paid at once", "0..30d/1d halted=true · 0..29d/1d announced_loss=0 · 30d announced_loss=0.4", "30d", "#1 30d→30d pays 0.4, true"),
        ("more than everything is not believed", "0 halted=false · 0 announced_loss=1.2", "0", "#1 0→0 inconclusive: the payout fraction 1.2 is not within 0…1, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("about the halt", "0 halted=true · 0..4d/1d announced_loss=0", "4d", "unknown: the recovery of a breach cannot be seen since 2d1h1s: input `halted` is older than its max_age since 2d1h1s"),
        ("about the loss makes a halt inconclusive", "0..100d/1d halted=true", "100d", "#1 0→100d inconclusive: input `announced_loss` was never observed, true"),
        ("about the halt leaves a loss a loss", "0 announced_loss=0.3", "0", "#1 0→0 pays 0.3, true"),
    ]);
}
