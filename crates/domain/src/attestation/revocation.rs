//! What a quorum says about its own statements: that they are taken back, or that a hold on them is over.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolStruct, sol};

use crate::attestation::AttestationDomain;
use crate::ids::{HoldReleaseId, RevocationId};

sol! {
    /// Statements about the claim with a revision below `minRevision` are taken back. The order of the fields is the order
    /// of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct Revocation {
        bytes32 claimKey;
        uint32 minRevision;
        bytes32 reason;
        uint64 issuedAt;
        uint32 signerEpoch;
    }

    /// One hold of the claim, by its ordinal, is over. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct HoldRelease {
        bytes32 claimKey;
        uint32 hold;
        uint64 issuedAt;
        uint32 signerEpoch;
    }
}

/// How a revocation names its reason: the keccak-256 of the text.
pub fn reason_hash(text: &str) -> B256 {
    keccak256(text.as_bytes())
}

impl AttestationDomain {
    /// What attestors sign to take statements back.
    pub fn revocation_digest(&self, revocation: &Revocation) -> RevocationId {
        RevocationId(revocation.eip712_signing_hash(&self.eip712()))
    }

    /// What attestors sign to end a hold.
    pub fn release_digest(&self, release: &HoldRelease) -> HoldReleaseId {
        HoldReleaseId(release.eip712_signing_hash(&self.eip712()))
    }
}
