//! What happens, in numbers, for Prometheus: `/metrics`.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::U256;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_domain::observation::SourceId;

use crate::Api;
use crate::problem::Problem;

const WEI_PER_GWEI: u64 = 1_000_000_000;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Shared by the stages, which count, and the API, which shows.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

struct Counts {
    registry: Registry,
    troubles: Family<TroubleLabels, Counter>,
    requests: Family<KeyLabels, Counter>,
    /// What of each key's day is in `requests` already.
    counted: Mutex<BTreeMap<(String, String), (i64, u32)>>,
    looks: Family<LookLabels, Gauge<i64>>,
    unready: Gauge<i64>,
    transactions: Family<TransactionLabels, Counter>,
    gas_used: Family<ChainLabels, Counter>,
    fees_gwei: Family<ChainLabels, Counter>,
    quota_left: Family<KeyLabels, Gauge<i64>>,
    disagreements: Family<DisagreementLabels, Gauge<i64>>,
    silent_attestors: Gauge<i64>,
}

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
struct ChainLabels {
    chain: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct TransactionLabels {
    chain: String,
    outcome: OutcomeLabel,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
enum OutcomeLabel {
    Succeeded,
    Reverted,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct DisagreementLabels {
    peer: String,
    kind: String,
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

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tocsin");
        let troubles = Family::default();
        registry.register(
            "feed_troubles",
            "What feeds did or said that gives no value, by kind",
            troubles.clone(),
        );
        let requests = Family::default();
        registry.register(
            "feed_requests",
            "Requests to the providers of feeds, by key",
            requests.clone(),
        );
        let looks = Family::default();
        registry.register(
            "feed_looks",
            "Subjects that feeds are asked about, by state; the troubled ones are open too",
            looks.clone(),
        );
        let quota_left = Family::default();
        registry.register(
            "feed_quota_left",
            "Requests that a key may still make this UTC day",
            quota_left.clone(),
        );
        let disagreements = Family::default();
        registry.register(
            "quorum_disagreements",
            "How often other attestors contradicted, refused or lied, by kind, since the database began; /v1/quorum has the last ones",
            disagreements.clone(),
        );
        let silent_attestors = Gauge::default();
        registry.register(
            "quorum_silent_attestors",
            "Other attestors that did not answer when they were asked last",
            silent_attestors.clone(),
        );
        let unready = Gauge::default();
        registry.register(
            "unready_parts",
            "Parts of the service that are not well; /health/ready has the reasons",
            unready.clone(),
        );
        let transactions = Family::default();
        registry.register(
            "delivery_transactions",
            "Transactions of deliveries in final blocks, by outcome",
            transactions.clone(),
        );
        let gas_used = Family::default();
        registry.register(
            "delivery_gas_used",
            "Gas that transactions of deliveries used",
            gas_used.clone(),
        );
        let fees_gwei = Family::default();
        registry.register(
            "delivery_fees_gwei",
            "What was paid for that gas, each transaction's whole gwei",
            fees_gwei.clone(),
        );
        Self(Arc::new(Counts {
            registry,
            transactions,
            gas_used,
            fees_gwei,
            troubles,
            requests,
            counted: Mutex::default(),
            looks,
            unready,
            quota_left,
            disagreements,
            silent_attestors,
        }))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// A feed did or said something that gives no value.
    pub fn feed_trouble(&self, feed: &SourceId, kind: &str) {
        let labels = TroubleLabels {
            feed: feed.to_string(),
            kind: kind.to_owned(),
        };
        self.0.troubles.get_or_create(&labels).inc();
    }

    /// A key has made so many requests on a UTC day by now.
    pub fn feed_requests(&self, feed: &SourceId, key: &str, day: i64, requests: u32) {
        let labels = KeyLabels {
            feed: feed.to_string(),
            key: key.to_owned(),
        };
        // The lock is held for a map access only, and nothing in there panics: a poisoned one is still good.
        let mut counted = self
            .0
            .counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let place = (labels.feed.clone(), labels.key.clone());
        let before = counted.get(&place).filter(|(then, _)| *then == day);
        let new = requests.saturating_sub(before.map_or(0, |(_, count)| *count));
        counted.insert(place, (day, requests));
        self.0
            .requests
            .get_or_create(&labels)
            .inc_by(u64::from(new));
    }

    /// A transaction of a delivery was mined, finally, and paid for.
    pub fn transaction_paid(&self, chain_id: u64, succeeded: bool, gas_used: u64, wei: U256) {
        let chain = format!("eip155:{chain_id}");
        let outcome = if succeeded {
            OutcomeLabel::Succeeded
        } else {
            OutcomeLabel::Reverted
        };
        let labels = TransactionLabels {
            chain: chain.clone(),
            outcome,
        };
        self.0.transactions.get_or_create(&labels).inc();
        let labels = ChainLabels { chain };
        self.0.gas_used.get_or_create(&labels).inc_by(gas_used);
        let gwei = wei / U256::from(WEI_PER_GWEI);
        self.0
            .fees_gwei
            .get_or_create(&labels)
            .inc_by(gwei.saturating_to());
    }

    fn encoded(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// Everything that is counted, and what the store and the parts say now.
pub(crate) async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let counts = &api.metrics.0;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
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
            counts.looks.get_or_create(&labels).set(number(count));
        }
        for key in status.keys {
            let Some(left) = key.left_today else { continue };
            let labels = KeyLabels {
                feed: feed.to_string(),
                key: key.name,
            };
            counts
                .quota_left
                .get_or_create(&labels)
                .set(i64::from(left));
        }
    }
    for (peer, kind, count) in api.store.count_disagreements().await? {
        let labels = DisagreementLabels {
            peer: peer.map_or_else(|| "unknown".to_owned(), |peer| format!("{peer:#x}")),
            kind,
        };
        let disagreements = counts.disagreements.get_or_create(&labels);
        disagreements.set(number(count));
    }
    let peers = api
        .quorum
        .status()
        .map_or_else(Vec::new, |status| status.peers);
    let silent = peers.iter().filter(|peer| peer.trouble.is_some()).count();
    counts
        .silent_attestors
        .set(number(u64::try_from(silent).unwrap_or(u64::MAX)));
    let unready = u64::try_from(api.health.not_ready().len()).unwrap_or(u64::MAX);
    counts.unready.set(number(unready));
    let text = api
        .metrics
        .encoded()
        .map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_once_however_often_they_are_reported() {
        let metrics = Metrics::default();
        let feed = SourceId::from("feed:x");
        metrics.feed_trouble(&feed, "timeout");
        for (day, requests) in [(1, 5), (1, 5), (1, 7), (2, 0), (2, 3)] {
            metrics.feed_requests(&feed, "main", day, requests);
        }
        let text = metrics.encoded().unwrap();
        for line in [
            "tocsin_feed_troubles_total{feed=\"feed:x\",kind=\"timeout\"} 1",
            "tocsin_feed_requests_total{feed=\"feed:x\",key=\"main\"} 10",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
