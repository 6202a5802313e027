//! What passes between a feed and whoever schedules it: looks that are due, and what was seen.

use alloy::primitives::B256;
use bytes::Bytes;
use serde_json::Value as Json;
use tocsin_domain::observation::{Observation, Subject};
use tocsin_domain::time::Timestamp;

use super::Trouble;

/// A look at one subject, which is due.
#[derive(Clone, PartialEq, Debug)]
pub struct Look {
    /// What is looked at.
    pub subject: Subject,
    /// When it was to be looked at. A failure that outlasts the feed's patience is an observation without value at this
    /// time, so the first look of a subject is due when it is scheduled, not at the beginning of time.
    pub due_at: Timestamp,
    /// How far the subject is known; `None` before its first look.
    pub watermark: Option<Timestamp>,
    /// What [`Seen::memory`] was after its last look.
    pub memory: Option<Json>,
}

/// Looks that one request to the provider answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// At least one.
    pub(crate) looks: Vec<Look>,
    /// What the template of the address is filled with; or why the looks' subject cannot be asked about.
    pub(crate) fields: Result<Vec<(String, String)>, String>,
}

impl Request {
    /// The looks that it answers.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }
}

/// What came of a request: never an error, as a failure is something that was seen.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// What the provider sent, page by page; nothing where it did not answer, or answered that nothing changed.
    pub responses: Vec<RawResponse>,
    /// One for each look of the request, in their order.
    pub seen: Vec<Seen>,
}

/// One HTTP response, as it is archived.
#[derive(Clone, PartialEq, Debug)]
pub struct RawResponse {
    /// keccak-256 of the body.
    pub hash: B256,
    /// The body, decompressed.
    pub body: Bytes,
    /// What was asked, without keys.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// When it was complete, by our clock.
    pub fetched_at: Timestamp,
}

/// What a look saw, to be stored in one transaction.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// What was looked at.
    pub subject: Subject,
    /// In the order of their times, all of them after the look's watermark and none after the new one.
    pub observations: Vec<Observation>,
    /// How far the subject is known now: never earlier than before. `None` where it still is not known at all.
    pub watermark: Option<Timestamp>,
    /// What is to be done next.
    pub next: Next,
    /// What the feed wants to be told at the next look; kept as it is.
    pub memory: Json,
    /// What was wrong. An observation without value has its reason here.
    pub troubles: Vec<Trouble>,
    /// Whether there was no answer for longer than there is patience: what was known of the subject is not known any more.
    pub is_silent: bool,
}

/// What is to be done about a subject after a look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// The next look is due then.
    At(Timestamp),
    /// Everything is known that ever will be.
    Over,
    /// The feed cannot find out; why, and what a person should look at.
    NeedsPerson(String),
}
