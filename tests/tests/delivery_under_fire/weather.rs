//! What can happen to endpoints and to the chain.

use serde_json::json;
use tocsin_tests::anvil::Anvil;
use tocsin_tests::random::Random;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, Rule};

/// Blocks after which one is final.
pub(crate) const CONFIRMATIONS: u64 = 6;

/// A base fee that no offer reaches: ten times the cap.
pub(crate) const DEAR_WEI: u64 = 5_000_000_000_000;
const CHEAP_WEI: u64 = 1_000_000_000;

/// What an endpoint does for a while, in place of what it had been doing.
pub(crate) fn turn_bad(node: &FaultyNode, random: &mut Random) {
    node.heal();
    let percent = 10 + random.below(50);
    let (fault, methods): (Fault, &[&str]) = match random.below(13) {
        0 => (Fault::Swallow, &["eth_sendRawTransaction"]),
        1 => (Fault::CutConnection, &["eth_sendRawTransaction"]),
        2 => (Fault::Lag(8), &["eth_getBlockByNumber", "eth_call"]),
        3 => (Fault::ErrorReply, &["eth_getBlockByNumber", "eth_call"]),
        4 => (
            Fault::Null,
            &["eth_getTransactionReceipt", "eth_getTransactionByHash"],
        ),
        5 => (Fault::Delay(150), &[]),
        6 => (Fault::Status(503), &[]),
        7 => (Fault::HalfBody, &[]),
        8 => (Fault::OtherId, &[]),
        // No transaction costs so much, or so much gas.
        9 => (
            Fault::Replace("/effectiveGasPrice", json!("0xffffffffffffff")),
            &["eth_getTransactionReceipt"],
        ),
        10 => (
            Fault::Replace("/blockHash", json!(format!("0x{}", "be".repeat(32)))),
            &["eth_getTransactionReceipt"],
        ),
        11 => (
            Fault::Error(-32_000, "txpool is full".to_owned()),
            &["eth_sendRawTransaction"],
        ),
        _ => (Fault::Result(json!([])), &["eth_getLogs"]),
    };
    let rule = Rule::new(fault).percent(percent);
    node.add(methods.iter().fold(rule, |rule, method| rule.of(method)));
}

/// What the chain does next.
pub(crate) async fn strike(anvil: &Anvil, random: &mut Random) {
    match random.below(12) {
        0 => set_base_fee(anvil, DEAR_WEI).await,
        1 | 2 => set_base_fee(anvil, CHEAP_WEI).await,
        3 => {
            anvil.ask("anvil_dropAllTransactions", json!([])).await;
        }
        4 => {
            let depth = 1 + u64::from(random.below(4));
            anvil.reorganise(depth.min(CONFIRMATIONS - 1)).await;
        }
        _ => {}
    }
    anvil.mine(1).await;
}

pub(crate) async fn clear_up(anvil: &Anvil) {
    set_base_fee(anvil, CHEAP_WEI).await;
    anvil.mine(1).await;
}

pub(crate) async fn set_base_fee(anvil: &Anvil, wei: u64) {
    let fee = json!([format!("{wei:#x}")]);
    anvil.ask("anvil_setNextBlockBaseFeePerGas", fee).await;
}
