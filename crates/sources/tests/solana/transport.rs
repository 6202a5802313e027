//! Answers that do not arrive whole, or come from elsewhere.

use serde_json::json;
use tocsin_sources::{BlockSource, Heads, SourceError};

use super::node::{Fault, Node};
use super::setup::{MAINNET, all, connect, pool, settings, told};

#[tokio::test]
async fn another_cluster_is_refused() {
    let node = Node::replay("account_states").await;
    let devnet = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
    node.answer("getGenesisHash", &json!([]), json!({ "result": devnet }));
    let error = connect(&node, pool()).await.err().unwrap();
    assert!(matches!(error, SourceError::WrongGenesis { .. }));
    assert!(!error.is_transient());
    let told = told(&error);
    assert!(told.contains(devnet) && told.contains(MAINNET), "{told}");
    assert!(!told.contains("/key"), "{told}");
}

#[tokio::test]
async fn a_broken_answer_is_an_error_and_the_next_one_counts() {
    let faults = [
        (Fault::Truncated, "the connection failed"),
        (Fault::Oversized, "exceeds"),
        (Fault::HalfJson, "not JSON-RPC"),
        (Fault::OtherId, "the id of another request"),
    ];
    let node = Node::replay("account_states").await;
    // One slot for as long as answers break.
    node.answer(
        "getSlot",
        &json!([{ "commitment": "finalized" }]),
        json!({ "result": 1000 }),
    );
    let reader = connect(&node, pool()).await.unwrap();
    for (fault, says) in faults {
        node.fail("getMultipleAccounts", fault);
        let error = reader.next(None, &all(&reader)).await.unwrap_err();
        assert!(told(&error).contains(says), "{fault:?}: {}", told(&error));
        assert!(error.is_transient(), "{fault:?}");
    }
    node.heal();
    let batch = reader.next(None, &all(&reader)).await.unwrap().unwrap();
    assert_eq!(batch.observations.len(), 2);
}

#[tokio::test]
async fn how_far_the_chain_has_come() {
    let node = Node::replay("links").await;
    node.answer(
        "getSlot",
        &json!([{ "commitment": "processed" }]),
        json!({ "result": 3036 }),
    );
    let reader = connect(&node, pool()).await.unwrap();
    let heads = reader.heads().await.unwrap();
    assert_eq!(
        heads,
        Heads {
            latest: 3036,
            final_head: Some(3004)
        }
    );
    reader.stirred().await;
}

#[tokio::test]
async fn what_is_watched_is_named_by_what_decides_its_observations() {
    let node = Node::replay("links").await;
    let reader = connect(&node, pool()).await.unwrap();
    assert_eq!(reader.chain(), MAINNET);
    let [lamports, supply] = reader.watched() else {
        panic!("{:?}", reader.watched());
    };
    assert_ne!(lamports.reading, supply.reading);
    let shown = format!("{:?}", settings(&node));
    assert!(!shown.contains("/key"), "{shown}");
}
