//! Warnings: losses that blocks show which are not final yet. They are never signed.
//!
//! A warning stands until the loss is determined, which confirms it, or until its block is no longer on the chain or the
//! loss no longer follows, which withdraws it. At most one stands for each loss event.

use core::fmt;

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::{RiskId, TermsHash};
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// Which warning; later ones have greater numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WarningId(pub u64);

impl fmt::Display for WarningId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A loss that may come to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewWarning {
    /// The risk.
    pub risk: RiskId,
    /// Its terms.
    pub terms_hash: TermsHash,
    /// Its subject.
    pub subject: String,
    /// The number that the loss event would have.
    pub ordinal: u32,
    /// When the breach began.
    pub occurred_at: Timestamp,
    /// When the terms made it count.
    pub confirmed_at: Timestamp,
    /// The part of the sum insured, or why it is not known; `None` while it has not settled.
    pub payout: Option<Result<Decimal, Unknown>>,
    /// The chain, by its CAIP-2 identifier.
    pub chain: String,
    /// The newest block that is not final and that it rests on.
    pub block: u64,
    /// That block's hash.
    pub block_hash: B256,
}

/// A warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Its number.
    pub id: WarningId,
    /// What it says.
    pub warning: NewWarning,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When and how it ended; `None` while it stands.
    pub ended: Option<(Timestamp, Ending)>,
}

/// How a warning ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The loss did not come to be.
    Withdrawn,
    /// The loss was determined.
    Confirmed,
}

/// What changes among the warnings: first some are withdrawn, then some are raised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WarningChange {
    /// Those that no longer hold.
    pub withdraw: Vec<WarningId>,
    /// New ones.
    pub raise: Vec<NewWarning>,
    /// When.
    pub at: Timestamp,
}

/// Warnings.
#[async_trait]
pub trait Warnings: Send + Sync {
    /// The warnings that stand, of one chain or of all, by (risk, ordinal).
    async fn standing(&self, chain: Option<&str>) -> Result<Vec<Warning>, StoreError>;

    /// Withdraws and raises, all or nothing; returns the numbers of what was raised, in order. One that has ended stays as
    /// it ended, and one that stands already, saying the same, is not raised again but keeps its number.
    ///
    /// [`StoreError::Missing`] where a warning or a risk is not stored, [`StoreError::Conflict`] where one that says
    /// something else stands for the same loss event (withdraw it in the same change), [`StoreError::Stale`] where the loss
    /// event has been determined meanwhile, [`StoreError::Refused`] where one is not valid in itself.
    async fn change_warnings(&self, change: &WarningChange) -> Result<Vec<WarningId>, StoreError>;

    /// The newest warnings first, of those before `before`, at most `limit`.
    async fn warnings(
        &self,
        before: Option<WarningId>,
        limit: u32,
    ) -> Result<Vec<Warning>, StoreError>;
}
