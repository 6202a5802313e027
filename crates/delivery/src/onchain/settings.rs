//! What an operator decides about deliveries to one chain.

use std::fmt;
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_domain::cover::Finality;
use url::Url;

use super::policy::Policy;
use super::rpc::endpoint;
use crate::DeliveryError;

/// Deliveries to one chain.
#[derive(Clone)]
pub struct OnchainSettings {
    /// EIP-155 chain id; the node must serve it.
    pub chain_id: u64,
    /// The node's JSON-RPC endpoint, `http` or `https`. Its path and query are treated as secret.
    pub url: Url,
    /// The only contract whose word counts that a claim is consumed.
    pub verifier: Address,
    /// The block that the verifier was deployed in, or any before: logs are not searched further back.
    pub verifier_block: u64,
    /// When a block counts as final.
    pub finality: Finality,
    /// The whole of one request may take this long.
    pub request_timeout: Duration,
    /// The most blocks that one `eth_getLogs` asks for; providers have limits.
    pub log_range_blocks: u64,
    /// Added to the node's estimate of gas, percent: state can change between estimate and inclusion.
    pub gas_margin_percent: u32,
    /// Fees and waits.
    pub policy: Policy,
}

impl OnchainSettings {
    pub(super) fn check(&self) -> Result<(), DeliveryError> {
        let wrong = |detail: String| Err(DeliveryError::Settings { detail });
        if !matches!(self.url.scheme(), "http" | "https") {
            return wrong(format!(
                "the node's URL begins with `{}:`, not with http: or https:",
                self.url.scheme()
            ));
        }
        if self.log_range_blocks == 0 {
            return wrong("`log_range_blocks` is 0; it must be 1 or more".to_owned());
        }
        if self.request_timeout.is_zero() {
            return wrong("`request_timeout` is 0, so that every request would fail".to_owned());
        }
        if self.policy.fees.max_fee_cap <= self.policy.fees.min_tip {
            return wrong(format!(
                "the fee cap of {} wei per gas leaves nothing beside the least tip of {}",
                self.policy.fees.max_fee_cap, self.policy.fees.min_tip
            ));
        }
        let waits = [
            self.policy.bump_after,
            self.policy.resend_after,
            self.policy.poll_every,
        ];
        if waits.iter().any(|wait| wait.0 <= 0) {
            return wrong(
                "`bump_after`, `resend_after` and `poll_every` must be 1 s or more".to_owned(),
            );
        }
        Ok(())
    }
}

impl fmt::Debug for OnchainSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnchainSettings")
            .field("chain_id", &self.chain_id)
            .field("endpoint", &endpoint(&self.url))
            .field("verifier", &self.verifier)
            .field("verifier_block", &self.verifier_block)
            .field("finality", &self.finality)
            .field("request_timeout", &self.request_timeout)
            .field("log_range_blocks", &self.log_range_blocks)
            .field("gas_margin_percent", &self.gas_margin_percent)
            .field("policy", &self.policy)
            .finish()
    }
}
