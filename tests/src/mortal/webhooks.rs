//! Events and webhooks, which a mortal store writes until it dies.

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::event::{Event, Events, Kept, NewEvent, Seq};
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::lane::{
    AnswerOf, Backlog, DeadLetter, Lane, LaneId, Record, RecordId, Replay, Settlement,
};
use tocsin_store::webhook::{Endpoint, EndpointId, Profile, Registration, Standing, Webhooks};

use super::Mortal;

#[async_trait]
impl<S: Events> Events for Mortal<S> {
    async fn events_after(&self, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.store.events_after(after, limit).await
    }

    async fn events_kept(&self) -> Result<Kept, StoreError> {
        self.store.events_kept().await
    }

    async fn published(&self, heard: u64) -> u64 {
        self.store.published(heard).await
    }

    async fn publish(&self, events: &[NewEvent]) -> Result<Seq, StoreError> {
        self.write("publish", self.store.publish(events)).await
    }

    async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        // Housekeeping: no step of a claim, and every life begins with it.
        self.store.forget_events(before, limit).await
    }
}

#[async_trait]
impl<S: Webhooks> Webhooks for Mortal<S> {
    async fn add_endpoint(
        &self,
        registration: &Registration,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let write = self.store.add_endpoint(registration, at_most);
        self.write("add_endpoint", write).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.store.endpoints().await
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.store.endpoint(id).await
    }

    async fn change_endpoint(
        &self,
        id: EndpointId,
        profile: &Profile,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let write = self.store.change_endpoint(id, profile, audit);
        self.write("change_endpoint", write).await
    }

    async fn set_standing(
        &self,
        id: EndpointId,
        standing: &Standing,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let write = self.store.set_standing(id, standing, audit);
        self.write("set_standing", write).await
    }

    async fn remove_endpoint(&self, id: EndpointId, audit: &AuditEntry) -> Result<(), StoreError> {
        let write = self.store.remove_endpoint(id, audit);
        self.write("remove_endpoint", write).await
    }

    async fn due_lanes(&self, at: Timestamp) -> Result<Vec<LaneId>, StoreError> {
        self.store.due_lanes(at).await
    }

    async fn lane(&self, id: LaneId) -> Result<Option<(Endpoint, Lane)>, StoreError> {
        self.store.lane(id).await
    }

    async fn lane_events(&self, lane: &Lane, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.store.lane_events(lane, limit).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        self.write("settle", self.store.settle(settlements)).await
    }

    async fn lanes(&self, id: EndpointId) -> Result<Vec<Lane>, StoreError> {
        self.store.lanes(id).await
    }

    async fn replay(
        &self,
        id: EndpointId,
        replay: &Replay,
        at_most: u32,
        audit: &AuditEntry,
        answer: Option<AnswerOf<'_>>,
    ) -> Result<LaneId, StoreError> {
        let write = self.store.replay(id, replay, at_most, audit, answer);
        self.write("replay", write).await
    }

    async fn deliveries_to(
        &self,
        id: EndpointId,
        before: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        self.store.deliveries_to(id, before, limit).await
    }

    async fn dead_letters(
        &self,
        id: EndpointId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.store.dead_letters(id, after, limit).await
    }

    async fn webhook_backlogs(&self) -> Result<Vec<(EndpointId, Backlog)>, StoreError> {
        self.store.webhook_backlogs().await
    }
}
