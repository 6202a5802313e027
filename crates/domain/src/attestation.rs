//! Attestation payloads: the EIP-712 struct that attestors sign and contracts check, and its three forms.
//!
//! The struct as signed (this file), as stored with its reservation (`to_bytes`), and as written for people and other
//! programs ([`json`]). All are lossless and have exactly one spelling per payload.

pub mod batch;
pub mod domain;
pub mod eas;
pub mod epoch;
pub mod json;
pub mod known;
pub mod off_chain;
pub mod payload;
pub mod revocation;
pub mod scope;
pub mod signatures;
pub mod signatures_json;
pub mod signer_set;
pub mod succession;
pub mod vote;

use std::sync::LazyLock;

use alloy_primitives::{B256, Keccak256, keccak256};
use alloy_sol_types::{SolStruct, SolValue, sol};

pub use batch::{AttestationBatch, BatchError, BatchLeaf, BatchTree, Membership};
pub use domain::{AttestationDomain, Signable};
pub use epoch::Epoch;
pub use known::KnownEpochs;
pub use payload::{PayloadError, Validity};
pub use revocation::{HoldRelease, Revocation};
pub use scope::{Scope, SigningDomain};
pub use signatures::{QuorumError, QuorumSignature, SignatureError, SignatureSet};
pub use signer_set::{SignerSet, SignerSetError};
pub use succession::EpochNotice;
pub use vote::{AttestorSignature, AttestorVote, ContractVote, OpenVote};

use crate::ids::{AttestationId, ClaimKey, EventId, PolicyId, TermsHash};

sol! {
    /// A claim that the attestors vouch for. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct ClaimAttestation {
        bytes32 policyId;
        bytes32 termsHash;
        bytes32 eventId;
        address consumer;
        uint8 verdict;
        uint64 payoutFraction;
        int256 measuredValue;
        uint64 occurredAt;
        uint64 confirmedAt;
        uint64 windowStart;
        uint64 windowEnd;
        uint64 sourceChainId;
        uint64 sourceBlock;
        bytes32 sourceBlockHash;
        bytes32 evidenceRoot;
        uint32 evidenceCount;
        uint64 issuedAt;
        uint64 validAfter;
        uint64 validUntil;
        uint32 signerEpoch;
        uint32 revision;
        bytes32 supersedes;
    }
}

static CLAIM_TYPE: LazyLock<B256> =
    LazyLock::new(|| keccak256(ClaimAttestation::eip712_encode_type().as_bytes()));

/// Length of a payload's bytes: every field is one ABI word.
pub const PAYLOAD_BYTES: usize = 22 * 32;

/// Bytes that are no payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadBytesError {
    /// Too short or too long.
    #[error("an attestation payload has {PAYLOAD_BYTES} bytes, not {0}")]
    Length(usize),
    /// A word is outside the range of its field.
    #[error("an attestation payload has a field outside its range")]
    Range,
}

impl ClaimAttestation {
    /// The key under which a verifier remembers that this claim was paid; times, epoch and revision are no part of it.
    pub fn claim_key(&self) -> ClaimKey {
        ClaimKey::derive(
            self.consumer,
            PolicyId(self.policyId),
            TermsHash(self.termsHash),
            EventId(self.eventId),
        )
    }

    /// Whether both say the same of the same claim. What a re-issue may change is not looked at: issuedAt, validAfter,
    /// validUntil, signerEpoch, revision and supersedes.
    pub fn same_claim(&self, other: &Self) -> bool {
        let reissued_as_other = Self {
            issuedAt: other.issuedAt,
            validAfter: other.validAfter,
            validUntil: other.validUntil,
            signerEpoch: other.signerEpoch,
            revision: other.revision,
            supersedes: other.supersedes,
            ..self.clone()
        };
        reissued_as_other == *other
    }

    /// Its id in the domain of that separator: what is signed.
    pub fn digest_in(&self, domain_separator: B256) -> AttestationId {
        let mut hasher = Keccak256::new();
        hasher.update([0x19, 0x01]);
        hasher.update(domain_separator);
        hasher.update(self.struct_hash());
        AttestationId(hasher.finalize())
    }

    /// Its EIP-712 hash, without a domain. Every field is one word, so what is hashed after the type is the ABI encoding;
    /// the type is hashed once.
    pub fn struct_hash(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(*CLAIM_TYPE);
        hasher.update(self.to_bytes());
        hasher.finalize()
    }

    /// The payload as a reservation stores it: ABI-encoded, [`PAYLOAD_BYTES`] long.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.abi_encode()
    }

    /// The payload that [`Self::to_bytes`] wrote; anything else is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PayloadBytesError> {
        if bytes.len() != PAYLOAD_BYTES {
            return Err(PayloadBytesError::Length(bytes.len()));
        }
        Self::abi_decode_validate(bytes)
            .map_err(|_the_length_is_right: alloy_sol_types::Error| PayloadBytesError::Range)
    }
}
