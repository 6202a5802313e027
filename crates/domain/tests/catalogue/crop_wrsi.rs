//! ACRE's rule: tiers of the water requirement satisfaction index at the end of the season.

use super::harness::check;

const COVER: &str = "crop-wrsi";

#[test]
fn the_tiers_include_their_upper_bounds() {
    check(COVER, &[
        ("0.7", "0 status=final · 0 wrsi=0.7", "0", "#1 0→0 pays 1, true"),
        ("a hair above", "0 status=final · 0 wrsi=0.700000000000000001", "0", "#1 0→0 pays 0.6, true"),
        ("0.8", "0 status=final · 0 wrsi=0.8", "0", "#1 0→0 pays 0.6, true"),
        ("a hair above", "0 status=final · 0 wrsi=0.800000000000000001", "0", "#1 0→0 pays 0.3, true"),
        ("0.9", "0 status=final · 0 wrsi=0.9", "0", "#1 0→0 pays 0.3, true"),
        ("a hair above", "0 status=final · 0 wrsi=0.900000000000000001", "0", "false"),
        ("no water at all", "0 status=final · 0 wrsi=0", "0", "#1 0→0 pays 1, true"),
    ]);
}

#[test]
fn the_season_must_be_over() {
    check(COVER, &[
        ("a low index in the season", "0 status=growing · 0 wrsi=0.5", "30d", "false"),
        ("it counts as it is at the end", "0 status=growing · 0 wrsi=0.5 · 90d wrsi=0.85 · 90d status=final", "90d", "#1 90d→90d pays 0.3, true"),
        ("no status is not the end", "0 wrsi=0.5", "90d", "unknown: input `status` was never observed"),
        ("the end without an index", "90d status=final", "90d", "unknown: input `wrsi` was never observed"),
    ]);
}
