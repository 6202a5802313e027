//! Transactions that exist: in bytes, in the pool, in a block.

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{B256, Bytes};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionReceipt;
use tocsin_domain::ids::ClaimKey;

use super::connect::Submitter;
use super::fees::Fees;
use super::look::Heads;
use super::view::{AttemptView, Fate, HeldNonce, Purpose};
use crate::DeliveryError;

/// A transaction in a block of the canonical chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The block's number.
    pub block: u64,
    /// It did not revert.
    pub success: bool,
    /// The block is final by the settings.
    pub is_final: bool,
    /// The claims that the verifier accepted in it.
    pub consumed: Vec<ClaimKey>,
}

impl AttemptView {
    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`DeliveryError::AttemptBytes`] if they are not a signed EIP-1559 transaction with this hash.
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
        let Some(tip) = transaction.max_priority_fee_per_gas() else {
            return Err(damaged("it has no EIP-1559 fees".to_owned()));
        };
        // Every call has a selector at least.
        let purpose = if transaction.input().is_empty() {
            Purpose::Void
        } else {
            Purpose::Claim
        };
        let fees = Fees {
            max_fee_per_gas: transaction.max_fee_per_gas(),
            max_priority_fee_per_gas: tip,
        };
        Ok(Self {
            hash,
            raw,
            fees,
            purpose,
        })
    }
}

impl Submitter {
    /// The receipt of `hash`, if it is in a block of the canonical chain.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] when the node cannot say.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, DeliveryError> {
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
            fates.push(self.fate(attempt.hash, heads).await?);
        }
        Ok(fates)
    }

    async fn fate(
        &self,
        hash: B256,
        heads: &Heads,
    ) -> Result<(Fate, Option<Receipt>), DeliveryError> {
        if let Some(receipt) = self.receipt_at(hash, heads).await? {
            let Receipt {
                block,
                success,
                is_final,
                ..
            } = receipt;
            return Ok((
                Fate::Mined {
                    block,
                    success,
                    is_final,
                },
                Some(receipt),
            ));
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
        const ASKED: &str = "reading a transaction's receipt";
        let Some(receipt) =
            self.asked(ASKED, self.provider().get_transaction_receipt(hash).await)?
        else {
            return Ok(None);
        };
        let (Some(block), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
            return Err(self.malformed(ASKED, format!("the receipt of {hash} names no block")));
        };
        // A node, or another one behind the same address, may still serve a receipt from a fork.
        if self.canonical_hash(block).await? != Some(block_hash) {
            return Ok(None);
        }
        Ok(Some(Receipt {
            block,
            success: receipt.status(),
            is_final: heads.is_final(block),
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
