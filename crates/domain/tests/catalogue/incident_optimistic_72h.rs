//! Incidents that people attest: an assertion counts after 72 hours without a dispute.

use super::harness::check;

const COVER: &str = "incident-optimistic-72h";

#[test]
fn the_dispute_period() {
    check(COVER, &[
        ("nobody disputes", "0 asserted", "72h", "#1 0→72h pays 1, true"),
        ("it takes all of it", "0 asserted", "72h-1s", "false"),
        ("a dispute in the last second", "0 asserted · 72h-1s disputed", "30d", "false"),
        ("one at exactly the end is too late", "0 asserted · 72h disputed", "72h", "#1 0→72h pays 1, true"),
        ("one in the second of the assertion counts", "0 asserted · 0 disputed", "30d", "false"),
        ("a dispute alone is nothing", "0 disputed", "30d", "false"),
    ]);
}

#[test]
fn several_assertions() {
    check(COVER, &[
        ("a new one after a dispute", "0 asserted · 1h disputed · 2h asserted", "74h", "#1 2h→74h pays 1, true"),
        ("is disputed anew", "0 asserted · 1h disputed · 2h asserted · 3h disputed", "30d", "false"),
        ("one that still stands waits anew from the second after the dispute", "0 asserted · 1h asserted · 2h disputed", "74h+1s", "#1 2h1s→74h1s pays 1, true"),
        ("and not a second less", "0 asserted · 1h asserted · 2h disputed", "74h", "false"),
        ("a repetition does not shorten the wait", "0 asserted · 1h asserted", "72h", "#1 0→72h pays 1, true"),
        ("nor does an old dispute age", "0 asserted · 1h disputed · 400d asserted · 400d+1h disputed", "500d", "false"),
    ]);
}

#[test]
fn an_upheld_assertion() {
    check(COVER, &[
        ("the vote decides at once", "0 asserted · 1h disputed · 5d upheld", "5d", "#1 5d→5d pays 1, true"),
        ("and not before", "0 asserted · 1h disputed", "5d-1s", "false"),
    ]);
}
