//! Votes: how a quorum settles which reports a determination is made of.
//!
//! A vote of the first step says "these reports hold, by my own re-execution". A quorum of them lets an attestor vote in
//! the second step, "I have seen that quorum, and vote for nothing else unless a later one is shown". A quorum of the
//! second step is the decision, after which the claims are attested. No two decisions on one event can differ, as long as
//! the attestors that sign for two things at once are fewer than two quorums must have in common.

use alloy_sol_types::{SolStruct, sol};
use serde::{Deserialize, Serialize};

use crate::attestation::{QuorumError, Scope, SignatureSet, SignerSet};
use crate::ids::{EventKey, ReportsHash, VoteId};

sol! {
    /// A vote of one attestor. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct EvidenceVote {
        bytes32 eventKey;
        uint32 round;
        // See `Step`.
        uint8 step;
        bytes32 reportsHash;
        uint32 signerEpoch;
    }
}

/// What a vote says; the number is the one that is signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// These reports hold.
    Evidence = 1,
    /// A quorum said so, and its word is kept.
    Lock = 2,
}

/// A quorum's votes for one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The loss event.
    pub event: EventKey,
    /// Rounds rise.
    pub round: u32,
    /// What the votes say.
    pub step: Step,
    /// Of which reports.
    pub reports: ReportsHash,
    /// Who could vote.
    pub signer_epoch: u32,
    /// Who did.
    pub votes: SignatureSet,
}

impl EvidenceVote {
    /// The vote for `reports`.
    pub fn new(
        event: EventKey,
        round: u32,
        step: Step,
        reports: ReportsHash,
        signer_epoch: u32,
    ) -> Self {
        Self {
            eventKey: event.0,
            round,
            step: step.number(),
            reportsHash: reports.0,
            signerEpoch: signer_epoch,
        }
    }

    /// What its attestor signs.
    pub fn id(&self, domain: &dyn Scope) -> VoteId {
        VoteId(self.eip712_signing_hash(&domain.eip712()))
    }
}

impl Step {
    /// As it is signed.
    pub fn number(self) -> u8 {
        match self {
            Self::Evidence => 1,
            Self::Lock => 2,
        }
    }

    /// Of the number that was signed; there are no others.
    pub fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Evidence),
            2 => Some(Self::Lock),
            _ => None,
        }
    }
}

impl Certificate {
    /// What each of its signatures is of.
    pub fn vote(&self) -> EvidenceVote {
        EvidenceVote::new(
            self.event,
            self.round,
            self.step,
            self.reports,
            self.signer_epoch,
        )
    }

    /// Whether exactly a quorum of `signers` voted so.
    pub fn verify(&self, domain: &dyn Scope, signers: &SignerSet) -> Result<(), CertificateError> {
        if self.signer_epoch != signers.epoch() {
            return Err(CertificateError::OtherEpoch {
                certificate: self.signer_epoch,
                signers: signers.epoch(),
            });
        }
        Ok(self.votes.verify(self.vote().id(domain), signers)?)
    }
}

/// Why votes are no certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateError {
    /// The voters are those of another time.
    #[error("the votes are of epoch {certificate}, the signers are those of epoch {signers}")]
    OtherEpoch {
        /// The certificate's.
        certificate: u32,
        /// The signers'.
        signers: u32,
    },
    /// The signatures are not a quorum's.
    #[error("the votes are not a quorum's: {0}")]
    Votes(#[from] QuorumError),
}
