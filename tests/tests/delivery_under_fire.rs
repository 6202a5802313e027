//! On-chain delivery under fire: two endpoints that lose transactions, lag, answer late and answer nonsense; a base fee that
//! rises beyond the cap; transactions that are thrown out of the pool, and blocks that are taken back; and a service that is
//! killed at every write of a delivery, or two of them that submit the same claims by mistake. Every loss is paid exactly
//! once, every delivery ends, and the books have every wei that the accounts have spent.
//!
//! What happens is decided by a seed; a failed run says how to repeat it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own steps: what cannot be done is a failed test"
)]

mod delivery_under_fire {
    pub(super) mod battle;
    mod weather;
}

use delivery_under_fire::battle::{Battle, Second};
use tocsin_tests::mortal::{Death, Side};

/// The writes of a delivery, in their order.
const WRITES: [&str; 4] = ["take_nonce", "add_attempt", "charge", "finish"];

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_at_every_write_of_a_delivery_pays_once_and_knows_what_it_cost() {
    let mut battle = Battle::begin(Second::None).await;
    for write in WRITES {
        for side in [Side::Before, Side::After] {
            battle.die(side, write).await;
        }
    }
    for _ in 0..4 {
        battle.live(&Death::NEVER).await;
    }
    battle.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_with_keys_of_their_own_pay_each_claim_once_between_them() {
    let mut battle = Battle::begin(Second::WithItsOwnKey).await;
    for _ in 0..4 {
        battle.live(&Death::NEVER).await;
    }
    battle.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_with_the_same_key_pay_each_claim_once_between_them() {
    let mut battle = Battle::begin(Second::WithTheSameKey).await;
    for _ in 0..4 {
        battle.live(&Death::NEVER).await;
    }
    battle.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_too_dear_is_waited_for_and_readiness_says_so() {
    let mut battle = Battle::begin(Second::None).await;
    battle.wait_for_a_cheaper_chain().await;
    battle.settle().await;
}
