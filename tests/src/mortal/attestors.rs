//! The life of attestors' keys.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use tocsin_auth::LifeCycle;
use tocsin_domain::attestation::EpochNotice;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestor::{AttestorChange, Attestors, Place, PlaceUse, SignerFailures};

use super::Mortal;

#[async_trait]
impl<S: Attestors> Attestors for Mortal<S> {
    async fn epoch_lives(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<u32, LifeCycle>, StoreError> {
        self.store.epoch_lives(domain_separator).await
    }

    async fn change_attestors(
        &self,
        change: &AttestorChange,
    ) -> Result<Vec<(u32, EpochNotice)>, StoreError> {
        let write = self.store.change_attestors(change);
        self.write("change_attestors", write).await
    }

    async fn epoch_notices(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<(u32, EpochNotice), Timestamp>, StoreError> {
        self.store.epoch_notices(domain_separator).await
    }

    async fn attestor_uses(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Place, PlaceUse>, StoreError> {
        self.store.attestor_uses(domain_separator).await
    }

    async fn signer_failures(
        &self,
        domain_separator: B256,
    ) -> Result<BTreeMap<Address, SignerFailures>, StoreError> {
        self.store.signer_failures(domain_separator).await
    }
}
