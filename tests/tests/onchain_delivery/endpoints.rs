//! Several endpoints, some of which are of no use.

use serde_json::json;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::{Action, OnchainSettings, Submitter, Waiting};
use tocsin_tests::anvil::Anvil;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};

use super::outbox::Outbox;
use super::world::{GENESIS, SUBMITTER_KEY, SUM_INSURED, World, raw_key};

#[tokio::test]
async fn a_transaction_that_one_endpoint_loses_arrives_through_another() {
    let world = World::new().await;
    let (submitter, first, _second) = behind_two(&world, 1).await;
    first.spoil("eth_sendRawTransaction", Fault::Swallow);
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(outbox.attempts().len(), 1);
}

#[tokio::test]
async fn what_one_endpoint_cannot_say_another_is_asked() {
    let world = World::new().await;
    let (submitter, first, second) = behind_two(&world, 1).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    first.spoil("eth_getBlockByNumber", Fault::ErrorReply);
    outbox.rest(&submitter).await;
    first.heal();
    second.spoil("eth_call", Fault::HalfBody);
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);

    for node in [&first, &second] {
        node.spoil("eth_getBlockByNumber", Fault::Status(503));
    }
    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Rpc { .. }), "{error}");
}

#[tokio::test]
async fn nothing_ends_by_the_word_of_one_endpoint_where_two_have_to_agree() {
    let world = World::new().await;
    let (submitter, first, second) = behind_two(&world, 2).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    // The second endpoint lags, and does not know of the final block.
    second.add(Rule::new(Fault::Lag(4)).of("eth_getBlockByNumber"));
    world.node.mine(4).await;
    outbox.now.0 += 48;
    let waits = outbox.step(&submitter).await.unwrap();
    let Action::Wait { waiting, .. } = waits else {
        panic!("{waits:?}");
    };
    let expected = Waiting::Agreement {
        agreed: 1,
        needed: 2,
    };
    assert_eq!(waiting, expected);
    second.heal();
    // The first tells of another price than was paid.
    first.spoil(
        "eth_getTransactionReceipt",
        Fault::Replace("/effectiveGasPrice", json!("0x1")),
    );
    let waits = outbox.step(&submitter).await.unwrap();
    assert!(matches!(waits, Action::Wait { waiting, .. } if waiting == expected));
    first.heal();
    outbox.finish(&submitter, &world).await;
}

#[tokio::test]
async fn an_endpoint_of_another_chain_is_found_when_it_first_answers() {
    let world = World::new().await;
    let other = Anvil::start(GENESIS).await;
    let proxy = FaultyNode::start(other.url()).await;
    let mut settings: OnchainSettings = world.settings();
    settings.urls.push(proxy.url());
    settings.agree = 2;
    // Silent at the start.
    proxy.add(Rule::new(Fault::Status(503)));
    let key = raw_key(SUBMITTER_KEY);
    let submitter = Submitter::connect(settings, key).await.unwrap();
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    world.node.mine(4).await;
    proxy.heal();
    // The same chain id, and no verifier.
    let error = outbox.step(&submitter).await.unwrap_err();
    assert!(matches!(error, DeliveryError::NoVerifier { .. }), "{error}");
}

async fn behind_two(world: &World, agree: usize) -> (Submitter, FaultyNode, FaultyNode) {
    let first = FaultyNode::start(world.node.url()).await;
    let second = FaultyNode::start(world.node.url()).await;
    let settings = OnchainSettings {
        urls: vec![first.url(), second.url()],
        agree,
        ..world.settings()
    };
    let key = raw_key(SUBMITTER_KEY);
    let submitter = Submitter::connect(settings, key).await.unwrap();
    (submitter, first, second)
}
