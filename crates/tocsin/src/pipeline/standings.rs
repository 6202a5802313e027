//! Standings: what the verifier says of claims, holds and revocations, is written down.
//!
//! Guarantee: what is written is the verifier's state in a final block. A claim that was revoked is not said again until a
//! person has allowed a corrected statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy::primitives::B256;
use tocsin_delivery::onchain::{ClaimStatus, Submitter};
use tocsin_domain::attestation::SigningDomain;
use tocsin_store::StoreError;
use tocsin_store::revocation::ClaimNews;

use super::{Stage, StageError, Turn, Work};

/// Watches one verifier.
pub struct StandingWatch {
    submitter: Arc<Submitter>,
    domain: SigningDomain,
    poll_interval: Duration,
    /// The next block to search; ahead of the stored one, which moves when there is news, or now and then.
    next: AtomicU64,
}

/// After so many blocks without news it is written down that they were searched.
const STORE_EVERY: u64 = 1_000;

impl StandingWatch {
    /// Asks through `submitter` every `poll_interval`.
    pub fn new(submitter: Arc<Submitter>, domain: SigningDomain, poll_interval: Duration) -> Self {
        Self {
            submitter,
            domain,
            poll_interval,
            next: AtomicU64::new(0),
        }
    }
}

impl Work for StandingWatch {
    fn name(&self) -> &str {
        "standings"
    }

    fn nap(&self) -> Duration {
        self.poll_interval
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let domain = self.domain.domain_separator();
        let stored = stage.store.standing_cursor(domain).await?.unwrap_or(0);
        let from = stored.max(self.next.load(Ordering::Relaxed));
        let Some(happened) = self.submitter.happened(from).await? else {
            return Ok(Turn::Idle);
        };
        for claim in &happened.claims {
            tracing::warn!(claim_key = %claim.claim_key, consumed = claim.consumed, hold = ?claim.hold,
                min_revision = claim.min_revision, "a claim was held, released or revoked");
        }
        let news: Vec<ClaimNews> = happened.claims.into_iter().map(news).collect();
        let next = happened.next_block;
        if !news.is_empty() || next >= stored.saturating_add(STORE_EVERY) {
            put(stage, domain, Some(next), &news).await?;
        }
        self.next.store(next, Ordering::Relaxed);
        Ok(Turn::Worked)
    }
}

/// Writes down what the endpoints say. That they take back what was final is nothing that a restart could mend, and no reason
/// to stop everything else.
pub(super) async fn put(
    stage: &Stage,
    domain: B256,
    next_block: Option<u64>,
    news: &[ClaimNews],
) -> Result<(), StageError> {
    let put = stage.store.put_standings(domain, next_block, news).await;
    put.map_err(|error| match error {
        StoreError::Conflict { .. } => StageError::TakenBack(error),
        other => other.into(),
    })
}

pub(super) fn news(status: ClaimStatus) -> ClaimNews {
    ClaimNews {
        claim_key: status.claim_key,
        consumed: status.consumed,
        hold: status.hold,
        min_revision: status.min_revision,
    }
}
