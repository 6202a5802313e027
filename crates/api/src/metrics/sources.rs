//! How far the sources were read, and what their endpoints did.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_store::StoreError;

use super::number;
use crate::Api;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct EndpointLabels {
    chain: String,
    endpoint: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct TroubleLabels {
    chain: String,
    endpoint: String,
    kind: String,
}

pub(super) struct Sources {
    seen_until: Family<SourceLabels, Gauge<i64>>,
    halted: Gauge<i64>,
    trusted: Family<EndpointLabels, Gauge<i64>>,
    behind: Family<EndpointLabels, Gauge<i64>>,
    troubles: Family<TroubleLabels, Gauge<i64>>,
}

impl Sources {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let sources = Self {
            seen_until: Family::default(),
            halted: Gauge::default(),
            trusted: Family::default(),
            behind: Family::default(),
            troubles: Family::default(),
        };
        registry.register(
            "source_seen_until_timestamp_seconds",
            "Up to which instant of its own time a chain's source was read without a gap, in unix seconds",
            sources.seen_until.clone(),
        );
        registry.register(
            "halted_sources",
            "Sources whose chain took back a final block: nothing that rests on them is read or signed",
            sources.halted.clone(),
        );
        registry.register(
            "endpoint_trusted",
            "1 where an endpoint counts, 0 where it is benched, on probation or refused",
            sources.trusted.clone(),
        );
        registry.register(
            "endpoint_behind_blocks",
            "By how many final blocks an endpoint is behind the one that is furthest",
            sources.behind.clone(),
        );
        registry.register(
            "endpoint_troubles",
            "What went wrong at an endpoint since the start: requests that failed, answers that were late or useless, benchings by cause",
            sources.troubles.clone(),
        );
        sources
    }

    /// What the store and the chains say now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        let halts = api.store.halts().await?.len();
        self.halted
            .set(number(u64::try_from(halts).unwrap_or(u64::MAX)));
        for (chain, status) in api.chains.all() {
            for source in status.sources {
                let Some(progress) = api.store.progress(&source).await? else {
                    continue;
                };
                let labels = SourceLabels {
                    source: source.to_string(),
                };
                let seen = self.seen_until.get_or_create(&labels);
                seen.set(progress.watermark.0);
            }
            for endpoint in status.endpoints {
                let labels = EndpointLabels {
                    chain: chain.clone(),
                    endpoint: endpoint.endpoint.clone(),
                };
                let trusted = self.trusted.get_or_create(&labels);
                trusted.set(i64::from(endpoint.standing == "trusted"));
                let behind = self.behind.get_or_create(&labels);
                behind.set(number(endpoint.behind));
                for (kind, count) in endpoint.troubles {
                    let labels = TroubleLabels {
                        chain: chain.clone(),
                        endpoint: endpoint.endpoint.clone(),
                        kind,
                    };
                    self.troubles.get_or_create(&labels).set(number(count));
                }
            }
        }
        Ok(())
    }
}
