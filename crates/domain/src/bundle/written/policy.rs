//! A policy as a bundle file writes it.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use super::written_time;
use crate::attestation::json::{canonical_address, canonical_word, decimal_text};
use crate::cover::Consumer;
use crate::ids::{PolicyId, RiskId, TermsHash};
use crate::policy::Policy;
use crate::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPolicy {
    #[serde(with = "canonical_word")]
    id: B256,
    #[serde(with = "decimal_text")]
    number: U256,
    consumer: WrittenConsumer,
    #[serde(with = "canonical_word")]
    pub(super) terms_hash: B256,
    #[serde(with = "canonical_word")]
    risk: B256,
    #[serde(with = "canonical_address")]
    holder: Address,
    #[serde(with = "decimal_text")]
    sum_insured: U256,
    #[serde(with = "written_time")]
    inception: Timestamp,
    #[serde(with = "written_time")]
    expiry: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenConsumer {
    #[serde(with = "decimal_text")]
    chain_id: u64,
    #[serde(with = "canonical_address")]
    address: Address,
}

impl From<&Policy> for WrittenPolicy {
    fn from(policy: &Policy) -> Self {
        let Consumer { chain_id, address } = policy.consumer;
        Self {
            id: policy.id.0,
            number: policy.number,
            consumer: WrittenConsumer { chain_id, address },
            terms_hash: policy.terms_hash.0,
            risk: policy.risk.0,
            holder: policy.holder,
            sum_insured: policy.sum_insured,
            inception: policy.inception,
            expiry: policy.expiry,
        }
    }
}

impl From<WrittenPolicy> for Policy {
    fn from(policy: WrittenPolicy) -> Self {
        let WrittenConsumer { chain_id, address } = policy.consumer;
        Self {
            id: PolicyId(policy.id),
            number: policy.number,
            consumer: Consumer { chain_id, address },
            terms_hash: TermsHash(policy.terms_hash),
            risk: RiskId(policy.risk),
            holder: policy.holder,
            sum_insured: policy.sum_insured,
            inception: policy.inception,
            expiry: policy.expiry,
        }
    }
}
