//! Standings: what the verifier says of claims, holds and revocations, is written down.
//!
//! Guarantee: what is written is the verifier's state in a final block. A claim that was revoked is not said again until a
//! person has allowed a corrected statement.

use std::sync::Arc;
use std::time::Duration;

use tocsin_delivery::onchain::{ClaimStatus, Submitter};
use tocsin_domain::attestation::AttestationDomain;
use tocsin_store::revocation::ClaimNews;

use super::{Stage, StageError, Turn, Work};

/// Watches one verifier.
pub struct StandingWatch {
    submitter: Arc<Submitter>,
    domain: AttestationDomain,
    poll_interval: Duration,
}

impl StandingWatch {
    /// Asks through `submitter` every `poll_interval`.
    pub fn new(
        submitter: Arc<Submitter>,
        domain: AttestationDomain,
        poll_interval: Duration,
    ) -> Self {
        Self {
            submitter,
            domain,
            poll_interval,
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
        let from = stage.store.standing_cursor(domain).await?.unwrap_or(0);
        let Some(happened) = self.submitter.happened(from).await? else {
            return Ok(Turn::Idle);
        };
        for claim in &happened.claims {
            tracing::warn!(claim_key = %claim.claim_key, consumed = claim.consumed, hold = ?claim.hold,
                min_revision = claim.min_revision, "a claim was held, released or revoked");
        }
        let news: Vec<ClaimNews> = happened.claims.into_iter().map(news).collect();
        let next = Some(happened.next_block);
        stage.store.put_standings(domain, next, &news).await?;
        Ok(Turn::Worked)
    }
}

pub(super) fn news(status: ClaimStatus) -> ClaimNews {
    ClaimNews {
        claim_key: status.claim_key,
        consumed: status.consumed,
        hold: status.hold,
        min_revision: status.min_revision,
    }
}
