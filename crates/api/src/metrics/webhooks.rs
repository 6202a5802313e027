//! How well endpoints are told.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_store::StoreError;
use tocsin_store::webhook::Standing;

use super::number;
use crate::Api;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct SentLabels {
    outcome: Sent,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
enum Sent {
    Taken,
    Failed,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
}

pub(super) struct Webhooks {
    sent: Family<SentLabels, Counter>,
    waiting: Family<EndpointLabels, Gauge<i64>>,
    oldest: Family<EndpointLabels, Gauge<i64>>,
    dead: Family<EndpointLabels, Gauge<i64>>,
    disabled: Gauge<i64>,
    lanes: Gauge<i64>,
    ill: Gauge<i64>,
    unwritten: Gauge<i64>,
}

impl Webhooks {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let webhooks = Self {
            sent: Family::default(),
            waiting: Family::default(),
            oldest: Family::default(),
            dead: Family::default(),
            disabled: Gauge::default(),
            lanes: Gauge::default(),
            ill: Gauge::default(),
            unwritten: Gauge::default(),
        };
        registry.register(
            "webhook_messages",
            "Messages that were sent to webhook endpoints, by what came of them",
            webhooks.sent.clone(),
        );
        registry.register(
            "webhook_waiting",
            "Events that an endpoint has not come to",
            webhooks.waiting.clone(),
        );
        registry.register(
            "webhook_oldest_waiting_seconds",
            "How long ago the oldest event happened that an endpoint has not come to",
            webhooks.oldest.clone(),
        );
        registry.register(
            "webhook_dead_letters",
            "Events that an endpoint did not take in all attempts",
            webhooks.dead.clone(),
        );
        registry.register(
            "webhook_endpoints_disabled",
            "Endpoints that failed for too long; their owners have to make them active again",
            webhooks.disabled.clone(),
        );
        registry.register(
            "webhook_lanes",
            "Endpoints, and replays to them, that are told at the moment",
            webhooks.lanes.clone(),
        );
        registry.register(
            "webhook_lanes_ill",
            "Endpoints, and replays to them, that are not told for a reason of this service, as a secret that does not open; /health/ready has it",
            webhooks.ill.clone(),
        );
        registry.register(
            "webhook_unwritten",
            "Messages of which it is not yet written down what came of them",
            webhooks.unwritten.clone(),
        );
        webhooks
    }

    pub(super) fn lanes(&self, told: u64, ill: u64) {
        self.lanes.set(number(told));
        self.ill.set(number(ill));
    }

    pub(super) fn unwritten(&self, count: u64) {
        self.unwritten.set(number(count));
    }

    pub(super) fn sent(&self, taken: bool) {
        let outcome = if taken { Sent::Taken } else { Sent::Failed };
        self.sent.get_or_create(&SentLabels { outcome }).inc();
    }

    /// What the store says now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        let Some(desk) = &api.webhooks else {
            return Ok(());
        };
        let now = desk.now();
        // Endpoints that are gone are not shown for ever.
        self.waiting.clear();
        self.oldest.clear();
        self.dead.clear();
        for (id, backlog) in api.store.webhook_backlogs().await? {
            let labels = EndpointLabels {
                endpoint: id.to_string(),
            };
            let age = backlog.oldest_at.map_or(0, |at| now.since(at).0.max(0));
            self.waiting
                .get_or_create(&labels)
                .set(number(backlog.waiting));
            self.oldest.get_or_create(&labels).set(age);
            self.dead.get_or_create(&labels).set(number(backlog.dead));
        }
        let endpoints = api.store.endpoints().await?;
        let disabled = endpoints
            .iter()
            .filter(|endpoint| matches!(endpoint.standing, Standing::Disabled { .. }));
        self.disabled
            .set(number(u64::try_from(disabled.count()).unwrap_or(u64::MAX)));
        Ok(())
    }
}
