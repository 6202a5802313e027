//! What was left out, skipped, or is of another fork.

use alloy::primitives::B256;
use serde_json::json;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::Timestamp;
use tocsin_sources::solana::{Pubkey, SolanaReader};
use tocsin_sources::{BlockSource, SourceError};

use super::node::Node;
use super::setup::{block_of, connect, loss, told};

/// The hash of slot 3000's block in the recording.
const AT_3000: &str = "AoJL4EgqJobCHqvuKAE8nu8HEAWGnf6UhhidrHxnv8i3";
/// The hash of a block that is in no recording.
const OF_A_FORK: &str = "GK2roxExEfr56acJoT65pJXHtx22CDEYemzAgmSu8wx6";

async fn reader(node: &Node) -> SolanaReader {
    connect(node, vec![loss(0)]).await.unwrap()
}

fn cursor(hash: &str) -> SourceCursor {
    SourceCursor {
        number: 3000,
        hash: hash.parse::<Pubkey>().unwrap().0,
        timestamp: Timestamp(1_760_000_000),
    }
}

async fn refusal(node: &Node, after: &SourceCursor) -> SourceError {
    reader(node)
        .await
        .next(Some(after), &[0])
        .await
        .unwrap_err()
}

fn slots(first: u64) -> serde_json::Value {
    json!([first, 8, { "commitment": "finalized" }])
}

#[tokio::test]
async fn a_skipped_slot_is_no_gap() {
    let node = Node::replay("links").await;
    let batch = reader(&node).await.next(Some(&cursor(AT_3000)), &[0]).await;
    let batch = batch.unwrap().unwrap();
    assert_eq!((batch.coverage.first, batch.coverage.last), (3001, 3004));
    assert_eq!(batch.cursor.number, 3004);
    assert_eq!(batch.observations, []);
}

#[tokio::test]
async fn a_block_that_was_left_out_is_told_from_a_skipped_slot() {
    let node = Node::replay("links").await;
    node.answer(
        "getBlocksWithLimit",
        &slots(3001),
        json!({ "result": [3001, 3004] }),
    );
    let error = refusal(&node, &cursor(AT_3000)).await;
    assert!(
        told(&error).contains("the block of slot 3004 follows on slot 3002, but the last before it that is known is slot 3001"),
        "{}",
        told(&error)
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_first_block_that_was_left_out_is_noticed_too() {
    let node = Node::replay("links").await;
    let honest = [3001, 3002, 3004];
    node.answer(
        "getBlocksWithLimit",
        &slots(3001),
        json!({ "result": honest[1..] }),
    );
    let reader = connect(&node, vec![loss(3001)]).await.unwrap();
    let error = reader.next(None, &[0]).await.unwrap_err();
    assert!(
        told(&error).contains("follows on slot 3001"),
        "{}",
        told(&error)
    );
    node.answer(
        "getBlocksWithLimit",
        &slots(3001),
        json!({ "result": honest }),
    );
    assert!(reader.next(None, &[0]).await.unwrap().is_some());
}

#[tokio::test]
async fn a_list_that_is_no_list_of_these_slots_is_refused() {
    for (list, says) in [
        (
            json!([]),
            "slot 3004 is final, but the list of slots from 3001 on has none",
        ),
        (json!([3000, 3001]), "has 3000 out of its place"),
        (json!([3002, 3001]), "has 3001 out of its place"),
        (json!([3001, 3001]), "has 3001 out of its place"),
        (json!(null), "another shape"),
    ] {
        let node = Node::replay("links").await;
        node.answer(
            "getBlocksWithLimit",
            &slots(3001),
            json!({ "result": list }),
        );
        let error = refusal(&node, &cursor(AT_3000)).await;
        assert!(told(&error).contains(says), "{list}: {}", told(&error));
    }
}

#[tokio::test]
async fn a_listed_block_that_the_node_lacks_moves_nothing() {
    for code in [-32001, -32004, -32007, -32009, -32011, -32014] {
        let node = Node::replay("links").await;
        let error = json!({ "error": { "code": code, "message": "…" } });
        node.answer("getBlock", &block_of(3002, "full"), error);
        let error = refusal(&node, &cursor(AT_3000)).await;
        assert!(
            matches!(error, SourceError::MissingSlot { .. }),
            "{code}: {error}"
        );
    }
    let node = Node::replay("links").await;
    node.answer(
        "getBlock",
        &block_of(3002, "full"),
        json!({ "result": null }),
    );
    let error = refusal(&node, &cursor(AT_3000)).await;
    assert!(
        told(&error).contains("does not have it yet"),
        "{}",
        told(&error)
    );
}

#[tokio::test]
async fn a_block_of_another_fork_is_not_believed() {
    // In the middle, it is an answer of another node.
    let node = Node::replay("links").await;
    node.change("getBlock", &block_of(3004, "full"), |exchange| {
        exchange["result"]["previousBlockhash"] = json!(OF_A_FORK);
    });
    let error = refusal(&node, &cursor(AT_3000)).await;
    assert!(
        told(&error).contains("the parent of block 3004 is"),
        "{}",
        told(&error)
    );
    assert!(error.is_transient());

    // After the cursor, it is the chain that changed, if the node's block at the cursor is another.
    let node = Node::replay("links").await;
    let at_3000 = json!({ "result": {
        "blockhash": AT_3000, "previousBlockhash": OF_A_FORK, "parentSlot": 2999, "blockTime": 1_759_999_999,
    } });
    node.answer("getBlock", &block_of(3000, "none"), at_3000);
    let error = refusal(&node, &cursor(OF_A_FORK)).await;
    let SourceError::ForkBelowFinality {
        number,
        ours,
        theirs,
        ..
    } = error
    else {
        panic!("{error}");
    };
    let hash = |text: &str| text.parse::<Pubkey>().unwrap().0;
    assert_eq!(
        (number, ours, theirs),
        (3000, hash(OF_A_FORK), hash(AT_3000))
    );
}

#[tokio::test]
async fn a_node_that_is_behind_is_not_a_reorganisation() {
    let node = Node::replay("links").await;
    let ahead = SourceCursor {
        number: 3005,
        hash: B256::ZERO,
        timestamp: Timestamp(1_760_000_002),
    };
    let error = refusal(&node, &ahead).await;
    assert!(matches!(
        error,
        SourceError::Lagging {
            final_head: Some(3004),
            cursor: 3005,
            ..
        }
    ));
}

#[tokio::test]
async fn blocks_without_a_time_or_out_of_time_are_refused() {
    for (time, says) in [
        (json!(null), "has no time"),
        (json!(0), "has no time"),
        (json!(1_759_999_999), "block 3002 has time"),
    ] {
        let node = Node::replay("links").await;
        node.change("getBlock", &block_of(3002, "full"), |exchange| {
            exchange["result"]["blockTime"] = time.clone();
        });
        let error = refusal(&node, &cursor(AT_3000)).await;
        assert!(told(&error).contains(says), "{}", told(&error));
    }
}
