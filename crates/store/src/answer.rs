//! Answers to writes that were asked for under a key, so that asking again gives the same answer and has no second effect.
//!
//! The answer is stored in the transaction of its effect: whoever finds none may be sure that nothing was done.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::log::AuditEntry;

/// What was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Who asked; keys of different callers are different keys.
    pub caller: String,
    /// The key.
    pub key: String,
    /// The hash of what was asked.
    pub request: B256,
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

/// What stays of a write besides its effect.
#[derive(Clone, PartialEq, Debug)]
pub struct Written {
    /// What is answered.
    pub answer: Answer,
    /// Who did what.
    pub audit: AuditEntry,
}

/// Answers.
#[async_trait]
pub trait Answers: Send + Sync {
    /// What was answered under a key.
    async fn answer(&self, caller: &str, key: &str) -> Result<Option<Answer>, StoreError>;

    /// Keeps an answer to a write that had nothing to change. [`StoreError::Conflict`] where its key has one already.
    async fn add_answer(&self, answer: &Answer) -> Result<(), StoreError>;

    /// Forgets the answers from before an instant, at most 1,000, and says how many.
    async fn forget_answers(&self, before: Timestamp) -> Result<u64, StoreError>;
}
