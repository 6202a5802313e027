//! Epochs of signers, by the domain that they sign in: what the configuration says, until the verifier has said it.

use alloy_primitives::B256;
use async_trait::async_trait;
use tocsin_domain::attestation::Epoch;

use crate::StoreError;

/// Who says that an epoch is so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EpochOrigin {
    /// The configuration. Of a verifier's it names the signers and knows no times; of a programme's off-chain it knows all.
    Configured,
    /// The verifier, in a final block.
    Announced,
}

/// Epochs. One that was announced is kept for ever: old evidence finds its signers here.
#[async_trait]
pub trait Epochs: Send + Sync {
    /// Records epochs. The same again is no error. An announced one replaces what the configuration said of the same
    /// signers, and is only ever changed by its revocation; what is configured changes nothing that was announced, but may
    /// change the times of what was configured. No revocation is ever taken back. Everything else is a [`StoreError::Conflict`], and then nothing is recorded.
    async fn put_epochs(
        &self,
        domain_separator: B256,
        origin: EpochOrigin,
        epochs: &[Epoch],
    ) -> Result<(), StoreError>;

    /// The epochs of a domain, by number.
    async fn epochs(&self, domain_separator: B256) -> Result<Vec<Epoch>, StoreError>;

    /// One of them.
    async fn epoch(&self, domain_separator: B256, number: u32)
    -> Result<Option<Epoch>, StoreError>;
}

/// What a backend does with an epoch that it is told of; the rule that all share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// Nothing: it is known.
    Known,
    /// It writes what it was told.
    News,
    /// It refuses: `reason` says why.
    Contradiction(&'static str),
}

impl Told {
    /// Judges what is told against what is stored.
    pub fn judge(stored: (EpochOrigin, &Epoch), told: (EpochOrigin, &Epoch)) -> Self {
        use EpochOrigin::{Announced, Configured};
        let ((stored_by, stored), (told_by, told)) = (stored, told);
        if stored.signers != told.signers {
            return Self::Contradiction(match told_by {
                Configured => "its signers or its threshold are others than those that are known",
                Announced => "the verifier announced other signers or another threshold",
            });
        }
        match (stored_by, told_by) {
            (Announced, Configured) => Self::Known,
            (Configured, Configured) if stored == told => Self::Known,
            (Configured, Configured) if stored.revoked && !told.revoked => {
                Self::Contradiction("its revocation cannot be taken back")
            }
            (Configured, _) => Self::News,
            (Announced, Announced) if !stored.is_same_announcement(told) => {
                Self::Contradiction("an announced epoch cannot get other times")
            }
            (Announced, Announced) if told.revoked && !stored.revoked => Self::News,
            (Announced, Announced) if stored.revoked && !told.revoked => {
                Self::Contradiction("its revocation cannot be taken back")
            }
            (Announced, Announced) => Self::Known,
        }
    }
}
