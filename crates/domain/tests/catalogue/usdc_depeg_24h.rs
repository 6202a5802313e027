//! Etherisc's rule: at or below 0.995 without 0.999 within 24 hours, paid on the confirming round.

use super::harness::{check, check_claims, check_since};

const COVER: &str = "usdc-depeg-24h";

#[test]
fn the_breach_and_its_recovery() {
    check(COVER, &[
        ("it pays on the confirming round", "0 usdc=0.99 · 20h usdc=0.95 · 24h+1s usdc=0.9753", "24h1s", "#1 0→24h1s pays 0.0247, true"),
        ("exactly 0.995 is a breach", "0 usdc=0.995 · 24h+1s usdc=0.995", "2d", "#1 0→24h1s pays 0.005, true"),
        ("a hair above is none", "0 usdc=0.995000000000000001 · 24h usdc=0.9951 · 24h+1s usdc=0.9951", "2d", "false"),
        ("exactly 0.999 is a recovery", "0 usdc=0.99 · 12h usdc=0.999 · 24h+1s usdc=0.999", "2d", "false"),
        ("a hair below is none", "0 usdc=0.99 · 12h usdc=0.998999999999999999 · 24h+1s usdc=0.998", "24h1s", "#1 0→24h1s pays 0.002, true"),
    ]);
}

#[test]
fn the_deadline() {
    check(COVER, &[
        ("a second before it, a recovery counts", "0 usdc=0.99 · 24h-1s usdc=0.999 · 30h usdc=0.997", "30h", "false"),
        ("at exactly 24 hours it counts", "0 usdc=0.99 · 24h usdc=0.999 · 30h usdc=0.997", "30h", "false"),
        ("a second later it confirms, and pays nearly nothing", "0 usdc=0.99 · 24h+1s usdc=0.999", "24h+1s", "#1 0→24h1s pays 0.001, true"),
        ("a round at exactly 24 hours does not confirm", "0 usdc=0.99 · 24h usdc=0.99", "24h", "false"),
        ("time alone does not either", "0 usdc=0.99 · 24h usdc=0.99", "40h", "false"),
        ("a price above par pays nothing, and is the loss event all the same", "0 usdc=0.99 · 24h+1s usdc=1.01 · 24h+2s usdc=0.5", "3d", "#1 0→24h1s pays 0, true"),
    ]);
}

#[test]
fn the_limit() {
    check(COVER, &[
        ("0.80 pays all of the 20 %", "0 usdc=0.8 · 24h+1s usdc=0.8", "24h+1s", "#1 0→24h1s pays 0.2, true"),
        ("a hair above pays a hair less", "0 usdc=0.8 · 24h+1s usdc=0.800000000000000001", "24h+1s", "#1 0→24h1s pays 0.199999999999999999, true"),
        ("zero pays no more", "0 usdc=0.8 · 24h+1s usdc=0", "24h+1s", "#1 0→24h1s pays 0.2, true"),
    ]);
}

#[test]
fn silence() {
    check(COVER, &[
        ("25 hours are tolerated", "0 usdc=0.99 · 25h usdc=0.99", "25h", "#1 0→25h pays 0.01, true"),
        ("at 24 hours the breach is as good as decided: silence afterwards only waits", "0 usdc=0.99 · 24h usdc=0.99 · 60h usdc=0.99", "60h", "#1 0→60h pays 0.01, true"),
        ("before them, more than 25 hours after a round is a gap", "0 usdc=1", "25h+1s", "unknown: input `usdc` is older than its max_age since 1d1h1s"),
        ("an empty round is a gap, and the clock begins anew", "0 usdc=0.99 · 12h usdc=- · 13h usdc=0.99 · 24h+1s usdc=0.99 · 37h usdc=0.99 · 37h+1s usdc=0.98", "37h+1s", "#1 13h→1d13h1s pays 0.02, true"),
    ]);
}

#[test]
fn policies_are_tested_at_the_confirmation() {
    let depeg = "0 usdc=1 · 1d usdc=0.99 · 2d usdc=0.99 · 2d+1s usdc=0.95 · 2d+20h usdc=0.95 · 3d usdc=0.95";
    check_claims(COVER, &[
        ("in force throughout", depeg, "0", "3d", "pays 0.05"),
        ("bought as the breach begins", depeg, "1d", "3d", "pays 0.05"),
        ("a second later is too late", depeg, "1d+1s", "3d", "waiting period"),
        ("ends at the confirmation", depeg, "0", "2d+1s", "after expiry"),
        ("ends a second after it", depeg, "0", "2d+2s", "pays 0.05"),
    ]);
}

#[test]
fn an_inception_is_no_matter_of_these_terms() {
    check_since(COVER, "20h", &[
        ("a breach before it is the same loss event", "0 usdc=0.99 · 24h+1s usdc=0.95", "24h+1s", "#1 0→24h1s pays 0.05, true"),
    ]);
}
