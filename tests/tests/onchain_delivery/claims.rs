//! What can happen to a claim while its delivery is on the way.

use alloy::primitives::Address;
use serde_json::json;
use tocsin_delivery::onchain::{
    Action, Broadcast, Consumption, OnchainSettings, Purpose, Submitter, Waiting,
};
use tocsin_domain::time::Timestamp;

use super::outbox::Outbox;
use super::world::{
    GWEI, SUBMITTER_KEY, SUM_INSURED, TODAY, VALID_UNTIL, World, create, deploy_verifier,
    forged_event, forger, raw_key,
};

#[tokio::test]
async fn a_claim_that_somebody_else_files_is_done_with_their_transaction() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));

    let theirs = world
        .transact(world.cover, outbox.delivery.calldata.to_vec())
        .await;
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(
        matches!(
            waits,
            Action::Wait {
                waiting: Waiting::ConsumptionFinal,
                ..
            }
        ),
        "{waits:?}"
    );
    // Far enough that the search takes several requests.
    world.node.mine(9).await;
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
    assert_eq!(
        world.mined_nonces(submitter.sender()).await,
        0,
        "it cost nothing"
    );
}

#[tokio::test]
async fn a_nonce_is_used_up_when_somebody_else_files_first() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.step(&submitter).await.unwrap();
    assert!(outbox.delivery.held.is_some());

    let theirs = world
        .transact(world.cover, outbox.delivery.calldata.to_vec())
        .await;
    assert_eq!(outbox.finish(&submitter, &world).await.0, theirs);
    assert_eq!(outbox.attempts()[0].purpose, Purpose::Void);
    assert_eq!(
        world.mined_nonces(submitter.sender()).await,
        1,
        "later nonces are not held up"
    );
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
    assert_eq!(
        logs[0]["topics"][1],
        json!(outbox.delivery.claim_key),
        "the forger works"
    );
    world.node.mine(5).await;
    assert_eq!(
        submitter
            .consumption(outbox.delivery.claim_key)
            .await
            .unwrap(),
        Consumption::None
    );
    assert!(
        submitter
            .receipt(forged)
            .await
            .unwrap()
            .unwrap()
            .consumed
            .is_empty()
    );

    // The claim is filed, and a forged event follows it: the search from the newest block on meets that one first.
    let theirs = world
        .transact(world.cover, outbox.delivery.calldata.to_vec())
        .await;
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
    world.node.mine(3).await;
    let put_back = outbox.rest(&submitter).await;
    assert!(
        matches!(&put_back, Action::PutBack { release_nonce: true, reason, .. } if reason.contains("not this delivery's")),
        "{put_back:?}"
    );
    outbox.finish(&submitter, &world).await;
    assert_eq!(
        outbox.delivery.held.as_ref().map(|held| held.nonce),
        Some(1)
    );
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
    assert!(
        actions.iter().any(|action| matches!(
            action,
            Action::PutBack {
                release_nonce: true,
                ..
            }
        )),
        "{actions:?}"
    );
    let Some(Action::GiveUp { reason }) = actions.last() else {
        panic!("{actions:?}")
    };
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
async fn a_call_that_succeeds_without_the_verifiers_record_is_not_repeated() {
    let world = World::new().await;
    // The contract consumes at its own verifier; the settings name another.
    let verifier = deploy_verifier(&world.node, world.node.account().await).await;
    let settings = OnchainSettings {
        verifier,
        ..world.settings()
    };
    let submitter = Submitter::connect(settings, raw_key(SUBMITTER_KEY))
        .await
        .unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    world.node.mine(5).await;
    let action = outbox.rest(&submitter).await;
    assert!(
        matches!(&action, Action::GiveUp { reason } if reason.contains("did not record the claim")),
        "{action:?}"
    );
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_cover_with_a_veto_is_shown_the_claim_first_and_pays_it_afterwards() {
    let veto: u64 = 86_400;
    let world = World::with_veto(veto).await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    let mut seen = Vec::new();
    let payable = loop {
        match outbox.rest(&submitter).await {
            Action::PutBack {
                reason, not_before, ..
            } if reason.contains("VetoOpen") => break not_before,
            Action::PutBack { reason, .. } => seen.push(reason),
            Action::Wait { .. } => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(world.paid().await, 0);
        world.node.mine(1).await;
        outbox.now.0 += 12;
    };
    assert!(
        matches!(&seen[..], [one] if one.contains("presented by transaction")),
        "{seen:?}"
    );
    let payable = u64::try_from(payable.0).unwrap();
    assert!((TODAY + veto..TODAY + 2 * veto).contains(&payable));
    world.node.set_next_time(payable).await;
    world.node.mine(1).await;
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 2);
}
