//! Cozy: two feeds are further apart than 15 % of the one that is true.

use super::harness::check;

const COVER: &str = "cozy-divergence";

#[test]
fn the_tolerance() {
    check(COVER, &[
        ("further below", "0 truth=100 · 0 tracking=84", "0", "#1 0→0 pays 1, true"),
        ("further above", "0 truth=100 · 0 tracking=116", "0", "#1 0→0 pays 1, true"),
        ("exactly the tolerance, below", "0 truth=100 · 0 tracking=85", "0", "false"),
        ("exactly the tolerance, above", "0 truth=100 · 0 tracking=115", "0", "false"),
        ("it is a part of the truth, not of the other", "0 truth=100 · 0 tracking=115 · 1h truth=115 · 1h tracking=100", "1h", "false"),
    ]);
}

#[test]
fn rounding() {
    check(COVER, &[
        ("the smallest excess is rounded up, not away", "0 truth=100 · 0 tracking=84.999999999999999999", "0", "#1 0→0 pays 1, true"),
        ("agreement rounds to nothing", "0 truth=3 · 0 tracking=3", "0", "false"),
    ]);
}

#[test]
fn either_feed() {
    check(COVER, &[
        ("moves alone", "0 truth=100 · 0 tracking=100 · 1h truth=120", "1h", "#1 1h→1h pays 1, true"),
        ("truth may be 65 minutes old", "0 truth=100 · 65min tracking=80", "65min", "#1 1h5min→1h5min pays 1, true"),
        ("a second older is unknown", "0 truth=100 · 65min+1s tracking=80", "65min+1s", "unknown: input `truth` is older than its max_age since 1h5min1s"),
        ("unheard of", "0 truth=100", "0", "unknown: input `tracking` was never observed"),
        ("a truth of zero divides nothing", "0 truth=0 · 0 tracking=1", "0", "unknown: a division by zero"),
        ("once apart is enough", "0 truth=100 · 0 tracking=80 · 1h truth=100 · 1h tracking=100", "1h", "#1 0→0 pays 1, false"),
    ]);
}
