//! The signing domain of programmes that settle off-chain: no chain and no contract, so that nothing that is signed in it can
//! ever be consumed on-chain, and nothing of one programme in another.

use alloy_primitives::B256;
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

use crate::attestation::domain::DOMAIN_VERSION;
use crate::attestation::json::canonical_word;
use crate::attestation::{AttestationBatch, ClaimAttestation};
use crate::ids::{AttestationId, BatchId};

/// The EIP-712 domain's name.
pub const OFF_CHAIN_DOMAIN_NAME: &str = "Tocsin Off-chain";

/// A programme whose claims a payout service pays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffChainDomain {
    /// The programme's id, the salt of the domain.
    #[serde(with = "canonical_word")]
    pub programme: B256,
}

impl OffChainDomain {
    /// In EIP-712's own form: name, version and salt, no chain id and no contract.
    pub fn eip712(&self) -> Eip712Domain {
        Eip712Domain::new(
            Some(OFF_CHAIN_DOMAIN_NAME.into()),
            Some(DOMAIN_VERSION.into()),
            None,
            None,
            Some(self.programme),
        )
    }

    /// The EIP-712 domain separator.
    pub fn domain_separator(&self) -> B256 {
        self.eip712().separator()
    }

    /// What attestors sign: the EIP-712 digest of the payload in this domain.
    pub fn digest(&self, attestation: &ClaimAttestation) -> AttestationId {
        AttestationId(attestation.eip712_signing_hash(&self.eip712()))
    }

    /// What attestors sign for a batch.
    pub fn batch_digest(&self, batch: &AttestationBatch) -> BatchId {
        BatchId(batch.eip712_signing_hash(&self.eip712()))
    }
}
