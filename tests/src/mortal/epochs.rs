//! Epochs.

use alloy::primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::Epoch;
use tocsin_store::StoreError;
use tocsin_store::epoch::{EpochOrigin, Epochs};

use super::Mortal;

#[async_trait]
impl<S: Epochs> Epochs for Mortal<S> {
    async fn put_epochs(
        &self,
        domain_separator: B256,
        origin: EpochOrigin,
        epochs: &[Epoch],
    ) -> Result<(), StoreError> {
        let write = self.store.put_epochs(domain_separator, origin, epochs);
        self.write("put_epochs", write).await
    }

    async fn epochs(&self, domain_separator: B256) -> Result<Vec<Epoch>, StoreError> {
        self.store.epochs(domain_separator).await
    }

    async fn epoch(
        &self,
        domain_separator: B256,
        number: u32,
    ) -> Result<Option<Epoch>, StoreError> {
        self.store.epoch(domain_separator, number).await
    }
}
