//! Transactions that exist: in bytes, in the pool, in a block.

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{B256, Bytes};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionReceipt;
use tocsin_domain::ids::ClaimKey;

use super::fees::Fees;
use super::look::Heads;
use super::node::Node;
use super::present::presents;
use super::view::{AttemptView, Cost, Fate, HeldNonce, Purpose};
use crate::DeliveryError;

const READING_RECEIPT: &str = "reading a transaction's receipt";

/// A transaction in a block of the canonical chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The block's number.
    pub block: u64,
    /// It did not revert.
    pub success: bool,
    /// The block is final by the settings.
    pub is_final: bool,
    /// What its sender paid.
    pub cost: Cost,
    /// The claims that the verifier accepted in it.
    pub consumed: Vec<ClaimKey>,
}

impl AttemptView {
    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`DeliveryError::AttemptBytes`] if they are not a signed transaction with this hash.
    pub fn decode(hash: B256, raw: Bytes) -> Result<Self, DeliveryError> {
        let damaged = |detail: String| DeliveryError::AttemptBytes { hash, detail };
        let transaction = TxEnvelope::decode_2718(&mut raw.as_ref())
            .map_err(|error| damaged(format!("its bytes are no transaction: {error}")))?;
        if *transaction.tx_hash() != hash {
            return Err(damaged(format!(
                "its bytes hash to {}",
                transaction.tx_hash()
            )));
        }
        // Every call has a selector at least.
        let purpose = if transaction.input().is_empty() {
            Purpose::Void
        } else if presents(transaction.input()) {
            Purpose::Present
        } else {
            Purpose::Claim
        };
        let max_fee_per_gas = transaction.max_fee_per_gas();
        let fees = match transaction.max_priority_fee_per_gas() {
            Some(max_priority_fee_per_gas) => Fees {
                max_fee_per_gas,
                max_priority_fee_per_gas,
            },
            // One with a gas price.
            None => Fees::single(max_fee_per_gas),
        };
        Ok(Self {
            hash,
            raw,
            fees,
            gas_limit: transaction.gas_limit(),
            purpose,
        })
    }
}

impl Node {
    /// The receipt of `hash`, if it is in a block of the canonical chain.
    pub(super) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, DeliveryError> {
        let heads = self.heads().await?;
        self.receipt_at(hash, &heads).await
    }

    /// What became of each attempt, with the receipts of those that were mined.
    pub(super) async fn fates(
        &self,
        held: &HeldNonce,
        heads: &Heads,
    ) -> Result<Vec<(Fate, Option<Receipt>)>, DeliveryError> {
        let mut fates = Vec::with_capacity(held.attempts.len());
        for attempt in &held.attempts {
            fates.push(self.fate(attempt, heads).await?);
        }
        Ok(fates)
    }

    async fn fate(
        &self,
        attempt: &AttemptView,
        heads: &Heads,
    ) -> Result<(Fate, Option<Receipt>), DeliveryError> {
        let hash = attempt.hash;
        if let Some(receipt) = self.receipt_at(hash, heads).await? {
            let Receipt {
                block,
                success,
                is_final,
                cost,
                ..
            } = receipt;
            if cost.gas_used > attempt.gas_limit || cost.gas_price > attempt.fees.max_fee_per_gas {
                return Err(self.malformed(
                    READING_RECEIPT,
                    format!(
                        "transaction {hash} used {} gas at {} wei, more than it offered",
                        cost.gas_used, cost.gas_price
                    ),
                ));
            }
            let fate = Fate::Mined {
                block,
                success,
                is_final,
                cost,
            };
            return Ok((fate, Some(receipt)));
        }
        let known = self.asked(
            "looking for a transaction",
            self.provider().get_transaction_by_hash(hash).await,
        )?;
        Ok((
            if known.is_some() {
                Fate::Pooled
            } else {
                Fate::Unknown
            },
            None,
        ))
    }

    async fn receipt_at(
        &self,
        hash: B256,
        heads: &Heads,
    ) -> Result<Option<Receipt>, DeliveryError> {
        let Some(receipt) = self.asked(
            READING_RECEIPT,
            self.provider().get_transaction_receipt(hash).await,
        )?
        else {
            return Ok(None);
        };
        let (Some(block), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
            return Err(self.malformed(
                READING_RECEIPT,
                format!("the receipt of {hash} names no block"),
            ));
        };
        if receipt.transaction_hash != hash {
            let detail = format!("it is that of {}, not of {hash}", receipt.transaction_hash);
            return Err(self.malformed(READING_RECEIPT, detail));
        }
        // A node, or another one behind the same address, may still serve a receipt from a fork.
        if self.canonical_hash(block).await? != Some(block_hash) {
            return Ok(None);
        }
        Ok(Some(Receipt {
            block,
            success: receipt.status(),
            is_final: heads.is_final(block),
            cost: Cost {
                gas_used: receipt.gas_used,
                gas_price: receipt.effective_gas_price,
            },
            consumed: self.consumed_in(&receipt),
        }))
    }

    fn consumed_in(&self, receipt: &TransactionReceipt) -> Vec<ClaimKey> {
        if !receipt.status() {
            return Vec::new();
        }
        receipt
            .logs()
            .iter()
            .filter_map(|log| self.consumed_by(log))
            .collect()
    }
}
