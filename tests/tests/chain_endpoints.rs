//! A chain read at several endpoints, some of which lag, lie, fork or are gone.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::num::NonZeroU32;
use std::time::Duration;

use alloy::primitives::Address;
use serde_json::json;
use tocsin_domain::cover::Finality;
use tocsin_domain::coverage::Proof;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::Observation;
use tocsin_sources::chain::{
    ChainReader, ChainSettings, EndpointSettings, EventSettings, EventSource, LogProof, Offence,
    Recheck, SequenceFrom, Standing, TimeFrom, Tip,
};
use tocsin_sources::{BlockBatch, BlockSource, SourceError};
use tocsin_tests::anvil::{Anvil, CHAIN_ID};
use tocsin_tests::feed::{ANSWER_UPDATED, Feed};
use tocsin_tests::rpc_fault::{Fault, FaultyNode};

const GENESIS: u64 = 1_678_400_000;
const BLOCK: &str = "eth_getBlockByNumber";

/// One chain, and faulty endpoints of it.
struct Scene {
    anvil: Anvil,
    feed: Feed,
    nodes: Vec<FaultyNode>,
    reader: ChainReader,
    cursor: Option<SourceCursor>,
    seen: Vec<Observation>,
}

impl Scene {
    async fn new(endpoints: usize, agreement: u32) -> Self {
        Self::with(endpoints, agreement, |_| {}).await
    }

    async fn with(
        endpoints: usize,
        agreement: u32,
        adjust: impl FnOnce(&mut ChainSettings),
    ) -> Self {
        let anvil = Anvil::start(GENESIS).await;
        let feed = Feed::deploy(&anvil).await;
        let mut nodes = Vec::new();
        for _ in 0..endpoints {
            nodes.push(FaultyNode::start(anvil.url()).await);
        }
        let mut settings = settings(&nodes, agreement);
        adjust(&mut settings);
        let reader = ChainReader::connect(settings, sources(feed.address))
            .await
            .unwrap();
        Self {
            anvil,
            feed,
            nodes,
            reader,
            cursor: None,
            seen: Vec::new(),
        }
    }

    /// Posts a round that becomes final at once.
    async fn post(&self, round: u64) {
        let answer = 100_000_000 - i64::try_from(round).unwrap();
        self.feed
            .post_at(&self.anvil, answer, round, GENESIS + round * 60)
            .await;
        self.anvil.mine(2).await;
    }

    async fn read(&mut self) -> Result<Option<BlockBatch>, SourceError> {
        let batch = self.reader.next(self.cursor.as_ref(), &[0]).await?;
        if let Some(batch) = &batch {
            self.cursor = Some(batch.cursor);
            self.seen.extend(batch.observations.iter().cloned());
        }
        Ok(batch)
    }

    fn rounds(&self) -> Vec<u64> {
        self.seen.iter().map(|seen| seen.sequence.0.to()).collect()
    }

    fn name(&self, node: usize) -> String {
        self.reader.endpoints()[node].endpoint.to_string()
    }

    fn standing(&self, node: usize) -> Standing {
        self.reader.endpoints()[node].standing.clone()
    }
}

fn settings(nodes: &[FaultyNode], agreement: u32) -> ChainSettings {
    let endpoints = nodes.iter().map(|node| EndpointSettings {
        // A fault is that of one question.
        max_calls_per_request: NonZeroU32::MIN,
        ..EndpointSettings::new(node.url())
    });
    ChainSettings {
        agreement: NonZeroU32::new(agreement).unwrap(),
        bench: Duration::from_millis(200),
        probation: NonZeroU32::new(2).unwrap(),
        ..ChainSettings::new(CHAIN_ID, endpoints.collect(), Finality::Finalized)
    }
}

fn sources(address: Address) -> Vec<EventSource> {
    let settings = EventSettings {
        source: "chainlink:feed".into(),
        address,
        event: ANSWER_UPDATED.to_owned(),
        subject: "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48".into(),
        metric: "price".into(),
        value: Some("current".to_owned()),
        only: std::collections::BTreeMap::new(),
        decimals: 8,
        sequence: SequenceFrom::Field("roundId".to_owned()),
        observed_at: TimeFrom::Field("updatedAt".to_owned()),
        from_block: 1,
    };
    vec![EventSource::new(settings).unwrap()]
}

