//! What no other watcher kept when it was tried: with the sink down, through a reorganisation, and killed again and again,
//! every loss is paid exactly once, and nothing else is.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin_tests::life::Life;
use tocsin_tests::market::{FEES, Market, Submitter, View};
use tocsin_tests::random::Random;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};
use url::Url;

/// Blocks after which one is final.
const CONFIRMATIONS: u64 = 6;

const PATIENCE: Duration = Duration::from_secs(60);

/// A market, a service that watches it, and faulty nodes between the service and each of its sides.
struct Trial {
    market: Market,
    source: FaultyNode,
    sink: FaultyNode,
    config: std::path::PathBuf,
    api: Url,
    falls: usize,
}

impl Trial {
    async fn begin() -> Self {
        let market = Market::open(&CONFIRMATIONS.to_string()).await;
        let source = FaultyNode::start(market.anvil.url()).await;
        let sink = FaultyNode::start(market.anvil.url()).await;
        let (config, api) = market.write_service(&View {
            url: source.url(),
            websocket: Some(source.websocket_url()),
            sinks: vec![sink.url()],
            submitter: Submitter::First,
            fees: FEES,
            finality: CONFIRMATIONS.to_string(),
            poll_ms: 100,
            warnings: true,
        });
        Self {
            market,
            source,
            sink,
            config,
            api,
            falls: 0,
        }
    }

    fn service(&self) -> Life {
        Life::of(
            env!("CARGO_BIN_EXE_node").as_ref(),
            &self.config,
            &self.market.anvil.url(),
            self.market.folder(),
        )
    }

    async fn fall(&mut self) {
        self.falls += 1;
        self.market.fall_and_rise().await;
    }

    /// Mines until every fall is paid, and a little longer, to see that nothing else is.
    async fn settle(&self) {
        let begun = Instant::now();
        while self.market.paid().await.len() < self.falls {
            self.market.anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            let paid = self.market.paid().await.len();
            assert!(
                begun.elapsed() < PATIENCE,
                "{paid} of {} falls are paid",
                self.falls
            );
        }
        for _ in 0..10 {
            self.market.anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let paid = self.market.paid().await;
        let distinct: BTreeSet<&String> = paid.iter().collect();
        assert_eq!((paid.len(), distinct.len()), (self.falls, self.falls));
    }

    /// How many warnings are in this state.
    async fn warnings(&self, state: &str) -> usize {
        let url = self.api.join("v1/warnings").unwrap();
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let warnings = answer["warnings"].as_array().unwrap();
        warnings
            .iter()
            .filter(|warning| warning["state"] == state)
            .count()
    }

    /// Waits until so many warnings stand.
    async fn until_standing(&self, count: usize) {
        let begun = Instant::now();
        while self.warnings("standing").await != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(begun.elapsed() < PATIENCE, "not {count} warnings stand");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_down_for_half_a_minute_loses_and_repeats_nothing() {
    let mut trial = Trial::begin().await;
    let mut service = trial.service();
    trial.fall().await;
    trial.settle().await;
    let begun = Instant::now();
    for down in [Fault::CutConnection, Fault::Status(503), Fault::Hang] {
        trial.sink.heal();
        trial.sink.add(Rule::new(down));
        for _ in 0..10 {
            trial.fall().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(begun.elapsed() >= Duration::from_secs(30));
    assert_eq!(trial.market.paid().await.len(), 1);
    trial.sink.heal();
    trial.settle().await;
    assert!(service.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_takes_back_its_warnings_and_nothing_was_signed_for_it() {
    let mut trial = Trial::begin().await;
    let mut service = trial.service();
    trial.fall().await;
    for times in 1..=4 {
        trial.settle().await;
        trial.until_standing(0).await;
        let withdrawn = trial.warnings("withdrawn").await;
        // A fall in a block that will not stay.
        trial.market.post(true).await;
        trial.market.anvil.mine(3).await;
        trial.until_standing(1).await;
        trial.market.anvil.reorganise(3).await;
        trial.market.anvil.mine(1).await;
        trial.until_standing(0).await;
        assert_eq!(trial.warnings("withdrawn").await, withdrawn + 1, "{times}");
        // One in a block that does.
        trial.fall().await;
    }
    trial.settle().await;
    assert!(service.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_while_losses_happen_pays_each_once() {
    let mut trial = Trial::begin().await;
    let mut random = Random::new();
    for fault in [Fault::ErrorReply, Fault::CutConnection, Fault::Status(502)] {
        // A service that cannot reach its chains at the start refuses to start, so its first questions are left alone.
        let reading = [
            "eth_getBlockByNumber",
            "eth_getBlockReceipts",
            "eth_getLogs",
        ];
        let sending = [
            "eth_sendRawTransaction",
            "eth_getTransactionReceipt",
            "eth_getLogs",
        ];
        for (node, methods) in [(&trial.source, reading), (&trial.sink, sending)] {
            let rule = Rule::new(fault.clone()).percent(3);
            node.add(methods.iter().fold(rule, |rule, method| rule.of(method)));
        }
    }
    for _ in 0..12 {
        let mut service = trial.service();
        let life = Duration::from_millis(u64::from(200 + random.below(600)));
        let born = Instant::now();
        while born.elapsed() < life {
            trial.fall().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(service.is_running(), "it ended by itself ({random})");
        service.kill();
    }
    trial.source.heal();
    trial.sink.heal();
    let mut service = trial.service();
    trial.settle().await;
    assert!(service.is_running());
}
