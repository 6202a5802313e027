//! Keys.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tocsin_auth::check::NonceUse;
use tocsin_auth::nonce::NonceHash;
use tocsin_auth::seal::Sealed;
use tocsin_auth::{KeyId, UnixTime};
use tocsin_store::StoreError;
use tocsin_store::answer::Answer;
use tocsin_store::credential::{
    Client, Credential, CredentialChange, Credentials, Owner, Proposal, Usage, Uses,
};
use tocsin_store::log::AuditEntry;

use super::Mortal;

#[async_trait]
impl<S: Credentials> Credentials for Mortal<S> {
    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.store.clients().await
    }

    async fn change_credentials(&self, change: &CredentialChange) -> Result<(), StoreError> {
        let write = self.store.change_credentials(change);
        self.write("change_credentials", write).await
    }

    async fn reseal(&self, id: &KeyId, from: &Sealed, to: &Sealed) -> Result<(), StoreError> {
        self.write("reseal", self.store.reseal(id, from, to)).await
    }

    async fn credential(&self, id: &KeyId) -> Result<Option<Credential>, StoreError> {
        self.store.credential(id).await
    }

    async fn credentials_of(&self, owner: &Owner) -> Result<Vec<Credential>, StoreError> {
        self.store.credentials_of(owner).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        self.store.credentials().await
    }

    async fn use_nonce(
        &self,
        key: &KeyId,
        nonce: NonceHash,
        keep_until: UnixTime,
        now: UnixTime,
    ) -> Result<NonceUse, StoreError> {
        let write = self.store.use_nonce(key, nonce, keep_until, now);
        self.write("use_nonce", write).await
    }

    async fn count_uses(&self, uses: &[Uses]) -> Result<Vec<(KeyId, String)>, StoreError> {
        self.write("count_uses", self.store.count_uses(uses)).await
    }

    async fn credential_uses(&self) -> Result<BTreeMap<Option<KeyId>, Usage>, StoreError> {
        self.store.credential_uses().await
    }

    async fn propose(
        &self,
        proposal: &Proposal,
        audit: &AuditEntry,
        answer: Option<&Answer>,
    ) -> Result<(), StoreError> {
        let write = self.store.propose(proposal, audit, answer);
        self.write("propose", write).await
    }

    async fn proposals(&self, now: UnixTime) -> Result<Vec<Proposal>, StoreError> {
        self.store.proposals(now).await
    }

    async fn proposal(&self, id: [u8; 16], now: UnixTime) -> Result<Option<Proposal>, StoreError> {
        self.store.proposal(id, now).await
    }
}
