//! Attestors' keys: in which states they are, and what they were used for.

use std::collections::BTreeMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_store::StoreError;
use tocsin_store::attestor::{AttestorKeys, overall};

use super::number;
use crate::Api;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct UseLabels {
    signer: String,
    epoch: u32,
}

pub(super) struct Keys {
    states: Family<StateLabels, Gauge<i64>>,
    signatures: Family<UseLabels, Gauge<i64>>,
    last: Family<UseLabels, Gauge<i64>>,
    lagging: Gauge<i64>,
}

impl Keys {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let keys = Self {
            states: Family::default(),
            signatures: Family::default(),
            last: Family::default(),
            lagging: Gauge::default(),
        };
        registry.register(
            "attestor_keys",
            "Keys of attestors by the state that they are in",
            keys.states.clone(),
        );
        registry.register(
            "attestor_signatures",
            "Signatures of a key in an epoch, in what is recorded since the database began",
            keys.signatures.clone(),
        );
        registry.register(
            "attestor_last_signed_timestamp_seconds",
            "When a key has made the last of them; 0: it has made none",
            keys.last.clone(),
        );
        registry.register(
            "attestor_keys_lagging",
            "Keys that still sign under an epoch that retires, or have not signed in the new one; /v1/attestors names them",
            keys.lagging.clone(),
        );
        keys
    }

    /// What the store says now; nothing where nothing is attested.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        let Some(domain) = &api.attestor else {
            return Ok(());
        };
        let separator = domain.domain_separator();
        let known = AttestorKeys::read(&*api.store, separator, api.auth.now()).await?;
        let mut states: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (signer, places) in known.by_address() {
            if let Some(state) = overall(&places) {
                let count = states.entry(state.name()).or_default();
                *count = count.saturating_add(1);
            }
            for at in places {
                let labels = UseLabels {
                    signer: format!("{signer:#x}"),
                    epoch: at.place.epoch,
                };
                let signatures = self.signatures.get_or_create(&labels);
                signatures.set(number(at.used.signatures));
                let last = at.used.last_signed_at.map_or(0, |at| at.0);
                self.last.get_or_create(&labels).set(last);
            }
        }
        self.lagging.set(number(
            u64::try_from(known.laggards().len()).unwrap_or(u64::MAX),
        ));
        for state in ["pending", "active", "retiring", "retired", "revoked"] {
            let count = states.get(state).copied().unwrap_or(0);
            let labels = StateLabels { state };
            self.states.get_or_create(&labels).set(number(count));
        }
        Ok(())
    }
}
