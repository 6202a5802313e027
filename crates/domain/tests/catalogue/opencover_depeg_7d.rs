//! OpenCover: 10 % or more below the peg for seven days on end.

use super::harness::{check, check_claims};

const COVER: &str = "opencover-depeg-7d";

#[test]
fn the_depth() {
    check(COVER, &[
        ("exactly 10 % for exactly seven days", "0..7d/1d price=0.9", "7d", "#1 0→7d pays 0.1, true"),
        ("a hair less is none", "0..8d/1d price=0.900000000000000001", "8d", "false"),
        ("what is paid is the mean of the seven days", "0..3d/1d price=0.9 · 3d+12h price=0.5 · 4d..7d/1d price=0.5", "7d", "#1 0→7d pays 0.3, true"),
    ]);
}

#[test]
fn the_seven_days() {
    check(COVER, &[
        ("a second before", "0..6d/1d price=0.9", "7d-1s", "false"),
        ("a recovery a second before is in time", "0..6d/1d price=0.9 · 7d-1s price=0.91 · 7d price=0.9", "8d", "false"),
        ("at exactly seven days it is too late", "0..6d/1d price=0.8 · 7d price=1", "7d", "#1 0→7d pays 0.2, true"),
        ("one price above begins them anew", "0..3d/1d price=0.8 · 3d+1h price=0.95 · 3d+2h price=0.8 · 4d..10d/1d price=0.8", "10d+2h-1s", "false"),
        ("and they run in full", "0..3d/1d price=0.8 · 3d+1h price=0.95 · 3d+2h price=0.8 · 4d..10d/1d price=0.8", "10d+2h", "#1 3d2h→10d2h pays 0.2, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("25 hours are tolerated", "0..2d/1d price=0.8 · 3d+1h price=0.8 · 4d..7d/1d price=0.8", "7d", "#1 0→7d pays 0.2, true"),
        ("longer is a gap", "0 price=0.8", "2d", "unknown: the recovery of a breach cannot be seen since 1d1h1s: input `price` is older than its max_age since 1d1h1s"),
        ("after which the seven days begin anew", "0..2d/1d price=0.8 · 3d+1h+2s..10d+1h+2s/1d price=0.8", "10d+1h+2s", "#1 3d1h2s→10d1h2s pays 0.2, true"),
    ]);
}

#[test]
fn the_policy() {
    check_claims(COVER, &[
        ("the breach begins with it", "0..2d/1d price=1 · 3d..10d/1d price=0.8", "3d", "20d", "pays 0.2"),
        ("the breach began a second before it", "0..2d/1d price=1 · 3d..10d/1d price=0.8", "3d+1s", "20d", "before inception"),
        ("it may end before the seven days do", "0..2d/1d price=1 · 3d..10d/1d price=0.8", "0", "3d+1s", "pays 0.2"),
    ]);
}