#[tokio::test]
async fn coverage_names_those_that_agree_and_reading_is_shared() {
    let mut scene = Scene::new(3, 2).await;
    let mut leads = Vec::new();
    for round in 1..=6 {
        scene.post(round).await;
        let batch = scene.read().await.unwrap().unwrap();
        assert_eq!(batch.coverage.proof, Proof::Root);
        assert_eq!(batch.coverage.agreed, 2);
        leads.extend(batch.coverage.endpoints);
    }
    assert_eq!(scene.rounds(), [1, 2, 3, 4, 5, 6]);
    for node in 0..3 {
        assert!(leads.contains(&scene.name(node)));
        assert_eq!(scene.standing(node), Standing::Trusted);
    }
}

#[tokio::test]
async fn one_that_lies_about_a_block_is_benched_named_and_comes_back_by_probation() {
    let mut scene = Scene::new(3, 2).await;
    scene.post(1).await;
    scene.read().await.unwrap().unwrap();
    scene.post(2).await;
    // Its final head is another block, which hashes right: a fork of its own.
    scene.nodes[1].spoil(BLOCK, Fault::OtherParent);
    let batch = scene.read().await.unwrap().unwrap();
    assert_eq!(scene.rounds(), [1, 2]);
    assert!(!batch.coverage.endpoints.contains(&scene.name(1)));
    let Standing::Benched {
        offence, reason, ..
    } = scene.standing(1)
    else {
        panic!("{:?}", scene.standing(1));
    };
    assert_eq!(offence, Offence::Forked);
    assert!(reason.contains("other endpoints"), "{reason}");

    // Not as long as it is on its fork.
    for round in 3..=5 {
        tokio::time::sleep(Duration::from_millis(450)).await;
        scene.post(round).await;
        scene.read().await.unwrap().unwrap();
        assert_ne!(scene.standing(1), Standing::Trusted);
    }
    scene.nodes[1].heal();
    let mut round = 5;
    for _ in 0..40 {
        round += 1;
        scene.post(round).await;
        scene.read().await.unwrap().unwrap();
        if scene.standing(1) == Standing::Trusted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.standing(1), Standing::Trusted);
    assert_eq!(scene.rounds(), (1..=round).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_that_say_different_things_are_both_not_believed() {
    let mut scene = Scene::new(2, 1).await;
    scene.post(1).await;
    scene.nodes[0].spoil(BLOCK, Fault::OtherParent);
    let error = scene.read().await.unwrap_err();
    assert!(error.is_transient());
    assert!(
        matches!(error, SourceError::Disagreement { .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains(&scene.name(0)) && text.contains(&scene.name(1)),
        "{text}"
    );
    assert_eq!(scene.cursor, None);
    scene.nodes[0].heal();
    scene.read().await.unwrap().unwrap();
    assert_eq!(scene.rounds(), [1]);
}

#[tokio::test]
async fn one_that_is_behind_neither_moves_the_cursor_back_nor_is_benched() {
    let mut scene = Scene::new(3, 2).await;
    scene.post(1).await;
    scene.read().await.unwrap().unwrap();
    let cursor = scene.cursor.unwrap().number;
    scene.post(2).await;
    scene.nodes[0].spoil(BLOCK, Fault::HeadAt(cursor - 1));
    scene.read().await.unwrap().unwrap();
    assert_eq!(scene.rounds(), [1, 2]);
    let report = &scene.reader.endpoints()[0];
    assert_eq!(report.standing, Standing::Trusted);
    assert!(report.behind >= 3, "{report:?}");

    // With a second one behind, two of three no longer have what was read.
    scene.nodes[1].spoil(BLOCK, Fault::HeadAt(cursor - 1));
    let error = scene.read().await.unwrap_err();
    assert!(matches!(error, SourceError::Lagging { .. }), "{error:?}");
}

#[tokio::test]
async fn one_that_is_down_is_done_without_and_one_of_another_chain_is_refused() {
    let anvil = Anvil::start(GENESIS).await;
    let feed = Feed::deploy(&anvil).await;
    let well = FaultyNode::start(anvil.url()).await;
    let other_chain = FaultyNode::start(anvil.url()).await;
    other_chain.spoil("eth_chainId", Fault::Result(json!("0x1")));
    let nodes = [well, other_chain];
    let mut settings = settings(&nodes, 1);
    let gone = FaultyNode::start(anvil.url()).await.url();
    settings.endpoints.push(EndpointSettings::new(gone));
    let reader = ChainReader::connect(settings.clone(), sources(feed.address))
        .await
        .unwrap();
    let report = reader.endpoints();
    assert_eq!(report[0].standing, Standing::Trusted);
    let Standing::Refused { reason } = &report[1].standing else {
        panic!("{report:?}");
    };
    assert!(reason.contains("serves chain 1"), "{reason}");
    assert!(
        matches!(
            report[2].standing,
            Standing::Benched {
                offence: Offence::Unreachable,
                ..
            }
        ),
        "{report:?}"
    );
    anvil.mine(5).await;
    let batch = reader.next(None, &[0]).await.unwrap().unwrap();
    assert_eq!(batch.coverage.agreed, 1);

    settings.agreement = NonZeroU32::new(2).unwrap();
    let error = ChainReader::connect(settings.clone(), sources(feed.address))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, SourceError::WrongChain { .. }), "{error}");
    settings.agreement = NonZeroU32::new(4).unwrap();
    let error = ChainReader::connect(settings, sources(feed.address))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("lower `agreement`"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_stops_answering_is_replaced_in_the_middle() {
    let mut scene = Scene::new(2, 1).await;
    for round in 1..=4 {
        scene.post(round).await;
        for node in &scene.nodes {
            node.heal();
        }
        let bad = usize::try_from(round % 2).unwrap();
        scene.nodes[bad].spoil("eth_getBlockReceipts", Fault::ErrorReply);
        scene.read().await.unwrap().unwrap();
    }
    assert_eq!(scene.rounds(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn logs_that_one_index_leaves_out_are_missed_by_the_other() {
    for agreement in [1, 2] {
        let mut scene = Scene::with(2, agreement, |settings| {
            settings.proof = LogProof::Bloom;
            // Reads all the time.
            settings.endpoints[0].weight = 1_000;
        })
        .await;
        scene.post(1).await;
        let batch = scene.read().await.unwrap().unwrap();
        assert_eq!(
            (batch.coverage.proof, batch.coverage.agreed),
            (Proof::Bloom, agreement)
        );
        scene.post(2).await;
        scene.nodes[0].spoil("eth_getLogs", Fault::Result(json!([])));
        let read = scene.read().await;
        assert!(
            matches!(
                scene.standing(0),
                Standing::Benched {
                    offence: Offence::Lied,
                    ..
                }
            ),
            "{:?}",
            scene.standing(0)
        );
        if agreement == 1 {
            assert_eq!(read.unwrap().unwrap().coverage.endpoints, [scene.name(1)]);
            assert_eq!(scene.rounds(), [1, 2]);
        } else {
            assert!(read.unwrap_err().is_transient());
            assert_eq!(scene.rounds(), [1]);
        }
    }
}

#[tokio::test]
async fn what_is_stored_is_read_again_through_somebody_else() {
    let mut scene = Scene::new(2, 1).await;
    for round in 1..=3 {
        scene.post(round).await;
    }
    let batch = scene.read().await.unwrap().unwrap();
    let (first, last) = (batch.coverage.first, batch.coverage.last);
    let through = batch.coverage.endpoints;
    let check = |stored: Vec<Observation>, through: Vec<String>| {
        let reader = &scene.reader;
        async move {
            reader
                .recheck(first, last, &[0], &through, &stored)
                .await
                .unwrap()
        }
    };
    let agrees = check(scene.seen.clone(), through.clone()).await;
    let Recheck::Agrees { endpoint } = agrees else {
        panic!("{agrees:?}");
    };
    assert!(!through.contains(&endpoint.to_string()));

    let differs = check(scene.seen[..2].to_vec(), through.clone()).await;
    let Recheck::Differs { gone, unknown, .. } = differs else {
        panic!("{differs:?}");
    };
    assert_eq!((gone, unknown), (vec![], vec![scene.seen[2].clone()]));
    let mut changed = scene.seen.clone();
    changed[0].value = None;
    let differs = check(changed.clone(), through).await;
    let Recheck::Differs { gone, unknown, .. } = differs else {
        panic!("{differs:?}");
    };
    assert_eq!(
        (gone, unknown),
        (vec![changed[0].clone()], vec![scene.seen[0].clone()])
    );
    let both = vec![scene.name(0), scene.name(1)];
    assert_eq!(check(scene.seen.clone(), both).await, Recheck::NobodyElse);
}

#[tokio::test]
async fn provisional_blocks_come_and_go_with_the_chain_whatever_the_depth() {
    let mut scene = Scene::with(1, 1, |settings| {
        // Straight to the node: batches, as in production.
        settings.finality = Finality::Confirmations(64);
    })
    .await;
    scene.anvil.mine(70).await;
    let batch = scene.read().await.unwrap().unwrap();
    let mut tip = Tip::new(batch.cursor);
    let mut round = 0;
    let mut time = GENESIS + 100;
    for depth in [1_usize, 3, 20] {
        let change = scene.reader.follow(&mut tip).await.unwrap();
        assert!(change.withdrawn.is_empty());
        // A round in each of the newest blocks.
        for _ in 0..depth {
            round += 1;
            time += 60;
            scene.feed.post_at(&scene.anvil, 5, round, time).await;
        }
        let change = scene.reader.follow(&mut tip).await.unwrap();
        assert_eq!((change.added, change.withdrawn.len()), (depth, 0));
        let said: usize = tip.blocks().map(|block| block.observations.len()).sum();
        assert_eq!(said, depth);
        let before: Vec<SourceCursor> = tip.blocks().map(|block| block.cursor).collect();

        let blocks = u64::try_from(depth).unwrap();
        scene.anvil.reorganise(blocks).await;
        let change = scene.reader.follow(&mut tip).await.unwrap();
        assert_eq!(
            (change.added, change.withdrawn.len()),
            (depth, depth),
            "depth {depth}"
        );
        let gone: Vec<SourceCursor> = change.withdrawn.iter().map(|gone| gone.cursor).collect();
        let expected: Vec<SourceCursor> = before.iter().rev().take(depth).copied().collect();
        assert_eq!(gone, expected);
        let taken_back: usize = change
            .withdrawn
            .iter()
            .map(|block| block.observations.len())
            .sum();
        assert_eq!(taken_back, depth);
        assert!(tip.blocks().all(|block| block.observations.is_empty()));
        assert_eq!(scene.reader.follow(&mut tip).await.unwrap().added, 0);
        let head = scene.anvil.block("latest").await;
        assert_eq!(json!(tip.head().hash), head["hash"]);
        time = GENESIS + 100_000 * blocks;
    }

    // What has become final is provisional no longer, and nothing of it is taken back.
    let before = tip.blocks().len();
    let batch = scene.read().await.unwrap().unwrap();
    assert!(tip.settle(batch.cursor).is_empty());
    assert!(tip.blocks().len() < before);
    assert!(scene.reader.follow(&mut tip).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_block_wakes_the_reader_and_a_node_that_comes_back_does_so_again() {
    let anvil = Anvil::start(GENESIS).await;
    let feed = Feed::deploy(&anvil).await;
    let mut ws = anvil.url();
    ws.set_scheme("ws").unwrap();
    let endpoint = EndpointSettings {
        ws: Some(ws),
        ..EndpointSettings::new(anvil.url())
    };
    let settings = ChainSettings::new(CHAIN_ID, vec![endpoint], Finality::Confirmations(0));
    let reader = ChainReader::connect(settings, sources(feed.address))
        .await
        .unwrap();
    // The connection itself is news: blocks may have come before it.
    reader.stirred().await;
    for _ in 0..3 {
        let quiet = tokio::time::timeout(Duration::from_millis(50), reader.stirred()).await;
        assert!(quiet.is_err());
        anvil.mine(1).await;
        tokio::time::timeout(Duration::from_secs(5), reader.stirred())
            .await
            .expect("the block is announced");
    }
    // Announced while nobody listens.
    anvil.mine(1).await;
    tokio::time::timeout(Duration::from_secs(5), reader.stirred())
        .await
        .expect("the block was announced");
    // Whoever follows the tip was told of none of these yet, and both are told of the next ones.
    reader.tip_stirred().await;
    for _ in 0..3 {
        let both = async { tokio::join!(reader.stirred(), reader.tip_stirred()) };
        let (told, ()) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(5), both),
            anvil.mine(1)
        );
        told.expect("both are told of the block");
    }
}
