//! Results that say something else than the node said.

use alloy::primitives::B256;
use alloy::rpc::types::Header;
use serde_json::{Value, json};

use super::Fault;
use super::rule::Spoil;
use crate::anvil::quantity;

/// Spoils the answer (`{id, result}`) to one request.
pub(super) fn spoil(answer: &mut Value, spoil: &Spoil) {
    let within = |log: &Value| {
        let number = quantity(&log["blockNumber"]);
        spoil
            .blocks
            .is_none_or(|(first, last)| (first..=last).contains(&number))
    };
    match &spoil.fault {
        Fault::ErrorReply => fail(answer, -32_000, "the server is out of order"),
        Fault::Error(code, message) => fail(answer, *code, message),
        Fault::OtherId => answer["id"] = json!(4_000_000),
        Fault::Null => answer["result"] = Value::Null,
        Fault::Result(result) => answer["result"] = result.clone(),
        Fault::Replace(pointer, value) => {
            if let Some(place) = answer["result"].pointer_mut(pointer) {
                *place = value.clone();
            }
        }
        Fault::OtherParent if answer["result"].is_object() => {
            answer["result"]["parentHash"] = json!(B256::repeat_byte(0xbb));
            let header: Header = serde_json::from_value(answer["result"].clone()).unwrap();
            answer["result"]["hash"] = json!(header.inner.hash_slow());
        }
        Fault::ShortByOne => {
            answer["result"].as_array_mut().and_then(Vec::pop);
        }
        Fault::ResultLimit(most) if counted(&answer["result"]) > *most => {
            let message = format!("query returned more than {most} results");
            fail(answer, -32_005, &message);
        }
        Fault::OmitLog => {
            let mut omitted = false;
            each_list(&mut answer["result"], |logs| {
                let found = logs.iter().position(within).filter(|_| !omitted);
                omitted |= found.map(|place| logs.remove(place)).is_some();
            });
        }
        Fault::OmitLogs => each_list(&mut answer["result"], |logs| {
            logs.retain(|log| !within(log));
        }),
        Fault::AlterLog => {
            let mut altered = false;
            each_list(&mut answer["result"], |logs| {
                if let Some(log) = logs.iter_mut().find(|log| within(log)).filter(|_| !altered) {
                    alter(log);
                    altered = true;
                }
            });
        }
        Fault::OtherBlockHash => each_list(&mut answer["result"], |logs| {
            for log in logs.iter_mut().filter(|log| within(log)) {
                log["blockHash"] = json!(B256::repeat_byte(0xbb));
            }
        }),
        _ => {}
    }
}

fn counted(result: &Value) -> usize {
    result.as_array().map_or(0, Vec::len)
}

/// Turns an answer into an error.
pub(super) fn fail(answer: &mut Value, code: i64, message: &str) {
    let id = answer["id"].take();
    let error = json!({"code": code, "message": message});
    *answer = json!({"jsonrpc": "2.0", "id": id, "error": error});
}

/// The list of logs that a result is, or those of its receipts.
fn each_list(result: &mut Value, mut edit: impl FnMut(&mut Vec<Value>)) {
    let Some(list) = result.as_array_mut() else {
        return;
    };
    if list.iter().any(|entry| entry.get("logs").is_none()) {
        return edit(list);
    }
    for receipt in list {
        edit(receipt["logs"].as_array_mut().expect("a receipt has logs"));
    }
}

/// Another last digit in the data, or in the last topic of a log without data.
fn alter(log: &mut Value) {
    let data = log["data"].as_str().unwrap();
    let (place, text) = if data.len() > 2 {
        ("/data".to_owned(), data)
    } else {
        let topics = log["topics"].as_array().unwrap();
        let last = topics.len().saturating_sub(1);
        (format!("/topics/{last}"), topics[last].as_str().unwrap())
    };
    let (start, end) = text.split_at(text.len() - 1);
    let other = format!("{start}{}", if end == "0" { "1" } else { "0" });
    *log.pointer_mut(&place).unwrap() = json!(other);
}
