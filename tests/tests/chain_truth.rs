//! What other watchers get wrong, put before this one: failures read as "nothing", nodes that lag, fork and lie.
//!
//! In every scenario the reader ends up with exactly the rounds that are on the chain, in order, or with an error, and never
//! with anything else.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "chain_truth/endpoints.rs"]
mod endpoints;
#[path = "chain_truth/scene.rs"]
mod scene;
#[path = "chain_truth/websocket.rs"]
mod websocket;

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use tocsin_sources::chain::LogProof;
use tocsin_tests::anvil::{Anvil, quantity};
use tocsin_tests::feed::Feed;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};

use scene::*;

const PROOFS: [LogProof; 2] = [LogProof::Receipts, LogProof::Bloom];

/// Everything that is wrong with how a node answers, and that a request may meet by chance.
fn mishaps(proof: LogProof) -> Vec<Fault> {
    let mut mishaps = vec![
        Fault::ErrorReply,
        Fault::Status(500),
        Fault::Status(502),
        Fault::TooManyRequests(None),
        Fault::EmptyBody,
        Fault::HalfBody,
        Fault::CutConnection,
        Fault::OtherId,
        Fault::Null,
        Fault::Result(json!([])),
        Fault::Result(json!({})),
        Fault::ShortByOne,
        Fault::OmitLog,
        Fault::OtherBlockHash,
        Fault::Lag(3),
        Fault::Delay(20),
    ];
    // No bloom filter knows the data of a log: that is for the endpoints that have to agree.
    if proof == LogProof::Receipts {
        mishaps.push(Fault::AlterLog);
    }
    mishaps
}

#[tokio::test]
async fn whatever_fails_by_chance_no_round_is_lost_repeated_or_invented() {
    let mut world = World::new(2).await;
    world.post_final(40).await;
    let head = world.anvil.head().await - 2;
    let truth = world.rounds().await;
    assert_eq!(truth.len(), 40);
    for proof in PROOFS {
        for node in &world.nodes {
            node.heal();
        }
        let mut reading = world
            .reader(|settings| {
                settings.proof = proof;
                settings.bench = Duration::from_millis(20);
                settings.max_blocks_per_batch = NonZeroU32::new(7).unwrap();
            })
            .await;
        for node in &world.nodes {
            for fault in mishaps(proof) {
                node.add(Rule::new(fault).percent(2));
            }
        }
        let errors = reading.persist(head).await;
        assert_eq!(reading.rounds(), truth, "{proof:?}");
        let asked = world
            .nodes
            .iter()
            .map(|node| node.asked("eth_getBlockByNumber").len());
        assert!(asked.sum::<usize>() > 0, "{errors:?}");
    }
}

#[tokio::test]
async fn a_node_of_which_some_answers_are_old_moves_nothing_back_and_is_no_fork() {
    let mut world = World::new(1).await;
    // One address, behind it a node that is up to date and one that is three blocks behind.
    world.nodes[0].add(Rule::new(Fault::Lag(3)).percent(40));
    for proof in PROOFS {
        let mut reading = world.reader(|settings| settings.proof = proof).await;
        for _ in 0..8 {
            world.post_final(2).await;
            let head = world.anvil.head().await - 2;
            reading.persist(head).await;
        }
        assert_eq!(reading.rounds(), world.rounds().await, "{proof:?}");
    }
}

#[tokio::test]
async fn answers_from_another_fork_never_mix() {
    let mut world = World::new(1).await;
    let other = Anvil::start(GENESIS).await;
    let feed = Feed::deploy(&other).await;
    assert_eq!(feed.address, world.feed.address);
    world.post_final(3).await;
    // The same blocks with other prices in them.
    for round in 1..=3 {
        feed.post_at(&other, 66_666_666, round, GENESIS + round * 60)
            .await;
    }
    other.mine(2).await;
    for proof in PROOFS {
        let mut reading = world.reader(|settings| settings.proof = proof).await;
        for method in ["eth_getLogs", "eth_getBlockReceipts", "eth_getBlockByHash"] {
            world.nodes[0].spoil(method, Fault::From(other.url()));
        }
        let error = reading.read().await.unwrap_err();
        assert!(error.is_transient(), "{}", whole(&error));
        assert_eq!((reading.cursor, reading.seen.len()), (None, 0));
        world.nodes[0].heal();
        let head = world.anvil.head().await - 2;
        reading.persist(head).await;
        assert_eq!(reading.rounds(), [1, 2, 3], "{proof:?}");
        let prices: Vec<_> = reading.seen.iter().map(|seen| seen.value.clone()).collect();
        assert_eq!(
            prices[0],
            Some(tocsin_domain::value::Value::Decimal("1".parse().unwrap()))
        );
        assert_eq!(prices[0], prices[2]);
    }
}

#[tokio::test]
async fn ranges_are_split_where_they_are_too_wide_and_grow_again() {
    let mut world = World::new(1).await;
    world.post_final(70).await;
    let node = &world.nodes[0];
    for refusal in [Fault::RangeLimit(4), Fault::ResultLimit(4)] {
        let mut reading = world
            .reader(|settings| {
                settings.proof = LogProof::Bloom;
                settings.max_blocks_per_batch = NonZeroU32::new(16).unwrap();
            })
            .await;
        node.add(Rule::new(refusal.clone()).of("eth_getLogs"));
        reading.persist(17).await;
        node.forget();
        reading.persist(33).await;
        let narrow = widths(node);
        // Learned: hardly anything is asked for in vain.
        let too_wide = narrow.iter().filter(|&&width| width > 4).count();
        assert!(too_wide * 2 <= narrow.len(), "{refusal:?}: {narrow:?}");
        node.heal();
        node.forget();
        let head = world.anvil.head().await - 2;
        reading.persist(head).await;
        assert_eq!(reading.rounds(), world.rounds().await, "{refusal:?}");
        let wide = widths(node);
        assert!(wide.iter().any(|&width| width > 4), "{refusal:?}: {wide:?}");
    }
}

/// How many blocks the logs were asked for at once.
fn widths(node: &FaultyNode) -> Vec<u64> {
    let asked = node.asked("eth_getLogs");
    let ranges = asked.iter().map(|asked| &asked.params[0]);
    let by_number = ranges.filter(|range| range["toBlock"].is_string());
    by_number
        .map(|range| quantity(&range["toBlock"]) - quantity(&range["fromBlock"]) + 1)
        .collect()
}

#[tokio::test]
async fn slow_drips_and_bodies_that_are_too_long_are_bounded() {
    let mut world = World::new(1).await;
    world.post_final(1).await;
    // A body that is too long takes a busy machine a while; that it ends is its length's doing, not the time's.
    for (fault, patience_ms, expected) in [
        (Fault::Drip(5), 300, "within 300 ms"),
        (Fault::Hang, 300, "within 300 ms"),
        (Fault::EndlessBody, 60_000, "bytes"),
    ] {
        let mut reading = world
            .reader(|settings| settings.request_timeout = Duration::from_millis(patience_ms))
            .await;
        world.nodes[0].add(Rule::new(fault.clone()));
        let error = reading.read().await.unwrap_err();
        let text = whole(&error);
        assert!(text.contains(expected), "{fault:?}: {text}");
        world.nodes[0].heal();
        let head = world.anvil.head().await - 2;
        reading.persist(head).await;
        assert_eq!(reading.rounds(), [1], "{fault:?}");
    }
}
