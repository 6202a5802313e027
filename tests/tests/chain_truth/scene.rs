//! A feed on a real node, several faulty nodes before it, and a reader that has to find the truth among them.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use tocsin_domain::cover::Finality;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::Observation;
use tocsin_sources::chain::{
    ChainReader, ChainSettings, ChainSource, EndpointReport, EndpointSettings, EventSettings,
    EventSource, SequenceFrom, TimeFrom,
};
use tocsin_sources::{BlockBatch, BlockSource, SourceError};
use tocsin_tests::anvil::{Anvil, CHAIN_ID};
use tocsin_tests::feed::{ANSWER_UPDATED, Feed};
use tocsin_tests::rpc_fault::FaultyNode;

pub(crate) const GENESIS: u64 = 1_678_400_000;

/// A node with a feed, and faulty nodes before it.
pub(crate) struct World {
    pub(crate) anvil: Anvil,
    pub(crate) feed: Feed,
    pub(crate) nodes: Vec<FaultyNode>,
    posted: u64,
}

impl World {
    pub(crate) async fn new(nodes: usize) -> Self {
        let anvil = Anvil::start(GENESIS).await;
        let feed = Feed::deploy(&anvil).await;
        let mut proxies = Vec::new();
        for _ in 0..nodes {
            proxies.push(FaultyNode::start(anvil.url()).await);
        }
        Self {
            anvil,
            feed,
            nodes: proxies,
            posted: 0,
        }
    }

    /// Posts another round, in a block of its own.
    pub(crate) async fn post(&mut self) {
        self.posted += 1;
        let time = GENESIS + self.posted * 60;
        self.feed
            .post_at(&self.anvil, 100_000_000, self.posted, time)
            .await;
    }

    /// Posts rounds, and mines until all of them are final.
    pub(crate) async fn post_final(&mut self, rounds: u64) {
        for _ in 0..rounds {
            self.post().await;
        }
        self.anvil.mine(2).await;
        // The next round must not be in the past.
        self.posted += 1;
    }

    /// The rounds that are on the chain, with what is final of them read from the node itself.
    pub(crate) async fn rounds(&self) -> Vec<u64> {
        let filter =
            json!([{"fromBlock": "0x0", "toBlock": "finalized", "address": self.feed.address}]);
        let logs = self.anvil.ask("eth_getLogs", filter).await;
        let logs = logs.as_array().unwrap();
        let rounds = logs.iter().filter(|log| log["data"] != "0x");
        rounds
            .map(|log| tocsin_tests::anvil::quantity(&json!(trimmed(&log["topics"][2]))))
            .collect()
    }

    pub(crate) async fn reader(&self, adjust: impl FnOnce(&mut ChainSettings)) -> Reading {
        let endpoints = self
            .nodes
            .iter()
            .map(|node| EndpointSettings::new(node.url()));
        let mut settings = ChainSettings::new(CHAIN_ID, endpoints.collect(), Finality::Finalized);
        settings.request_timeout = Duration::from_secs(5);
        settings.bench = Duration::from_millis(300);
        settings.probation = NonZeroU32::new(2).unwrap();
        adjust(&mut settings);
        let reader = ChainReader::connect(settings, vec![self.source()])
            .await
            .unwrap();
        Reading {
            reader,
            cursor: None,
            seen: Vec::new(),
        }
    }

    fn source(&self) -> ChainSource {
        let event = EventSource::new(EventSettings {
            source: "chainlink:feed".into(),
            address: self.feed.address,
            event: ANSWER_UPDATED.to_owned(),
            subject: "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48".into(),
            metric: "price".into(),
            value: Some("current".to_owned()),
            only: std::collections::BTreeMap::new(),
            decimals: 8,
            sequence: SequenceFrom::Field("roundId".to_owned()),
            observed_at: TimeFrom::Field("updatedAt".to_owned()),
            from_block: 1,
        })
        .unwrap();
        ChainSource::Event(event)
    }
}

/// A topic as a JSON-RPC quantity.
fn trimmed(topic: &serde_json::Value) -> String {
    let digits = topic.as_str().unwrap().trim_start_matches("0x");
    format!("0x{}", digits.trim_start_matches('0'))
}

/// A reader, and what it has said: kept as a service would, cursor and observations together.
pub(crate) struct Reading {
    pub(crate) reader: ChainReader,
    pub(crate) cursor: Option<SourceCursor>,
    pub(crate) seen: Vec<Observation>,
}

impl Reading {
    /// Reads one batch, which must go on where the last one ended.
    pub(crate) async fn read(&mut self) -> Result<Option<BlockBatch>, SourceError> {
        let batch = self.reader.next(self.cursor.as_ref(), &[0]).await?;
        if let Some(batch) = &batch {
            let next = self.cursor.map_or(1, |cursor| cursor.number + 1);
            assert_eq!(batch.coverage.first, next, "a gap, or a step back");
            assert_eq!(batch.coverage.last, batch.cursor.number);
            self.cursor = Some(batch.cursor);
            self.seen.extend(batch.observations.iter().cloned());
        }
        Ok(batch)
    }

    /// Reads until there is nothing new.
    pub(crate) async fn read_all(&mut self) {
        while self.read().await.unwrap().is_some() {}
    }

    /// Reads on through errors that may pass, until the cursor is at `block`; gives the errors.
    pub(crate) async fn persist(&mut self, block: u64) -> Vec<SourceError> {
        let mut errors = Vec::new();
        while self.cursor.is_none_or(|cursor| cursor.number < block) {
            if let Err(error) = self.read().await {
                assert!(error.is_transient(), "{}", whole(&error));
                errors.push(error);
                assert!(errors.len() < 500, "{}", whole(errors.last().unwrap()));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        errors
    }

    /// The rounds that were seen with a value, in the order of reading.
    pub(crate) fn rounds(&self) -> Vec<u64> {
        let seen = self.seen.iter().filter(|seen| seen.value.is_some());
        seen.map(|seen| seen.sequence.0.to()).collect()
    }

    pub(crate) fn report(&self, node: usize) -> EndpointReport {
        self.reader.endpoints().swap_remove(node)
    }
}

/// The error and everything that it was caused by, as a log shows it.
pub(crate) fn whole(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
