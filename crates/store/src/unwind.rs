//! Unwinding: what was read of a chain that took it back leaves the books, with all that followed from it.
//!
//! Afterwards the books are those of a service that had read no further than the mark; reading on gives those of one that
//! never saw what was taken back. One thing cannot be undone: a claim key that is reserved may have been signed for. Such
//! a claim is kept, with its determination, and reported, and its sources stay halted until a person has acknowledged it.

use async_trait::async_trait;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// The place that sources are taken back to: a block that was read and is still on the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Where reading goes on.
    pub cursor: SourceCursor,
    /// Everything that the sources say about times up to this one is in blocks up to the cursor.
    pub watermark: Timestamp,
}

/// A claim that outlived its evidence, because its key was reserved before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Kept {
    /// The risk.
    pub risk: RiskId,
    /// The loss event.
    pub ordinal: u32,
    /// The policy.
    pub policy: PolicyId,
}

/// The same, and whether somebody has looked at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptClaim {
    /// The claim.
    pub kept: Kept,
    /// When a person acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
}

/// What an unwinding did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unwound {
    /// The sources that were taken back, by name.
    pub sources: Vec<SourceId>,
    /// How many observations were removed.
    pub observations: u64,
    /// The risks that are evaluated from their beginning again, by id.
    pub risks: Vec<RiskId>,
    /// The determinations that were removed, by (risk, ordinal).
    pub determinations: Vec<(RiskId, u32)>,
    /// How many claims were removed.
    pub claims: u64,
    /// The claims that could not be removed, in order.
    pub kept: Vec<Kept>,
}

/// Unwinding.
#[async_trait]
pub trait Unwinds: Send + Sync {
    /// Takes sources back to the mark, or to their beginning: those of their observations that come from later blocks go,
    /// with what their coverage says of those; every risk that listens to a source that moved is evaluated from its
    /// beginning again; its determinations that settled after the mark go with their claims, unless one of the claims has a
    /// reservation. A determination with such a claim stays, without those of its claims that have none; until evaluation
    /// finds it again, or another one in its place, it makes no work: no claim is made for it and none is attested.
    ///
    /// A source that stands at the mark or before it stays there, and one that was only read from a later block on begins
    /// again. Determinations that were not removed are found again by evaluation, and accepted ([`crate::step::Steps::commit`]).
    ///
    /// [`StoreError::Refused`] where a source that would move is not halted, or where the mark contradicts what is stored.
    async fn unwind(&self, sources: &[SourceId], to: Option<&Mark>) -> Result<Unwound, StoreError>;

    /// The claims that unwindings kept and evaluation has not decided anew, in order.
    async fn kept(&self) -> Result<Vec<KeptClaim>, StoreError>;

    /// Records that a person has looked at claims that were kept; from then on what evaluation finds in the place of their
    /// determinations replaces these. The same again keeps the first time. [`StoreError::Missing`] where one was not kept.
    async fn acknowledge(&self, kept: &[Kept], at: Timestamp) -> Result<(), StoreError>;
}
