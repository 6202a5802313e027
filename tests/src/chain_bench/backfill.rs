//! Reading a long history from the replay server, and what it takes.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tocsin_domain::cover::Finality;
use tocsin_sources::BlockSource;
use tocsin_sources::chain::{
    ChainReader, ChainSettings, ChainSource, EndpointSettings, EventSettings, EventSource,
    LogProof, SequenceFrom, TimeFrom,
};
use url::Url;

use super::process::{processor_time, resident_bytes};
use crate::replay::{FEED, LOGS_PER_BLOCK, TOKEN};

/// What shows that no log was left out, and so what is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Headers and ranges of logs.
    Bloom,
    /// Headers and receipts.
    Receipts,
}

/// What a backfill took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Backfill {
    /// Blocks read.
    pub blocks: u64,
    /// Logs found in them.
    pub logs: u64,
    /// Wall clock.
    pub took: Duration,
    /// Processor time.
    pub busy: Duration,
    /// Memory held after a tenth, a half and all of it.
    pub memory: Vec<u64>,
}

/// Counts, and looks at the memory now and then.
pub(super) struct Progress {
    last: u64,
    logs: u64,
    memory: Vec<u64>,
}

impl Progress {
    pub(super) fn new(last: u64) -> Self {
        Self {
            last,
            logs: 0,
            memory: Vec::new(),
        }
    }

    /// Blocks up to `block` have been read, with so many logs since the last time.
    pub(super) fn add(&mut self, block: u64, logs: usize) {
        self.logs += u64::try_from(logs).unwrap();
        let marks = [self.last / 10, self.last / 2, self.last];
        while self.memory.len() < marks.len() && block >= marks[self.memory.len()] {
            self.memory.push(resident_bytes());
        }
    }

    pub(super) fn done(self, took: Duration) -> Backfill {
        assert_eq!(self.logs, self.last * LOGS_PER_BLOCK, "a log was lost");
        Backfill {
            blocks: self.last,
            logs: self.logs,
            took,
            busy: processor_time("self"),
            memory: self.memory,
        }
    }
}

/// Reads the blocks up to `last` with the reader.
pub async fn read(url: &Url, kind: Kind, last: u64) -> Backfill {
    let mut settings = ChainSettings::new(
        1,
        vec![EndpointSettings::new(url.clone())],
        Finality::Confirmations(0),
    );
    settings.proof = match kind {
        Kind::Bloom => LogProof::Bloom,
        Kind::Receipts => LogProof::Receipts,
    };
    settings.endpoints[0].requests_per_second = NonZeroU32::MAX;
    let reader = ChainReader::connect(settings, sources(1)).await.unwrap();
    let begun = Instant::now();
    let mut progress = Progress::new(last);
    let mut cursor = None;
    let which: Vec<usize> = (0..reader.watched().len()).collect();
    while let Some(batch) = reader.next(cursor.as_ref(), &which).await.unwrap() {
        progress.add(batch.cursor.number, batch.observations.len());
        cursor = Some(batch.cursor);
    }
    assert_eq!(cursor.unwrap().number, last);
    progress.done(begun.elapsed())
}

/// Everything that the replayed chain says.
pub fn sources(from_block: u64) -> Vec<ChainSource> {
    let transfers = EventSettings {
        source: "token".into(),
        address: TOKEN,
        event: "Transfer(address indexed from, address indexed to, uint256 value)".to_owned(),
        subject: "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48".into(),
        metric: "transfer".into(),
        value: Some("value".to_owned()),
        only: std::collections::BTreeMap::new(),
        decimals: 6,
        sequence: SequenceFrom::Block,
        observed_at: TimeFrom::Block,
        from_block,
    };
    let answers = EventSettings {
        source: "feed".into(),
        address: FEED,
        event: crate::feed::ANSWER_UPDATED.to_owned(),
        metric: "price".into(),
        value: Some("current".to_owned()),
        decimals: 8,
        ..transfers.clone()
    };
    [transfers, answers]
        .map(|settings| ChainSource::Event(EventSource::new(settings).unwrap()))
        .into()
}
