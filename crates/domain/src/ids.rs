//! Identifiers that carry what they identify, so that two 32-byte words cannot be swapped by mistake.

use core::fmt;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub B256);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&format_args!("{:#x}", self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = <B256 as core::str::FromStr>::Err;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// keccak-256 of a cover's canonical terms.
    TermsHash
);
id!(
    /// One insured subject under one cover: `keccak(abi.encode(termsHash, keccak(subject)))`; where the terms ask for the
    /// inception, `keccak(abi.encode(termsHash, keccak(subject), int64(inception)))`.
    RiskId
);
id!(
    /// One policy in one consumer contract: `keccak(abi.encode(chainId, contract, id))`.
    PolicyId
);
id!(
    /// One loss event of one subject: `keccak(abi.encode(keccak(subject), ordinal))`.
    EventId
);
id!(
    /// What is consumed when a claim is paid: `keccak(abi.encode(consumer, policyId, termsHash, eventId))`.
    ClaimKey
);
id!(
    /// The EIP-712 digest of an attestation; no signature is part of it.
    AttestationId
);
id!(
    /// The EIP-712 digest of a batch of attestations; no signature is part of it.
    BatchId
);
id!(
    /// The EIP-712 digest of a revocation of statements; no signature is part of it.
    RevocationId
);
id!(
    /// The EIP-712 digest of the release of a hold; no signature is part of it.
    HoldReleaseId
);

id!(
    /// What a round of attestors is about, one loss event of one risk: `keccak(abi.encode(riskId, ordinal))`.
    EventKey
);
id!(
    /// The EIP-712 digest of an attestor's report; no signature is part of it.
    ReportId
);
id!(
    /// What attestors vote on: `keccak(abi.encode(bytes32[] reportIds))`, in the order of their signers' indices.
    ReportsHash
);
id!(
    /// The EIP-712 digest of a vote; no signature is part of it.
    VoteId
);
id!(
    /// The EIP-712 digest of an attestation's mirror for the Ethereum Attestation Service.
    MirrorId
);
id!(
    /// The EIP-712 digest of a message between attestors; no signature is part of it.
    MessageId
);

impl RiskId {
    /// The risk that `subject` is under the cover with these terms; for policies of one inception, where the terms ask for
    /// it.
    pub fn derive(terms: TermsHash, subject: &str, inception: Option<Timestamp>) -> Self {
        let (terms, subject) = (terms.0, keccak256(subject));
        Self(keccak256(match inception {
            None => (terms, subject).abi_encode(),
            Some(Timestamp(inception)) => (terms, subject, inception).abi_encode(),
        }))
    }
}

impl PolicyId {
    /// The policy numbered `id` in `contract` on chain `chain_id`.
    pub fn derive(
        chain_id: u64,
        contract: alloy_primitives::Address,
        id: alloy_primitives::U256,
    ) -> Self {
        Self(keccak256((chain_id, contract, id).abi_encode()))
    }
}

impl EventId {
    /// The loss event numbered `ordinal` (from 1) of `subject`.
    pub fn derive(subject: &str, ordinal: u32) -> Self {
        Self(keccak256((keccak256(subject), ordinal).abi_encode()))
    }
}

impl EventKey {
    /// The loss event numbered `ordinal` (from 1) of `risk`.
    pub fn derive(risk: RiskId, ordinal: u32) -> Self {
        Self(keccak256((risk.0, ordinal).abi_encode()))
    }
}

impl ReportsHash {
    /// Of these reports in this order.
    pub fn derive(reports: impl IntoIterator<Item = ReportId>) -> Self {
        let ids: Vec<B256> = reports.into_iter().map(|ReportId(id)| id).collect();
        Self(keccak256(ids.abi_encode()))
    }
}

impl ClaimKey {
    /// The consumption key of one policy and one loss event at one consumer.
    pub fn derive(
        consumer: alloy_primitives::Address,
        policy: PolicyId,
        terms: TermsHash,
        event: EventId,
    ) -> Self {
        Self(keccak256(
            (consumer, policy.0, terms.0, event.0).abi_encode(),
        ))
    }
}
