//! Contracts of contracts-abi, deployed on an anvil and called there, every transaction in a block of its own.

use alloy::primitives::{Address, Bytes, U256};
use serde_json::{Value, json};

use crate::anvil::{Anvil, repository};

/// Enough for the largest of the contracts.
const GAS: &str = "0x989680";

/// The accounts that anvil funds and signs for.
pub async fn accounts(anvil: &Anvil) -> Vec<Address> {
    serde_json::from_value(anvil.ask("eth_accounts", json!([])).await).unwrap()
}

/// Deploys the contract of `contracts-abi/abi/{artifact}.json` from [`Anvil::account`]; `arguments` are those of its
/// constructor, encoded.
pub async fn deploy(anvil: &Anvil, artifact: &str, arguments: Vec<u8>) -> Address {
    let path = repository().join(format!("contracts-abi/abi/{artifact}.json"));
    let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let code: Bytes = artifact["bytecode"].as_str().unwrap().parse().unwrap();
    let code = [code.to_vec(), arguments].concat();
    let from = anvil.account().await;
    let receipt = transact(anvil, from, None, U256::ZERO, code).await;
    receipt["contractAddress"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// Sends a transaction that must succeed, mines it, and gives its receipt.
pub async fn transact(
    anvil: &Anvil,
    from: Address,
    to: Option<Address>,
    value: U256,
    data: Vec<u8>,
) -> Value {
    let transaction =
        json!({"from": from, "to": to, "value": value, "data": Bytes::from(data), "gas": GAS});
    let hash = anvil.ask("eth_sendTransaction", json!([transaction])).await;
    anvil.mine(1).await;
    anvil.receipt(serde_json::from_value(hash).unwrap()).await
}
