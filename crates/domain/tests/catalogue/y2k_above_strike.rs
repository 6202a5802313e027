//! Y2K: the price goes over the strike within an epoch, answered properly, by a sequencer that is well.

use super::harness::{check, check_epochs};

const COVER: &str = "y2k-above-strike";

#[test]
fn the_strike() {
    check(COVER, &[
        ("over the strike", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "2h", "#1 2h→2h pays 1, true"),
        ("exactly the strike", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.01", "2h", "false"),
        ("a hair beyond it", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.010000000000000001", "2h", "#1 2h→2h pays 1, true"),
        ("par", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1", "2h", "false"),
    ]);
}

#[test]
fn the_round() {
    check(COVER, &[
        ("an answer of an earlier round is none", "0 sequencer_up=true · 2h round=8 · 2h answered_in_round=7 · 2h price=1.02", "2h", "false"),
        ("its own round counts, when it comes", "0 sequencer_up=true · 2h round=8 · 2h answered_in_round=7 · 2h price=1.02 · 3h answered_in_round=8", "3h", "#1 3h→3h pays 1, true"),
        ("unsaid", "0 sequencer_up=true · 2h round=8 · 2h price=1.02", "2h", "unknown: input `answered_in_round` was never observed"),
    ]);
}

#[test]
fn the_sequencer() {
    check(COVER, &[
        ("up for exactly an hour is not enough", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02 · 0 sequencer_up=true", "1h", "false"),
        ("a second more is", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02 · 0 sequencer_up=true", "1h+1s", "#1 1h1s→1h1s pays 1, true"),
        ("down", "0 sequencer_up=true · 1h sequencer_up=false · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "3h", "false"),
        ("back, within the grace", "0 sequencer_up=true · 1h sequencer_up=false · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02 · 3h sequencer_up=true", "4h", "false"),
        ("back, after it", "0 sequencer_up=true · 1h sequencer_up=false · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02 · 3h sequencer_up=true", "5h", "#1 4h1s→4h1s pays 1, true"),
        ("unheard of", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02", "2h", "unknown: input `sequencer_up` was never observed"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("25 hours are tolerated", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02 · 24h sequencer_up=true", "25h", "false"),
        ("a breach may rest on an answer of that age", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02 · 24h-1s sequencer_up=true", "25h", "#1 1d1h→1d1h pays 1, true"),
        ("a second more and it is unknown", "0 round=7 · 0 answered_in_round=7 · 0 price=1.02 · 24h sequencer_up=true", "25h+1s", "unknown: input `price` is older than its max_age since 1d1h1s"),
    ]);
}

#[test]
fn epochs() {
    check_epochs(COVER, &[
        ("in it", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "1h", "2d", "pays 1"),
        ("at its last second", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "1h", "2h", "pays 1"),
        ("a second after it", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "1h", "2h-1s", "after expiry"),
        ("at its first second", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "2h", "2d", "pays 1"),
        ("already before it began", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1.02", "2h+1s", "2d", "pays 1"),
        ("never in it", "0 sequencer_up=true · 2h round=7 · 2h answered_in_round=7 · 2h price=1", "1h", "3h", "nothing happened"),
    ]);
}
