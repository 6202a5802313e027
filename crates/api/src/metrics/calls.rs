//! Who calls.

use std::collections::BTreeMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_auth::{Failure, KeyId};
use tocsin_store::credential::OwnerName;

use super::number;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct KeyLabels {
    client: String,
    key: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct FailureLabels {
    kind: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

pub(super) struct Calls {
    answered: Family<KeyLabels, Counter>,
    refused: Family<FailureLabels, Counter>,
    new_networks: Counter,
    keys: Family<StateLabels, Gauge<i64>>,
    laggards: Gauge<i64>,
    ending: Gauge<i64>,
}

impl Calls {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let calls = Self {
            answered: Family::default(),
            refused: Family::default(),
            new_networks: Counter::default(),
            keys: Family::default(),
            laggards: Gauge::default(),
            ending: Gauge::default(),
        };
        registry.register(
            "signed_requests",
            "Signed requests that were let through, by key",
            calls.answered.clone(),
        );
        registry.register(
            "refused_requests",
            "Requests that a check of their signature, key, nonce, scope or rate refused, by kind; /v1/keys has them by key",
            calls.refused.clone(),
        );
        registry.register(
            "key_networks_new",
            "How often a key was used from a network where it never was before",
            calls.new_networks.clone(),
        );
        registry.register(
            "keys",
            "Keys of clients and webhooks, by state",
            calls.keys.clone(),
        );
        registry.register(
            "keys_lagging",
            "Retiring keys that are still used",
            calls.laggards.clone(),
        );
        registry.register(
            "keys_ending",
            "Active keys that expire within two weeks",
            calls.ending.clone(),
        );
        calls
    }

    pub(super) fn answered(&self, client: &OwnerName, key: &KeyId) -> Counter {
        let labels = KeyLabels {
            client: client.to_string(),
            key: key.to_string(),
        };
        self.answered.get_or_create(&labels).clone()
    }

    pub(super) fn refused(&self, failure: Failure) {
        let kind = failure.name();
        self.refused.get_or_create(&FailureLabels { kind }).inc();
    }

    pub(super) fn new_network(&self) {
        self.new_networks.inc();
    }

    /// Whether what needs attention has changed.
    pub(super) fn keys_are(
        &self,
        states: &BTreeMap<&'static str, u64>,
        laggards: u64,
        ending: u64,
    ) -> bool {
        for state in ["pending", "active", "retiring", "retired", "revoked"] {
            let count = states.get(state).copied().unwrap_or(0);
            self.keys
                .get_or_create(&StateLabels { state })
                .set(number(count));
        }
        let (laggards, ending) = (number(laggards), number(ending));
        let before = (self.laggards.set(laggards), self.ending.set(ending));
        before != (laggards, ending)
    }
}
