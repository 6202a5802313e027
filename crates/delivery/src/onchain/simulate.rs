//! What a transaction would meet if it were signed now.

use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::Address;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::transports::TransportError;

use super::look::{Head, Heads};
use super::node::Node;
use super::present::presenting;
use super::revert::{Outlook, Revert};
use super::rpc::RpcFailure;
use super::view::{DeliveryView, Prospect, Purpose};
use crate::DeliveryError;

/// Execution reverted, by convention of the common nodes.
const EXECUTION_REVERTED: i64 = 3;

impl Node {
    pub(super) async fn prospect(
        &self,
        delivery: &DeliveryView,
        heads: &Heads,
    ) -> Result<Prospect, DeliveryError> {
        let ((call, purpose), void_gas_limit, market) = tokio::try_join!(
            self.call_or_present(delivery, heads),
            self.void_gas(&heads.latest),
            self.market(&heads.latest)
        )?;
        Ok(Prospect {
            call,
            purpose,
            void_gas_limit,
            market,
        })
    }

    /// The delivery's call; or presenting, where the contract wants that first.
    async fn call_or_present(
        &self,
        delivery: &DeliveryView,
        heads: &Heads,
    ) -> Result<(Result<u64, Revert>, Purpose), DeliveryError> {
        let call = self.simulate(delivery, heads).await?;
        if !matches!(&call, Err(revert) if revert.outlook == Outlook::ToPresent) {
            return Ok((call, Purpose::Claim));
        }
        let first = DeliveryView {
            calldata: presenting(&delivery.calldata),
            ..delivery.clone()
        };
        Ok((self.simulate(&first, heads).await?, Purpose::Present))
    }

    /// The gas limit of the delivery's call on the latest block, or why it reverts there. A cause that would stay for
    /// ever counts as such only if the final block has one too.
    async fn simulate(
        &self,
        delivery: &DeliveryView,
        heads: &Heads,
    ) -> Result<Result<u64, Revert>, DeliveryError> {
        let mut revert = match self.run(delivery, &heads.latest).await? {
            Ok(gas_limit) => return Ok(Ok(gas_limit)),
            Err(revert) => revert,
        };
        if revert.outlook == Outlook::Permanent {
            let settled = match &heads.finalized {
                Some(head) => self.run(delivery, head).await?.err(),
                None => None,
            };
            if settled.is_none_or(|revert| revert.outlook != Outlook::Permanent) {
                revert.outlook = Outlook::MayClear;
            }
        }
        Ok(Err(revert))
    }

    /// Runs the call on one block.
    async fn run(
        &self,
        delivery: &DeliveryView,
        head: &Head,
    ) -> Result<Result<u64, Revert>, DeliveryError> {
        const ASKED: &str = "trying a delivery's call";
        let request = TransactionRequest::default()
            .with_from(self.sender())
            .with_to(delivery.consumer)
            .with_input(delivery.calldata.clone());
        let block = BlockId::hash(head.hash);
        let output = match self.provider().call(request.clone()).block(block).await {
            Ok(output) => output,
            Err(error) => return self.reverted(ASKED, error, head).map(Err),
        };
        if output.is_empty() && !self.has_code(delivery.consumer, head).await? {
            // A call to an address without code succeeds, and would be paid for without effect.
            let reason = format!(
                "there is no contract at the consumer's address {} on chain {}",
                delivery.consumer,
                self.settings().chain_id
            );
            return Ok(Err(Revert {
                reason,
                outlook: Outlook::MayClear,
            }));
        }
        match self.provider().estimate_gas(request).block(block).await {
            Ok(gas) => Ok(Ok(self.with_margin(gas))),
            Err(error) => self
                .reverted("estimating a delivery's gas", error, head)
                .map(Err),
        }
    }

    /// An error that says "reverted" is an answer about the call; every other one says that there is none.
    fn reverted(
        &self,
        attempted: &'static str,
        error: TransportError,
        head: &Head,
    ) -> Result<Revert, DeliveryError> {
        let failure = RpcFailure::from(error);
        match &failure {
            RpcFailure::Answered {
                code,
                message,
                data,
            } if *code == EXECUTION_REVERTED || message.to_lowercase().contains("revert") => {
                let data = data.as_deref().map_or(&[][..], |data| data);
                Ok(Revert::read(data, message, head.time))
            }
            _ => Err(self.rpc_error(attempted, failure)),
        }
    }

    pub(super) async fn has_code(
        &self,
        contract: Address,
        head: &Head,
    ) -> Result<bool, DeliveryError> {
        let code = self
            .provider()
            .get_code_at(contract)
            .block_id(BlockId::hash(head.hash))
            .await;
        Ok(!self.asked("reading a contract's code", code)?.is_empty())
    }

    /// More than 21000 on some layer-2 chains, where gas pays for data too.
    async fn void_gas(&self, head: &Head) -> Result<u64, DeliveryError> {
        let request = TransactionRequest::default()
            .with_from(self.sender())
            .with_to(self.sender());
        let gas = self
            .provider()
            .estimate_gas(request)
            .block(BlockId::hash(head.hash))
            .await;
        Ok(self.with_margin(self.asked("estimating the gas of an empty transaction", gas)?))
    }

    fn with_margin(&self, gas: u64) -> u64 {
        let margin = u128::from(gas) * u128::from(self.settings().gas_margin_percent) / 100;
        u64::try_from(u128::from(gas) + margin).unwrap_or(u64::MAX)
    }
}
