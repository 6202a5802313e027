//! Where what is signed is valid: at one verifier contract, or in one programme that settles off-chain. What is signed for the
//! one is worth nothing in the other, nor in another of its kind.

use core::fmt;

use alloy_primitives::B256;
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

use crate::attestation::off_chain::OffChainDomain;
use crate::attestation::{
    AttestationBatch, AttestationDomain, ClaimAttestation, HoldRelease, Revocation,
};
use crate::ids::{AttestationId, BatchId, HoldReleaseId, RevocationId};

/// Whatever has an EIP-712 domain.
pub trait Scope: fmt::Debug + Send + Sync {
    /// In EIP-712's own form.
    fn eip712(&self) -> Eip712Domain;
}

impl Scope for AttestationDomain {
    fn eip712(&self) -> Eip712Domain {
        Self::eip712(self)
    }
}

impl Scope for OffChainDomain {
    fn eip712(&self) -> Eip712Domain {
        Self::eip712(self)
    }
}

/// Where an attestor's signatures are valid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SigningDomain {
    /// At a verifier contract.
    Verifier(AttestationDomain),
    /// In a programme whose claims a payout service pays.
    OffChain(OffChainDomain),
}

impl Scope for SigningDomain {
    fn eip712(&self) -> Eip712Domain {
        Self::eip712(self)
    }
}

impl From<AttestationDomain> for SigningDomain {
    fn from(verifier: AttestationDomain) -> Self {
        Self::Verifier(verifier)
    }
}

impl From<OffChainDomain> for SigningDomain {
    fn from(programme: OffChainDomain) -> Self {
        Self::OffChain(programme)
    }
}

impl SigningDomain {
    /// The verifier contract, where there is one.
    pub fn verifier(&self) -> Option<AttestationDomain> {
        match self {
            Self::Verifier(verifier) => Some(*verifier),
            Self::OffChain(_) => None,
        }
    }

    /// The programme, where there is no verifier contract.
    pub fn programme(&self) -> Option<OffChainDomain> {
        match self {
            Self::Verifier(_) => None,
            Self::OffChain(programme) => Some(*programme),
        }
    }

    /// In EIP-712's own form.
    pub fn eip712(&self) -> Eip712Domain {
        match self {
            Self::Verifier(verifier) => verifier.eip712(),
            Self::OffChain(programme) => programme.eip712(),
        }
    }

    /// The EIP-712 domain separator.
    pub fn domain_separator(&self) -> B256 {
        match self {
            Self::Verifier(verifier) => verifier.domain_separator(),
            Self::OffChain(programme) => programme.domain_separator(),
        }
    }

    /// What attestors sign: the EIP-712 digest of the payload.
    pub fn digest(&self, attestation: &ClaimAttestation) -> AttestationId {
        attestation.digest_in(self.domain_separator())
    }

    /// What attestors sign for a batch.
    pub fn batch_digest(&self, batch: &AttestationBatch) -> BatchId {
        BatchId(batch.eip712_signing_hash(&self.eip712()))
    }

    /// What attestors sign to take statements back.
    pub fn revocation_digest(&self, revocation: &Revocation) -> RevocationId {
        RevocationId(revocation.eip712_signing_hash(&self.eip712()))
    }

    /// What attestors sign to end a hold.
    pub fn release_digest(&self, release: &HoldRelease) -> HoldReleaseId {
        HoldReleaseId(release.eip712_signing_hash(&self.eip712()))
    }
}

impl fmt::Display for SigningDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verifier(AttestationDomain { chain_id, verifier }) => {
                write!(f, "the verifier {verifier:#x} on chain {chain_id}")
            }
            Self::OffChain(OffChainDomain { programme }) => {
                write!(f, "the off-chain programme {programme:#x}")
            }
        }
    }
}
