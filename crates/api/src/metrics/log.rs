//! How far the eligibility log is.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_store::StoreError;

use super::number;
use crate::Api;

pub(super) struct Log {
    leaves: Gauge<i64>,
    signed: Gauge<i64>,
    doubts: Gauge<i64>,
}

/// More than anybody looks through.
const DOUBTS: u32 = 1_000;

impl Log {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let log = Self {
            leaves: Gauge::default(),
            signed: Gauge::default(),
            doubts: Gauge::default(),
        };
        registry.register(
            "log_leaves",
            "Leaves of the eligibility log",
            log.leaves.clone(),
        );
        registry.register(
            "log_signed_leaves",
            "Leaves in the newest signed state of the eligibility log",
            log.signed.clone(),
        );
        registry.register(
            "log_doubts",
            "Facts that contradict a leaf of the eligibility log, which nobody has settled",
            log.doubts.clone(),
        );
        log
    }

    /// What the store says now.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        self.leaves.set(number(api.store.tree().await?.size));
        let signed = api.store.checkpoint().await?;
        self.signed
            .set(number(signed.map_or(0, |state| state.size)));
        let doubts = api.store.doubts(DOUBTS).await?.len();
        self.doubts.set(i64::try_from(doubts).unwrap_or(i64::MAX));
        Ok(())
    }
}
