//! What inclusion costs at the moment, as far as the configured pricing wants to know.

use alloy::eips::BlockNumberOrTag;
use alloy::providers::Provider;

use super::fees::{Market, Pricing};
use super::look::Head;
use super::node::Node;
use super::rpc::RpcFailure;
use crate::DeliveryError;

/// JSON-RPC: the node does not have this method.
const METHOD_NOT_FOUND: i64 = -32601;

impl Node {
    pub(super) async fn market(&self, latest: &Head) -> Result<Market, DeliveryError> {
        let (base_fee, tip) = match self.settings().policy.fees.pricing {
            Pricing::Node => (self.base_fee(latest)?, self.tip().await?),
            Pricing::History { percentile, blocks } => {
                let tip = self.usual_tip(latest, percentile, blocks).await?;
                (self.base_fee(latest)?, tip)
            }
            Pricing::Fixed(fees) => (self.base_fee(latest)?, fees.max_priority_fee_per_gas),
            Pricing::Legacy { .. } => (self.gas_price().await?, 0),
        };
        Ok(Market { base_fee, tip })
    }

    pub(super) fn base_fee(&self, head: &Head) -> Result<u128, DeliveryError> {
        head.base_fee.ok_or(DeliveryError::NoBaseFee {
            chain_id: self.settings().chain_id,
            block: head.number,
        })
    }

    async fn tip(&self) -> Result<u128, DeliveryError> {
        match self.provider().get_max_priority_fee_per_gas().await {
            Ok(tip) => Ok(tip),
            Err(error) => match RpcFailure::from(error) {
                // A definite answer: this node suggests none, so the configured least tip counts.
                RpcFailure::Answered {
                    code: METHOD_NOT_FOUND,
                    ..
                } => Ok(0),
                failure => Err(self.rpc_error("asking for a tip", failure)),
            },
        }
    }

    async fn gas_price(&self) -> Result<u128, DeliveryError> {
        self.asked(
            "asking for a gas price",
            self.provider().get_gas_price().await,
        )
    }

    /// The median over the newest blocks of what the transaction at this percentile of each has tipped. Blocks without
    /// transactions say nothing; where all are empty, the configured least tip is enough.
    async fn usual_tip(
        &self,
        latest: &Head,
        percentile: u8,
        blocks: u16,
    ) -> Result<u128, DeliveryError> {
        const ASKED: &str = "asking for the fees of the newest blocks";
        let newest = BlockNumberOrTag::Number(latest.number);
        let percentiles = [f64::from(percentile)];
        let history = self
            .provider()
            .get_fee_history(u64::from(blocks), newest, &percentiles)
            .await;
        let history = self.asked(ASKED, history)?;
        let rewards = history.reward.unwrap_or_default();
        let ratios = &history.gas_used_ratio;
        if rewards.len() != ratios.len() || rewards.iter().any(|tips| tips.len() != 1) {
            let detail = format!(
                "{} tips of {} blocks for one percentile",
                rewards.len(),
                ratios.len()
            );
            return Err(self.malformed(ASKED, detail));
        }
        let mut tips: Vec<u128> = rewards
            .into_iter()
            .zip(ratios)
            .filter(|(_, used)| **used > 0.0)
            .flat_map(|(tips, _)| tips)
            .collect();
        tips.sort_unstable();
        Ok(tips.get(tips.len() / 2).copied().unwrap_or(0))
    }
}
