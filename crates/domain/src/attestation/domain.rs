//! Where an attestation is valid: one verifier contract on one settlement chain.

use core::fmt;
use std::sync::LazyLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

use crate::attestation::json::{canonical_address, decimal_text};
use crate::attestation::{AttestationBatch, ClaimAttestation};
use crate::ids::{
    AttestationId, BatchId, HoldReleaseId, MessageId, MirrorId, ReportId, RevocationId, VoteId,
};

/// The EIP-712 domain's name.
pub const DOMAIN_NAME: &str = "Tocsin";
/// The EIP-712 domain's version.
pub const DOMAIN_VERSION: &str = "1";

/// The hashes of the domain's type, its name and its version.
static DOMAIN_PARTS: LazyLock<[B256; 3]> = LazyLock::new(|| {
    let kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
    [kind, DOMAIN_NAME, DOMAIN_VERSION].map(keccak256)
});

/// The verifier contract that an attestation is for. No other contract and no other chain accepts its signatures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationDomain {
    /// EIP-155 id of the settlement chain.
    #[serde(with = "decimal_text")]
    pub chain_id: u64,
    /// The verifier contract there.
    #[serde(with = "canonical_address")]
    pub verifier: Address,
}

/// What a key can be asked to sign, by its digest; there is nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signable {
    /// One attestation.
    Attestation(AttestationId),
    /// A batch of them.
    Batch(BatchId),
    /// What an attestor has seen of a loss.
    Report(ReportId),
    /// A step of the agreement on what all have seen.
    Vote(VoteId),
    /// An attestation in the form of the Ethereum Attestation Service, which pays nobody.
    Mirror(MirrorId),
    /// A message from one attestor to another.
    Message(MessageId),
    /// That statements about a claim are taken back.
    Revocation(RevocationId),
    /// That a hold on a claim is over.
    HoldRelease(HoldReleaseId),
}

impl Signable {
    /// The digest.
    pub fn digest(self) -> B256 {
        match self {
            Self::Attestation(AttestationId(digest))
            | Self::Batch(BatchId(digest))
            | Self::Report(ReportId(digest))
            | Self::Vote(VoteId(digest))
            | Self::Mirror(MirrorId(digest))
            | Self::Message(MessageId(digest))
            | Self::Revocation(RevocationId(digest))
            | Self::HoldRelease(HoldReleaseId(digest)) => digest,
        }
    }
}

impl From<AttestationId> for Signable {
    fn from(id: AttestationId) -> Self {
        Self::Attestation(id)
    }
}

impl From<BatchId> for Signable {
    fn from(id: BatchId) -> Self {
        Self::Batch(id)
    }
}

impl From<ReportId> for Signable {
    fn from(id: ReportId) -> Self {
        Self::Report(id)
    }
}

impl From<MirrorId> for Signable {
    fn from(id: MirrorId) -> Self {
        Self::Mirror(id)
    }
}

impl From<VoteId> for Signable {
    fn from(id: VoteId) -> Self {
        Self::Vote(id)
    }
}

impl From<MessageId> for Signable {
    fn from(id: MessageId) -> Self {
        Self::Message(id)
    }
}

impl From<RevocationId> for Signable {
    fn from(id: RevocationId) -> Self {
        Self::Revocation(id)
    }
}

impl From<HoldReleaseId> for Signable {
    fn from(id: HoldReleaseId) -> Self {
        Self::HoldRelease(id)
    }
}

impl fmt::Display for Signable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attestation(id) => write!(f, "the attestation {id}"),
            Self::Batch(id) => write!(f, "the batch {id}"),
            Self::Report(id) => write!(f, "the report {id}"),
            Self::Vote(id) => write!(f, "the vote {id}"),
            Self::Mirror(id) => write!(f, "the mirror {id} of an attestation"),
            Self::Message(id) => write!(f, "the message {id}"),
            Self::Revocation(id) => write!(f, "the revocation {id}"),
            Self::HoldRelease(id) => write!(f, "the release {id} of a hold"),
        }
    }
}

impl AttestationDomain {
    /// In EIP-712's own form: name `Tocsin`, version `1`, chain id and verifying contract, no salt.
    pub fn eip712(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some(DOMAIN_NAME.into()),
            Some(DOMAIN_VERSION.into()),
            Some(U256::from(self.chain_id)),
            Some(self.verifier),
            None,
        )
    }

    /// The EIP-712 domain separator: that of [`Self::eip712`], whose constant parts are hashed once.
    pub fn domain_separator(&self) -> B256 {
        let [kind, name, version] = *DOMAIN_PARTS;
        let chain = U256::from(self.chain_id).to_be_bytes::<32>();
        let words = [
            kind.0,
            name.0,
            version.0,
            chain,
            self.verifier.into_word().0,
        ];
        keccak256(words.as_flattened())
    }

    /// What attestors sign: the EIP-712 digest of the payload in this domain.
    pub fn digest(&self, attestation: &ClaimAttestation) -> AttestationId {
        attestation.digest_in(self.domain_separator())
    }
    /// What attestors sign for a batch: its EIP-712 digest in this domain.
    pub fn batch_digest(&self, batch: &AttestationBatch) -> BatchId {
        BatchId(batch.eip712_signing_hash(&self.eip712()))
    }
}
