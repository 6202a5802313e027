//! The demonstration's price feed, deployed on an anvil.

use alloy::primitives::{Address, Bytes, I256, aliases::U80};
use alloy::sol_types::{SolCall, SolValue};
use serde_json::Value;

use crate::anvil::{Anvil, repository};

alloy::sol! {
    function post(int256 answer, uint80 roundId, uint256 updatedAt) external;
}

/// The event of the feed, as a service's configuration writes it.
pub const ANSWER_UPDATED: &str =
    "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)";

/// A deployed feed with eight decimals.
pub struct Feed {
    /// The contract.
    pub address: Address,
}

impl Feed {
    /// Deploys the feed, which takes a block.
    pub async fn deploy(anvil: &Anvil) -> Self {
        let path = repository().join("contracts-abi/abi/DemoAggregator.json");
        let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let code: Bytes = artifact["bytecode"].as_str().unwrap().parse().unwrap();
        let deployment = [
            code.to_vec(),
            ("USDC / USD".to_owned(),).abi_encode_params(),
        ]
        .concat();
        let transaction = anvil.send(None, deployment.into()).await;
        anvil.mine(1).await;
        let receipt = anvil.receipt(transaction).await;
        Self {
            address: receipt["contractAddress"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        }
    }

    /// Sends, and does not mine, a round whose time is `updated_at` (unix seconds).
    pub async fn post(&self, anvil: &Anvil, answer: i64, round: u64, updated_at: u64) {
        let call = postCall {
            answer: I256::try_from(answer).unwrap(),
            roundId: U80::from(round),
            updatedAt: alloy::primitives::U256::from(updated_at),
        };
        anvil
            .send(Some(self.address), call.abi_encode().into())
            .await;
    }

    /// Posts a round in a block of the same time.
    pub async fn post_at(&self, anvil: &Anvil, answer: i64, round: u64, time: u64) {
        self.post(anvil, answer, round, time).await;
        anvil.set_next_time(time).await;
        anvil.mine(1).await;
    }
}
