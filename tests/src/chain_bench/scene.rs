//! The configuration of a service that stores everything that some replayed chains say, with a cover on each.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tocsin_domain::observation::SourceId;
use url::Url;

use super::backfill::Kind;
use crate::replay::{FEED, TOKEN};

/// A chain, and where it is read.
pub struct Watched {
    chain_id: u64,
    url: Url,
    websocket: Option<Url>,
    poll_interval_ms: u64,
}

impl Watched {
    /// A chain that is asked for new blocks all the time.
    pub fn polled(chain_id: u64, url: Url) -> Self {
        Self {
            chain_id,
            url,
            websocket: None,
            poll_interval_ms: 50,
        }
    }

    /// A chain that announces its blocks at the same address, and is asked once a second beside that.
    pub fn announced(chain_id: u64, url: Url) -> Self {
        let mut websocket = url.clone();
        websocket
            .set_scheme("ws")
            .expect("one web scheme for another");
        Self {
            chain_id,
            url,
            websocket: Some(websocket),
            poll_interval_ms: 1_000,
        }
    }
}

/// The source of prices of a chain.
pub fn feed(chain_id: u64) -> SourceId {
    format!("chainlink:eip155:{chain_id}:{FEED:#x}").into()
}

/// Writes the configuration and the covers; gives the path of the former.
pub fn write(folder: &Path, kind: Kind, chains: &[Watched]) -> PathBuf {
    let mut text = "database = \"tocsin.db\"\n".to_owned();
    for Watched { chain_id, .. } in chains {
        let name = format!("cover-{chain_id}.toml");
        std::fs::write(folder.join(&name), cover(*chain_id)).unwrap();
        write!(
            text,
            r#"
[[covers]]
file          = "{name}"
evaluate_from = "2020-09-01T00:00:00Z"
"#
        )
        .unwrap();
    }
    for watched in chains {
        text.push_str(&chain(watched, kind));
    }
    let path = folder.join("tocsin.toml");
    std::fs::write(&path, text).unwrap();
    path
}

const SUBJECT: &str = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";

fn cover(chain_id: u64) -> String {
    let feed = feed(chain_id);
    format!(
        r#"name    = "replayed-{chain_id}"
title   = "Everything that is replayed"
version = 1
peril   = "stablecoin-depeg"

[inputs.usdc]
metric  = "price"
subject = "{SUBJECT}"
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
"eip155:{chain_id}" = 0
"#
    )
}

fn chain(watched: &Watched, kind: Kind) -> String {
    let Watched {
        chain_id,
        url,
        websocket,
        poll_interval_ms,
    } = watched;
    let proof = match kind {
        Kind::Bloom => "bloom",
        Kind::Receipts => "receipts",
    };
    let websocket = websocket.as_ref();
    let websocket = websocket.map_or(String::new(), |url| format!("websocket = \"{url}\""));
    let feed = feed(*chain_id);
    let token = format!("event:eip155:{chain_id}:{TOKEN:#x}#Transfer(address,address,uint256)");
    format!(
        r#"
[chains."eip155:{chain_id}"]
proof            = "{proof}"
finality         = "instant"
strictly_rising_timestamps = true
stalled_after    = "365d"
poll_interval_ms = {poll_interval_ms}

[[chains."eip155:{chain_id}".endpoints]]
url                 = "{url}"
{websocket}
requests_per_second = 100000

[sources."{feed}"]
event       = "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)"
subject     = "{SUBJECT}"
metric      = "price"
value       = "current"
decimals    = 8
from_block  = 1

[sources."{token}"]
event       = "Transfer(address indexed from, address indexed to, uint256 value)"
subject     = "{SUBJECT}"
metric      = "transfer"
value       = "value"
decimals    = 6
from_block  = 1
"#
    )
}
