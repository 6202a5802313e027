//! What a mortal store does about polled sources and imports.

use alloy::primitives::B256;
use async_trait::async_trait;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::import::{Batches, Imported, Imports};
use tocsin_store::look::{Look, LookCounts, Looks, NewLook, Usage};
use tocsin_store::response::{Archive, Archived, PutAway, Retention};

use super::Mortal;

#[async_trait]
impl<S: Imports> Imports for Mortal<S> {
    async fn import(&self, batches: &mut dyn Batches) -> Result<Imported, StoreError> {
        self.write("import", self.store.import(batches)).await
    }
}

#[async_trait]
impl<S: Archive> Archive for Mortal<S> {
    async fn response(&self, hash: B256) -> Result<Option<Archived>, StoreError> {
        self.store.response(hash).await
    }

    async fn put_away(&self, retention: &Retention<'_>) -> Result<PutAway, StoreError> {
        self.write("put_away", self.store.put_away(retention)).await
    }
}

#[async_trait]
impl<S: Looks> Looks for Mortal<S> {
    async fn add_looks(&self, looks: &[NewLook]) -> Result<(), StoreError> {
        self.write("add_looks", self.store.add_looks(looks)).await
    }

    async fn due_looks(
        &self,
        source: &SourceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError> {
        self.store.due_looks(source, now, limit).await
    }

    async fn next_due(&self, source: &SourceId) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due(source).await
    }

    async fn look(&self, source: &SourceId, subject: &Subject) -> Result<Option<Look>, StoreError> {
        self.store.look(source, subject).await
    }

    async fn count_looks(&self, source: &SourceId) -> Result<LookCounts, StoreError> {
        self.store.count_looks(source).await
    }

    async fn looks_for_a_person(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Look>, StoreError> {
        self.store.looks_for_a_person(source, after, limit).await
    }

    async fn open_subjects(
        &self,
        source: &SourceId,
        after: Option<&Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, StoreError> {
        self.store.open_subjects(source, after, limit).await
    }

    async fn attend(
        &self,
        source: &SourceId,
        subject: &Subject,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write("attend", self.store.attend(source, subject, due_at))
            .await
    }

    async fn usage(&self, source: &SourceId, since: i64) -> Result<Vec<Usage>, StoreError> {
        self.store.usage(source, since).await
    }
}
