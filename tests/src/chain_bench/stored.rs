//! Reading a long history into the database, with the whole service around it: every log becomes a stored observation.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin::clock::SetClock;
use tocsin::config::Config;
use tocsin::service;
use tocsin::supervisor::Shutdown;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::step::Steps;
use tocsin_store_sqlite::SqliteStore;
use url::Url;

use super::backfill::{Backfill, Kind, Progress};
use crate::replay::{FEED, GENESIS_TIME, LOGS_PER_BLOCK, TOKEN};

/// How often the progress is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Stores the blocks up to `last`.
pub async fn read(url: &Url, kind: Kind, last: u64) -> Backfill {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), url, kind);
    let config = Config::load(&path).unwrap();
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
            let source = SourceId(feed());
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

fn feed() -> String {
    format!("chainlink:eip155:1:{FEED:#x}")
}

/// The configuration, and a cover that listens to everything.
fn write(folder: &Path, url: &Url, kind: Kind) -> std::path::PathBuf {
    let proof = match kind {
        Kind::Bloom => "bloom",
        Kind::Receipts => "receipts",
    };
    let feed = feed();
    let token = format!("event:eip155:1:{TOKEN:#x}#Transfer(address,address,uint256)");
    let subject = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
    std::fs::write(
        folder.join("cover.toml"),
        format!(
            r#"name    = "replayed"
title   = "Everything that is replayed"
version = 1
peril   = "stablecoin-depeg"

[inputs.usdc]
metric  = "price"
subject = "{subject}"
source  = "{feed}"
max_age = "365d"

[trigger]
when  = "usdc <= 0.5"
rearm = "never"

[payout]
fraction = "1%"

[policy]
waiting         = "0s"
event_time      = "confirmed"
event_inclusion = "[inception, expiry)"
claim_deadline  = "7d"

[finality]
"eip155:1" = 0
"#
        ),
    )
    .unwrap();
    let path = folder.join("tocsin.toml");
    std::fs::write(
        &path,
        format!(
            r#"database = "tocsin.db"

[[covers]]
file          = "cover.toml"
evaluate_from = "2020-09-01T00:00:00Z"

[chains."eip155:1"]
proof            = "{proof}"
finality         = "instant"
strictly_rising_timestamps = true
stalled_after    = "365d"
poll_interval_ms = 50

[[chains."eip155:1".endpoints]]
url                 = "{url}"
requests_per_second = 100000

[sources."{feed}"]
event       = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"
subject     = "{subject}"
metric      = "price"
value       = "current"
decimals    = 8
from_block  = 1

[sources."{token}"]
event       = "Transfer(address indexed from, address indexed to, uint256 value)"
subject     = "{subject}"
metric      = "transfer"
value       = "value"
decimals    = 6
from_block  = 1
"#
        ),
    )
    .unwrap();
    path
}
