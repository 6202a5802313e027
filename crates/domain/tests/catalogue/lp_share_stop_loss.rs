//! Amulet's rule: a share at or below (1 − stop loss) of its highest value since the policy began.

use super::harness::check_since;

const COVER: &str = "lp-share-stop-loss";

#[test]
fn the_fall_from_the_highest_value() {
    check_since(COVER, "0", &[
        ("from the highest, not from the first", "0 share=1 · 12h share=1.2 · 24h share=1.08", "24h", "#1 24h→24h pays 0.1, true"),
        ("a hair above the stop loss", "0 share=1 · 12h share=1.2 · 24h share=1.080000000000000001", "24h", "false"),
        ("a deeper fall pays the whole of it", "0 share=1 · 12h share=1.2 · 24h share=0.6", "24h", "#1 24h→24h pays 0.5, true"),
        ("nothing left pays all", "0 share=1 · 24h share=0", "24h", "#1 24h→24h pays 1, true"),
        ("growth pays nothing", "0 share=1 · 24h share=1.3", "24h", "false"),
        ("once", "0 share=1 · 12h share=0.9 · 24h share=2 · 30h share=1", "30h", "#1 12h→12h pays 0.1, true"),
    ]);
}

#[test]
fn the_maximum_begins_with_the_policy() {
    check_since(COVER, "24h", &[
        ("nothing is decided before", "0 share=2 · 12h share=1", "12h", "unknown: 1d has not come"),
        ("what was higher before does not count", "0 share=2 · 24h share=1 · 30h share=0.95", "30h", "false"),
        ("what is carried into the beginning does", "0 share=2 · 24h+1s share=1.8", "24h+1s", "#1 24h1s→24h1s pays 0.1, true"),
        ("the beginning itself is no fall", "24h share=2", "24h", "false"),
    ]);
}

#[test]
fn gaps() {
    check_since(COVER, "0", &[
        // Known for 90,001 s: 95 % of 94,737 s, and less than 95 % of 94,738 s.
        ("a twentieth of the time may be unknown", "0 share=1 · 94737 share=0.9", "94737", "#1 94737→94737 pays 0.1, true"),
        ("a second more is too much", "0 share=1 · 94738 share=0.9", "94738", "unknown: not enough of the window over `share` is known"),
        ("25 hours are tolerated", "0 share=1", "25h", "false"),
        ("then the value is unknown", "0 share=1", "25h+1s", "unknown: input `share` is older than its max_age since 1d1h1s"),
    ]);
}
