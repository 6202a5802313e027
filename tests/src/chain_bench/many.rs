//! Many chains in one service, each with a block a second, and the processor time that watching and storing them takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tocsin::clock::SystemClock;
use tocsin::config::Config;
use tocsin::service;
use tocsin::supervisor::Shutdown;
use tocsin_store::step::Steps;
use tocsin_store_sqlite::SqliteStore;
use url::Url;

use super::backfill::Kind;
use super::process::{processor_time, resident_bytes};
use super::scene::{self, Watched};

/// Not measured: connecting, and reading the first blocks.
const WARM_UP: Duration = Duration::from_secs(5);

/// What watching took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Many {
    /// Chains.
    pub chains: u64,
    /// For how long they were watched.
    pub took: Duration,
    /// Processor time meanwhile.
    pub busy: Duration,
    /// Blocks stored meanwhile, over all chains.
    pub blocks: u64,
    /// Memory at the end.
    pub memory: u64,
}

/// Watches the chains with ids 1 to `chains` of a replay server for so many seconds.
pub async fn watch(server: &Url, kind: Kind, chains: u64, seconds: u64) -> Many {
    let folder = tempfile::tempdir().unwrap();
    let watched: Vec<Watched> = (1..=chains)
        .map(|id| Watched::announced(id, server.join(&id.to_string()).unwrap()))
        .collect();
    let config = Config::load(&scene::write(folder.path(), kind, &watched)).unwrap();
    let store = Arc::new(SqliteStore::open(&config.database).await.unwrap());
    let shutdown = Shutdown::default();
    let running = service::run_on(
        store.clone(),
        config,
        Arc::new(SystemClock),
        shutdown.clone(),
    );
    let watching = async {
        tokio::time::sleep(WARM_UP).await;
        let (begun, busy, from) = (
            Instant::now(),
            processor_time("self"),
            stored(&store, chains).await,
        );
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let busy = processor_time("self").saturating_sub(busy);
        let blocks = stored(&store, chains).await - from;
        shutdown.request();
        Many {
            chains,
            took: begun.elapsed(),
            busy,
            blocks,
            memory: resident_bytes(),
        }
    };
    let (ended, measured) = tokio::join!(running, watching);
    ended.unwrap();
    measured
}

/// The blocks that are stored, over all chains.
async fn stored(store: &SqliteStore, chains: u64) -> u64 {
    let mut blocks = 0;
    for id in 1..=chains {
        let progress = store.progress(&scene::feed(id)).await.unwrap();
        blocks += progress.map_or(0, |progress| progress.cursor.number);
    }
    blocks
}
