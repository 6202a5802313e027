//! The archive of raw responses: what polled sources sent, byte by byte, under the hash that observations name.
//!
//! A response goes when it is older than its source is archived for and nothing that may still be claimed rests on it.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::{Seconds, Timestamp};

use crate::StoreError;

/// A response of a polled source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// keccak-256 of the body.
    pub hash: B256,
    /// The body, as it was when nothing compressed it any more.
    pub body: Vec<u8>,
    /// Which source sent it.
    pub source: SourceId,
    /// What was asked, without keys.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// When it was complete.
    pub fetched_at: Timestamp,
    /// Hash of what decided how it was read.
    pub reading: B256,
}

/// A body in the archive, and how it came there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archived {
    /// The bytes.
    pub body: Vec<u8>,
    /// Who sent it, by source, address and time.
    pub fetches: Vec<Fetch>,
}

/// The same bytes from the same address, read in the same way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// Which source sent them.
    pub source: SourceId,
    /// What was asked, without keys.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// When they came first.
    pub first_at: Timestamp,
    /// When they came last.
    pub last_at: Timestamp,
    /// Hash of what decided how they were read.
    pub reading: B256,
}

/// Until when claims can be made under some terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// The terms.
    pub terms: TermsHash,
    /// How long after its confirmation a claim can be made; `None` where that never ends.
    pub claims: Option<Seconds>,
}

/// What may be put away, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retention<'a> {
    /// Now.
    pub now: Timestamp,
    /// Those of every cover. What rests on terms that are not here is kept.
    pub deadlines: &'a [Deadline],
    /// Responses of these sources may go when they came last before the given time.
    pub sources: &'a [(SourceId, Timestamp)],
    /// At most so many risks, and so many responses.
    pub limit: u32,
}

/// What was put away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PutAway {
    /// Risks that are not evaluated any more.
    pub risks: u64,
    /// Responses that are gone.
    pub responses: u64,
}

/// The archive. Responses come into it with a [`crate::step::Step`].
#[async_trait]
pub trait Archive: Send + Sync {
    /// One response; `None` where it never was there, or is gone.
    async fn response(&self, hash: B256) -> Result<Option<Archived>, StoreError>;

    /// Archives risks that are over, and removes responses that nothing needs.
    ///
    /// A risk is over when everything that it listens to is [`crate::look::LookState::Over`] and was evaluated, it has
    /// policies, all of them have expired and their time to claim has passed (at once, where the terms give none), and
    /// no claim is to be decided and no observation to be evaluated. It is not evaluated any more and stays readable; a new policy on it brings it back.
    ///
    /// A response goes when it is old enough, no open look remembers it, and every observation that names it belongs to
    /// archived risks alone, whose claims can no longer be made. Under terms without a deadline they always can.
    async fn put_away(&self, retention: &Retention<'_>) -> Result<PutAway, StoreError>;
}
