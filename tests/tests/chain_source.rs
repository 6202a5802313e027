//! Reading a feed's events from a real node, through a proxy that makes the node fail and lie.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "chain_source/scene.rs"]
mod scene;

use std::num::NonZeroU32;
use std::time::Duration;

use alloy::primitives::{B256, U256};
use serde_json::{Value as Json, json};
use tocsin_domain::cover::Finality;
use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::{Observation, Provenance, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use tocsin_sources::chain::{
    ChainReader, ChainSettings, EndpointSettings, EventSettings, EventSource, LogProof,
    SequenceFrom, TimeFrom,
};
use tocsin_sources::error::{Contradiction, RequestFailure};
use tocsin_sources::{BlockBatch, BlockSource, SourceError};
use tocsin_tests::anvil::{Anvil, CHAIN_ID, quantity};
use tocsin_tests::feed::{ANSWER_UPDATED, Feed};
use tocsin_tests::rpc_fault::{Fault, FaultyNode};
use url::Url;

use scene::*;

#[tokio::test]
async fn every_final_round_is_read_once_with_its_value_time_sequence_and_place() {
    let mut scene = Scene::new().await;
    scene.post(856, 100).await;
    scene.post(857, 200).await;
    scene.anvil.mine(2).await;
    let batch = scene.read().await.unwrap().unwrap();
    assert_eq!(batch.cursor.number, 3);
    let coverage = Coverage {
        first: 1,
        last: 3,
        proof: Proof::Root,
        agreed: 1,
        endpoints: vec![scene.reader.endpoints()[0].endpoint.to_string()],
    };
    assert_eq!(batch.coverage, coverage);
    assert_eq!(batch.watermark, at(200));
    assert_eq!(scene.rounds(), [856, 857]);

    let first = &scene.seen[0];
    assert_eq!(first.value, Some(decimal("0.99999144")));
    assert_eq!(first.observed_at, at(100));
    let block = scene.anvil.block("0x2").await;
    let Provenance::Chain(place) = &first.provenance else {
        panic!("not from a chain")
    };
    assert_eq!(
        (place.chain_id, place.block, place.log_index),
        (CHAIN_ID, 2, Some(0))
    );
    assert_eq!(json!(place.block_hash), block["hash"]);

    assert_eq!(scene.read().await.unwrap(), None);
    scene.post(858, 300).await;
    assert_eq!(scene.read().await.unwrap().unwrap().observations, []);
    scene.anvil.mine(2).await;
    scene.read_all().await;
    assert_eq!(scene.rounds(), [856, 857, 858]);
}

#[tokio::test]
async fn the_batch_size_changes_nothing_but_the_number_of_batches() {
    let mut scene = Scene::with(|settings| {
        settings.max_blocks_per_batch = NonZeroU32::new(2).unwrap();
    })
    .await;
    for round in 1..=7 {
        scene.post(round, round * 60).await;
    }
    scene.anvil.mine(2).await;
    scene.read_all().await;
    for proof in [LogProof::Receipts, LogProof::Bloom] {
        let settings = ChainSettings {
            proof,
            // As many calls in a request as the node takes.
            endpoints: vec![EndpointSettings::new(scene.anvil.url())],
            ..settings(&scene.node)
        };
        let whole = reader(settings, &scene.feed).await;
        let batch = whole.next(None, &[0]).await.unwrap().unwrap();
        assert_eq!(batch.observations, scene.seen);
        assert_eq!(Some(batch.cursor), scene.cursor);
    }
    assert_eq!(scene.rounds(), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn finality_is_the_configured_one() {
    let scene = Scene::new().await;
    scene.anvil.mine(9).await;
    let head = scene.anvil.head().await;
    let finals = [
        (Finality::Finalized, head - 2),
        (Finality::Safe, head - 1),
        (Finality::Confirmations(0), head),
        (Finality::Confirmations(6), head - 6),
    ];
    for (finality, expected) in finals {
        let settings = ChainSettings {
            finality,
            ..settings(&scene.node)
        };
        let reader = reader(settings, &scene.feed).await;
        let heads = reader.heads().await.unwrap();
        assert_eq!((heads.latest, heads.final_head), (head, Some(expected)));
        let batch = reader.next(None, &[0]).await.unwrap().unwrap();
        assert_eq!(batch.cursor.number, expected, "{finality:?}");
    }
    let settings = ChainSettings {
        finality: Finality::Confirmations(head + 1),
        ..settings(&scene.node)
    };
    let reader = reader(settings, &scene.feed).await;
    assert_eq!(reader.heads().await.unwrap().final_head, None);
    assert_eq!(reader.next(None, &[0]).await.unwrap(), None);
}

#[tokio::test]
async fn the_wrong_chain_is_refused_with_both_ids_and_the_remedy() {
    let anvil = Anvil::start(GENESIS).await;
    let node = FaultyNode::start(anvil.url()).await;
    node.spoil("eth_chainId", Fault::Result(json!("0x1")));
    let feed = Feed {
        address: alloy::primitives::Address::ZERO,
    };
    let sources = vec![EventSource::new(event(&feed)).unwrap()];
    let error = ChainReader::connect(settings(&node), sources)
        .await
        .err()
        .unwrap();
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(
        text.contains("serves chain 1, the configuration says chain 31337"),
        "{text}"
    );
    assert!(text.contains("correct the chain id"), "{text}");
}

/// What of an error a failed exchange must give.
type Expected = fn(&RequestFailure) -> bool;

/// Every way in which an exchange can fail, whatever was asked.
fn exchange_faults() -> Vec<(Fault, Expected)> {
    vec![
        (Fault::ErrorReply, |failure| {
            matches!(failure, RequestFailure::Node { code: -32000, .. })
        }),
        (Fault::Status(500), |failure| {
            matches!(failure, RequestFailure::Status { status: 500, .. })
        }),
        (Fault::Status(429), |failure| {
            matches!(failure, RequestFailure::Status { status: 429, .. })
        }),
        (Fault::Status(301), |failure| {
            matches!(failure, RequestFailure::Status { status: 301, .. })
        }),
        (Fault::EmptyBody, |failure| {
            matches!(failure, RequestFailure::Empty)
        }),
        (Fault::HalfBody, |failure| {
            matches!(failure, RequestFailure::Malformed { .. })
        }),
        (Fault::CutConnection, |failure| {
            matches!(failure, RequestFailure::Connection(_))
        }),
        (Fault::OtherId, |failure| {
            matches!(failure, RequestFailure::ForeignId)
        }),
        (Fault::Result(json!("what?")), |failure| {
            matches!(failure, RequestFailure::Shape { .. })
        }),
    ]
}

#[tokio::test]
async fn a_failed_exchange_says_what_was_asked_and_loses_nothing() {
    let mut scene = Scene::new().await;
    let mut rounds = 0;
    for (method, proof) in [
        ("eth_getBlockByNumber", LogProof::Receipts),
        ("eth_getBlockReceipts", LogProof::Receipts),
        ("eth_getLogs", LogProof::Bloom),
    ] {
        scene.reconnect(|settings| settings.proof = proof).await;
        for (fault, expected) in exchange_faults() {
            rounds += 1;
            scene.post(rounds, rounds * 60).await;
            scene.anvil.mine(2).await;
            scene.node.spoil(method, fault.clone());
            let error = scene.read_in_vain().await;
            assert!(error.is_transient(), "{method} {fault:?}: {error}");
            let text = whole(&error);
            let host = scene.reader.endpoints()[0].endpoint.to_string();
            assert!(
                text.contains(method) && text.contains(&host),
                "{fault:?}: {text}"
            );
            let failure = failure(error);
            assert!(expected(&failure), "{method} {fault:?}: {failure:?}");
            scene.node.heal();
            scene.read_all().await;
            assert_eq!(scene.rounds(), (1..=rounds).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn no_answer_in_time_and_an_answer_without_end_are_failures() {
    let mut scene = Scene::new().await;
    scene.post(1, 60).await;
    scene.anvil.mine(2).await;
    scene.node.spoil("eth_getBlockReceipts", Fault::EndlessBody);
    let error = failure(scene.read_in_vain().await);
    assert!(matches!(error, RequestFailure::TooLarge { .. }), "{error}");
    scene.node.heal();

    scene
        .reconnect(|settings| settings.request_timeout = Duration::from_millis(300))
        .await;
    scene.node.spoil("eth_getBlockReceipts", Fault::Hang);
    let error = failure(scene.read_in_vain().await);
    assert!(
        matches!(error, RequestFailure::Timeout { limit_ms: 300 }),
        "{error}"
    );
    scene.node.heal();

    // Nobody listens.
    let gone = FaultyNode::start(scene.anvil.url()).await.url();
    let sources = vec![EventSource::new(event(&scene.feed)).unwrap()];
    let nobody = ChainSettings {
        endpoints: vec![endpoint(gone)],
        ..settings(&scene.node)
    };
    let error = ChainReader::connect(nobody, sources).await;
    assert!(matches!(
        failure(error.err().unwrap()),
        RequestFailure::Connection(_)
    ));
    scene.read_all().await;
    assert_eq!(scene.rounds(), [1]);
}

/// Puts a fault before block 4, whose round 2 has been posted, and gives the error that reading gives.
async fn spoiled(scene: &mut Scene, spoil: impl FnOnce(&FaultyNode, &Json)) -> SourceError {
    let block = scene.anvil.block("0x4").await;
    spoil(&scene.node, &block);
    let error = scene.read_in_vain().await;
    scene.node.heal();
    error
}

/// Rounds 1 (block 2, read), 2 (block 4, final), 3 (block 5, final).
async fn scene_with_unread_rounds() -> Scene {
    let mut scene = Scene::new().await;
    scene.post(1, 60).await;
    scene.anvil.mine(1).await;
    scene.post(2, 120).await;
    scene.post(3, 180).await;
    scene.read_all().await;
    assert_eq!(scene.cursor.unwrap().number, 3);
    assert_eq!(scene.rounds(), [1]);
    scene.anvil.mine(2).await;
    scene
}

#[tokio::test]
async fn a_node_that_lies_about_a_block_is_caught_and_nothing_is_lost() {
    let mut scene = scene_with_unread_rounds().await;
    let scene = &mut scene;

    let error = spoiled(scene, |node, _| node.spoil_block(4, Fault::Null)).await;
    assert!(matches!(error, SourceError::MissingBlock { .. }), "{error}");
    assert!(
        error.to_string().contains("eth_getBlockByNumber (block 4)"),
        "{error}"
    );

    let error = spoiled(scene, |node, _| {
        node.spoil_block(4, Fault::Replace("/timestamp", json!("0x1")))
    })
    .await;
    assert!(matches!(
        contradiction(error),
        Contradiction::HeaderHash { number: 4, .. }
    ));

    let error = spoiled(scene, |node, _| node.spoil_block(4, Fault::OtherParent)).await;
    assert!(error.is_transient());
    assert!(matches!(
        contradiction(error),
        Contradiction::BrokenLink { number: 4, .. }
    ));

    let error = spoiled(scene, |node, _| node.spoil_block(5, Fault::OtherParent)).await;
    assert!(matches!(
        contradiction(error),
        Contradiction::NotTheFinalHead { number: 5, .. }
    ));

    let error = spoiled(scene, |node, block| {
        node.spoil_block(5, Fault::Result(block.clone()))
    })
    .await;
    assert_eq!(
        contradiction(error),
        Contradiction::OtherBlock { asked: 5, got: 4 }
    );

    let error = spoiled(scene, |node, _| {
        node.spoil("eth_getBlockByNumber", Fault::HeadAt(2))
    })
    .await;
    assert!(error.is_transient());
    assert!(
        matches!(
            error,
            SourceError::Lagging {
                final_head: Some(2),
                cursor: 3,
                ..
            }
        ),
        "{error}"
    );

    let cursor = scene.cursor;
    scene.node.spoil("eth_getBlockByNumber", Fault::HeadAt(3));
    assert_eq!(scene.read().await.unwrap(), None);
    assert_eq!(scene.cursor, cursor);
    scene.node.heal();

    scene.read_all().await;
    assert_eq!(scene.rounds(), [1, 2, 3]);
}

#[tokio::test]
async fn a_node_that_lies_about_receipts_is_caught_and_nothing_is_lost() {
    let mut scene = scene_with_unread_rounds().await;
    let scene = &mut scene;
    let receipts = "eth_getBlockReceipts";

    // The header's bloom filter says that there are logs.
    let error = spoiled(scene, |node, _| {
        node.spoil(receipts, Fault::Result(json!([])));
    })
    .await;
    assert!(matches!(
        contradiction(error),
        Contradiction::ReceiptsRoot { .. }
    ));
    let error = spoiled(scene, |node, _| node.spoil(receipts, Fault::Null)).await;
    assert!(matches!(error, SourceError::MissingBlock { .. }), "{error}");

    for (pointer, value) in [
        ("/0/logs/0/data", json!(B256::with_last_byte(1))),
        ("/0/logs/0/topics/1", json!(B256::with_last_byte(1))),
        ("/0/logs/0/address", json!(alloy::primitives::Address::ZERO)),
        ("/0/logs", json!([])),
        ("/0/status", json!("0x0")),
        ("/0/cumulativeGasUsed", json!("0x1")),
    ] {
        let error = spoiled(scene, |node, _| {
            node.spoil(receipts, Fault::Replace(pointer, value));
        })
        .await;
        assert!(
            matches!(contradiction(error), Contradiction::ReceiptsRoot { .. }),
            "{pointer}"
        );
    }
    scene.read_all().await;
    assert_eq!(scene.rounds(), [1, 2, 3]);
}

#[tokio::test]
async fn a_node_whose_index_of_logs_lies_is_caught_and_nothing_is_lost() {
    let mut scene = scene_with_unread_rounds().await;
    let scene = &mut scene;
    scene
        .reconnect(|settings| settings.proof = LogProof::Bloom)
        .await;
    let logs = "eth_getLogs";

    // A bloom filter says that there are logs, the index that there are none: the receipts decide.
    let error = spoiled(scene, |node, _| node.spoil(logs, Fault::Result(json!([])))).await;
    assert_eq!(
        contradiction(error),
        Contradiction::OmittedLogs { number: 4 }
    );
    let error = spoiled(scene, |node, _| node.spoil(logs, Fault::ShortByOne)).await;
    assert_eq!(
        contradiction(error),
        Contradiction::OmittedLogs { number: 5 }
    );
    // Where there are no receipts, nobody knows.
    let error = spoiled(scene, |node, _| {
        node.spoil(logs, Fault::Result(json!([])));
        node.spoil("eth_getBlockReceipts", Fault::Null);
    })
    .await;
    assert!(matches!(error, SourceError::MissingBlock { .. }), "{error}");

    let edits = [
        (
            "/0/blockHash",
            json!(B256::repeat_byte(7)),
            "is of block 0x0707",
        ),
        ("/0/blockNumber", json!("0x63"), "was not asked for"),
        ("/0/blockNumber", json!("0x5"), "is of block 0x"),
        ("/0/removed", json!(true), "is marked as removed"),
        ("/0/logIndex", Json::Null, "has no log index"),
        (
            "/0/address",
            json!(alloy::primitives::Address::ZERO),
            "not of an event that was asked for",
        ),
        (
            "/0/topics/0",
            json!(B256::ZERO),
            "not of an event that was asked for",
        ),
        (
            "/0/topics/1",
            json!(B256::with_last_byte(1)),
            "is not in the bloom filter of block 4",
        ),
    ];
    for (pointer, value, expected) in edits {
        let error = spoiled(scene, |node, _| {
            node.spoil(logs, Fault::Replace(pointer, value));
        })
        .await;
        let Contradiction::ForeignLog { reason, .. } = contradiction(error) else {
            panic!("{pointer}");
        };
        assert!(reason.contains(expected), "{pointer}: {reason}");
    }

    scene.read_all().await;
    assert_eq!(scene.rounds(), [1, 2, 3]);
}

#[tokio::test]
async fn some_of_the_logs_of_a_block_are_not_enough() {
    let mut scene = Scene::new().await;
    scene.feed.post(&scene.anvil, 1, 1, GENESIS + 60).await;
    scene.feed.post(&scene.anvil, 2, 2, GENESIS + 60).await;
    scene.anvil.set_next_time(GENESIS + 60).await;
    scene.anvil.mine(3).await;

    scene.node.spoil("eth_getBlockReceipts", Fault::ShortByOne);
    let error = scene.read_in_vain().await;
    assert!(matches!(
        contradiction(error),
        Contradiction::ReceiptsRoot { .. }
    ));
    scene.node.heal();

    scene.read_all().await;
    assert_eq!(scene.rounds(), [1, 2]);
    let indices: Vec<u64> = scene
        .seen
        .iter()
        .map(|seen| match &seen.provenance {
            Provenance::Chain(place) => place.log_index.unwrap(),
            Provenance::Raw { .. } => panic!("not from a chain"),
        })
        .collect();
    assert_eq!(indices, [0, 1]);
}

#[tokio::test]
async fn blocks_above_finality_may_come_and_go_unnoticed() {
    let mut scene = Scene::new().await;
    scene.post(1, 60).await;
    scene.anvil.mine(2).await;
    scene.read_all().await;

    scene.post(2, 120).await;
    scene.read_all().await;
    assert_eq!(scene.rounds(), [1]);
    scene.anvil.reorganise(1).await;
    let time = quantity(&scene.anvil.block("latest").await["timestamp"]) - GENESIS;
    scene.post(3, time + 60).await;
    scene.anvil.mine(2).await;
    scene.read_all().await;
    assert_eq!(scene.rounds(), [1, 3]);
}

#[tokio::test]
async fn a_reorganisation_below_finality_stops_reading_for_good() {
    let mut scene = Scene::new().await;
    for round in 1..=4 {
        scene.post(round, round * 60).await;
    }
    scene.read_all().await;
    let cursor = scene.cursor.unwrap();
    assert_eq!(cursor.number, 3);

    scene.anvil.reorganise(4).await;
    // The first time the fork is as long as what was read; the second time there is a block to link.
    for _ in 0..2 {
        let error = scene.read_in_vain().await;
        assert!(!error.is_transient());
        let SourceError::ForkBelowFinality {
            number,
            ours,
            theirs,
            ..
        } = &error
        else {
            panic!("{}", whole(&error));
        };
        assert_eq!((*number, *ours), (3, cursor.hash));
        assert_eq!(json!(theirs), scene.anvil.block("0x3").await["hash"]);
        scene.anvil.mine(2).await;
    }
}

#[tokio::test]
async fn times_that_stand_still_need_the_setting_that_allows_them() {
    let mut scene = Scene::new().await;
    scene.post(1, 60).await;
    scene.anvil.set_time_step(0).await;
    scene.anvil.mine(3).await;
    let error = scene.read_in_vain().await;
    // One endpoint could say so of a block that nobody else has: no reason to end the process.
    assert!(error.is_transient());
    assert!(
        error
            .to_string()
            .contains("set strictly_rising_timestamps = false"),
        "{error}"
    );

    scene
        .reconnect(|settings| settings.strictly_rising_timestamps = false)
        .await;
    let batch = scene.read().await.unwrap().unwrap();
    assert_eq!(batch.cursor.timestamp, at(60));
    assert_eq!(batch.watermark, at(59));
    assert_eq!(scene.rounds(), [1]);
}

#[tokio::test]
async fn a_round_whose_time_is_closed_or_not_yet_come_says_nothing() {
    let mut scene = Scene::new().await;
    scene.post(1, 60).await;
    for (round, block_time, updated_at) in [(2, 120, 60), (3, 180, 121), (4, 240, 241)] {
        scene
            .feed
            .post(&scene.anvil, 99, round, GENESIS + updated_at)
            .await;
        scene.anvil.set_next_time(GENESIS + block_time).await;
        scene.anvil.mine(1).await;
    }
    scene.anvil.mine(2).await;
    scene.read_all().await;
    let seen: Vec<_> = scene
        .seen
        .iter()
        .map(|seen| (seen.observed_at, seen.value.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (at(60), Some(decimal("0.99999999"))),
            (at(120), None),
            (at(121), Some(decimal("0.00000099"))),
            (at(240), None),
        ]
    );
    let position = Sequence((U256::from(3) << 64) | U256::ZERO);
    assert_eq!(scene.seen[1].sequence, position);
}

#[tokio::test]
async fn an_event_that_is_not_encoded_as_declared_says_nothing() {
    let mut scene = Scene::new().await;
    // The same signature, with other fields indexed: the topics and the data of a log do not fit.
    let declared =
        "AnswerUpdated(int256 current, uint256 indexed roundId, uint256 updatedAt)".to_owned();
    let other = EventSettings {
        event: declared,
        ..event(&scene.feed)
    };
    scene.watch(vec![other]).await;
    scene.post(1, 60).await;
    scene.anvil.mine(2).await;
    scene.read_all().await;
    assert_eq!(scene.seen.len(), 1);
    assert_eq!(
        (scene.seen[0].observed_at, &scene.seen[0].value),
        (at(60), &None)
    );
}

#[tokio::test]
async fn several_sources_share_the_reading_and_each_begins_at_its_own_block() {
    let mut scene = Scene::new().await;
    let other = Feed::deploy(&scene.anvil).await;
    let late = EventSettings {
        source: "chainlink:other".into(),
        sequence: SequenceFrom::Block,
        observed_at: TimeFrom::Block,
        from_block: 5,
        ..event(&other)
    };
    scene.watch(vec![event(&scene.feed), late]).await;
    scene.post(1, 60).await;
    other.post_at(&scene.anvil, 7, 1, GENESIS + 120).await;
    other.post_at(&scene.anvil, 8, 2, GENESIS + 180).await;
    scene.post(2, 240).await;
    scene.anvil.mine(2).await;
    scene.read_all().await;
    let seen: Vec<_> = scene
        .seen
        .iter()
        .map(|seen| (seen.source.as_str(), seen.observed_at))
        .collect();
    assert_eq!(
        seen,
        [
            ("chainlink:feed", at(60)),
            ("chainlink:other", at(180)),
            ("chainlink:feed", at(240))
        ]
    );
    assert_eq!(scene.seen[1].sequence, Sequence(U256::from(5) << 64));
}

#[tokio::test]
async fn a_bloom_filter_may_promise_logs_that_are_not_there() {
    let mut scene = Scene::new().await;
    // In one block, another feed's address (it has an owner from now on) and this feed's event.
    scene.feed.post(&scene.anvil, 1, 1, GENESIS + 60).await;
    let other = Feed::deploy(&scene.anvil).await;
    scene.anvil.mine(2).await;
    scene.watch(vec![event(&other)]).await;
    let batch = scene.read().await.unwrap().unwrap();
    assert_eq!((batch.cursor.number, batch.observations), (2, Vec::new()));

    // That there are none is known from the receipts.
    scene.cursor = None;
    scene.node.spoil("eth_getBlockReceipts", Fault::Null);
    let error = scene.read_in_vain().await;
    assert!(
        matches!(error, SourceError::MissingBlock { .. }),
        "{}",
        whole(&error)
    );
}
