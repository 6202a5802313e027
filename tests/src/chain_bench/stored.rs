//! Reading a long history into the database, with the whole service around it: every log becomes a stored observation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin::clock::SetClock;
use tocsin::config::Config;
use tocsin::service;
use tocsin::supervisor::Shutdown;
use tocsin_domain::time::Timestamp;
use tocsin_store::step::Steps;
use tocsin_store_sqlite::SqliteStore;
use url::Url;

use super::backfill::{Backfill, Kind, Progress};
use super::scene::{self, Watched};
use crate::replay::{GENESIS_TIME, LOGS_PER_BLOCK};

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Stores the blocks up to `last`.
pub async fn read(url: &Url, kind: Kind, last: u64) -> Backfill {
    let folder = tempfile::tempdir().unwrap();
    let config = scene::write(folder.path(), kind, &[Watched::polled(1, url.clone())]);
    let config = Config::load(&config).unwrap();
    let store = Arc::new(SqliteStore::open(&config.database).await.unwrap());
    let end = Timestamp(i64::try_from(GENESIS_TIME + last).unwrap());
    let clock = Arc::new(SetClock::new(end));
    let shutdown = Shutdown::default();
    let begun = Instant::now();
    let running = service::run_on(store.clone(), config, clock, shutdown.clone());
    let watching = async {
        let mut progress = Progress::new(last);
        let mut seen = 0;
        while seen < last {
            tokio::time::sleep(LOOK).await;
            let source = scene::feed(1);
            if let Some(now) = store.progress(&source).await.unwrap() {
                let logs = (now.cursor.number - seen) * LOGS_PER_BLOCK;
                seen = now.cursor.number;
                progress.add(seen, usize::try_from(logs).unwrap());
            }
        }
        let took = begun.elapsed();
        shutdown.request();
        progress.done(took)
    };
    let (ended, measured) = tokio::join!(running, watching);
    ended.unwrap();
    measured
}
