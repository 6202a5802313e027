//! Whether the verifier has accepted a claim, and in which transaction.
//!
//! The verifier's state is asked first, at a block that is named by its hash; it is the truth. The log only tells which
//! transaction it was. If the state says "consumed" and no log is found, that is an error: the answer is not "no".

use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use tocsin_domain::ids::ClaimKey;

use super::contract::TocsinVerifier::{Consumed, consumedCall};
use super::look::{Head, Heads};
use super::node::Node;
use super::transaction::Receipt;
use super::view::Consumption;
use crate::DeliveryError;

const ASKING: &str = "asking the verifier whether a claim is consumed";
const SEARCHING: &str = "searching for the log of a consumed claim";

impl Node {
    /// Whether the claim is consumed, by whomever.
    pub(super) async fn consumption(
        &self,
        claim_key: ClaimKey,
    ) -> Result<Consumption, DeliveryError> {
        let heads = self.heads().await?;
        let (at_final, at_latest) = tokio::try_join!(
            self.consumed_at_final(claim_key, &heads),
            self.consumed_at_latest(claim_key, &heads)
        )?;
        self.consumption_from(claim_key, at_final, at_latest, &heads, &[])
            .await
    }

    /// Combines the verifier's state at the two heads with the transaction that caused it, which is looked for among
    /// `receipts` first.
    pub(super) async fn consumption_from(
        &self,
        claim_key: ClaimKey,
        at_final: bool,
        at_latest: bool,
        heads: &Heads,
        receipts: &[(B256, Receipt)],
    ) -> Result<Consumption, DeliveryError> {
        let Some(last) = heads.finalized.as_ref().filter(|_| at_final) else {
            return Ok(if at_latest {
                Consumption::Recent
            } else {
                Consumption::None
            });
        };
        let ours = receipts
            .iter()
            .find(|(_, receipt)| receipt.is_final && receipt.consumed.contains(&claim_key));
        if let Some((transaction, receipt)) = ours {
            return Ok(Consumption::Final {
                transaction: *transaction,
                block: receipt.block,
            });
        }
        self.locate(claim_key, last).await
    }

    pub(super) async fn consumed_at_final(
        &self,
        claim_key: ClaimKey,
        heads: &Heads,
    ) -> Result<bool, DeliveryError> {
        match &heads.finalized {
            // A verifier that is younger than the final block has consumed nothing in it.
            Some(head) => Ok(self.consumed_at(claim_key, head).await?.unwrap_or(false)),
            None => Ok(false),
        }
    }

    pub(super) async fn consumed_at_latest(
        &self,
        claim_key: ClaimKey,
        heads: &Heads,
    ) -> Result<bool, DeliveryError> {
        let answer = self.consumed_at(claim_key, &heads.latest).await?;
        // It was there at the start, so this node lags behind, or serves a fork.
        answer.ok_or_else(|| {
            let verifier = self.settings().verifier;
            self.malformed(
                ASKING,
                format!("there is no contract at the verifier's address {verifier}"),
            )
        })
    }

    /// What the verifier says in a block; `None` if it was not there yet.
    async fn consumed_at(
        &self,
        claim_key: ClaimKey,
        head: &Head,
    ) -> Result<Option<bool>, DeliveryError> {
        let verifier = self.settings().verifier;
        let call = consumedCall {
            claimKey: claim_key.0,
        };
        let request = TransactionRequest::default()
            .with_to(verifier)
            .with_input(call.abi_encode());
        let answer = self.asked(
            ASKING,
            self.provider()
                .call(request)
                .block(BlockId::hash(head.hash))
                .await,
        )?;
        if answer.is_empty() && !self.has_code(verifier, head).await? {
            return Ok(None);
        }
        consumedCall::abi_decode_returns(&answer)
            .map(Some)
            .map_err(|error| self.malformed(ASKING, format!("{answer} is no truth value: {error}")))
    }

    /// Finds the log, newest blocks first: a claim is consumed soon after it was signed.
    async fn locate(&self, claim_key: ClaimKey, last: &Head) -> Result<Consumption, DeliveryError> {
        let settings = self.settings();
        let mut to_block = last.number;
        loop {
            let from_block = to_block
                .saturating_sub(settings.log_range_blocks - 1)
                .max(settings.verifier_block);
            let filter = Filter::new()
                .address(settings.verifier)
                .event_signature(Consumed::SIGNATURE_HASH)
                .topic1(claim_key.0)
                .from_block(from_block)
                .to_block(to_block);
            let logs = self.asked(SEARCHING, self.provider().get_logs(&filter).await)?;
            for log in &logs {
                if self.consumed_by(log) == Some(claim_key) {
                    return self.located(log, last).await;
                }
            }
            if from_block <= settings.verifier_block {
                return Err(DeliveryError::ConsumptionNotLocated {
                    claim_key,
                    endpoint: self.endpoint(),
                    from_block,
                    to_block: last.number,
                });
            }
            to_block = from_block - 1;
        }
    }

    async fn located(&self, log: &Log, last: &Head) -> Result<Consumption, DeliveryError> {
        let (Some(transaction), Some(block), Some(block_hash)) =
            (log.transaction_hash, log.block_number, log.block_hash)
        else {
            return Err(self.malformed(SEARCHING, "a log names no block or transaction".to_owned()));
        };
        if block > last.number || self.canonical_hash(block).await? != Some(block_hash) {
            return Err(self.malformed(
                SEARCHING,
                format!("the log is in block {block} {block_hash}, which is not a final block of the chain"),
            ));
        }
        Ok(Consumption::Final { transaction, block })
    }

    /// The claim that `log` consumes, if the verifier wrote it. Anybody can emit an event of that name.
    pub(super) fn consumed_by(&self, log: &Log) -> Option<ClaimKey> {
        if log.address() != self.settings().verifier || log.removed {
            return None;
        }
        // Not an error: the verifier has other events.
        let event = Consumed::decode_log(&log.inner).ok()?;
        Some(ClaimKey(event.data.claimKey))
    }
}
