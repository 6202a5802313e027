//! Covers that clients declared while the service ran.
//!
//! A declaration says from when on its cover is evaluated. That instant is stored once and never computed anew: it is after
//! the declaration, so that nothing counts which was known when the terms were written.

use async_trait::async_trait;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;

use crate::StoreError;
use crate::answer::Written;
use crate::cover::{CoverRecord, RiskRecord};
use crate::look::NewLook;

/// A cover that came into force by the word of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// The cover.
    pub cover: CoverRecord,
    /// From when on it is evaluated: later than `declared_at`.
    pub evaluate_from: Timestamp,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// By whom.
    pub declared_by: String,
}

/// A declaration with all that comes into being with it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewDeclaration {
    /// The declaration.
    pub declaration: Declaration,
    /// Its risks that need no policy.
    pub risks: Vec<RiskRecord>,
    /// What is to be asked of polled sources for them.
    pub looks: Vec<NewLook>,
    /// What is answered, and who asked.
    pub written: Written,
}

/// Declarations.
#[async_trait]
pub trait Declarations: Send + Sync {
    /// Adds a declaration and what belongs to it, all or nothing. [`StoreError::Conflict`] where its cover is stored already,
    /// where another document has its name and version, or where the key of the answer has one.
    async fn declare(&self, new: &NewDeclaration) -> Result<(), StoreError>;

    /// The declaration of a cover; `None` where nobody declared it.
    async fn declaration(&self, terms: TermsHash) -> Result<Option<Declaration>, StoreError>;

    /// Those after a place in their order (0: all of them), each with its place, at most `limit`.
    async fn declarations(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Declaration)>, StoreError>;
}
