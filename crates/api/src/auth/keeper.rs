//! What happens to keys while nobody asks: uses are written down, keys whose time is over retire, secrets move to the
//! current master key, and an operator hears of what should be looked at.

use std::collections::BTreeMap;

use tocsin_auth::life::NOTICE;
use tocsin_auth::{KeyId, State, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::credential::{Credential, CredentialChange, LifeChange, Owner, Usage, Uses};

use super::Auth;
use super::admin::is_laggard;

impl Auth {
    /// Does what has become due. A turn that fails loses no count.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let now = (self.0.now)();
        self.write_down(self.0.tally.drain(now)).await?;
        let keys = self.0.store.credentials().await?;
        let usage = self.0.store.credential_uses().await?;
        self.pass_time(&keys, &usage, now).await?;
        self.reseal(&keys).await?;
        self.report(&keys, &usage, now);
        Ok(())
    }

    /// Writes down what is left once the last request is answered.
    pub async fn settle(&self) {
        let left = self.0.tally.drain_all((self.0.now)());
        if let Err(error) = self.write_down(left).await {
            tracing::error!(%error, "the last uses of keys were not written down");
        }
    }

    async fn write_down(&self, uses: Vec<Uses>) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        for used in &uses {
            for (failure, count) in used.failures.iter().filter(|(kind, _)| kind.is_alarming()) {
                let key = used.key.as_ref().map_or("unknown", KeyId::as_str);
                tracing::warn!(key, %failure, count, "signed requests were refused");
            }
        }
        match self.0.store.count_uses(&uses).await {
            Ok(news) => {
                for (key, network) in news {
                    tracing::warn!(%key, network, "a key is used from a new network");
                    self.0.metrics.new_network();
                }
                Ok(())
            }
            Err(error) => {
                self.0.tally.put_back(uses);
                Err(error)
            }
        }
    }

    async fn pass_time(
        &self,
        keys: &[Credential],
        usage: &BTreeMap<Option<KeyId>, Usage>,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        for key in keys {
            let used = usage.get(&Some(key.id.clone()));
            let last_used = match key.owner {
                Owner::Client(_) => used.and_then(|used| used.last_used),
                // Every message is signed with it: whether the receiver still verifies by it nobody can say.
                Owner::Webhook(_) => Some(now),
            };
            let Some(to) = key.life.pass(now, last_used) else {
                continue;
            };
            let change = CredentialChange {
                change: vec![LifeChange {
                    id: key.id.clone(),
                    from: key.life,
                    to,
                }],
                ..CredentialChange::default()
            };
            match self.0.store.change_credentials(&change).await {
                Ok(()) => {
                    tracing::info!(key = %key.id, was = %key.life.state(), "a key has retired")
                }
                // Somebody has changed it meanwhile: the next turn sees what it is.
                Err(StoreError::Stale { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn reseal(&self, keys: &[Credential]) -> Result<(), StoreError> {
        let Some(seal) = &self.0.settings.seal else {
            return Ok(());
        };
        for key in keys {
            let Some(sealed) = key.material.sealed() else {
                continue;
            };
            match seal.reseal(key.id.as_str(), sealed) {
                Ok(None) => {}
                Ok(Some(anew)) => match self.0.store.reseal(&key.id, sealed, &anew).await {
                    Ok(()) => {
                        tracing::info!(key = %key.id, master = %anew.master, "a secret is sealed by the current master key");
                    }
                    Err(StoreError::Stale { .. }) => {}
                    Err(error) => return Err(error),
                },
                Err(error) => {
                    tracing::error!(key = %key.id, %error, "a secret cannot be sealed anew")
                }
            }
        }
        Ok(())
    }

    fn report(&self, keys: &[Credential], usage: &BTreeMap<Option<KeyId>, Usage>, now: UnixTime) {
        let (mut laggards, mut ending) = (0, 0);
        let mut states: BTreeMap<&'static str, u64> = BTreeMap::new();
        for key in keys {
            let count = states.entry(key.life.state().name()).or_default();
            *count = count.saturating_add(1);
            let used = usage.get(&Some(key.id.clone()));
            if is_laggard(key, used.and_then(|used| used.last_used), now) {
                laggards += 1;
            }
            let is_active = matches!(key.life.state(), State::Active { .. });
            if is_active && key.life.expires_at().since(now) < NOTICE {
                ending += 1;
            }
        }
        let changed = self.0.metrics.keys_are(&states, laggards, ending);
        if changed && (laggards > 0 || ending > 0) {
            tracing::warn!(
                laggards,
                ending,
                "keys need attention: `tocsin clients usage` lists old keys that are still used, and keys and secrets of webhooks that end soon"
            );
        }
    }
}
