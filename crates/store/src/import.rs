//! Policies in bulk: any number of them, with the risks that they need, all or none.

use async_trait::async_trait;
use tocsin_domain::ids::PolicyId;
use tocsin_domain::policy::Policy;

use crate::StoreError;
use crate::answer::Written;
use crate::cover::RiskRecord;
use crate::look::NewLook;

/// Some policies, and what they need. What is stored already, or comes twice, is fine if it is the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    /// Risks, under covers that are stored.
    pub risks: Vec<RiskRecord>,
    /// What is to be asked of polled sources for them.
    pub looks: Vec<NewLook>,
    /// Policies, on these risks, those of earlier batches, or stored ones.
    pub policies: Vec<Policy>,
}

/// A policy that cannot be added, because another one of the same number and consumer is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clash {
    /// Which.
    pub policy: PolicyId,
    /// Its place among the policies of the batch.
    pub place: usize,
    /// The one that is there.
    pub stored: Policy,
}

/// What comes next in an import.
#[derive(Debug)]
pub enum Next {
    /// More.
    Add(Batch),
    /// That was all, and it is to stay.
    Keep,
    /// The same, with what is answered to whoever asked for it, and who that was: all of it stays, or nothing.
    KeepAnswered(Box<Written>),
    /// Nothing of it is to stay.
    Discard,
}

/// Gives the batches of an import, one after the other.
pub trait Batches: Send {
    /// The next one, given what of the last one cannot be added. What follows then is added to find more of what is wrong,
    /// and an import with clashes is never kept.
    fn next(&mut self, clashes: &[Clash]) -> Next;
}

/// What an import did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Whether it stays.
    pub kept: bool,
    /// Risks that are new.
    pub risks: u64,
    /// Policies that are new.
    pub policies: u64,
}

/// Imports.
#[async_trait]
pub trait Imports: Send + Sync {
    /// Adds what `batches` gives, in one transaction. [`StoreError::Missing`] where a cover or a risk is not stored,
    /// [`StoreError::Conflict`] where a risk differs from the stored one, [`StoreError::Refused`] where something is not valid
    /// in itself. [`StoreError::Conflict`] also where the key of an answer has one already; nothing is added then. New risks that listen to something closed are due for evaluation at once.
    async fn import(&self, batches: &mut dyn Batches) -> Result<Imported, StoreError>;
}
