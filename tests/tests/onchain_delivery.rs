//! The submitter against a real node and the real contracts: whatever a chain can do to a transaction, the holder is
//! paid once, and the delivery knows.

mod onchain_delivery {
    pub(crate) mod outbox;
    pub(crate) mod world;
}

use alloy::primitives::{Address, U256};
use onchain_delivery::outbox::Outbox;
use onchain_delivery::world::{
    GWEI, SUBMITTER_KEY, SUM_INSURED, TODAY, VALID_UNTIL, World, create, forged_event, forger, raw_key,
};
use serde_json::json;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::{Action, Broadcast, Consumption, Purpose, Submitter, Waiting};
use tocsin_domain::time::Timestamp;

#[tokio::test]
async fn a_claim_is_paid_and_done_only_when_the_block_is_final() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));

    let steps = [outbox.step(&submitter).await, outbox.step(&submitter).await, outbox.step(&submitter).await];
    assert!(matches!(
        steps.map(Result::unwrap),
        [Action::TakeNonce { chain_nonce: 0 }, Action::Sign(_), Action::Broadcast { .. }]
    ));
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));
    world.node.mine(1).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(submitter.consumption(outbox.delivery.claim_key).await.unwrap(), Consumption::Recent);
    let receipt = submitter.receipt(outbox.newest()).await.unwrap().unwrap();
    assert!(receipt.success && !receipt.is_final);
    assert_eq!(receipt.consumed, [outbox.delivery.claim_key]);

    let waits = outbox.rest(&submitter).await;
    assert!(matches!(waits, Action::Wait { waiting: Waiting::NonceFinal { nonce: 0 }, .. }), "{waits:?}");
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
    world.fill_blocks(true).await;
    for seconds in [25, 25, 25] {
        let waits = outbox.step(&submitter).await.unwrap();
        assert!(matches!(waits, Action::Wait { waiting: Waiting::Inclusion { .. }, .. }), "{waits:?}");
        world.node.mine(1).await;
        outbox.now.0 += seconds;
    }
    world.fill_blocks(false).await;
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
    assert!(matches!(waits, Action::Wait { waiting: Waiting::Rebroadcast { .. }, .. }), "{waits:?}");
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
    let submitter = Submitter::connect(settings, raw_key(SUBMITTER_KEY)).await.unwrap();
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
    assert!(outbox.fees().iter().all(|fees| fees.max_fee_per_gas <= 4 * GWEI), "{:?}", outbox.fees());

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
    assert!(matches!(waits, Action::Wait { waiting: Waiting::Rebroadcast { .. }, .. }), "{waits:?}");
    outbox.now.0 += 10;
    assert_eq!(outbox.step(&submitter).await.unwrap(), Action::Broadcast { hash });
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
    assert_eq!(outbox.step(&submitter).await.unwrap(), Action::Broadcast { hash });
    assert_eq!(outbox.answer, Some(Broadcast::Accepted));

    // It dies again and is away for long: what is in the pool is broadcast once more, then gets its time.
    outbox.now.0 += 100_000;
    let submitter = world.submitter().await;
    assert_eq!(outbox.step(&submitter).await.unwrap(), Action::Broadcast { hash });
    assert_eq!(outbox.answer, Some(Broadcast::AlreadyKnown));
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(matches!(waits, Action::Wait { waiting: Waiting::Inclusion { .. }, .. }), "{waits:?}");

    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_reorganisation_before_finality_takes_the_payment_back_and_the_same_bytes_bring_it_again() {
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
    assert_eq!(submitter.consumption(outbox.delivery.claim_key).await.unwrap(), Consumption::None);

    outbox.now.0 += 10;
    assert_eq!(outbox.step(&submitter).await.unwrap(), Action::Broadcast { hash });
    let (transaction, block) = outbox.finish(&submitter, &world).await;
    assert_eq!(transaction, hash);
    assert_eq!(Some(block), submitter.receipt(hash).await.unwrap().map(|receipt| receipt.block));
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
    world.fill_blocks(true).await;
    world.node.mine(1).await;
    outbox.now.0 += 61;
    assert!(matches!(outbox.step(&submitter).await.unwrap(), Action::Sign(_)));
    let second = outbox.newest();
    world.fill_blocks(false).await;
    world.node.mine(1).await;
    let raw = outbox.attempts()[1].raw.clone();
    let answer = submitter.broadcast(second, &raw, 0, outbox.now).await.unwrap();
    assert_eq!(answer, Broadcast::NonceUsed);

    let waits = outbox.step(&submitter).await.unwrap();
    assert!(matches!(waits, Action::Wait { waiting: Waiting::NonceFinal { .. }, .. }), "{waits:?}");
    assert_eq!(outbox.finish(&submitter, &world).await.0, first);
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_claim_that_somebody_else_files_is_done_with_their_transaction() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));

    let theirs = world.transact(world.cover, outbox.delivery.calldata.to_vec()).await;
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(matches!(waits, Action::Wait { waiting: Waiting::ConsumptionFinal, .. }), "{waits:?}");
    // Far enough that the search takes several requests.
    world.node.mine(9).await;
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 0, "it cost nothing");
}

