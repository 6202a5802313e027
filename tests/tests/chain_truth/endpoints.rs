//! Several endpoints, of which some lag, fork, lie, rest or belong to another chain.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde_json::json;
use tocsin_sources::SourceError;
use tocsin_sources::chain::{LogProof, Offence, Standing};
use tocsin_tests::anvil::Anvil;
use tocsin_tests::rpc_fault::{Fault, Rule};

use super::scene::*;

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
    // As long as the one that is watched will be.
    other.mine(7).await;
    world.nodes[1].add(Rule::new(Fault::Lag(4)));
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
async fn two_that_disagree_are_no_majority_and_nothing_is_read_until_they_agree() {
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

    let head = world.anvil.head().await - 2;
    reading.persist(head).await;
    assert_eq!(reading.rounds(), world.rounds().await);
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

#[tokio::test]
async fn a_second_reading_at_another_fork_says_nothing_about_the_books() {
    let mut world = World::new(3).await;
    let other = Anvil::start(GENESIS + 7).await;
    other.mine(20).await;
    world.post_final(4).await;
    let mut reading = world
        .reader(|settings| {
            settings.agreement = NonZeroU32::new(2).unwrap();
            settings.bench = Duration::from_secs(60);
            // It only checks the others.
            settings.endpoints[2].weight = 0;
        })
        .await;
    let head = world.anvil.head().await - 2;
    reading.persist(head).await;
    world.nodes[2].add(Rule::new(Fault::From(other.url())));
    let through: Vec<String> = [0, 1]
        .map(|node| reading.report(node).endpoint.to_string())
        .into();
    let again = reading
        .reader
        .recheck(1, head, &[0], &through, &reading.seen)
        .await;
    assert!(again.is_err_and(|error| error.is_transient()));
    match reading.report(2).standing {
        Standing::Benched {
            offence, reason, ..
        } => assert_eq!(offence, Offence::Forked, "{reason}"),
        standing => panic!("{standing:?}"),
    }
}
