//! Webhooks: who is told is in `endpoints`, how far each was told in `lanes`, what happened on the way in `records`.

mod endpoints;
mod lanes;
mod records;
mod settle;

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::event::{Event, Seq};
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::lane::{
    AnswerOf, Backlog, DeadLetter, Lane, LaneId, Record, RecordId, Replay, Settlement,
};
use tocsin_store::webhook::{Endpoint, EndpointId, Profile, Registration, Standing, Webhooks};

use crate::store::SqliteStore;

const NOUN: &str = "webhook endpoint";

#[async_trait]
impl Webhooks for SqliteStore {
    async fn add_endpoint(
        &self,
        registration: &Registration,
        at_most: u32,
    ) -> Result<(), StoreError> {
        endpoints::add(self, registration, at_most).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        endpoints::all(self).await
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        endpoints::by_id(self, id).await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        profile: &Profile,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        endpoints::change_profile(self, id, profile, audit).await
    }

    async fn set_standing(
        &self,
        id: EndpointId,
        standing: &Standing,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        endpoints::stand(self, id, standing, audit).await
    }

    async fn remove_endpoint(&self, id: EndpointId, audit: &AuditEntry) -> Result<(), StoreError> {
        endpoints::remove(self, id, audit).await
    }

    async fn due_lanes(&self, at: Timestamp) -> Result<Vec<LaneId>, StoreError> {
        lanes::due(self, at).await
    }

    async fn lane(&self, id: LaneId) -> Result<Option<(Endpoint, Lane)>, StoreError> {
        lanes::one(self, id).await
    }

    async fn lane_events(&self, lane: &Lane, limit: u32) -> Result<Vec<Event>, StoreError> {
        lanes::events(self, lane, limit).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        settle::all(self, settlements).await
    }

    async fn lanes(&self, id: EndpointId) -> Result<Vec<Lane>, StoreError> {
        lanes::of(self, id).await
    }

    async fn replay(
        &self,
        id: EndpointId,
        replay: &Replay,
        at_most: u32,
        audit: &AuditEntry,
        answer: Option<AnswerOf<'_>>,
    ) -> Result<LaneId, StoreError> {
        lanes::replay(self, id, replay, at_most, audit, answer).await
    }

    async fn deliveries_to(
        &self,
        id: EndpointId,
        before: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        records::of(self, id, before, limit).await
    }

    async fn dead_letters(
        &self,
        id: EndpointId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        records::dead(self, id, after, limit).await
    }

    async fn webhook_backlogs(&self) -> Result<Vec<(EndpointId, Backlog)>, StoreError> {
        lanes::backlogs(self).await
    }
}