#[tokio::test]
async fn a_nonce_is_used_up_when_somebody_else_files_first() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    assert!(outbox.delivery.held.is_some());

    let theirs = world.transact(world.cover, outbox.delivery.calldata.to_vec()).await;
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
    assert_eq!(outbox.attempts()[0].purpose, Purpose::Void);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1, "later nonces are not held up");
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn an_event_from_another_contract_says_nothing() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    let forger = create(&world.node, forger()).await;
    let forged = world.transact(forger, forged_event(&outbox.delivery)).await;
    let logs = world.node.receipt(forged).await["logs"].clone();
    assert_eq!(logs[0]["topics"][1], json!(outbox.delivery.claim_key), "the forger works");
    world.node.mine(5).await;
    assert_eq!(submitter.consumption(outbox.delivery.claim_key).await.unwrap(), Consumption::None);
    assert!(submitter.receipt(forged).await.unwrap().unwrap().consumed.is_empty());

    // The claim is filed, and a forged event follows it: the search from the newest block on meets that one first.
    let theirs = world.transact(world.cover, outbox.delivery.calldata.to_vec()).await;
    world.transact(forger, forged_event(&outbox.delivery)).await;
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
}

#[tokio::test]
async fn a_nonce_that_somebody_took_with_the_same_key_is_given_up_when_that_is_final() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    let theirs = json!({
        "from": submitter.sender(), "to": submitter.sender(), "nonce": "0x0", "gas": "0x5208",
        "maxFeePerGas": format!("{:#x}", 300 * GWEI), "maxPriorityFeePerGas": format!("{:#x}", 200 * GWEI),
    });
    world.node.ask("eth_sendTransaction", json!([theirs])).await;
    outbox.step(&submitter).await.unwrap();
    outbox.step(&submitter).await.unwrap();
    assert_eq!(outbox.answer, Some(Broadcast::Underpriced));

    world.node.mine(1).await;
    let waits = outbox.rest(&submitter).await;
    assert!(matches!(waits, Action::Wait { waiting: Waiting::NonceFinal { nonce: 0 }, .. }), "{waits:?}");
    world.node.mine(3).await;
    let put_back = outbox.rest(&submitter).await;
    assert!(
        matches!(&put_back, Action::PutBack { release_nonce: true, reason, .. } if reason.contains("not this delivery's")),
        "{put_back:?}"
    );
    outbox.finish(&submitter, &world).await;
    assert_eq!(outbox.delivery.held.as_ref().map(|held| held.nonce), Some(1));
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn an_attestation_that_ran_out_is_given_up_once_that_is_final_and_its_nonce_is_used() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();

    world.node.set_next_time(VALID_UNTIL + 1).await;
    world.node.mine(1).await;
    let mut actions = Vec::new();
    for _ in 0..20 {
        let action = outbox.rest(&submitter).await;
        world.node.mine(1).await;
        outbox.now.0 += 12;
        let ended = matches!(action, Action::GiveUp { .. });
        actions.push(action);
        if ended {
            break;
        }
    }
    assert!(actions.iter().any(|action| matches!(action, Action::PutBack { release_nonce: true, .. })), "{actions:?}");
    let Some(Action::GiveUp { reason }) = actions.last() else { panic!("{actions:?}") };
    assert!(reason.contains("NoLongerValid { validUntil: "), "{reason}");
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
    assert_eq!(world.paid().await, 0);
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_when_it_can_succeed() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let begins = TODAY + 5000;
    let mut attestation = world.attestation(1);
    attestation.validAfter = begins;
    let mut held_back = Outbox::new(world.delivery(&attestation));
    let action = held_back.step(&submitter).await.unwrap();
    let begins = Timestamp(begins.try_into().unwrap());
    assert!(
        matches!(&action, Action::PutBack { not_before, release_nonce: false, reason } if *not_before == begins && reason.contains("NotYetValid")),
        "{action:?}"
    );
    world.node.set_next_time(TODAY + 5001).await;
    world.node.mine(1).await;
    held_back.finish(&submitter, &world).await;

    // The first claim used up what the contract pays in a day.
    let mut second = Outbox::new(world.delivery(&world.attestation(2)));
    second.now = held_back.now;
    let action = second.step(&submitter).await.unwrap();
    let tomorrow = TODAY - TODAY % 86_400 + 86_400;
    assert!(
        matches!(&action, Action::PutBack { not_before, reason, .. }
            if *not_before == Timestamp(tomorrow.try_into().unwrap()) && reason.contains("DailyCapReached")),
        "{action:?}"
    );
    world.node.set_next_time(tomorrow).await;
    world.node.mine(1).await;
    second.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, 2 * SUM_INSURED);
}

