//! What the other attestors do.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_store::StoreError;

use super::number;
use crate::Api;

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct DisagreementLabels {
    peer: String,
    kind: String,
}

pub(super) struct Attestors {
    disagreements: Family<DisagreementLabels, Gauge<i64>>,
    silent: Gauge<i64>,
    answering: Gauge<i64>,
    threshold: Gauge<i64>,
}

impl Attestors {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let attestors = Self {
            disagreements: Family::default(),
            silent: Gauge::default(),
            answering: Gauge::default(),
            threshold: Gauge::default(),
        };
        registry.register(
            "quorum_disagreements",
            "How often other attestors contradicted, refused or lied, by kind, since the database began; /v1/quorum has the last ones",
            attestors.disagreements.clone(),
        );
        registry.register(
            "quorum_silent_attestors",
            "Other attestors that did not answer when they were asked last",
            attestors.silent.clone(),
        );
        registry.register(
            "quorum_answering_attestors",
            "Attestors that can sign as far as this node knows, itself included; 0 where it attests alone",
            attestors.answering.clone(),
        );
        registry.register(
            "quorum_threshold",
            "How many attestors have to sign; 0 where this node attests alone",
            attestors.threshold.clone(),
        );
        attestors
    }

    /// What the store and the quorum say now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        for (peer, kind, count) in api.store.count_disagreements().await? {
            let labels = DisagreementLabels {
                peer: peer.map_or_else(|| "unknown".to_owned(), |peer| format!("{peer:#x}")),
                kind,
            };
            let disagreements = self.disagreements.get_or_create(&labels);
            disagreements.set(number(count));
        }
        let status = api.quorum.status();
        let (silent, answering, threshold) = status.as_ref().map_or((0, 0, 0), |status| {
            let troubled = status.peers.iter().filter(|peer| peer.trouble.is_some());
            let silent = troubled.count();
            let answering = status.signers.saturating_sub(silent);
            (silent, answering, usize::from(status.threshold))
        });
        let set = |gauge: &Gauge<i64>, count: usize| {
            gauge.set(number(u64::try_from(count).unwrap_or(u64::MAX)));
        };
        set(&self.silent, silent);
        set(&self.answering, answering);
        set(&self.threshold, threshold);
        Ok(())
    }
}
