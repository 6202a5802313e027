//! The life of attestors' keys: how long anybody signs, and what still hangs on keys that sign no more.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tocsin_domain::attestation::succession::signs_until;
use tocsin_store::StoreError;

use super::number;
use crate::Api;

/// Named, so that a service that attests nothing shows nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct DomainLabels {
    domain: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct EpochLabels {
    epoch: u32,
}

pub(super) struct Epochs {
    signing: Family<DomainLabels, Gauge<i64>>,
    unredeemed: Family<EpochLabels, Gauge<i64>>,
    lagging: Family<DomainLabels, Gauge<i64>>,
}

impl Epochs {
    pub(super) fn of(registry: &mut Registry) -> Self {
        let epochs = Self {
            signing: Family::default(),
            unredeemed: Family::default(),
            lagging: Family::default(),
        };
        registry.register(
            "attestors_sign_for_seconds",
            "How long there is an epoch that signs, without a gap, by the epochs that are announced; 0: nobody signs now",
            epochs.signing.clone(),
        );
        registry.register(
            "epoch_unredeemed_claims",
            "Claims that were attested in an epoch and are not paid yet",
            epochs.unredeemed.clone(),
        );
        registry.register(
            "epochs_lagging_claims",
            "Those of epochs that sign no more: until they are paid or attested anew, these keys are needed",
            epochs.lagging.clone(),
        );
        epochs
    }

    /// What the store says now; nothing where nothing is attested.
    pub(super) async fn look(&self, api: &Api) -> Result<(), StoreError> {
        let Some(domain) = &api.attestor else {
            return Ok(());
        };
        let separator = domain.domain_separator();
        let domain = DomainLabels {
            domain: separator.to_string(),
        };
        // Never before 1970.
        let now = u64::try_from(api.auth.now().0).unwrap_or(0);
        let epochs = api.store.epochs(separator).await?;
        let signing = number(signs_until(&epochs, now).saturating_sub(now));
        self.signing.get_or_create(&domain).set(signing);
        let mut lagging = 0_u64;
        // An epoch under which nothing waits any more is not shown for ever.
        self.unredeemed.clear();
        for (epoch, count) in api.store.unredeemed(separator).await? {
            let labels = EpochLabels { epoch };
            self.unredeemed.get_or_create(&labels).set(number(count));
            let signs = epochs
                .iter()
                .any(|known| known.number() == epoch && known.signs_at(now));
            if !signs {
                lagging = lagging.saturating_add(count);
            }
        }
        self.lagging.get_or_create(&domain).set(number(lagging));
        Ok(())
    }
}
