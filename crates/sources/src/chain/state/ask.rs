//! What contracts answer as of one block: the only place that asks a node for state by call.
//!
//! Promises: every question gets the answer that it would get alone. A call counts as reverted only if the node says so of
//! that call alone; any other failure is an error, and of an address without code the outcome says so.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, Bytes, hex};
use alloy::rpc::types::BlockId;
use alloy::sol_types::SolValue;
use alloy::sol_types::abi::AbiDecoderConfig;
use serde::Serialize;
use serde_json::Value as Json;

use super::call::{Outcome, Question};
use crate::SourceError;
use crate::chain::rpc::{NodeError, Rpc};
use crate::error::RequestFailure;

/// Questions in one call of Multicall3; they share the gas that a node allows a call.
const GROUP_MAX: usize = 50;

/// `aggregate3((address target, bool allowFailure, bytes callData)[])` of Multicall3.
const AGGREGATE3: [u8; 4] = [0x82, 0xad, 0x56, 0xcb];

/// Bounds what the answer of a group may decode to.
const GROUP_BYTES_MAX: usize = 16 << 20;

const CALL: &str = "eth_call";

/// JSON-RPC's code for a reverted call, by agreement of the clients.
const REVERTED: i64 = 3;

/// What was asked, and what came of it.
pub(crate) type Outcomes = BTreeMap<Question, Outcome>;

/// A block by its hash, which the node must have on its canonical chain: EIP-1898.
pub(crate) fn pinned(hash: B256) -> BlockId {
    BlockId::from((hash, Some(true)))
}

/// Asks all questions as of the block, through Multicall3 at `multicall` those that may be grouped.
pub(crate) async fn all(
    node: &Rpc,
    block: B256,
    questions: BTreeSet<Question>,
    multicall: Option<Address>,
) -> Result<Outcomes, SourceError> {
    let (grouped, mut alone): (Vec<_>, Vec<_>) = questions
        .into_iter()
        .partition(|question| question.grouped && multicall.is_some());
    let mut outcomes = Outcomes::new();
    if let Some(multicall) = multicall {
        for group in grouped.chunks(GROUP_MAX) {
            // A group of one gains nothing.
            let answers = if group.len() > 1 {
                together(node, block, multicall, group).await?
            } else {
                None
            };
            let answers = answers.unwrap_or_else(|| vec![None; group.len()]);
            for (question, answer) in group.iter().zip(answers) {
                match answer {
                    Some(outcome) => {
                        outcomes.insert(question.clone(), outcome);
                    }
                    None => alone.push(question.clone()),
                }
            }
        }
    }
    outcomes.extend(each(node, block, &alone).await?);
    mark_missing_code(node, block, &mut outcomes).await?;
    Ok(outcomes)
}

#[derive(Serialize)]
struct CallObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Address>,
    to: Address,
    data: &'a Bytes,
}

/// Asks each question by itself, several in one request.
async fn each(node: &Rpc, block: B256, questions: &[Question]) -> Result<Outcomes, SourceError> {
    let about = format!("{} calls as of block {block}", questions.len());
    let params: Vec<_> = questions
        .iter()
        .map(|question| (call_object(question), pinned(block)))
        .collect();
    let answers = node
        .call_judged(CALL, &params, |_| about.clone(), reverted)
        .await?;
    let outcomes = answers.into_iter().map(|answer| match answer {
        Ok(data) => Outcome::Returned(data),
        Err(data) => Outcome::Reverted(data),
    });
    Ok(questions.iter().cloned().zip(outcomes).collect())
}

fn call_object(question: &Question) -> CallObject<'_> {
    CallObject {
        from: question.from,
        to: question.to,
        data: &question.data,
    }
}

/// What the contract said as it reverted, where the node says that it did, in the words that clients agree on. Whatever else a
/// node says is a failed read.
fn reverted(error: &NodeError) -> Option<Bytes> {
    let says_so = error.code == REVERTED
        || error
            .message
            .to_ascii_lowercase()
            .starts_with("execution reverted");
    if !says_so {
        return None;
    }
    match &error.data {
        // Clients that have nothing to add leave it out.
        None | Some(Json::Null) => Some(Bytes::new()),
        Some(Json::String(text)) => hex::decode(text).map(Bytes::from).ok(),
        Some(_) => None,
    }
}

/// Asks in one call of Multicall3. `None` for what must be asked alone: where one call fails among others it may have been
/// left without gas, and where the whole gives no answer of the right shape there may be no Multicall3 in that block.
async fn together(
    node: &Rpc,
    block: B256,
    multicall: Address,
    questions: &[Question],
) -> Result<Option<Vec<Option<Outcome>>>, SourceError> {
    let calls: Vec<(Address, bool, Bytes)> = questions
        .iter()
        .map(|question| (question.to, true, question.data.clone()))
        .collect();
    let group = Question {
        to: multicall,
        data: [&AGGREGATE3[..], &(calls,).abi_encode_params()]
            .concat()
            .into(),
        from: None,
        grouped: false,
    };
    let about = format!("{} calls at once as of block {block}", questions.len());
    let params = [(call_object(&group), pinned(block))];
    let answers = node
        .call_judged(CALL, &params, |_| about.clone(), reverted)
        .await;
    match answers {
        Ok(mut answers) => Ok(answers
            .pop()
            .and_then(Result::ok)
            .and_then(|data| shares(&data, questions.len()))),
        // It may be too much at once for this node: each alone has its own say.
        Err(SourceError::Request { failure, .. })
            if matches!(*failure, RequestFailure::Node { .. }) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The answers in a group's answer; a failed one is none yet.
fn shares(data: &Bytes, asked: usize) -> Option<Vec<Option<Outcome>>> {
    let strict = AbiDecoderConfig::new()
        .strict(true)
        .memory_limit(GROUP_BYTES_MAX);
    type Results = (Vec<(bool, Bytes)>,);
    // Whatever is wrong with it, each question is then asked alone.
    let (results,) = Results::abi_decode_params_with_config(data, strict).ok()?;
    let outcome = |(success, data): (bool, Bytes)| success.then_some(Outcome::Returned(data));
    (results.len() == asked).then(|| results.into_iter().map(outcome).collect())
}

/// An address without code answers every call with nothing, and so does a function that returns nothing.
async fn mark_missing_code(
    node: &Rpc,
    block: B256,
    outcomes: &mut Outcomes,
) -> Result<(), SourceError> {
    let empty: BTreeSet<Address> = outcomes
        .iter()
        .filter(|(_, outcome)| is_empty(outcome))
        .map(|(question, _)| question.to)
        .collect();
    if empty.is_empty() {
        return Ok(());
    }
    let params: Vec<_> = empty
        .iter()
        .map(|address| (address, pinned(block)))
        .collect();
    let about = format!("{} contracts as of block {block}", empty.len());
    let codes: Vec<Bytes> = node
        .call_each("eth_getCode", &params, usize::MAX, |_| about.clone())
        .await?;
    for (address, code) in empty.iter().zip(codes) {
        for (question, outcome) in outcomes.iter_mut() {
            if code.is_empty() && question.to == *address && is_empty(outcome) {
                *outcome = Outcome::NoCode;
            }
        }
    }
    Ok(())
}

fn is_empty(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Returned(data) if data.is_empty())
}

#[cfg(test)]
mod tests;
