//! A Chainlink-shaped feed by its latest round, and a rollup's sequencer beside it.

use alloy::primitives::{I256, aliases::U80};
use tocsin_domain::time::Seconds;
use tocsin_sources::chain::state::{AnswerLimits, FeedSettings, SequencerSettings};

use super::*;

const PHASE: u64 = 3;
const GRACE: u64 = 100;

/// A scene with a feed and a sequencer's feed.
struct Feeds {
    scene: Scene,
    price: Address,
    sequencer: Address,
}

impl Feeds {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let price = deploy(&scene.anvil, "DemoFeed").await;
        let sequencer = deploy(&scene.anvil, "DemoFeed").await;
        Self {
            scene,
            price,
            sequencer,
        }
    }

    fn source(&self, blocks: u64, on_rollup: bool) -> StateSource {
        let id = format!("chainlink:eip155:{CHAIN_ID}:{:?}", self.price);
        let feed = FeedSettings {
            proxy: self.price,
            decimals: 2,
            heartbeat: Seconds(1_000),
            limits: AnswerLimits::default(),
            sequencer: on_rollup.then_some(SequencerSettings {
                address: self.sequencer,
                grace: Seconds(i64::try_from(GRACE).unwrap()),
            }),
        };
        every(blocks, &id, Reading::Feed(feed))
    }

    /// Sets a feed's round in a block of the given time after the start.
    async fn set(&self, feed: Address, round: u64, answer: u64, updated_at: u64, time: u64) -> u64 {
        let id = (U80::from(PHASE) << 64) | U80::from(round);
        let updated_at = U256::from(GENESIS + updated_at);
        let call = Feed::setCall {
            roundId: id,
            answer: I256::try_from(answer).unwrap(),
            startedAt: updated_at,
            updatedAt: updated_at,
            answeredInRound: id,
        };
        self.scene.anvil.set_next_time(GENESIS + time).await;
        self.scene.send(feed, call).await
    }

    /// An empty block of the given time after the start.
    async fn pass(&self, time: u64) -> u64 {
        self.scene.anvil.set_next_time(GENESIS + time).await;
        self.scene.anvil.mine(1).await;
        self.scene.anvil.head().await
    }

    /// What is new in each block up to the newest: block, time after the start, round (0 is none), value.
    async fn news(&self, from: u64, source: &StateSource) -> Vec<(u64, u64, u64, Option<Value>)> {
        let mut news = Vec::new();
        for block in from..=self.scene.anvil.head().await {
            if !source.is_due(block, []) {
                continue;
            }
            let alone = self.scene.read(block, std::slice::from_ref(source)).await;
            let multicall = Some(self.scene.multicall);
            let together = self
                .scene
                .try_read(block, multicall, std::slice::from_ref(source))
                .await;
            assert_eq!(together.unwrap(), alone);
            news.extend(alone.into_iter().map(|seen| {
                let time = u64::try_from(seen.observed_at.0).unwrap() - GENESIS;
                let of_phase = seen.sequence.0 >> 64usize == U256::from(PHASE);
                let round = if of_phase {
                    seen.sequence.0.as_limbs()[0]
                } else {
                    0
                };
                (block, time, round, seen.value)
            }));
        }
        news
    }
}

#[tokio::test]
async fn a_round_is_observed_once_at_its_own_time_or_in_the_block_that_shows_it() {
    let feeds = Feeds::new().await;
    let source = feeds.source(1, false);
    let a = feeds.set(feeds.price, 1, 500, 100, 100).await;
    feeds.pass(112).await;
    // Dated within its block's own time; dated before it; an answer as before.
    let b = feeds.set(feeds.price, 2, 490, 120, 124).await;
    let c = feeds.set(feeds.price, 3, 480, 121, 136).await;
    let d = feeds.set(feeds.price, 4, 480, 148, 148).await;
    feeds.pass(160).await;
    // Too old; then a round that goes backwards, and stays unknown until a later one comes.
    let e = feeds.pass(1_149).await;
    feeds.pass(1_150).await;
    let f = feeds.set(feeds.price, 5, 470, 1_160, 1_160).await;
    let g = feeds.set(feeds.price, 4, 480, 1_170, 1_170).await;
    feeds.pass(1_171).await;
    let h = feeds.set(feeds.price, 6, 460, 1_180, 1_180).await;
    let expected = [
        (a, 100, 1, decimal("5")),
        (b, 120, 2, decimal("4.9")),
        (c, 136, 3, decimal("4.8")),
        (d, 148, 4, decimal("4.8")),
        (e, 1_149, 0, None),
        (f, 1_160, 5, decimal("4.7")),
        (g, 1_170, 0, None),
        (h, 1_180, 6, decimal("4.6")),
    ];
    assert_eq!(feeds.news(a, &source).await, expected);
}

#[tokio::test]
async fn sampled_every_few_blocks_it_says_what_changed_since_the_sample_before() {
    let feeds = Feeds::new().await;
    let source = feeds.source(4, false);
    while !feeds.scene.anvil.head().await.is_multiple_of(4) {
        feeds.scene.anvil.mine(1).await;
    }
    let start = feeds.scene.anvil.head().await;
    feeds.set(feeds.price, 1, 500, 100, 100).await;
    feeds.set(feeds.price, 2, 490, 110, 110).await;
    feeds.pass(120).await;
    feeds.pass(130).await;
    for time in [140, 150, 160, 170] {
        feeds.pass(time).await;
    }
    for (round, time) in [(3, 180), (4, 190), (5, 200), (6, 210)] {
        feeds.set(feeds.price, round, 400, time, time).await;
    }
    let expected = [
        (start + 4, 130, 2, decimal("4.9")),
        (start + 12, 210, 6, decimal("4")),
    ];
    assert_eq!(feeds.news(start + 1, &source).await, expected);
}

#[tokio::test]
async fn while_the_sequencer_is_down_or_just_up_there_is_no_price() {
    let feeds = Feeds::new().await;
    let source = feeds.source(1, true);
    let first = feeds.set(feeds.price, 1, 500, 100, 100).await;
    let up = feeds.set(feeds.sequencer, 1, 0, 0, 102).await;
    let down = feeds.set(feeds.sequencer, 2, 1, 110, 110).await;
    feeds.set(feeds.price, 2, 450, 120, 120).await;
    let back = feeds.set(feeds.sequencer, 3, 0, 130, 130).await;
    feeds.pass(130 + GRACE).await;
    let after = feeds.pass(131 + GRACE).await;
    let expected = [
        (first, 100, 0, None),
        (up, 102, 1, decimal("5")),
        (down, 110, 0, None),
        (back, 130, 0, None),
        (after, 131 + GRACE, 2, decimal("4.5")),
    ];
    assert_eq!(feeds.news(first, &source).await, expected);
}
