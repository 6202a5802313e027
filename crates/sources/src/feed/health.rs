//! How a feed is doing, and what of its quotas is used.

use serde::{Deserialize, Serialize};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;

/// The requests that one key made in one UTC day. Kept by the store, so that a restart keeps the quota.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// The key's name; `none` of a feed without keys.
    pub key: String,
    /// The day: the whole days since 1970-01-01, UTC.
    pub day: i64,
    /// How many requests.
    pub requests: u32,
}

/// A feed, for health.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FeedHealth {
    /// The feed.
    pub feed: SourceId,
    /// Whether it is asked at all.
    pub breaker: BreakerState,
    /// Its keys; one named `none` where it has none.
    pub keys: Vec<KeyHealth>,
    /// When the last complete answer came, by our clock.
    pub last_answer_at: Option<Timestamp>,
    /// Its last trouble, also where it is over.
    pub last_trouble: Option<String>,
    /// When that was.
    pub last_trouble_at: Option<Timestamp>,
}

/// One key, for health.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct KeyHealth {
    /// Its name, not the key.
    pub name: String,
    /// Requests that it made in the last UTC day it was used.
    pub used: u32,
    /// Requests that it may make in a UTC day; `None` where there is no limit.
    pub per_day: Option<u32>,
    /// Why it is not used now: refused by the provider, unreadable, or rested.
    pub resting: Option<String>,
}

/// Whether requests are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They are.
    Closed,
    /// It failed too often in a row, and is left alone for a while.
    Open,
    /// One request is sent to see whether it is back.
    HalfOpen,
}
