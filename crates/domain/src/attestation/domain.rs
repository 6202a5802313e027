//! Where an attestation is valid: one verifier contract on one settlement chain.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

use crate::attestation::ClaimAttestation;
use crate::attestation::json::{canonical_address, decimal_text};
use crate::ids::AttestationId;

/// The EIP-712 domain's name.
pub const DOMAIN_NAME: &str = "Tocsin";
/// The EIP-712 domain's version.
pub const DOMAIN_VERSION: &str = "1";

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

    /// The EIP-712 domain separator.
    pub fn domain_separator(&self) -> B256 {
        self.eip712().separator()
    }

    /// What attestors sign: the EIP-712 digest of the payload in this domain.
    pub fn digest(&self, attestation: &ClaimAttestation) -> AttestationId {
        AttestationId(attestation.eip712_signing_hash(&self.eip712()))
    }
}