#[tokio::test]
async fn a_consumer_without_code_is_never_paid_for() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut delivery = world.delivery(&world.attestation(1));
    delivery.consumer = Address::repeat_byte(0xee);
    let action = Outbox::new(delivery).step(&submitter).await.unwrap();
    assert!(
        matches!(&action, Action::PutBack { reason, .. } if reason.contains("no contract at the consumer's address")),
        "{action:?}"
    );
}

#[tokio::test]
async fn a_submitter_without_coin_says_who_needs_some_and_goes_on_when_it_has() {
    let world = World::new().await;
    let key = "0x00000000000000000000000000000000000000000000000000000000000000b0";
    let submitter = Submitter::connect(world.settings(), raw_key(key)).await.unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    outbox.step(&submitter).await.unwrap();
    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(matches!(error, DeliveryError::InsufficientFunds { sender, .. } if sender == submitter.sender()), "{error}");
    assert!(error.to_string().contains(&submitter.sender().to_string()), "{error}");

    // No fee is raised against an empty purse.
    outbox.now.0 += 1;
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(matches!(waits, Action::Wait { waiting: Waiting::Rebroadcast { .. }, .. }), "{waits:?}");
    let coin = U256::from(1_000_000_000_000_000_000_u64);
    world.node.ask("anvil_setBalance", json!([submitter.sender(), coin])).await;
    outbox.now.0 += 10;
    outbox.finish(&submitter, &world).await;
    assert_eq!(outbox.attempts().len(), 1);
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_an_error_and_never_an_answer() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let stored = outbox.delivery.clone();
    let World { node, .. } = world;
    drop(node);

    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(error.is_transient() && matches!(error, DeliveryError::Rpc { .. }), "{error}");
    assert!(submitter.consumption(stored.claim_key).await.is_err());
    assert!(submitter.receipt(outbox.newest()).await.is_err());
    let raw = &stored.held.as_ref().unwrap().attempts[0].raw;
    assert!(submitter.broadcast(outbox.newest(), raw, 0, outbox.now).await.is_err());
    assert_eq!(outbox.delivery, stored, "nothing was concluded");
}

#[tokio::test]
async fn wrong_settings_are_refused_at_the_door() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.chain_id = 1;
    let error = Submitter::connect(settings, raw_key(SUBMITTER_KEY)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::WrongChain { expected: 1, found: 31_337, .. }), "{error}");

    let mut settings = world.settings();
    settings.verifier = Address::repeat_byte(0x0e);
    let error = Submitter::connect(settings, raw_key(SUBMITTER_KEY)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::NoVerifier { .. }), "{error}");

    let error = Submitter::connect(world.settings(), raw_key("0x1234")).await.unwrap_err();
    assert!(matches!(error, DeliveryError::RawKey), "{error}");
    assert!(!format!("{error:?}").contains("1234"));
}
