//! Many chains in one process, each with a block a second, and the processor time that watching them takes.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tocsin_domain::cover::Finality;
use tocsin_sources::BlockSource;
use tocsin_sources::chain::{ChainReader, ChainSettings, EndpointSettings};
use tokio::task::JoinSet;
use url::Url;

use super::backfill::sources;
use super::process::{processor_time, resident_bytes};
use crate::replay::LOGS_PER_BLOCK;

/// Not measured: connecting, and reading the first blocks.
const WARM_UP: Duration = Duration::from_secs(3);

/// What watching took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Many {
    /// Chains.
    pub chains: u64,
    /// For how long they were watched.
    pub took: Duration,
    /// Processor time meanwhile.
    pub busy: Duration,
    /// Blocks read meanwhile, over all chains.
    pub blocks: u64,
    /// Memory at the end.
    pub memory: u64,
}

/// Watches the chains with ids 1 to `chains` of a replay server for so many seconds.
pub async fn watch(server: &Url, chains: u64, seconds: u64) -> Many {
    let mut watchers = JoinSet::new();
    for chain_id in 1..=chains {
        let url = server.join(&chain_id.to_string()).unwrap();
        let until = Instant::now() + WARM_UP + Duration::from_secs(seconds);
        watchers.spawn(watch_one(chain_id, url, until));
    }
    tokio::time::sleep(WARM_UP).await;
    let (begun, busy) = (Instant::now(), processor_time("self"));
    let mut blocks = 0;
    let mut ended = begun;
    while let Some(read) = watchers.join_next().await {
        blocks += read.unwrap();
        ended = Instant::now();
    }
    Many {
        chains,
        took: ended.duration_since(begun),
        busy: processor_time("self").saturating_sub(busy),
        blocks,
        memory: resident_bytes(),
    }
}

/// Reads a chain as it grows, and counts the blocks after the warm-up.
async fn watch_one(chain_id: u64, url: Url, until: Instant) -> u64 {
    let mut endpoint = EndpointSettings::new(url.clone());
    let mut websocket = url;
    websocket
        .set_scheme("ws")
        .expect("one web scheme for another");
    endpoint.ws = Some(websocket);
    let settings = ChainSettings::new(chain_id, vec![endpoint], Finality::Confirmations(0));
    let reader = ChainReader::connect(settings, sources(1)).await.unwrap();
    let which: Vec<usize> = (0..reader.watched().len()).collect();
    let begun = Instant::now();
    let (mut cursor, mut blocks) = (None, 0);
    while Instant::now() < until {
        while let Some(batch) = reader.next(cursor.as_ref(), &which).await.unwrap() {
            let read = batch.coverage.last - batch.coverage.first + 1;
            assert_eq!(
                u64::try_from(batch.observations.len()).unwrap(),
                read * LOGS_PER_BLOCK
            );
            if begun.elapsed() > WARM_UP {
                blocks += read;
            }
            cursor = Some(batch.cursor);
        }
        // As the pipeline does: announcements are hints.
        let _woken = tokio::time::timeout(Duration::from_secs(1), reader.stirred()).await;
    }
    blocks
}
