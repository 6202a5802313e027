//! Events: everything that somebody outside may want to hear of, in the one order in which it was recorded.
//!
//! An event is written in the transaction that makes it true, so that there is no fact without its event and no event
//! without its fact. Numbers only rise, in the order of commits, and none is given twice; whoever remembers the last one
//! that it has seen misses nothing by asking for what follows. Events are forgotten when they are old.

use core::fmt;

use alloy_primitives::Address;
use async_trait::async_trait;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// The place of an event among all; the first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every kind of event. Others may come.
pub const KINDS: [&str; 29] = [
    "cover",
    "declaration",
    "risk",
    "policy",
    "determination",
    "claim",
    "attestation",
    "withdrawal",
    "standing",
    "epoch",
    "halt",
    "coverage",
    "look",
    "outcome",
    "client",
    "key",
    "proposal",
    "webhook",
    "audit",
    "doubt",
    "origin",
    "warning.raised",
    "warning.withdrawn",
    "warning.confirmed",
    "attestor.state",
    "attestor.ending",
    "attestor.unsucceeded",
    "attestor.lagging",
    "webhook.disabled",
];

/// Something that has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// What kind of thing: names of small letters, digits and `_`, separated by full stops.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// The terms that it is about, for those who want to hear of some only.
    pub terms: Option<TermsHash>,
    /// The policy holder that it is about, likewise.
    pub holder: Option<Address>,
    /// All about it: a JSON object.
    pub body: String,
}

/// An event in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its place.
    pub seq: Seq,
    /// What happened.
    pub event: NewEvent,
}

/// The events that are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// Those up to this one are forgotten.
    pub forgotten: Seq,
    /// The newest that there ever was; 0 before the first.
    pub last: Seq,
}

/// Events.
#[async_trait]
pub trait Events: Send + Sync {
    /// What follows `after`, in order, at most `limit`.
    async fn events_after(&self, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Which events there are.
    async fn events_kept(&self) -> Result<Kept, StoreError>;

    /// Waits until this process has committed events after it had done so `heard` times, and says how often it has by now. Of
    /// other processes nothing is heard: what they commit shows in the [`Version`](crate::version::Version).
    async fn published(&self, heard: u64) -> u64;

    /// Publishes what no other write brings along, and returns the number of the last; [`StoreError::Refused`], for all
    /// of them, where one is not valid in itself.
    async fn publish(&self, events: &[NewEvent]) -> Result<Seq, StoreError>;

    /// Forgets the oldest events of before `before`, at most `limit`, with their dead letters and what is known of their
    /// deliveries; says how many. One that an active webhook endpoint has yet to be told is kept, and so is what follows.
    async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
