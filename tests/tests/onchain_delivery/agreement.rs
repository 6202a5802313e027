//! What the verifier says for good (epochs, holds, revocations) is believed only where endpoints agree on it.

use alloy::primitives::hex;
use alloy::sol_types::SolCall;
use serde_json::json;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::{OnchainSettings, Submitter};
use tocsin_domain::ids::ClaimKey;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};

use super::world::{SUBMITTER_KEY, TocsinVerifier, World, raw_key};

/// A submitter behind several endpoints of one chain, two of which have to agree.
async fn behind(world: &World, count: usize) -> (Submitter, Vec<FaultyNode>) {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(FaultyNode::start(world.node.url()).await);
    }
    let settings = OnchainSettings {
        urls: nodes.iter().map(FaultyNode::url).collect(),
        agree: 2,
        ..world.settings()
    };
    let submitter = Submitter::connect(settings, raw_key(SUBMITTER_KEY)).await;
    (submitter.unwrap(), nodes)
}

/// `claimStatus` of a claim that is revoked below revision 7.
fn revoked() -> Fault {
    let mut words = [0_u8; 6 * 32];
    words[2 * 32 + 31] = 7;
    Fault::Result(json!(hex::encode_prefixed(words)))
}

async fn revoke_epoch(world: &World) {
    let revoke = TocsinVerifier::revokeEpochCall { number: 1 };
    world.transact(world.verifier, revoke.abi_encode()).await;
}

#[tokio::test]
async fn one_endpoint_invents_no_revocation() {
    let world = World::new().await;
    world.node.mine(8).await;
    let claim: ClaimKey = world.attestation(1).claim_key();
    let (submitter, nodes) = behind(&world, 2).await;
    nodes[0].spoil("eth_call", revoked());
    let error = submitter.statuses(&[claim]).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Disagree { .. }), "{error}");
    assert!(error.is_transient());
    nodes[0].heal();
    assert_eq!(
        submitter.statuses(&[claim]).await.unwrap()[0].min_revision,
        0
    );

    let (submitter, nodes) = behind(&world, 3).await;
    nodes[0].spoil("eth_call", revoked());
    let said = submitter.statuses(&[claim]).await.unwrap();
    assert_eq!(said[0].min_revision, 0);
    // An epoch of its own it does not get believed either.
    let epochs = submitter.epochs(&[]).await.unwrap();
    assert_eq!(epochs.len(), 1);
    // Two that say so are believed: that is what was asked for.
    nodes[1].spoil("eth_call", revoked());
    let said = submitter.statuses(&[claim]).await.unwrap();
    assert_eq!(said[0].min_revision, 7);
}

#[tokio::test]
async fn one_endpoint_that_lags_hides_nothing_and_takes_nothing_back() {
    let world = World::new().await;
    world.node.mine(8).await;
    let (submitter, nodes) = behind(&world, 3).await;
    let lag = || Rule::new(Fault::Lag(100)).of("eth_getBlockByNumber");
    revoke_epoch(&world).await;
    world.node.mine(100).await;
    nodes[0].add(lag());
    assert!(submitter.epochs(&[]).await.unwrap()[0].revoked);
    // Of the two that are left, one knows only what was before: that is no news.
    nodes[1].spoil("eth_getBlockByNumber", Fault::ErrorReply);
    let error = submitter.epochs(&[]).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    nodes[0].heal();
    assert!(submitter.epochs(&[]).await.unwrap()[0].revoked);
}

/// Two that are not equally far agree on the block that both have.
#[tokio::test]
async fn endpoints_agree_on_the_last_block_that_is_final_for_both() {
    let world = World::new().await;
    world.node.mine(8).await;
    let (submitter, nodes) = behind(&world, 2).await;
    nodes[1].add(Rule::new(Fault::Lag(3)).of("eth_getBlockByNumber"));
    assert_eq!(submitter.epochs(&[]).await.unwrap().len(), 1);
    revoke_epoch(&world).await;
    world.node.mine(100).await;
    assert!(submitter.epochs(&[]).await.unwrap()[0].revoked);
    let happened = submitter.happened(0).await.unwrap().unwrap();
    assert!(happened.claims.is_empty());
}
