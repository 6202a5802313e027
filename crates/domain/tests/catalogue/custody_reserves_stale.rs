//! Custody: a proof of reserves that is not renewed for more than 36 hours.

use super::harness::check;

const COVER: &str = "custody-reserves-stale";

#[test]
fn the_age() {
    check(COVER, &[
        ("exactly 36 hours are not too long", "0 reserves=5", "36h", "false"),
        ("a second more is", "0 reserves=5", "36h+1s", "#1 36h1s→36h1s pays 0.25, true"),
        ("a renewal at exactly 36 hours", "0 reserves=5 · 36h reserves=5", "40h", "false"),
        ("one a second later comes in the same second, and in time", "0 reserves=5 · 36h+1s reserves=5", "40h", "false"),
        ("a second after that it is too late", "0 reserves=5 · 36h+2s reserves=5", "40h", "#1 36h1s→36h1s pays 0.25, false"),
    ]);
}

#[test]
fn not_seeing() {
    check(COVER, &[
        ("a failed read is not a renewal, and not staleness", "0 reserves=5 · 30h reserves=-", "48h", "unknown: input `reserves` was reported without a value at 1d6h"),
        ("as long as it goes on", "0 reserves=5 · 30h..60h/1h reserves=-", "90h", "unknown: input `reserves` was reported without a value at 2d12h"),
        ("no proof at all is none that grew old", "", "90h", "unknown: input `reserves` was never observed"),
    ]);
}

#[test]
fn the_next_silence() {
    check(COVER, &[
        ("seven days after the first", "0 reserves=5 · 40h..180h/20h reserves=5 · 180h reserves=5", "240h", "#1 36h1s→36h1s pays 0.25, #2 9d1s→9d1s pays 0.25, true"),
        ("sooner is still the same", "0 reserves=5 · 40h..160h/20h reserves=5", "240h", "#1 36h1s→36h1s pays 0.25, true"),
    ]);
}
