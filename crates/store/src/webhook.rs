//! Webhooks: who is told of events, and how far each has been told. Their secrets are credentials: there is one life cycle.
//!
//! What somebody does to an endpoint is said in the log by the transaction that does it.
//!
//! An endpoint is told by lanes. Its live lane begins with the events after its registration and never ends; a replay
//! lane goes over a range once more. Each lane keeps the order of events: its cursor is the last event that it is done
//! with, because the endpoint took it, does not want it, or failed to take it for so long that it became a dead letter.
//! What has been promised is in the lane's row, so that whoever finds it after a crash goes on from there.

pub mod lane;

use core::fmt;
use core::str::FromStr;

use alloy_primitives::{Address, FixedBytes, hex};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;

use self::lane::{
    AnswerOf, Backlog, DeadLetter, Lane, LaneId, Record, RecordId, Replay, Settlement,
};
use crate::StoreError;
use crate::answer::Answer;
use crate::credential::{Credential, Owner};
use crate::event::{Event, KINDS, NewEvent, Seq};
use crate::log::AuditEntry;

/// Which endpoint: 16 random bytes, written `wh_` and 32 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EndpointId(pub FixedBytes<16>);

impl EndpointId {
    /// As whom its secrets know it.
    pub fn owner(self) -> Owner {
        Owner::Webhook(self.into())
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wh_{}", hex::encode(self.0))
    }
}

/// A text is not the identifier of an endpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not an endpoint's id: write wh_ and 32 hexadecimal digits")]
pub struct NotAnEndpoint(String);

impl FromStr for EndpointId {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        let wrong = || NotAnEndpoint(text.to_owned());
        let digits = text.strip_prefix("wh_").ok_or_else(wrong)?;
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_not_hex| wrong())?;
        Ok(Self(FixedBytes(bytes)))
    }
}

/// Which events an endpoint wants. A list that is empty does not ask.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Kinds; one that ends in `.*` stands for all that begin like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Covers. An event that is about none is not wanted by who asks for some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermsHash>,
    /// Policy holders, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Address>,
}

impl Filter {
    /// A kind that it names, and that no event has: it would be told of nothing.
    pub fn unknown_kind(&self) -> Option<&str> {
        let unknown = |wanted: &&String| !KINDS.iter().any(|kind| names(wanted, kind));
        self.kinds.iter().find(unknown).map(String::as_str)
    }

    /// Whether it lets an event pass.
    pub fn wants(&self, event: &NewEvent) -> bool {
        let kind = |wanted: &String| names(wanted, &event.kind);
        (self.kinds.is_empty() || self.kinds.iter().any(kind))
            && wanted(&self.terms, event.terms.as_ref())
            && wanted(&self.holders, event.holder.as_ref())
    }
}

/// Whether a word of a filter stands for a kind.
fn names(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix(".*") {
        None => kind == wanted,
        Some(beginning) => kind
            .strip_prefix(beginning)
            .is_some_and(|rest| rest.starts_with('.')),
    }
}

fn wanted<T: PartialEq>(list: &[T], of: Option<&T>) -> bool {
    list.is_empty() || of.is_some_and(|of| list.contains(of))
}

/// What an endpoint's owner says of it, and may change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Where it is told.
    pub url: String,
    /// For people.
    pub description: String,
    /// What it wants.
    pub filter: Filter,
}

/// An endpoint to be registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEndpoint {
    /// Its name.
    pub id: EndpointId,
    /// What its owner says of it.
    pub profile: Profile,
    /// The client that registered it, where clients are known.
    pub client: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// Whether an endpoint is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is.
    Active,
    /// Its owner wants it to wait.
    Paused,
    /// It failed for too long, or said that it is gone; its owner has to make it active again.
    Disabled {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
}

/// An endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// As it was registered, with what was changed since.
    pub endpoint: NewEndpoint,
    /// Whether it is told.
    pub standing: Standing,
}

/// A registration: all of it becomes true at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The endpoint.
    pub endpoint: NewEndpoint,
    /// Its first secret.
    pub secret: Credential,
    /// Who registers it, for the log.
    pub audit: AuditEntry,
    /// What whoever asked with a key of their choice is answered, now and again.
    pub answer: Option<Answer>,
}

/// Webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Registers an endpoint, with its first secret and a live lane that begins after the newest event. [`StoreError::Refused`]
    /// where there are `at_most` already, or it is not valid in itself; [`StoreError::Conflict`] where the answer's key has an
    /// answer.
    async fn add_endpoint(
        &self,
        registration: &Registration,
        at_most: u32,
    ) -> Result<(), StoreError>;

    /// Every endpoint, by id.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;

    /// One endpoint.
    async fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>, StoreError>;

    /// Replaces what its owner says of an endpoint. What is told from then on follows the new filter.
    async fn change_endpoint(
        &self,
        id: EndpointId,
        profile: &Profile,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Lets an endpoint be told, or not. Where it becomes active, its lanes go on at once, as if nothing had failed yet.
    async fn set_standing(
        &self,
        id: EndpointId,
        standing: &Standing,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;

    /// Removes an endpoint with all that is known of it. Its secrets retire.
    async fn remove_endpoint(&self, id: EndpointId, audit: &AuditEntry) -> Result<(), StoreError>;

    /// The lanes of active endpoints that have something to do at `at`. Of an endpoint's replays only the oldest.
    async fn due_lanes(&self, at: Timestamp) -> Result<Vec<LaneId>, StoreError>;

    /// A lane with its endpoint, as they are now.
    async fn lane(&self, id: LaneId) -> Result<Option<(Endpoint, Lane)>, StoreError>;

    /// What a lane has yet to tell, in order, at most `limit`: all events that follow its cursor, or the dead letters.
    async fn lane_events(&self, lane: &Lane, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Writes down how far lanes have come, all or none. A lane that was removed meanwhile is passed over; one never goes
    /// back; a replay that has come to its end is gone.
    async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError>;

    /// The lanes of an endpoint, the live one first.
    async fn lanes(&self, id: EndpointId) -> Result<Vec<Lane>, StoreError>;

    /// Begins to go over a range once more, and keeps the answer that names its lane. [`StoreError::Refused`] where `at_most`
    /// replays wait already, or the range is empty; an answer whose key is taken is a [`StoreError::Conflict`].
    async fn replay(
        &self,
        id: EndpointId,
        replay: &Replay,
        at_most: u32,
        audit: &AuditEntry,
        answer: Option<AnswerOf<'_>>,
    ) -> Result<LaneId, StoreError>;

    /// What was told and what failed, the newest first, of before `before`.
    async fn deliveries_to(
        &self,
        id: EndpointId,
        before: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<(RecordId, Record)>, StoreError>;

    /// The dead letters of an endpoint after an event, in order.
    async fn dead_letters(
        &self,
        id: EndpointId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// How much waits for each endpoint, by id.
    async fn webhook_backlogs(&self) -> Result<Vec<(EndpointId, Backlog)>, StoreError>;
}
