//! Events and webhooks, which a mortal store writes until it dies.

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::event::{Event, Events, Kept, NewEvent, Seq};
use tocsin_store::webhook::lane::{
    Backlog, DeadLetter, Lane, LaneId, Record, RecordId, Replay, Settlement,
};
use tocsin_store::webhook::{
    Endpoint, EndpointId, NewEndpoint, Profile, Scheme, SecretRecord, Standing, Webhooks,
};

use super::Mortal;

#[async_trait]
impl<S: Events> Events for Mortal<S> {
    async fn events_after(&self, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.store.events_after(after, limit).await
    }

    async fn events_kept(&self) -> Result<Kept, StoreError> {
        self.store.events_kept().await
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
        endpoint: &NewEndpoint,
        scheme: Scheme,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let write = self.store.add_endpoint(endpoint, scheme, at_most);
        self.write("add_endpoint", write).await
    }

    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        self.store.endpoints().await
    }

    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.store.endpoint(id).await
    }

    async fn change_endpoint(&self, id: EndpointId, profile: &Profile) -> Result<(), StoreError> {
        let write = self.store.change_endpoint(id, profile);
        self.write("change_endpoint", write).await
    }

    async fn set_standing(&self, id: EndpointId, standing: &Standing) -> Result<(), StoreError> {
        let write = self.store.set_standing(id, standing);
        self.write("set_standing", write).await
    }

    async fn remove_endpoint(&self, id: EndpointId) -> Result<(), StoreError> {
        self.write("remove_endpoint", self.store.remove_endpoint(id))
            .await
    }

    async fn add_secret(
        &self,
        id: EndpointId,
        scheme: Scheme,
        at: Timestamp,
        others_end: Timestamp,
    ) -> Result<SecretRecord, StoreError> {
        let write = self.store.add_secret(id, scheme, at, others_end);
        self.write("add_secret", write).await
    }

    async fn secrets(
        &self,
        id: EndpointId,
        at: Timestamp,
    ) -> Result<Vec<SecretRecord>, StoreError> {
        self.store.secrets(id, at).await
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
    ) -> Result<LaneId, StoreError> {
        let write = self.store.replay(id, replay, at_most);
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
