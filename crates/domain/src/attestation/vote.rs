//! How an attestor that is a contract signs: it vouches, by ERC-1271, for a vote that names it and what it votes for.
//!
//! What its bytes mean is its own affair, and whether it still vouches may change with the state of its chain. So nothing
//! here says that a vote is good; only the chain can.

use alloy_primitives::{Address, B256};
use alloy_sol_types::{SolStruct, sol};

use crate::attestation::{AttestationDomain, QuorumSignature, Signable, SignatureError};

sol! {
    /// What a contract is asked to have signed. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct AttestorVote {
        bytes32 digest;
        address attestor;
    }
}

/// The bytes with which a contract votes; their length fits into two bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContractVote(Vec<u8>);

/// What one attestor gave, by its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttestorSignature {
    /// A key signed the digest.
    Key(QuorumSignature),
    /// A contract voted for it.
    Contract(ContractVote),
}

/// A vote that is still to be asked for: `isValidSignature(digest, bytes)` of `attestor`, on the verifier's chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenVote {
    /// The contract's index in the epoch.
    pub index: u8,
    /// The contract.
    pub attestor: Address,
    /// What it is asked about: the EIP-712 digest of its vote.
    pub digest: B256,
    /// What it gave.
    pub vote: ContractVote,
}

impl ContractVote {
    /// Any bytes, as long as two bytes can count them.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SignatureError> {
        if bytes.len() > usize::from(u16::MAX) {
            return Err(SignatureError::VoteTooLong(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Their number, and then they.
    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        // `new` saw that two bytes are enough, so the last two of eight are all.
        let [.., high, low] = self.0.len().to_be_bytes();
        out.extend_from_slice(&[high, low]);
        out.extend_from_slice(&self.0);
    }
}

impl From<QuorumSignature> for AttestorSignature {
    fn from(signature: QuorumSignature) -> Self {
        Self::Key(signature)
    }
}

impl From<ContractVote> for AttestorSignature {
    fn from(vote: ContractVote) -> Self {
        Self::Contract(vote)
    }
}

impl AttestationDomain {
    /// What the contract `attestor` is asked to have signed when it votes for `what`: the EIP-712 digest in this domain.
    pub fn vote_digest(&self, what: impl Into<Signable>, attestor: Address) -> B256 {
        AttestorVote {
            digest: what.into().digest(),
            attestor,
        }
        .eip712_signing_hash(&self.eip712())
    }
}
