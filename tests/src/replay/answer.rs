//! The answers of the node, written without building a tree.

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};

use super::chain::Chain;

/// What `eth_getLogs` looks for; an empty list means anything.
struct Filter {
    addresses: Vec<Address>,
    topics: Vec<B256>,
}

/// An answer that is an error: code and words.
type Refusal = (i64, String);

/// Writes the answer to a request or a batch for the chain with this id.
pub(super) fn answer(chain: &Chain, chain_id: u64, request: &Value, out: &mut Vec<u8>) {
    let Value::Array(batch) = request else {
        return answer_one(chain, chain_id, request, out);
    };
    out.push(b'[');
    for (index, call) in batch.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        answer_one(chain, chain_id, call, out);
    }
    out.push(b']');
}

fn answer_one(chain: &Chain, chain_id: u64, call: &Value, out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(format!(r#"{{"jsonrpc":"2.0","id":{},"result":"#, call["id"]).as_bytes());
    match result(chain, chain_id, call, out) {
        Ok(()) => out.push(b'}'),
        Err((code, message)) => {
            out.truncate(begin);
            let error = json!({"code": code, "message": message});
            let answer = json!({"jsonrpc": "2.0", "id": call["id"], "error": error});
            out.extend_from_slice(answer.to_string().as_bytes());
        }
    }
}

fn result(chain: &Chain, chain_id: u64, call: &Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let first = &call["params"][0];
    match call["method"].as_str().unwrap_or_default() {
        "eth_chainId" => quote(&format!("{chain_id:#x}"), out),
        "eth_blockNumber" => quote(&format!("{:#x}", chain.head()), out),
        "eth_syncing" => out.extend_from_slice(b"false"),
        "eth_getBlockByNumber" | "eth_getBlockByHash" => {
            write_header(chain, named(chain, first)?, out)
        }
        "eth_getBlockReceipts" => {
            let block = named(chain, first)?.and_then(|number| chain.block(number));
            match block {
                None => out.extend_from_slice(b"null"),
                Some((place, body, _)) => {
                    let texts = body.receipts.iter();
                    list(texts, out, |text, out| text.write(&place, out));
                }
            }
        }
        "eth_getLogs" => logs(chain, first, out)?,
        method => return Err((-32_601, format!("the method {method} is not replayed"))),
    }
    Ok(())
}

/// Writes a header, or null.
pub(super) fn write_header(chain: &Chain, number: Option<u64>, out: &mut Vec<u8>) {
    match number.and_then(|number| chain.block(number)) {
        Some((place, _, text)) => text.write(&place, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn logs(chain: &Chain, filter: &Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let wanted = Filter {
        addresses: any_of(&filter["address"])?,
        topics: any_of(&filter["topics"][0])?,
    };
    let (first, last) = if filter["blockHash"].is_string() {
        let number = named(chain, &filter["blockHash"])?;
        let number = number.ok_or((-32_000, "unknown block".to_owned()))?;
        (number, number)
    } else {
        let end = |name: &str| named(chain, &filter[name]).map(|number| number.unwrap_or(0));
        (end("fromBlock")?, end("toBlock")?.min(chain.head()))
    };
    let most = chain.plan().logs_max;
    let mut count = 0_usize;
    out.push(b'[');
    for number in first..=last {
        let Some((place, body, _)) = chain.block(number) else {
            break;
        };
        for log in &body.logs {
            let address = wanted.addresses.is_empty() || wanted.addresses.contains(&log.address);
            if address && (wanted.topics.is_empty() || wanted.topics.contains(&log.topic)) {
                if count > 0 {
                    out.push(b',');
                }
                count += 1;
                log.text.write(&place, out);
            }
        }
        if count > most {
            return Err((-32_005, format!("query returned more than {most} results")));
        }
    }
    out.push(b']');
    Ok(())
}

/// The number of the block that a parameter names; `None` for a hash that is not known.
fn named(chain: &Chain, block: &Value) -> Result<Option<u64>, Refusal> {
    let bad = || (-32_602, format!("{block} names no block"));
    let text = block
        .as_str()
        .or_else(|| block["blockHash"].as_str())
        .ok_or_else(bad)?;
    if text.len() == 66 {
        let hash = text.parse().map_err(|_not_hex| bad())?;
        return Ok(chain.number_of(&hash));
    }
    Ok(Some(match text {
        "earliest" => 0,
        "latest" | "pending" | "safe" | "finalized" => chain.head(),
        number => {
            let digits = number.strip_prefix("0x").ok_or_else(bad)?;
            u64::from_str_radix(digits, 16).map_err(|_not_hex| bad())?
        }
    }))
}

/// One, several or none.
fn any_of<T: serde::de::DeserializeOwned>(value: &Value) -> Result<Vec<T>, Refusal> {
    let list = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    list.into_iter()
        .map(|one| serde_json::from_value(one).map_err(|problem| (-32_602, problem.to_string())))
        .collect()
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn list<T>(entries: impl Iterator<Item = T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(entry, out);
    }
    out.push(b']');
}
