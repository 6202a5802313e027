//! A stablecoin below a level for 24 hours, as at least two of three sources agree.

use super::harness::{check, check_guards};

const COVER: &str = "stablecoin-depeg-fused";

#[test]
fn two_of_three_decide() {
    check(COVER, &[
        ("all agree", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=0.951 · 0..24h/10min coingecko=0.949", "24h", "#1 0→24h pays 0.05, true"),
        ("the middle one counts", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=0.96 · 0..24h/10min coingecko=0.945", "24h", "#1 0→24h pays 0.05, true"),
        ("two are enough, and count by their mean", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=0.96", "24h", "#1 0→24h pays 0.045, true"),
        ("one is not", "0..24h/10min coinbase=0.95", "24h", "unknown: too few sources know a value"),
        ("one that says nothing has no say", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=- · 0..24h/10min coingecko=0.95", "24h", "#1 0→24h pays 0.05, true"),
    ]);
}

#[test]
fn disagreement() {
    check(COVER, &[
        ("one far off cannot decide", "0 coinbase=1 · 0 kraken=1 · 0 coingecko=0.01", "0", "unknown: the sources are too far apart"),
        ("exactly the spread agrees", "0 coinbase=1 · 0 kraken=1.01 · 0 coingecko=0.99", "0", "false"),
        ("a hair further does not", "0 coinbase=1 · 0 kraken=1.01 · 0 coingecko=0.989999", "0", "unknown: the sources are too far apart"),
        ("it costs an open breach its clock", "0..36h/10min coinbase=0.95 · 0..12h/10min kraken=0.95 · 12h+10min kraken=1 · 12h+20min..36h/10min kraken=0.95", "36h", "false"),
    ]);
}

#[test]
fn the_level_and_the_recovery() {
    check(COVER, &[
        ("the level is a breach", "0..24h/10min coinbase=0.97 · 0..24h/10min kraken=0.97", "24h", "#1 0→24h pays 0.03, true"),
        ("a hair above is none", "0..24h/10min coinbase=0.970000000000000001 · 0..24h/10min kraken=0.970000000000000001", "24h", "false"),
        ("a recovery at exactly 24 hours is in time", "0..24h-10min/10min coinbase=0.95 · 0..24h-10min/10min kraken=0.95 · 24h coinbase=0.99 · 24h kraken=0.99", "24h", "false"),
    ]);
}

#[test]
fn the_guard() {
    check_guards(COVER, &[
        ("all three", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=0.95 · 0..24h/10min coingecko=0.95", "24h", "all_three: true"),
        ("two of them", "0..24h/10min coinbase=0.95 · 0..24h/10min kraken=0.95 · 0 coingecko=0.95", "24h", "all_three: false"),
    ]);
}
