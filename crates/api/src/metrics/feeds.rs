//! What feeds do.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_domain::observation::SourceId;
use tocsin_store::StoreError;

use super::number;
use crate::Api;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct TroubleLabels {
    feed: String,
    kind: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct KeyLabels {
    feed: String,
    key: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct LookLabels {
    feed: String,
    state: LookLabel,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
enum LookLabel {
    Open,
    Over,
    NeedsPerson,
    Troubled,
}

pub(super) struct Feeds {
    troubles: Family<TroubleLabels, Counter>,
    requests: Family<KeyLabels, Counter>,
    /// What of each key's day is in `requests` already.
    counted: Mutex<BTreeMap<(String, String), (i64, u32)>>,
    looks: Family<LookLabels, Gauge<i64>>,
    quota_left: Family<KeyLabels, Gauge<i64>>,
}

impl Feeds {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let feeds = Self {
            troubles: Family::default(),
            requests: Family::default(),
            counted: Mutex::default(),
            looks: Family::default(),
            quota_left: Family::default(),
        };
        registry.register(
            "feed_troubles",
            "What feeds did or said that gives no value, by kind",
            feeds.troubles.clone(),
        );
        registry.register(
            "feed_requests",
            "Requests to the providers of feeds, by key",
            feeds.requests.clone(),
        );
        registry.register(
            "feed_looks",
            "Subjects that feeds are asked about, by state; the troubled ones are open too",
            feeds.looks.clone(),
        );
        registry.register(
            "feed_quota_left",
            "Requests that a key may still make this UTC day",
            feeds.quota_left.clone(),
        );
        feeds
    }

    pub(super) fn trouble(&self, feed: &SourceId, kind: &str) {
        let labels = TroubleLabels {
            feed: feed.to_string(),
            kind: kind.to_owned(),
        };
        self.troubles.get_or_create(&labels).inc();
    }

    pub(super) fn requests(&self, feed: &SourceId, key: &str, day: i64, requests: u32) {
        let labels = KeyLabels {
            feed: feed.to_string(),
            key: key.to_owned(),
        };
        // The lock is held for a map access only, and nothing in there panics: a poisoned one is still good.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (labels.feed.clone(), labels.key.clone());
        let before = counted.get(&place).filter(|(then, _)| *then == day);
        let new = requests.saturating_sub(before.map_or(0, |(_, count)| *count));
        counted.insert(place, (day, requests));
        self.requests.get_or_create(&labels).inc_by(u64::from(new));
    }

    /// What the store and the feeds say now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        for (feed, status) in api.feeds.all() {
            let looks = api.store.count_looks(&feed).await?;
            for (state, count) in [
                (LookLabel::Open, looks.open),
                (LookLabel::Over, looks.over),
                (LookLabel::NeedsPerson, looks.needs_person),
                (LookLabel::Troubled, looks.troubled),
            ] {
                let labels = LookLabels {
                    feed: feed.to_string(),
                    state,
                };
                self.looks.get_or_create(&labels).set(number(count));
            }
            for key in status.keys {
                let Some(left) = key.left_today else { continue };
                let labels = KeyLabels {
                    feed: feed.to_string(),
                    key: key.name,
                };
                self.quota_left.get_or_create(&labels).set(i64::from(left));
            }
        }
        Ok(())
    }
}
