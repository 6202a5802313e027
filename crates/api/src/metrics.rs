//! What happens, in numbers, for Prometheus: `/metrics`.
//!
//! Counters are kept by whoever sees the thing happen; gauges are what the store and the parts say when they are asked for.

mod attestor_keys;
mod attestors;
mod calls;
mod deliveries;
mod epochs;
mod feeds;
mod log;
mod sources;
mod stages;
mod webhooks;

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::U256;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_auth::{Failure, KeyId};
use tocsin_domain::observation::SourceId;
use tocsin_store::credential::OwnerName;

pub use self::stages::TurnOutcome;
use crate::problem::Problem;
use crate::served::Served;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Shared by the stages, which count, and the API, which shows.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

struct Counts {
    registry: Registry,
    feeds: feeds::Feeds,
    sources: sources::Sources,
    stages: stages::Stages,
    attestors: attestors::Attestors,
    attestor_keys: attestor_keys::Keys,
    epochs: epochs::Epochs,
    webhooks: webhooks::Webhooks,
    calls: calls::Calls,
    deliveries: deliveries::Deliveries,
    log: log::Log,
    unready: Gauge<i64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tocsin");
        let unready = Gauge::default();
        registry.register(
            "unready_parts",
            "Parts of the service that are not well; /health/ready has the reasons",
            unready.clone(),
        );
        Self(Arc::new(Counts {
            feeds: feeds::Feeds::of(&mut registry),
            sources: sources::Sources::of(&mut registry),
            stages: stages::Stages::of(&mut registry),
            attestors: attestors::Attestors::of(&mut registry),
            attestor_keys: attestor_keys::Keys::of(&mut registry),
            epochs: epochs::Epochs::of(&mut registry),
            webhooks: webhooks::Webhooks::of(&mut registry),
            calls: calls::Calls::of(&mut registry),
            deliveries: deliveries::Deliveries::of(&mut registry),
            log: log::Log::of(&mut registry),
            unready,
            registry,
        }))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// A message was sent to a webhook endpoint, which took it or not.
    pub fn webhook_sent(&self, taken: bool) {
        self.0.webhooks.sent(taken);
    }

    /// So many lanes of webhook endpoints are told at the moment, and so many cannot be, for a reason of our own.
    pub fn webhook_lanes(&self, told: usize, ill: usize) {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        self.0.webhooks.lanes(number(told), number(ill));
    }

    /// What came of so many messages is not yet written down.
    pub fn webhook_unwritten(&self, count: usize) {
        self.0
            .webhooks
            .unwritten(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A feed did or said something that gives no value.
    pub fn feed_trouble(&self, feed: &SourceId, kind: &str) {
        self.0.feeds.trouble(feed, kind);
    }

    /// A key has made so many requests on a UTC day by now.
    pub fn feed_requests(&self, feed: &SourceId, key: &str, day: i64, requests: u32) {
        self.0.feeds.requests(feed, key, day, requests);
    }

    /// A transaction of a delivery was mined, finally, and paid for.
    pub fn transaction_paid(&self, chain_id: u64, succeeded: bool, gas_used: u64, wei: U256) {
        self.0.deliveries.paid(chain_id, succeeded, gas_used, wei);
    }

    /// A stage has turned.
    pub fn stage_turned(&self, stage: &str, outcome: TurnOutcome, took: Duration) {
        self.0.stages.turned(stage, outcome, took);
    }

    /// Counts the requests of a key that are let through.
    pub(crate) fn calls_of(&self, client: &OwnerName, key: &KeyId) -> Counter {
        self.0.calls.answered(client, key)
    }

    pub(crate) fn call_refused(&self, failure: Failure) {
        self.0.calls.refused(failure);
    }

    pub(crate) fn new_network(&self) {
        self.0.calls.new_network();
    }

    /// What keys there are, and how many need attention; says whether that has changed.
    pub(crate) fn keys_are(
        &self,
        states: &BTreeMap<&'static str, u64>,
        laggards: u64,
        ending: u64,
    ) -> bool {
        self.0.calls.keys_are(states, laggards, ending)
    }

    fn encoded(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// A count as a gauge holds it.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Everything that is counted, and what the store and the parts say now.
pub(crate) async fn metrics(State(api): State<Served>) -> Result<Response, Problem> {
    let counts = &api.metrics.0;
    counts.feeds.look(&api).await?;
    counts.sources.look(&api).await?;
    counts.stages.look(&api).await?;
    counts.attestors.look(&api).await?;
    counts.attestor_keys.look(&api).await?;
    counts.epochs.look(&api).await?;
    counts.log.look(&api).await?;
    counts.webhooks.look(&api).await?;
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

    #[test]
    fn turns_without_work_are_counted_and_not_timed() {
        let metrics = Metrics::default();
        metrics.stage_turned("claim", TurnOutcome::Idle, Duration::ZERO);
        metrics.stage_turned("claim", TurnOutcome::Worked, Duration::from_millis(3));
        let text = metrics.encoded().unwrap();
        for line in [
            "tocsin_stage_turns_total{stage=\"claim\",outcome=\"Idle\"} 1",
            "tocsin_stage_turns_total{stage=\"claim\",outcome=\"Worked\"} 1",
            "tocsin_stage_turn_seconds_count{stage=\"claim\"} 1",
            "tocsin_stage_turn_seconds_bucket{le=\"0.004\",stage=\"claim\"} 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
