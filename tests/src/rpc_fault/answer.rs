//! The answer to a request or a batch, spoiled where a rule says so.

use std::time::{Duration, Instant};

use alloy::primitives::{Bytes, keccak256};
use serde_json::{Value, json};

use super::rule::{Spoil, blocks_of, hash_of};
use super::{Asked, Fault, Proxy, Transport, edit, lag};
use crate::anvil::quantity;

/// So many requests are remembered; a program that runs for days forgets the oldest.
const REMEMBERED_MAX: usize = 100_000;

/// What is sent, and how.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) body: Vec<u8>,
    /// A fault of the exchange that the transport has to commit.
    pub(super) manner: Option<Fault>,
}

impl Proxy {
    /// Answers a request or a batch; never, where a fault says so.
    pub(super) async fn reply(&self, request: Value, over: Transport) -> Reply {
        let batch = request.as_array().map(Vec::len);
        let calls = match request {
            Value::Array(calls) => calls,
            single => vec![single],
        };
        let mut manner = None;
        let mut plain = Vec::new();
        let mut spoiled = Vec::new();
        for call in calls {
            self.remember(&call, batch, over);
            match self.spoil_of(&call, batch, over).await {
                None => plain.push(call),
                Some(spoil) if spoil.fault.is_of_the_exchange() => {
                    manner.get_or_insert(spoil.fault);
                    plain.push(call);
                }
                Some(spoil) => spoiled.push((call, spoil)),
            }
        }
        if let Some(Fault::BatchLimit(most)) = manner {
            let mut answer = json!({"jsonrpc": "2.0", "id": null});
            let message = format!("batches of more than {most} requests are not allowed");
            edit::fail(&mut answer, -32_600, &message);
            let body = answer.to_string().into_bytes();
            return Reply { body, manner: None };
        }
        let mut answers = Vec::new();
        if batch.is_some() && !plain.is_empty() {
            match self.upstream.ask(&Value::Array(plain)).await {
                Value::Array(together) => answers.extend(together),
                refused => answers.push(refused),
            }
        } else {
            for call in plain {
                answers.push(self.upstream.ask(&call).await);
            }
        }
        for (call, spoil) in spoiled {
            answers.push(self.spoiled(call, &spoil).await);
        }
        let answer = match batch {
            Some(_) => Value::Array(answers),
            None => answers.pop().unwrap_or_default(),
        };
        in_manner(answer.to_string().into_bytes(), manner).await
    }

    pub(super) fn remember(&self, call: &Value, batch: Option<usize>, over: Transport) {
        let mut asked = self.asked.lock().unwrap();
        if asked.len() >= REMEMBERED_MAX {
            asked.drain(..REMEMBERED_MAX / 2);
        }
        asked.push(Asked {
            method: call["method"].as_str().unwrap_or_default().to_owned(),
            params: call["params"].clone(),
            at: Instant::now(),
            over,
            batch,
        });
    }

    /// What is to be done to the answer of a request.
    pub(super) async fn spoil_of(
        &self,
        call: &Value,
        batch: Option<usize>,
        over: Transport,
    ) -> Option<Spoil> {
        let mut blocks = blocks_of(call);
        let by_block = self.rules.lock().unwrap().ask_for_blocks();
        if by_block && let Some(hash) = hash_of(call) {
            let asked = self
                .upstream
                .result("eth_getBlockByHash", json!([hash, false]));
            let block = asked.await;
            if block["number"].is_string() {
                let number = quantity(&block["number"]);
                blocks = Some((number, number));
            }
        }
        let mut rules = self.rules.lock().unwrap();
        rules.choose(call, blocks, batch, over)
    }

    async fn spoiled(&self, mut call: Value, spoil: &Spoil) -> Value {
        let mut answer = match &spoil.fault {
            Fault::HeadAt(head) => lag::with_head(&self.upstream, call, *head).await,
            Fault::Lag(blocks) => lag::behind(&self.upstream, call, *blocks).await,
            Fault::From(url) => self.upstream.at(url.clone()).ask(&call).await,
            Fault::Swallow => swallowed(&call),
            Fault::RangeLimit(most) if is_wider(&call, *most) => {
                let mut answer = json!({"id": call["id"]});
                let message = format!("query exceeds max block range {most}");
                edit::fail(&mut answer, -32_602, &message);
                answer
            }
            Fault::LogsOfBlock(hash) => {
                let filter = call["params"][0].as_object_mut().expect("a filter");
                filter.remove("fromBlock");
                filter.remove("toBlock");
                filter.insert("blockHash".to_owned(), json!(hash));
                self.upstream.ask(&call).await
            }
            _ => self.upstream.ask(&call).await,
        };
        edit::spoil(&mut answer, spoil);
        answer
    }
}

/// What a node says that takes a transaction.
fn swallowed(call: &Value) -> Value {
    let raw = call["params"][0].as_str().unwrap_or_default();
    let raw: Bytes = raw.parse().unwrap_or_default();
    json!({"jsonrpc": "2.0", "id": call["id"], "result": keccak256(raw)})
}

fn is_wider(call: &Value, most: u64) -> bool {
    blocks_of(call).is_some_and(|(first, last)| last.saturating_sub(first) >= most)
}

/// Does to a body what needs no transport, and leaves it the rest.
async fn in_manner(mut body: Vec<u8>, manner: Option<Fault>) -> Reply {
    match &manner {
        Some(Fault::EmptyBody) => body.clear(),
        Some(Fault::HalfBody) => body.truncate(body.len() / 2),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Delay(ms)) => tokio::time::sleep(Duration::from_millis(*ms)).await,
        Some(Fault::Padded(length)) => {
            let blanks = length.saturating_sub(body.len());
            body.splice(..0, std::iter::repeat_n(b' ', blanks));
        }
        _ => return Reply { body, manner },
    }
    Reply { body, manner: None }
}
