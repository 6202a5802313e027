//! Events that programs log.

use alloy::primitives::U256;
use serde_json::json;
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_sources::BlockSource;

use super::node::Node;
use super::setup::{all, block_of, connect, loss, pool, settings, told, values};
use tocsin_sources::solana::SolanaReader;

fn place(slot: u64, transaction: u64, line: u64) -> Sequence {
    Sequence((U256::from(slot) << 64) | U256::from((transaction << 32) | line))
}

#[tokio::test]
async fn only_what_the_program_itself_logged_counts() {
    let node = Node::replay("program_events").await;
    let reader = connect(&node, vec![loss(2005)]).await.unwrap();
    let batch = reader.next(None, &all(&reader)).await.unwrap().unwrap();
    let seen: Vec<_> = batch
        .observations
        .iter()
        .zip(values(&batch.observations))
        .map(|(seen, value)| (seen.sequence, seen.observed_at.0 - 1_760_000_000, value))
        .collect();
    let expected = [
        (place(2005, 1, 2), 0, "7.5"),
        (place(2005, 5, 2), 0, "1.25"),
        (place(2009, 0, 1), 1, "2"),
        // The log was cut off, and the next event is too short: what was lost is not known.
        (place(2009, 0, 2), 1, "-"),
        (place(2009, 1, 1), 1, "-"),
    ];
    assert_eq!(
        seen,
        expected.map(|(place, time, value)| (place, time, value.to_owned()))
    );
    assert_eq!(batch.cursor.number, 2009);
    assert_eq!(batch.watermark, Timestamp(1_760_000_000));
    assert_eq!((batch.coverage.first, batch.coverage.last), (2005, 2009));
    assert_eq!(
        reader
            .next(Some(&batch.cursor), &all(&reader))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn the_same_blocks_say_the_same_however_they_are_split() {
    let node = Node::replay("program_events").await;
    let whole = connect(&node, vec![loss(2005)]).await.unwrap();
    let whole = whole.next(None, &[0]).await.unwrap().unwrap();

    let mut one_by_one = settings(&node);
    one_by_one.max_blocks_per_batch = 1.try_into().unwrap();
    let reader = SolanaReader::connect(one_by_one, vec![loss(2005)])
        .await
        .unwrap();
    let (mut cursor, mut seen, mut next) = (None, Vec::new(), 2005);
    while let Some(batch) = reader.next(cursor.as_ref(), &[0]).await.unwrap() {
        assert_eq!(batch.coverage.first, next, "skipped slots are covered too");
        next = batch.coverage.last + 1;
        seen.extend(batch.observations);
        cursor = Some(batch.cursor);
    }
    assert_eq!(seen, whole.observations);
    assert_eq!(cursor, Some(whole.cursor));
}

#[tokio::test]
async fn blocks_before_a_source_begins_are_not_its() {
    let node = Node::replay("program_events").await;
    let reader = connect(&node, vec![loss(2006)]).await.unwrap();
    let batch = reader.next(None, &[0]).await.unwrap().unwrap();
    assert_eq!(values(&batch.observations), ["2", "-", "-"]);
    let reader = connect(&node, vec![loss(2010)]).await.unwrap();
    assert_eq!(reader.next(None, &[0]).await.unwrap(), None);
}

#[tokio::test]
async fn a_transaction_without_outcome_or_log_is_an_error() {
    for missing in ["meta", "logMessages"] {
        let node = Node::replay("program_events").await;
        node.change("getBlock", &block_of(2005, "full"), |exchange| {
            let transaction = &mut exchange["result"]["transactions"][1];
            match missing {
                "meta" => transaction["meta"] = json!(null),
                _ => transaction["meta"][missing] = json!(null),
            }
        });
        let reader = connect(&node, vec![loss(2005)]).await.unwrap();
        let error = reader.next(None, &[0]).await.unwrap_err();
        assert!(
            told(&error).contains("transaction 1 of slot 2005 comes without"),
            "{}",
            told(&error)
        );
    }
}

#[tokio::test]
async fn accounts_are_looked_at_with_the_last_block() {
    let node = Node::replay("program_events").await;
    let pool_at = |slot: u64| json!({ "result": { "context": { "slot": slot }, "value": [null] } });
    let accounts =
        json!([[super::setup::POOL], { "commitment": "finalized", "encoding": "base64" }]);
    let mut sources = pool();
    sources.push(loss(2005));
    let reader = connect(&node, sources).await.unwrap();

    node.answer("getMultipleAccounts", &accounts, pool_at(2009));
    let batch = reader.next(None, &[0, 1, 2]).await.unwrap().unwrap();
    let last: Vec<_> = batch.observations.iter().rev().take(2).collect();
    assert_eq!(batch.observations.len(), 7);
    assert!(
        last.iter()
            .all(|seen| seen.sequence == Sequence(U256::from(2009)))
    );

    // As of a slot that this batch does not reach, what is seen of them would be ahead of the cursor.
    node.answer("getMultipleAccounts", &accounts, pool_at(2010));
    let batch = reader.next(None, &[0, 1, 2]).await.unwrap().unwrap();
    assert_eq!((batch.observations.len(), batch.cursor.number), (5, 2009));
}
