//! Etherisc's area yield index: nothing at the trigger ratio, all at the exit ratio, in proportion between.

use super::harness::check;

const COVER: &str = "crop-area-yield";

#[test]
fn between_trigger_and_exit() {
    check(COVER, &[
        ("exactly the trigger ratio pays nothing", "0 average=2 · 90d actual=1.5", "90d", "false"),
        ("a hair below is a loss that pays nothing yet", "0 average=2 · 90d actual=1.499999999999999999", "90d", "#1 90d→90d pays 0, true"),
        ("half way", "0 average=2 · 90d actual=0.85", "90d", "#1 90d→90d pays 0.45, true"),
        ("a hair above the exit ratio", "0 average=2 · 90d actual=0.200000000000000001", "90d", "#1 90d→90d pays 0.899999999999999999, true"),
        ("exactly the exit ratio pays all", "0 average=2 · 90d actual=0.2", "90d", "#1 90d→90d pays 0.9, true"),
        ("less pays no more", "0 average=2 · 90d actual=0", "90d", "#1 90d→90d pays 0.9, true"),
        ("a good year", "0 average=2 · 90d actual=3", "90d", "false"),
    ]);
}

#[test]
fn both_figures_are_needed() {
    check(COVER, &[
        ("before the harvest", "0 average=2", "89d", "unknown: input `actual` was never observed"),
        ("no average", "90d actual=1", "90d", "unknown: input `average` was never observed"),
        ("an average withdrawn", "0 average=2 · 1d average=- · 90d actual=1", "90d", "unknown: input `average` was reported without a value at 1d"),
    ]);
}
