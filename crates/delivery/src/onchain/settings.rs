//! What an operator decides about deliveries to one chain.

use std::fmt;
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_domain::cover::Finality;
use url::Url;

use super::fees::Pricing;
use super::policy::Policy;
use super::rpc::endpoint;
use crate::DeliveryError;

/// Deliveries to one chain.
#[derive(Clone)]
pub struct OnchainSettings {
    /// EIP-155 chain id; the node must serve it.
    pub chain_id: u64,
    /// JSON-RPC endpoints of nodes, `http` or `https`. Their paths and queries are treated as secret. What is broadcast goes
    /// to all; the first that answers is read, until it fails.
    pub urls: Vec<Url>,
    /// So many endpoints have to show the same final blocks before a delivery ends.
    pub agree: usize,
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
        let web = |url: &&Url| matches!(url.scheme(), "http" | "https");
        if let Some(url) = self.urls.iter().find(|url| !web(url)) {
            return wrong(format!(
                "the node's URL begins with `{}:`, not with http: or https:",
                url.scheme()
            ));
        }
        if self.agree == 0 || self.agree > self.urls.len() {
            return wrong(format!(
                "`agree` is {}, of {} endpoints: it must be 1 or more, and no more than there are",
                self.agree,
                self.urls.len()
            ));
        }
        if self.log_range_blocks == 0 {
            return wrong("`log_range_blocks` is 0; it must be 1 or more".to_owned());
        }
        if self.request_timeout.is_zero() {
            return wrong("`request_timeout` is 0, so that every request would fail".to_owned());
        }
        let fees = self.policy.fees;
        match fees.pricing {
            Pricing::History { percentile, blocks }
                if !(1..=100).contains(&percentile) || !(1..=1024).contains(&blocks) =>
            {
                return wrong(format!(
                    "fees by history need a percentile from 1 to 100 and from 1 to 1024 blocks, not {percentile} and {blocks}"
                ));
            }
            Pricing::Fixed(fixed)
                if fixed.max_fee_per_gas > fees.max_fee_cap
                    || fixed.max_priority_fee_per_gas > fixed.max_fee_per_gas =>
            {
                return wrong(format!(
                    "the fixed fees ({fixed}) exceed the fee cap of {} wei per gas, or the tip exceeds the fee",
                    fees.max_fee_cap
                ));
            }
            Pricing::Legacy { percent: 0 } => {
                return wrong("a gas price of 0 percent is none".to_owned());
            }
            Pricing::Node
            | Pricing::History { .. }
            | Pricing::Fixed(_)
            | Pricing::Legacy { .. } => {}
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
        let endpoints: Vec<String> = self.urls.iter().map(endpoint).collect();
        f.debug_struct("OnchainSettings")
            .field("chain_id", &self.chain_id)
            .field("endpoints", &endpoints)
            .field("agree", &self.agree)
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
