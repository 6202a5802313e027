//! Renew: a claim that was attested in an epoch that is revoked, or in time that is running out, is attested anew.
//!
//! Guarantee: under the same claim key and with the same content, so it is paid once, whichever statement is redeemed. A
//! claim that the verifier says is paid, held or revoked is left alone.

use std::sync::Arc;
use std::time::Duration;

use tocsin_attest::Attestor;
use tocsin_delivery::onchain::Submitter;
use tocsin_domain::attestation::Epoch;
use tocsin_domain::time::Seconds;
use tocsin_store::renewal::{Cutoff, Unredeemed};
use tocsin_store::revocation::ClaimNews;

use super::bell::Bell;
use super::standings::{news, put};
use super::{Stage, StageError, Turn, Work};

/// Claims that one turn looks at; the verifier is asked about each.
const PER_TURN: u32 = 200;

/// How often there is a look for what runs out; a revocation rings.
const NAP: Duration = Duration::from_secs(30);

/// Renews what cannot be redeemed much longer.
pub struct Renewer {
    attestor: Arc<Attestor>,
    submitter: Option<Arc<Submitter>>,
    valid_for: Seconds,
    next: Bell,
}

impl Renewer {
    /// For statements that are valid for so long. The verifier is asked through `submitter`, where there is one, and `next`
    /// is rung when claims wait for attestation again.
    pub fn new(
        attestor: Arc<Attestor>,
        submitter: Option<Arc<Submitter>>,
        valid_for: Seconds,
        next: Bell,
    ) -> Self {
        Self {
            attestor,
            submitter,
            valid_for,
            next,
        }
    }

    /// Without those that the verifier has paid, held or revoked meanwhile: that is written down instead.
    async fn open(
        &self,
        stage: &Stage,
        claims: Vec<Unredeemed>,
    ) -> Result<Vec<Unredeemed>, StageError> {
        let Some(submitter) = &self.submitter else {
            return Ok(claims);
        };
        let keys: Vec<_> = claims.iter().map(|claim| claim.claim_key).collect();
        let stopped: Vec<ClaimNews> = submitter
            .statuses(&keys)
            .await?
            .into_iter()
            .filter(|status| status.consumed || status.hold.is_some() || status.min_revision > 0)
            .map(news)
            .collect();
        let domain = self.attestor.domain().domain_separator();
        put(stage, domain, None, &stopped).await?;
        let mut open = claims;
        open.retain(|claim| {
            let mut stopped = stopped.iter();
            let found = stopped.find(|news| news.claim_key == claim.claim_key);
            found.is_none_or(|news| !news.consumed && news.hold.is_none())
        });
        Ok(open)
    }
}

impl Work for Renewer {
    fn name(&self) -> &str {
        "renew"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let now = stage.clock.now();
        // Without a seat nothing can be said anew; the epochs' stage tells.
        let Ok(seat) = self.attestor.seat(now) else {
            return Ok(Turn::Idle);
        };
        let (now, valid_for) = (now.to_u64().unwrap_or(0), self.valid_for.0.unsigned_abs());
        let cutoffs = cutoffs(&self.attestor.epochs(), seat.epoch(), now, valid_for);
        let domain = self.attestor.domain().domain_separator();
        let due = stage.store.renewable(domain, &cutoffs, PER_TURN).await?;
        if due.is_empty() {
            return Ok(Turn::Idle);
        }
        let open = self.open(stage, due).await?;
        let renewed = stage.store.renew(&open).await?;
        if renewed > 0 {
            tracing::info!(
                claims = renewed,
                epoch = seat.epoch().number(),
                "claims are attested anew"
            );
            self.next.ring();
        }
        Ok(Turn::Worked)
    }
}

/// What is said anew at `now`: everything of an epoch that is not accepted any more, or soon will not be, and of each what
/// has little time left. Nothing that would not live clearly longer for it.
fn cutoffs(epochs: &[Epoch], seat: &Epoch, now: u64, valid_for: u64) -> Vec<Cutoff> {
    let soon = now.saturating_add(valid_for / 4);
    let new_end = now.saturating_add(valid_for).min(seat.accept_until);
    let gains = new_end > soon;
    let cutoff = |epoch: &Epoch| {
        let ends = epoch
            .redeemable_until(u64::MAX)
            .is_none_or(|end| end <= soon);
        let valid_until = match (epoch.revoked, ends) {
            (true, _) => u64::MAX,
            (false, true) if epoch.number() != seat.number() && gains => u64::MAX,
            (false, false) if gains => soon,
            (false, _) => return None,
        };
        Some(Cutoff {
            epoch: epoch.number(),
            valid_until,
        })
    };
    epochs.iter().filter_map(cutoff).collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;
    use tocsin_domain::attestation::SignerSet;

    use super::*;

    fn epoch(number: u32, accept_until: u64) -> Epoch {
        let signers = SignerSet::new(number, 1, vec![Address::repeat_byte(1)]).unwrap();
        Epoch {
            accept_until,
            ..Epoch::unbounded(signers)
        }
    }

    fn found(epochs: &[Epoch], seat: usize, now: u64) -> Vec<(u32, u64)> {
        let cutoffs = cutoffs(epochs, &epochs[seat], now, 400);
        cutoffs
            .iter()
            .map(|cutoff| (cutoff.epoch, cutoff.valid_until))
            .collect()
    }

    #[test]
    fn what_runs_out_is_renewed_and_nothing_twice() {
        let mut epochs = vec![epoch(1, 2000), epoch(2, 9000)];
        assert_eq!(found(&epochs, 1, 1000), [(1, 1100), (2, 1100)]);
        // The older epoch is nearly over: everything of it.
        assert_eq!(found(&epochs, 1, 1900), [(1, u64::MAX), (2, 2000)]);
        // Nobody gains from the same end once more.
        assert_eq!(found(&epochs, 1, 8950), [(1, u64::MAX), (2, 9050)][..0]);
        epochs[0].revoked = true;
        assert_eq!(found(&epochs, 1, 1000), [(1, u64::MAX), (2, 1100)]);
        // A revocation is renewed whatever there is to gain: before it nothing could be redeemed at all.
        assert_eq!(found(&epochs, 1, 8950), [(1, u64::MAX)]);
    }
}
