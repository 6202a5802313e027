//! The questions that are asked of a Solana node, all of them about what is `finalized`.

use alloy::primitives::{B256, keccak256};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::blocks::Block;
use super::{Pubkey, SolanaSettings};
use crate::SourceError;
use crate::chain::Endpoint;
use crate::chain::rpc::Rpc;
use crate::error::{Attempt, Contradiction, NoBlock, RequestFailure};

/// One endpoint.
pub(crate) struct Node {
    rpc: Rpc,
}

/// Several accounts as of one slot.
pub(crate) struct Accounts {
    pub(crate) slot: u64,
    /// As they were asked for; `None` where there is no such account.
    pub(crate) accounts: Vec<Option<Account>>,
    /// keccak-256 of the answer's result, byte by byte as the node wrote it.
    pub(crate) hash: B256,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Account {
    pub(crate) owner: String,
    pub(crate) data: Vec<u8>,
}

#[derive(Deserialize)]
struct WithContext {
    context: Context,
    value: Vec<Option<EncodedAccount>>,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

#[derive(Deserialize)]
struct EncodedAccount {
    owner: String,
    data: (String, String),
}

/// How a node says that it has no block, after the list in its own sources (`rpc-client-api/src/custom_error.rs` of
/// anza-xyz/agave).
fn no_block(code: i64) -> Option<NoBlock> {
    match code {
        // Cleaned up; transaction history not kept.
        -32001 | -32011 => Some(NoBlock::Removed),
        // Block not available; its status not available yet.
        -32004 | -32014 => Some(NoBlock::NotYet),
        // Skipped, or missing after a jump to a snapshot; the same of long-term storage.
        -32007 | -32009 => Some(NoBlock::Skipped),
        _ => None,
    }
}

impl Node {
    pub(crate) fn new(settings: &SolanaSettings) -> Result<Self, SourceError> {
        let rpc = Rpc::to(&settings.url, settings.request_timeout)?;
        Ok(Self { rpc })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.rpc.endpoint()
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rpc.is_resting()
    }

    pub(crate) async fn genesis_hash(&self) -> Result<String, SourceError> {
        let attempt = self
            .rpc
            .attempt("getGenesisHash", "which cluster it serves");
        self.rpc.call(&attempt, [(); 0]).await
    }

    /// The newest slot of a commitment.
    pub(crate) async fn slot(&self, commitment: &'static str) -> Result<u64, SourceError> {
        let attempt = self
            .rpc
            .attempt("getSlot", format!("the {commitment} slot"));
        self.rpc
            .call(&attempt, [json!({ "commitment": commitment })])
            .await
    }

    /// The slots with a block from `first` on, at most `limit` of them, rising; at least one, as `target` has a block.
    pub(crate) async fn slots(
        &self,
        first: u64,
        limit: u32,
        target: u64,
    ) -> Result<Vec<u64>, SourceError> {
        let attempt = self.rpc.attempt(
            "getBlocksWithLimit",
            format!("the slots with a block from {first} on"),
        );
        let params = json!([first, limit, { "commitment": "finalized" }]);
        let slots: Vec<u64> = self.rpc.call(&attempt, params).await.map_err(missing)?;
        let mut before = first.checked_sub(1);
        for &slot in &slots {
            if before.is_some_and(|before| slot <= before) {
                return Err(contradicts(
                    &attempt,
                    Contradiction::ForeignSlot { first, slot },
                ));
            }
            before = Some(slot);
        }
        if slots.is_empty() {
            let found = Contradiction::NoSlots {
                first,
                slot: target,
            };
            return Err(contradicts(&attempt, found));
        }
        Ok(slots)
    }

    /// The block of a slot, with its transactions.
    pub(crate) async fn block(&self, slot: u64) -> Result<Block, SourceError> {
        self.read_block(slot, "full").await
    }

    /// The block of a slot, without.
    pub(crate) async fn header(&self, slot: u64) -> Result<Block, SourceError> {
        self.read_block(slot, "none").await
    }

    async fn read_block(&self, slot: u64, details: &'static str) -> Result<Block, SourceError> {
        let attempt = self.about(slot);
        let params = json!([slot, {
            "commitment": "finalized",
            "encoding": "json",
            "transactionDetails": details,
            "maxSupportedTransactionVersion": 0,
            "rewards": false,
        }]);
        let result: Option<Box<RawValue>> =
            self.rpc.call(&attempt, params).await.map_err(missing)?;
        let Some(result) = result else {
            let why = NoBlock::NotYet;
            return Err(SourceError::MissingSlot { attempt, why });
        };
        let written = serde_json::from_str(result.get())
            .map_err(|source| shape(&attempt, result.get(), source))?;
        Block::check(slot, written, keccak256(result.get()))
            .map_err(|found| contradicts(&attempt, found))
    }

    /// These accounts, all as of one slot.
    pub(crate) async fn accounts(&self, accounts: &[Pubkey]) -> Result<Accounts, SourceError> {
        let names: Vec<String> = accounts.iter().map(Pubkey::to_string).collect();
        let attempt = self.rpc.attempt("getMultipleAccounts", names.join(", "));
        let params = json!([names, { "commitment": "finalized", "encoding": "base64" }]);
        let result: Box<RawValue> = self.rpc.call(&attempt, params).await?;
        let WithContext { context, value } = serde_json::from_str(result.get())
            .map_err(|source| shape(&attempt, result.get(), source))?;
        let foreign = |reason: String| {
            let asked = accounts.len();
            contradicts(&attempt, Contradiction::ForeignAccounts { asked, reason })
        };
        if value.len() != accounts.len() {
            return Err(foreign(format!("it has {}", value.len())));
        }
        let accounts = value
            .into_iter()
            .map(|account| account.map(decoded).transpose())
            .collect::<Result<_, _>>()
            .map_err(foreign)?;
        Ok(Accounts {
            slot: context.slot,
            accounts,
            hash: keccak256(result.get()),
        })
    }

    /// An error about the block of a slot.
    pub(crate) fn contradiction(&self, slot: u64, found: Contradiction) -> SourceError {
        contradicts(&self.about(slot), found)
    }

    fn about(&self, slot: u64) -> Attempt {
        self.rpc.attempt("getBlock", format!("slot {slot}"))
    }
}

fn decoded(account: EncodedAccount) -> Result<Account, String> {
    let (text, encoding) = account.data;
    if encoding != "base64" {
        return Err(format!("data in {encoding:?}, not base64"));
    }
    let data =
        super::event::base64(&text).map_err(|wrong| format!("data that is no base64: {wrong}"))?;
    Ok(Account {
        owner: account.owner,
        data,
    })
}

/// Tells an answer that there is no block from a question that was not answered.
fn missing(error: SourceError) -> SourceError {
    if let SourceError::Request { attempt, failure } = &error
        && let RequestFailure::Node { code, .. } = failure.as_ref()
        && let Some(why) = no_block(*code)
    {
        let attempt = attempt.clone();
        return SourceError::MissingSlot { attempt, why };
    }
    error
}

fn contradicts(attempt: &Attempt, found: Contradiction) -> SourceError {
    SourceError::Contradiction {
        attempt: attempt.clone(),
        contradiction: Box::new(found),
    }
}

fn shape(attempt: &Attempt, result: &str, source: serde_json::Error) -> SourceError {
    let failure = RequestFailure::Shape {
        result: result.chars().take(200).collect(),
        source,
    };
    SourceError::Request {
        attempt: attempt.clone(),
        failure: Box::new(failure),
    }
}
