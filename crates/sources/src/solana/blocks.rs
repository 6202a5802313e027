//! A block as a node writes it, checked as far as it can be without its parent.

use alloy::primitives::B256;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::time::Timestamp;

use super::Pubkey;
use crate::error::Contradiction;

/// A block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    pub(crate) slot: u64,
    pub(crate) hash: B256,
    pub(crate) parent_slot: u64,
    pub(crate) parent_hash: B256,
    pub(crate) time: Timestamp,
    /// Those that did not fail; none if they were not asked for.
    pub(crate) transactions: Vec<Transaction>,
    /// keccak-256 of the answer's result, byte by byte as the node wrote it.
    pub(crate) raw: B256,
}

/// A transaction that did not fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Transaction {
    /// Its position in the block, those that failed counted.
    pub(crate) index: usize,
    /// The accounts that it names, programs included, in base58.
    pub(crate) accounts: Vec<String>,
    /// What its programs logged; `None` where the node did not keep it.
    pub(crate) logs: Option<Vec<String>>,
}

/// A block of `getBlock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenBlock {
    blockhash: String,
    previous_blockhash: String,
    parent_slot: u64,
    block_time: Option<i64>,
    #[serde(default)]
    transactions: Vec<WrittenTransaction>,
}

#[derive(Deserialize)]
struct WrittenTransaction {
    transaction: Signed,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Signed {
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    account_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    err: Option<IgnoredAny>,
    log_messages: Option<Vec<String>>,
    loaded_addresses: Option<LoadedAddresses>,
}

#[derive(Deserialize)]
struct LoadedAddresses {
    writable: Vec<String>,
    readonly: Vec<String>,
}

impl Block {
    pub(crate) fn check(
        slot: u64,
        written: WrittenBlock,
        raw: B256,
    ) -> Result<Self, Contradiction> {
        let hash = |text: &str| {
            text.parse::<Pubkey>()
                .map(|hash| hash.0)
                .map_err(|wrong| Contradiction::BlockHash {
                    slot,
                    reason: wrong.to_string(),
                })
        };
        let time = written
            .block_time
            .filter(|seconds| *seconds > 0)
            .map(Timestamp)
            .ok_or(Contradiction::NoBlockTime { slot })?;
        let mut transactions = Vec::new();
        for (index, written) in written.transactions.into_iter().enumerate() {
            let Some(meta) = written.meta else {
                return Err(Contradiction::NoOutcome { slot, index });
            };
            if meta.err.is_some() {
                continue;
            }
            let mut accounts = written.transaction.message.account_keys;
            if let Some(loaded) = meta.loaded_addresses {
                accounts.extend(loaded.writable);
                accounts.extend(loaded.readonly);
            }
            transactions.push(Transaction {
                index,
                accounts,
                logs: meta.log_messages,
            });
        }
        Ok(Self {
            slot,
            hash: hash(&written.blockhash)?,
            parent_slot: written.parent_slot,
            parent_hash: hash(&written.previous_blockhash)?,
            time,
            transactions,
            raw,
        })
    }

    pub(crate) fn cursor(&self) -> SourceCursor {
        SourceCursor {
            number: self.slot,
            hash: self.hash,
            timestamp: self.time,
        }
    }
}
