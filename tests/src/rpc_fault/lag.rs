//! A node that does not know the newest blocks yet, or moves its head about.

use serde_json::{Value, json};

use super::edit::fail;
use super::rule::hash_of;
use super::upstream::Upstream;
use crate::anvil::quantity;

/// The answer of a node whose head is `head`, and to which newer blocks can still be asked for.
pub(super) async fn with_head(upstream: &Upstream, mut call: Value, head: u64) -> Value {
    let head = json!(format!("{head:#x}"));
    if call["method"] == "eth_blockNumber" {
        return json!({"jsonrpc": "2.0", "id": call["id"], "result": head});
    }
    call["params"][0] = head;
    upstream.ask(&call).await
}

/// The answer of a node that does not know the newest `blocks` blocks.
///
/// Like real ones it gives no error for a range that ends above its head, only fewer logs.
pub(super) async fn behind(upstream: &Upstream, mut call: Value, blocks: u64) -> Value {
    let head = quantity(&upstream.result("eth_blockNumber", json!([])).await);
    let head = head.saturating_sub(blocks);
    let first = call["params"][0].clone();
    let method = call["method"].as_str().unwrap_or_default().to_owned();
    let mut null = json!({"jsonrpc": "2.0", "id": call["id"], "result": null});
    match (method.as_str(), first.as_str()) {
        ("eth_blockNumber", _) => {
            null["result"] = json!(format!("{head:#x}"));
            return null;
        }
        ("eth_getBlockByNumber" | "eth_getBlockReceipts", Some(block)) if block.len() < 66 => {
            let known = json!(format!("{head:#x}"));
            if !block.starts_with("0x") {
                let tagged = upstream.result("eth_getBlockByNumber", json!([first, false]));
                if is_above(&tagged.await, head) {
                    call["params"][0] = known;
                }
            } else if quantity(&first) > head {
                return null;
            }
        }
        ("eth_getLogs", _) if first["toBlock"].is_string() => {
            let range = &mut call["params"][0];
            let end = range["toBlock"].clone();
            let tag = !end.as_str().is_some_and(|end| end.starts_with("0x"));
            if tag || quantity(&end) > head {
                range["toBlock"] = json!(format!("{head:#x}"));
            }
            let begin = range["fromBlock"].clone();
            if begin.as_str().is_some_and(|begin| begin.starts_with("0x"))
                && quantity(&begin) > head
            {
                null["result"] = json!([]);
                return null;
            }
        }
        _ => {
            if let Some(hash) = hash_of(&call) {
                let block = upstream.result("eth_getBlockByHash", json!([hash, false]));
                if is_above(&block.await, head) {
                    if method == "eth_getLogs" {
                        fail(&mut null, -32_000, "unknown block");
                    }
                    return null;
                }
            }
        }
    }
    upstream.ask(&call).await
}

fn is_above(block: &Value, head: u64) -> bool {
    block["number"].is_string() && quantity(&block["number"]) > head
}
