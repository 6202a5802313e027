//! What can happen to a transaction on its way.

use serde_json::json;
use tocsin_delivery::onchain::{
    Action, Broadcast, Consumption, OnchainSettings, Submitter, Waiting,
};
use tocsin_domain::cover::Finality;

use super::outbox::Outbox;
use super::world::{GWEI, SUBMITTER_KEY, SUM_INSURED, World, raw_key};

#[tokio::test]
async fn a_claim_is_paid_and_done_only_when_the_block_is_final() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));

    let steps = [
        outbox.step(&submitter).await,
        outbox.step(&submitter).await,
        outbox.step(&submitter).await,
    ];
    assert!(matches!(
        steps.map(Result::unwrap),
        [
            Action::TakeNonce { chain_nonce: 0 },
            Action::Sign(_),
            Action::Broadcast { .. }
        ]
    ));
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));
    world.node.mine(1).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(
        submitter
            .consumption(outbox.delivery.claim_key)
            .await
            .unwrap(),
        Consumption::Recent
    );
    let receipt = submitter.receipt(outbox.newest()).await.unwrap().unwrap();
    assert!(receipt.success && !receipt.is_final);
    assert_eq!(receipt.consumed, [outbox.delivery.claim_key]);

    let waits = outbox.rest(&submitter).await;
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::NonceFinal { nonce: 0 },
                ..
            }
        ),
        "{waits:?}"
    );
    let (transaction, block) = outbox.finish(&submitter, &world).await;
    assert_eq!((transaction, block), (outbox.newest(), receipt.block));
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_with_its_nonce_kept_and_both_fees_raised() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;

    // Blocks come without it, while others seem to pay better.
    world.shut_out(outbox.newest()).await;
    for seconds in [25, 25, 25] {
        let waits = outbox.step(&submitter).await.unwrap();
        assert!(
            matches!(
                waits,
                Action::Wait {
                    waiting: Waiting::Inclusion { .. },
                    ..
                }
            ),
            "{waits:?}"
        );
        world.node.mine(1).await;
        outbox.now.0 += seconds;
    }
    world.let_in().await;
    outbox.rest(&submitter).await;
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));
    let fees = outbox.fees();
    assert_eq!(fees.len(), 2, "{fees:?}");
    assert!(fees[1].max_fee_per_gas * 1000 >= fees[0].max_fee_per_gas * 1125);
    assert!(fees[1].max_priority_fee_per_gas * 1000 >= fees[0].max_priority_fee_per_gas * 1125);

    let (transaction, _) = outbox.finish(&submitter, &world).await;
    assert_eq!(transaction, outbox.newest());
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_transaction_that_the_market_left_behind_follows_it() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;

    // The base fee jumps beyond the offer, and the node drops it from its pool.
    world.set_base_fee(50 * GWEI).await;
    world.node.mine(1).await;
    outbox.now.0 += 10;
    let waits = outbox.rest(&submitter).await;
    assert_eq!(outbox.answer, Some(Broadcast::Underpriced));
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::Rebroadcast { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    outbox.now.0 += 10;
    outbox.rest(&submitter).await;
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));
    let offered = outbox.fees()[1].max_fee_per_gas;
    assert!(offered > 50 * GWEI, "{offered}");

    let (transaction, _) = outbox.finish(&submitter, &world).await;
    assert_eq!(transaction, outbox.newest());
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn fees_stop_at_the_cap_and_the_wait_says_so() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.policy.fees.max_fee_cap = 4 * GWEI;
    let submitter = Submitter::connect(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;

    let mut last = None;
    for _ in 0..20 {
        world.set_base_fee(50 * GWEI).await;
        world.node.mine(1).await;
        outbox.now.0 += 61;
        last = Some(outbox.rest(&submitter).await);
    }
    assert!(
        matches!(last, Some(Action::Wait { waiting: Waiting::FeeCap { cap, .. }, .. }) if cap == 4 * GWEI),
        "{last:?}"
    );
    assert!(
        outbox
            .fees()
            .iter()
            .all(|fees| fees.max_fee_per_gas <= 4 * GWEI),
        "{:?}",
        outbox.fees()
    );

    // The chain calms down, and what there is goes through.
    world.set_base_fee(GWEI).await;
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_dropped_transaction_is_broadcast_again() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let hash = outbox.newest();

    world.node.ask("anvil_dropTransaction", json!([hash])).await;
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::Rebroadcast { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    outbox.now.0 += 10;
    assert_eq!(
        outbox.step(&submitter).await.unwrap(),
        Action::Broadcast { hash }
    );
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));

    assert_eq!(outbox.finish(&submitter, &world).await.0, hash);
    assert_eq!(outbox.attempts().len(), 1);
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_new_process_broadcasts_what_is_stored_before_it_signs_anything() {
    let world = World::new().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));

    // It dies between the nonce and the signature, then between the stored bytes and their broadcast.
    outbox.step(&world.submitter().await).await.unwrap();
    outbox.step(&world.submitter().await).await.unwrap();
    let hash = outbox.newest();
    let submitter = world.submitter().await;
    assert_eq!(
        outbox.step(&submitter).await.unwrap(),
        Action::Broadcast { hash }
    );
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));

    // It dies again and is away for long: what is in the pool is broadcast once more, then gets its time.
    outbox.now.0 += 100_000;
    let submitter = world.submitter().await;
    assert_eq!(
        outbox.step(&submitter).await.unwrap(),
        Action::Broadcast { hash }
    );
    assert_eq!(outbox.answer, Some(Broadcast::AlreadyKnown));
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::Inclusion { .. },
                ..
            }
        ),
        "{waits:?}"
    );

    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_reorganisation_before_finality_takes_the_payment_back_and_the_same_bytes_bring_it_again()
{
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let hash = outbox.newest();
    world.node.mine(1).await;
    assert_eq!(world.paid().await, SUM_INSURED);

    world.node.reorganise(1).await;
    world.node.ask("anvil_dropAllTransactions", json!([])).await;
    assert_eq!(world.paid().await, 0);
    assert_eq!(submitter.receipt(hash).await.unwrap(), None);
    assert_eq!(
        submitter
            .consumption(outbox.delivery.claim_key)
            .await
            .unwrap(),
        Consumption::None
    );

    outbox.now.0 += 10;
    assert_eq!(
        outbox.step(&submitter).await.unwrap(),
        Action::Broadcast { hash }
    );
    let (transaction, block) = outbox.finish(&submitter, &world).await;
    assert_eq!(transaction, hash);
    assert_eq!(
        Some(block),
        submitter
            .receipt(hash)
            .await
            .unwrap()
            .map(|receipt| receipt.block)
    );
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn nonce_too_low_leads_to_the_receipt_of_an_earlier_attempt() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let first = outbox.newest();

    // A replacement is signed and stored; before it is broadcast, the first one is mined after all.
    world.shut_out(first).await;
    world.node.mine(1).await;
    outbox.now.0 += 61;
    assert!(matches!(
        outbox.step(&submitter).await.unwrap(),
        Action::Sign(_)
    ));
    let second = outbox.newest();
    world.let_in().await;
    world.node.mine(1).await;
    let raw = outbox.attempts()[1].raw.clone();
    let answer = submitter
        .broadcast(second, &raw, 0, outbox.now)
        .await
        .unwrap();
    assert_eq!(answer, Broadcast::NonceUsed);

    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::NonceFinal { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    assert_eq!(outbox.finish(&submitter, &world).await.0, first);
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_later_nonce_waits_for_the_earlier_one_and_is_not_made_dearer() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    // Both fit into what the contract pays in a day.
    let [mut first, mut second] = [1, 2].map(|number| {
        let mut attestation = world.attestation(number);
        attestation.payoutFraction /= 2;
        Outbox::new(world.delivery(&attestation))
    });
    first.rest(&submitter).await;
    second.rest(&submitter).await;
    assert_eq!(
        second.delivery.held.as_ref().map(|held| held.nonce),
        Some(1)
    );

    let lost = first.newest();
    world.node.ask("anvil_dropTransaction", json!([lost])).await;
    world.node.mine(2).await;
    second.now.0 += 100;
    let waits = second.rest(&submitter).await;
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::EarlierNonce { next: 0, held: 1 },
                ..
            }
        ),
        "{waits:?}"
    );
    assert_eq!(second.attempts().len(), 1);

    first.now.0 += 10;
    first.finish(&submitter, &world).await;
    second.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn finality_by_confirmations_counts_the_blocks_on_top() {
    let world = World::new().await;
    let settings = |blocks| OnchainSettings {
        finality: Finality::Confirmations(blocks),
        ..world.settings()
    };
    let submitter = Submitter::connect(settings(2), raw_key(SUBMITTER_KEY))
        .await
        .unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let hash = outbox.newest();
    world.node.mine(2).await;
    let waits = outbox.rest(&submitter).await;
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::NonceFinal { .. },
                ..
            }
        ),
        "{waits:?}"
    );
    // A chain younger than that has nothing final.
    let patient = Submitter::connect(settings(1_000_000), raw_key(SUBMITTER_KEY))
        .await
        .unwrap();
    assert_eq!(
        patient
            .consumption(outbox.delivery.claim_key)
            .await
            .unwrap(),
        Consumption::Recent
    );

    world.node.mine(1).await;
    let done = outbox.rest(&submitter).await;
    assert!(
        matches!(done, Action::Finish { transaction, .. } if transaction == hash),
        "{done:?}"
    );
}
