//! What waits for the stages.

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;

use crate::StoreError;

/// What waits in one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Waiting {
    /// How much.
    pub count: u64,
    /// Since when the oldest of it does.
    pub oldest: Option<Timestamp>,
}

/// What waits for each stage of the pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Determinations whose policies have no claims yet, since they were confirmed.
    pub determinations: Waiting,
    /// Eligible claims without an attestation, since their losses were confirmed.
    pub claims: Waiting,
    /// Attestations that are queued to be delivered or on their way, since they were made.
    pub deliveries: Waiting,
}

/// Knows what waits.
#[async_trait]
pub trait Backlogs {
    /// What waits now.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}
