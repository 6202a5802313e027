//! Neptune Mutual: more than five million dollars lost on a listed chain.

use super::harness::{check, check_claims};

const COVER: &str = "neptune-protocol-loss";

#[test]
fn the_loss() {
    check(COVER, &[
        ("a cent more", "0 chain=eip155:1 · 0 loss=5000000.01", "0", "#1 0→0 pays 1, true"),
        ("exactly five millions", "0 chain=eip155:1 · 0 loss=5000000", "0", "false"),
        ("a later estimate dates the loss", "0 chain=eip155:1 · 0 loss=4000000 · 3d loss=6000000", "3d", "#1 3d→3d pays 1, true"),
    ]);
}

#[test]
fn the_chain() {
    check(COVER, &[
        ("another listed one", "0 chain=eip155:56 · 0 loss=9000000", "0", "#1 0→0 pays 1, true"),
        ("one that is not listed", "0 chain=eip155:250 · 0 loss=9000000", "0", "false"),
        ("its name is compared letter by letter", "0 chain=eip155:10 · 0 loss=9000000", "0", "false"),
        ("unsaid", "0 loss=9000000", "0", "unknown: input `chain` was never observed"),
        ("an unlisted chain settles it without a figure", "0 chain=eip155:250", "0", "false"),
        ("a listed one does not", "0 chain=eip155:1", "0", "unknown: input `loss` was never observed"),
        ("the two reports of one second act together", "0 chain=eip155:250 · 0 loss=9000000 · 5d chain=eip155:1 · 5d loss=1000", "5d", "false"),
    ]);
}

#[test]
fn policies_begin_at_the_midnight_after_their_purchase() {
    check_claims(COVER, &[
        ("bought the day before", "3d+10h chain=eip155:1 · 3d+10h loss=6000000", "3d", "30d", "pays 1"),
        ("bought on the day of the incident", "3d+10h chain=eip155:1 · 3d+10h loss=6000000", "4d", "30d", "before inception"),
        ("an incident at that midnight is covered", "4d chain=eip155:1 · 4d loss=6000000", "4d", "30d", "pays 1"),
        ("a second before it is not", "4d-1s chain=eip155:1 · 4d-1s loss=6000000", "4d", "30d", "before inception"),
        ("nor at the end", "30d chain=eip155:1 · 30d loss=6000000", "4d", "30d", "after expiry"),
    ]);
}
