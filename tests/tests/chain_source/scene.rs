//! A feed on a real node, a node of faults before it, and a reader that has to cope.

use std::collections::BTreeMap;

use super::*;

pub(crate) const GENESIS: u64 = 1_678_400_000;

/// A node with a feed, a proxy before it, and somebody who reads the feed through the proxy.
pub(crate) struct Scene {
    pub(crate) anvil: Anvil,
    pub(crate) feed: Feed,
    pub(crate) node: FaultyNode,
    pub(crate) settings: ChainSettings,
    pub(crate) reader: ChainReader,
    pub(crate) cursor: Option<SourceCursor>,
    pub(crate) seen: Vec<Observation>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(adjust: impl FnOnce(&mut ChainSettings)) -> Self {
        let anvil = Anvil::start(GENESIS).await;
        let feed = Feed::deploy(&anvil).await;
        let node = FaultyNode::start(anvil.url()).await;
        let mut settings = settings(&node);
        adjust(&mut settings);
        let sources = vec![EventSource::new(event(&feed)).unwrap()];
        let reader = ChainReader::connect(settings.clone(), sources)
            .await
            .unwrap();
        Self {
            anvil,
            feed,
            node,
            settings,
            reader,
            cursor: None,
            seen: Vec::new(),
        }
    }

    /// Goes on with a new reader.
    pub(crate) async fn reconnect(&mut self, adjust: impl FnOnce(&mut ChainSettings)) {
        adjust(&mut self.settings);
        self.reader = reader(self.settings.clone(), &self.feed).await;
    }

    /// Goes on with a new reader of other sources.
    pub(crate) async fn watch(&mut self, sources: Vec<EventSettings>) {
        let sources = sources
            .into_iter()
            .map(|source| EventSource::new(source).unwrap());
        self.reader = ChainReader::connect(self.settings.clone(), sources.collect())
            .await
            .unwrap();
    }

    /// Posts a round that is `time` seconds after the start, in a block of that time.
    pub(crate) async fn post(&self, round: u64, time: u64) {
        let answer = 100_000_000 - i64::try_from(round).unwrap();
        self.feed
            .post_at(&self.anvil, answer, round, GENESIS + time)
            .await;
    }

    /// Reads one batch, and keeps it as a service would: cursor and observations together.
    pub(crate) async fn read(&mut self) -> Result<Option<BlockBatch>, SourceError> {
        let all: Vec<usize> = (0..self.reader.watched().len()).collect();
        let batch = self.reader.next(self.cursor.as_ref(), &all).await?;
        if let Some(batch) = &batch {
            self.cursor = Some(batch.cursor);
            self.seen.extend(batch.observations.iter().cloned());
        }
        Ok(batch)
    }

    pub(crate) async fn read_all(&mut self) {
        while self.read().await.unwrap().is_some() {}
    }

    /// Reads once, which must fail and change nothing.
    pub(crate) async fn read_in_vain(&mut self) -> SourceError {
        let (cursor, seen) = (self.cursor, self.seen.len());
        let error = self.read().await.unwrap_err();
        assert_eq!((cursor, seen), (self.cursor, self.seen.len()));
        error
    }

    /// The rounds that were seen with a value, in the order of reading.
    pub(crate) fn rounds(&self) -> Vec<u64> {
        self.seen
            .iter()
            .filter(|seen| seen.value.is_some())
            .map(round_of)
            .collect()
    }
}

pub(crate) fn settings(node: &FaultyNode) -> ChainSettings {
    ChainSettings::new(CHAIN_ID, vec![endpoint(node.url())], Finality::Finalized)
}

/// An endpoint that is asked one question at a time, so that a fault is that of one question.
pub(crate) fn endpoint(url: Url) -> EndpointSettings {
    EndpointSettings {
        max_calls_per_request: NonZeroU32::MIN,
        ..EndpointSettings::new(url)
    }
}

/// Reads the feed.
pub(crate) async fn reader(settings: ChainSettings, feed: &Feed) -> ChainReader {
    let sources = vec![EventSource::new(event(feed)).unwrap()];
    ChainReader::connect(settings, sources).await.unwrap()
}

pub(crate) fn event(feed: &Feed) -> EventSettings {
    EventSettings {
        source: "chainlink:feed".into(),
        address: feed.address,
        event: ANSWER_UPDATED.to_owned(),
        subject: "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48".into(),
        metric: "price".into(),
        value: Some("current".to_owned()),
        decimals: 8,
        only: BTreeMap::new(),
        sequence: SequenceFrom::Field("roundId".to_owned()),
        observed_at: TimeFrom::Field("updatedAt".to_owned()),
        from_block: 1,
    }
}

pub(crate) fn round_of(observation: &Observation) -> u64 {
    observation.sequence.0.to()
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp(i64::try_from(GENESIS + seconds).unwrap())
}

pub(crate) fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
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

pub(crate) fn failure(error: SourceError) -> RequestFailure {
    match error {
        SourceError::Request { failure, .. } => *failure,
        other => panic!("not a failed request: {other}"),
    }
}

pub(crate) fn contradiction(error: SourceError) -> Contradiction {
    match error {
        SourceError::Contradiction { contradiction, .. } => *contradiction,
        other => panic!("not a contradiction: {}", whole(&other)),
    }
}
