//! The eligibility log. Its writes are not numbered: when they happen is up to a timer.

use async_trait::async_trait;
use serde_json::Value;
use tocsin_domain::claim::Claim;
use tocsin_domain::time::Timestamp;
use tocsin_log::TileId;
use tocsin_store::StoreError;
use tocsin_store::log::{
    Appended, Appending, Audit, AuditEntry, Discrepancy, Doubt, Leaf, Log, Origin,
    StoredCheckpoint, Tree,
};

use super::Mortal;

#[async_trait]
impl<S: Log> Log for Mortal<S> {
    async fn append(&self, appending: &Appending<'_>) -> Result<Appended, StoreError> {
        self.unnumbered("append", self.store.append(appending))
            .await
    }

    async fn tree(&self) -> Result<Tree, StoreError> {
        self.store.tree().await
    }

    async fn leaves(&self, first: u64, limit: u32) -> Result<Vec<Leaf>, StoreError> {
        self.store.leaves(first, limit).await
    }

    async fn leaves_about(
        &self,
        subject: &str,
        kind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Leaf>, StoreError> {
        self.store.leaves_about(subject, kind, limit).await
    }

    async fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.tile(id).await
    }

    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let write = self.store.put_checkpoint(checkpoint);
        self.unnumbered("put_checkpoint", write).await
    }

    async fn checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.store.checkpoint().await
    }

    async fn checkpoint_with(&self, index: u64) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.store.checkpoint_with(index).await
    }

    async fn logged(&self, claims: Vec<Claim>) -> Result<Vec<Claim>, StoreError> {
        self.store.logged(claims).await
    }

    async fn compare(&self, limit: u32) -> Result<Vec<Discrepancy>, StoreError> {
        self.store.compare(limit).await
    }

    async fn doubts(&self, limit: u32) -> Result<Vec<Doubt>, StoreError> {
        self.store.doubts(limit).await
    }

    async fn settle_doubts(&self, now: Timestamp) -> Result<Vec<Doubt>, StoreError> {
        self.store.settle_doubts(now).await
    }

    async fn hold(&self, reason: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        self.store.hold(reason, now).await
    }

    async fn origin(&self) -> Result<Option<Origin>, StoreError> {
        self.store.origin().await
    }

    async fn begin_origin(
        &self,
        verifier: &str,
        told: Option<&Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.begin_origin(verifier, told, now).await
    }
}

#[async_trait]
impl<S: Audit> Audit for Mortal<S> {
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.store.record(entries).await
    }
}
