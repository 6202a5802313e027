//! What other watchers get wrong, put before this one: failures read as "nothing", nodes that lag, fork and lie.
//!
//! In every scenario the reader ends up with exactly the rounds that are on the chain, in order, or with an error, and never
//! with anything else.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "chain_truth/scene.rs"]
mod scene;

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde_json::json;
use tocsin_sources::chain::{LogProof, Offence, Standing};
use tocsin_sources::error::RequestFailure;
use tocsin_sources::{BlockSource, SourceError};
use tocsin_tests::anvil::Anvil;
use tocsin_tests::feed::Feed;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};

use scene::*;

const PROOFS: [LogProof; 2] = [LogProof::Receipts, LogProof::Bloom];

/// Everything that is wrong with how a node answers, and that a request may meet by chance.
fn mishaps() -> Vec<Fault> {
    vec![
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
        Fault::AlterLog,
        Fault::OtherBlockHash,
        Fault::Lag(3),
        Fault::Delay(20),
    ]
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
            for fault in mishaps() {
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

/// What an endpoint of three may do, and what it is benched for.
fn lies() -> Vec<(&'static str, Fault, LogProof)> {
    let receipts = "eth_getBlockReceipts";
    let logs = "eth_getLogs";
    vec![
        (receipts, Fault::OmitLog, LogProof::Receipts),
        (receipts, Fault::AlterLog, LogProof::Receipts),
        (receipts, Fault::Result(json!([])), LogProof::Receipts),
        (logs, Fault::OmitLog, LogProof::Bloom),
        (logs, Fault::AlterLog, LogProof::Bloom),
        (logs, Fault::Result(json!([])), LogProof::Bloom),
        (logs, Fault::OtherBlockHash, LogProof::Bloom),
    ]
}

#[tokio::test]
async fn one_liar_of_three_is_benched_with_its_reason_and_the_truth_is_read() {
    let mut world = World::new(3).await;
    world.post_final(4).await;
    let head = world.anvil.head().await - 2;
    for (method, fault, proof) in lies() {
        let mut reading = world
            .reader(|settings| {
                settings.proof = proof;
                settings.agreement = NonZeroU32::new(2).unwrap();
                settings.bench = Duration::from_secs(60);
                // So that the liar is asked first.
                settings.endpoints[0].weight = 1_000;
            })
            .await;
        world.nodes[0].spoil(method, fault.clone());
        reading.persist(head).await;
        let place = format!("{method} {fault:?}");
        assert_eq!(reading.rounds(), [1, 2, 3, 4], "{place}");
        match reading.report(0).standing {
            Standing::Benched {
                offence, reason, ..
            } => {
                assert_eq!(offence, Offence::Lied, "{place}: {reason}");
                assert!(!reason.is_empty());
            }
            other => panic!("{place}: {other:?}"),
        }
        for honest in [1, 2] {
            assert_eq!(
                reading.report(honest).standing,
                Standing::Trusted,
                "{place}"
            );
        }
        world.nodes[0].heal();
    }
}

#[tokio::test]
async fn lagging_forked_and_foreign_endpoints_are_told_apart() {
    let mut world = World::new(5).await;
    let other = Anvil::start(GENESIS + 7).await;
    other.mine(40).await;
    world.nodes[1].add(Rule::new(Fault::Lag(2)));
    let fork = Rule::new(Fault::From(other.url()));
    world.nodes[2].add(fork);
    world.nodes[3].spoil("eth_chainId", Fault::Result(json!("0x1")));
    world.post_final(4).await;
    let mut reading = world
        .reader(|settings| {
            settings.agreement = NonZeroU32::new(2).unwrap();
            settings.bench = Duration::from_secs(60);
        })
        .await;
    let head = world.anvil.head().await - 2;
    reading.persist(head).await;
    assert_eq!(reading.rounds(), [1, 2, 3, 4]);

    let lagging = reading.report(1);
    assert_eq!(lagging.standing, Standing::Trusted, "{lagging:?}");
    assert_eq!(lagging.behind, 2, "{lagging:?}");
    match reading.report(2).standing {
        Standing::Benched {
            offence, reason, ..
        } => assert_eq!(offence, Offence::Forked, "{reason}"),
        other => panic!("{other:?}"),
    }
    match reading.report(3).standing {
        Standing::Refused { reason } => assert!(reason.contains("chain 1"), "{reason}"),
        other => panic!("{other:?}"),
    }
    for honest in [0, 4] {
        assert_eq!(reading.report(honest).standing, Standing::Trusted);
    }
}

#[tokio::test]
async fn two_that_disagree_are_no_majority_and_a_benched_endpoint_comes_back_by_probation() {
    let mut world = World::new(2).await;
    world.post_final(2).await;
    let mut reading = world
        .reader(|settings| settings.agreement = NonZeroU32::new(2).unwrap())
        .await;
    reading.read_all().await;

    // The other node is silent about what it does not like.
    world.post_final(1).await;
    world.nodes[1].spoil("eth_getBlockByNumber", Fault::OtherParent);
    world.nodes[1].spoil("eth_getBlockByHash", Fault::Null);
    for _ in 0..3 {
        let error = reading.read().await.unwrap_err();
        assert!(error.is_transient(), "{}", whole(&error));
    }
    assert_eq!(reading.rounds(), [1, 2]);
    world.nodes[1].heal();

    let mut stood = Vec::new();
    let begun = Instant::now();
    while reading.report(1).standing != Standing::Trusted {
        stood.push(reading.report(1).standing);
        // Only the endpoint's return is waited for: meanwhile there is no agreement.
        let _not_yet = reading.read().await;
        if reading.cursor.unwrap().number == world.anvil.head().await - 2 {
            world.post_final(1).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{stood:?}");
    }
    let head = world.anvil.head().await - 2;
    reading.persist(head).await;
    assert_eq!(reading.rounds(), world.rounds().await);
    assert!(
        stood
            .iter()
            .any(|standing| matches!(standing, Standing::Probation { .. })),
        "{stood:?}"
    );
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_rest_gets_it_and_the_others_go_on() {
    let mut world = World::new(2).await;
    world.post_final(1).await;
    let mut reading = world
        .reader(|settings| settings.endpoints[0].weight = 1_000)
        .await;
    world.nodes[0].add(Rule::new(Fault::TooManyRequests(Some("1".to_owned()))).times(1));
    world.nodes[0].forget();
    let head = world.anvil.head().await - 2;
    reading.persist(head).await;
    assert_eq!(reading.rounds(), [1]);
    // While it rests, everything is read from the other one, at once.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1_300) {
        world.post_final(1).await;
        reading.read_all().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(reading.rounds(), world.rounds().await);
    let mut times: Vec<Instant> = Vec::new();
    for method in [
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_chainId",
        "eth_blockNumber",
    ] {
        times.extend(world.nodes[0].asked(method).iter().map(|asked| asked.at));
    }
    times.sort();
    let first = times[0];
    let early: Vec<Duration> = times
        .iter()
        .map(|time| time.duration_since(first))
        .filter(|after| (200..950).contains(&after.as_millis()))
        .collect();
    assert_eq!(early, [], "asked again before its time");
    assert!(times.last().unwrap().duration_since(first) > Duration::from_millis(950));
}

#[tokio::test]
async fn ranges_are_split_where_they_are_too_wide_and_grow_again() {
    let mut world = World::new(1).await;
    world.post_final(12).await;
    world.anvil.mine(400).await;
    let widths = |node: &FaultyNode| -> Vec<u64> {
        let number = |value: &serde_json::Value| tocsin_tests::anvil::quantity(value);
        let asked = node.asked("eth_getLogs");
        let ranges = asked.iter().map(|asked| &asked.params[0]);
        let by_number = ranges.filter(|range| range["toBlock"].is_string());
        by_number
            .map(|range| number(&range["toBlock"]) - number(&range["fromBlock"]) + 1)
            .collect()
    };
    let node = &world.nodes[0];
    for refusal in [Fault::RangeLimit(16), Fault::ResultLimit(3)] {
        let mut reading = world
            .reader(|settings| {
                settings.proof = LogProof::Bloom;
                settings.max_blocks_per_batch = NonZeroU32::new(64).unwrap();
            })
            .await;
        node.forget();
        node.add(Rule::new(refusal.clone()).of("eth_getLogs"));
        reading.persist(100).await;
        let narrow = widths(node);
        assert!(
            narrow.iter().any(|&width| width <= 16),
            "{refusal:?}: {narrow:?}"
        );
        node.heal();
        node.forget();
        let head = world.anvil.head().await - 2;
        reading.persist(head).await;
        assert_eq!(reading.rounds(), world.rounds().await, "{refusal:?}");
        let wide = widths(node);
        assert!(
            wide.iter().any(|&width| width > 16),
            "{refusal:?}: {wide:?}"
        );
    }
}

#[tokio::test]
async fn slow_drips_and_bodies_that_are_too_long_are_bounded() {
    let mut world = World::new(1).await;
    world.post_final(1).await;
    let mut reading = world
        .reader(|settings| settings.request_timeout = Duration::from_millis(300))
        .await;
    for (fault, expected) in [
        (Fault::Drip(5), "within 300 ms"),
        (Fault::Hang, "within 300 ms"),
        (Fault::EndlessBody, "bytes"),
    ] {
        world.nodes[0].add(Rule::new(fault.clone()));
        let begun = Instant::now();
        let error = reading.read().await.unwrap_err();
        let text = whole(&error);
        assert!(begun.elapsed() < Duration::from_secs(4), "{fault:?}");
        assert!(text.contains(expected), "{fault:?}: {text}");
        world.nodes[0].heal();
        let head = world.anvil.head().await - 2;
        reading.persist(head).await;
    }
    assert_eq!(reading.rounds(), [1]);
}

#[tokio::test]
async fn a_reorganisation_below_finality_is_told_from_a_node_that_is_behind() {
    let mut world = World::new(3).await;
    world.post_final(4).await;
    let mut reading = world
        .reader(|settings| settings.agreement = NonZeroU32::new(2).unwrap())
        .await;
    reading.read_all().await;
    let cursor = reading.cursor.unwrap();
    world.nodes[0].add(Rule::new(Fault::Lag(4)));
    world.nodes[1].add(Rule::new(Fault::Lag(4)));
    for _ in 0..3 {
        match reading.read().await {
            Ok(batch) => assert_eq!(batch, None),
            Err(error) => assert!(error.is_transient(), "{}", whole(&error)),
        }
    }
    world.nodes[0].heal();
    world.nodes[1].heal();

    world.anvil.reorganise(5).await;
    world.anvil.mine(3).await;
    let begun = Instant::now();
    let error = loop {
        match reading.read().await {
            Err(error) if error.is_transient() && begun.elapsed() < Duration::from_secs(10) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => break error,
            Ok(batch) => assert_eq!(batch, None),
        }
    };
    match error {
        SourceError::ForkBelowFinality { ours, .. } => assert_eq!(ours, cursor.hash),
        other => panic!("{}", whole(&other)),
    }
}
