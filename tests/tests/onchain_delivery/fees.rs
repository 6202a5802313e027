//! How offers are made, and what they cost in the end.

use alloy::primitives::B256;
use serde_json::{Value, json};
use tocsin_delivery::onchain::{Action, Fate, Fees, OnchainSettings, Pricing, Submitter, Waiting};
use tocsin_tests::anvil::quantity;

use super::outbox::Outbox;
use super::world::{GWEI, SUBMITTER_KEY, SUM_INSURED, World, raw_key};

#[tokio::test]
async fn the_usual_tip_of_the_newest_blocks_is_offered() {
    let world = World::new().await;
    // Somebody tips 7 gwei in each of the newest blocks.
    let owner = world.node.account().await;
    for _ in 0..3 {
        let sent = json!([{
            "from": owner, "to": owner,
            "maxFeePerGas": format!("{:#x}", 90 * GWEI), "maxPriorityFeePerGas": format!("{:#x}", 7 * GWEI),
        }]);
        world.node.ask("eth_sendTransaction", sent).await;
        world.node.mine(1).await;
    }
    let pricing = Pricing::History {
        percentile: 50,
        blocks: 3,
    };
    let submitter = priced(&world, pricing).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    let fees = outbox.fees()[0];
    assert_eq!(fees.max_priority_fee_per_gas, 7 * GWEI);
    assert!(fees.max_fee_per_gas > 7 * GWEI);
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn a_chain_without_base_fees_is_offered_one_gas_price_and_a_stuck_one_is_raised() {
    let world = World::new().await;
    let submitter = priced(&world, Pricing::Legacy { percent: 150 }).await;
    let suggested = u128::from(quantity(&world.node.ask("eth_gasPrice", json!([])).await));
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    assert_eq!(outbox.fees(), [Fees::single(suggested * 3 / 2)]);
    assert_eq!(transaction(&world, outbox.newest()).await["type"], "0x0");

    world.shut_out(outbox.newest()).await;
    world.node.mine(1).await;
    world.let_in().await;
    outbox.now.0 += 61;
    outbox.rest(&submitter).await;
    let [first, second] = outbox.fees()[..] else {
        panic!("{:?}", outbox.fees());
    };
    assert!(second.max_fee_per_gas * 8 >= first.max_fee_per_gas * 9);
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
    assert_eq!(world.mined_nonces(submitter.sender()).await, 1);
}

#[tokio::test]
async fn a_fixed_offer_is_made_whatever_the_node_suggests_and_waits_above_the_cap() {
    let world = World::new().await;
    let fixed = Fees {
        max_fee_per_gas: 33 * GWEI,
        max_priority_fee_per_gas: 3 * GWEI,
    };
    let submitter = priced(&world, Pricing::Fixed(fixed)).await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    // The chain is dearer than the operator allows.
    world.set_base_fee(600 * GWEI).await;
    world.node.mine(1).await;
    let waits = outbox.rest(&submitter).await;
    let Action::Wait { waiting, .. } = waits else {
        panic!("{waits:?}");
    };
    assert!(matches!(waiting, Waiting::FeeCap { .. }) && waiting.may_last());

    world.set_base_fee(GWEI).await;
    world.node.mine(1).await;
    outbox.rest(&submitter).await;
    assert_eq!(outbox.fees(), [fixed]);
    outbox.finish(&submitter, &world).await;
    assert_eq!(world.paid().await, SUM_INSURED);
}

#[tokio::test]
async fn what_a_transaction_cost_is_what_the_chain_took() {
    let world = World::new().await;
    let submitter = world.submitter().await;
    let mut outbox = Outbox::new(world.delivery(&world.attestation(1)));
    outbox.rest(&submitter).await;
    world.node.mine(1).await;
    let hash = outbox.newest();
    let receipt = world.node.receipt(hash).await;
    let looked = submitter.look(&outbox.delivery).await.unwrap();
    let [Fate::Mined { cost, .. }] = looked.fates[..] else {
        panic!("{looked:?}");
    };
    assert_eq!(cost.gas_used, quantity(&receipt["gasUsed"]));
    let price = u128::from(quantity(&receipt["effectiveGasPrice"]));
    assert_eq!(cost.gas_price, price);
}

async fn priced(world: &World, pricing: Pricing) -> Submitter {
    let mut settings: OnchainSettings = world.settings();
    settings.policy.fees.pricing = pricing;
    let key = raw_key(SUBMITTER_KEY);
    Submitter::connect(settings, key).await.unwrap()
}

async fn transaction(world: &World, hash: B256) -> Value {
    world
        .node
        .ask("eth_getTransactionByHash", json!([hash]))
        .await
}
