//! Covers and the risks under them.

use async_trait::async_trait;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::risk::{Risk, Stream};

use crate::StoreError;

/// A cover as stored: its canonical terms are the truth, the rest is for finding it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoverRecord {
    /// keccak-256 of the canonical terms.
    pub terms_hash: TermsHash,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// RFC 8785 JSON of the cover as written.
    pub canonical_terms: String,
}

/// A risk and what its inputs listen to, in the order of the cover's inputs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskRecord {
    /// The risk.
    pub risk: Risk,
    /// One stream per input of the cover.
    pub streams: Vec<Stream>,
    /// The state of its evaluation when nothing has been observed yet, in the evaluator's own form.
    pub initial_state: Vec<u8>,
}

/// Covers and risks.
#[async_trait]
pub trait Covers: Send + Sync {
    /// Adds a cover and risks under it; what is stored already must be identical (an existing risk keeps its state, also
    /// where a newer evaluator would begin with another one).
    /// Terms never change: another document under the same name and version is a [`StoreError::Conflict`].
    async fn add_cover(&self, cover: &CoverRecord, risks: &[RiskRecord]) -> Result<(), StoreError>;

    /// Every cover, by name and version.
    async fn covers(&self) -> Result<Vec<CoverRecord>, StoreError>;

    /// One cover.
    async fn cover(&self, terms: TermsHash) -> Result<Option<CoverRecord>, StoreError>;

    /// One risk.
    async fn risk(&self, id: RiskId) -> Result<Option<RiskRecord>, StoreError>;
}
