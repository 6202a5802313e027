//! One voice in taking back what was said, or in ending a hold: journal, then sign.
//!
//! Promise: nothing of the kind is signed before it is journaled, and no revision of a claim is revoked for two reasons.

use alloy::primitives::B256;
use tocsin_domain::attestation::revocation::reason_hash;
use tocsin_domain::attestation::{HoldRelease, QuorumSignature, Revocation};
use tocsin_domain::ids::ClaimKey;
use tocsin_domain::time::Timestamp;
use tocsin_store::revocation::{NewWithdrawal, Standings, Withdrawal};

use crate::{AttestError, Seat};

impl Seat<'_> {
    /// This node's part in a revocation, for the reason that it names.
    pub async fn revoke(
        &self,
        standings: &(impl Standings + ?Sized),
        revocation: &Revocation,
        reason: &str,
        said_at: Timestamp,
    ) -> Result<QuorumSignature, AttestError> {
        let claim_key = ClaimKey(revocation.claimKey);
        if revocation.reason != reason_hash(reason) {
            return Err(AttestError::OtherReason { claim_key });
        }
        self.check_saying(revocation.signerEpoch, revocation.issuedAt)?;
        let id = self.domain.revocation_digest(revocation);
        let says = Withdrawal::Revocation {
            min_revision: revocation.minRevision,
            reason: reason.to_owned(),
        };
        self.journal_withdrawal(standings, claim_key, id.0, says, said_at)
            .await?;
        self.sign(id).await
    }

    /// This node's part in the release of a hold.
    pub async fn release(
        &self,
        standings: &(impl Standings + ?Sized),
        release: &HoldRelease,
        said_at: Timestamp,
    ) -> Result<QuorumSignature, AttestError> {
        self.check_saying(release.signerEpoch, release.issuedAt)?;
        let id = self.domain.release_digest(release);
        let says = Withdrawal::Release { hold: release.hold };
        let claim_key = ClaimKey(release.claimKey);
        self.journal_withdrawal(standings, claim_key, id.0, says, said_at)
            .await?;
        self.sign(id).await
    }

    fn check_saying(&self, epoch: u32, issued_at: u64) -> Result<(), AttestError> {
        if epoch != self.epoch.number() {
            return Err(AttestError::OtherEpoch {
                payload: epoch,
                attestor: self.epoch.number(),
            });
        }
        if self.epoch.signs_at(issued_at) {
            Ok(())
        } else {
            Err(AttestError::OutsideEpoch { epoch, issued_at })
        }
    }

    async fn journal_withdrawal(
        &self,
        standings: &(impl Standings + ?Sized),
        claim_key: ClaimKey,
        id: B256,
        says: Withdrawal,
        said_at: Timestamp,
    ) -> Result<(), AttestError> {
        let withdrawal = NewWithdrawal {
            domain_separator: self.domain.domain_separator(),
            claim_key,
            id,
            says,
            said_at,
        };
        standings
            .withdraw(&withdrawal)
            .await
            .map_err(|source| AttestError::Withdraw { claim_key, source })
    }
}
