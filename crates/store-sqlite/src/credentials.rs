//! Clients, keys and proposals.

pub(crate) mod change;
mod nonces;
mod proposals;
mod read;
mod rows;
mod usage;

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

pub(crate) use self::nonces::NonceQueue;
use crate::store::SqliteStore;

const NOUN: &str = "key";
const CHANGE: &str = "change keys";

#[async_trait]
impl Credentials for SqliteStore {
    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        read::clients(self).await
    }

    async fn change_credentials(&self, change: &CredentialChange) -> Result<(), StoreError> {
        change::all(self, change).await
    }

    async fn reseal(&self, id: &KeyId, from: &Sealed, to: &Sealed) -> Result<(), StoreError> {
        change::reseal(self, id, from, to).await
    }

    async fn credential(&self, id: &KeyId) -> Result<Option<Credential>, StoreError> {
        read::by_id(self, id).await
    }

    async fn credentials_of(&self, owner: &Owner) -> Result<Vec<Credential>, StoreError> {
        read::of(self, owner).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        read::all(self).await
    }

    async fn use_nonce(
        &self,
        key: &KeyId,
        nonce: NonceHash,
        keep_until: UnixTime,
        now: UnixTime,
    ) -> Result<NonceUse, StoreError> {
        nonces::take(self, key, nonce, keep_until, now).await
    }

    async fn count_uses(&self, uses: &[Uses]) -> Result<Vec<(KeyId, String)>, StoreError> {
        usage::count(self, uses).await
    }

    async fn credential_uses(&self) -> Result<BTreeMap<Option<KeyId>, Usage>, StoreError> {
        usage::read(self).await
    }

    async fn propose(
        &self,
        proposal: &Proposal,
        audit: &AuditEntry,
        answer: Option<&Answer>,
    ) -> Result<(), StoreError> {
        proposals::put(self, proposal, audit, answer).await
    }

    async fn proposals(&self, now: UnixTime) -> Result<Vec<Proposal>, StoreError> {
        proposals::open(self, now).await
    }

    async fn proposal(&self, id: [u8; 16], now: UnixTime) -> Result<Option<Proposal>, StoreError> {
        proposals::one(self, id, now).await
    }
}
