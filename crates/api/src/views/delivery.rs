//! How far a delivery has come, and what it has cost.

use alloy_primitives::{B256, U256};
use serde::Serialize;
use tocsin_store::delivery::{Charged, Delivery, DeliveryState};
use utoipa::ToSchema;

/// How far a delivery has come.
#[derive(Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum DeliveryView {
    /// It waits.
    Queued {
        /// What went wrong last.
        last_error: Option<String>,
    },
    /// Transactions of it are on their way.
    Sending {
        /// The nonce of all of them.
        nonce: u64,
        /// Their hashes, oldest first.
        #[schema(value_type = Vec<String>)]
        transactions: Vec<B256>,
        /// What went wrong last.
        last_error: Option<String>,
    },
    /// The claim is consumed, in a final block.
    Done {
        /// The transaction that consumed it.
        #[schema(value_type = String)]
        transaction: B256,
        /// Its block.
        block: u64,
    },
    /// Given up; a person has to look.
    Failed {
        /// Why.
        last_error: Option<String>,
    },
    /// A newer attestation of the same claim is delivered instead.
    Superseded,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let last_error = delivery.last_error;
        match delivery.state {
            DeliveryState::Queued => Self::Queued { last_error },
            DeliveryState::Sending {
                nonce, attempts, ..
            } => Self::Sending {
                nonce,
                transactions: attempts.iter().map(|attempt| attempt.hash).collect(),
                last_error,
            },
            DeliveryState::Done { transaction, block } => Self::Done { transaction, block },
            DeliveryState::Failed => Self::Failed { last_error },
            DeliveryState::Superseded => Self::Superseded,
        }
    }
}

/// How far a delivery has come, in words.
pub(crate) fn in_words(delivery: &Delivery) -> String {
    match &delivery.state {
        DeliveryState::Queued => "waits to be delivered".to_owned(),
        DeliveryState::Sending { .. } => "is being delivered".to_owned(),
        DeliveryState::Done { transaction, block } => {
            format!("delivered in block {block}, transaction {transaction}")
        }
        DeliveryState::Failed => "not delivered: a person has to look".to_owned(),
        DeliveryState::Superseded => "a newer one is delivered instead".to_owned(),
    }
}

/// What delivering has cost: every transaction of it that was mined, as of a final block.
#[derive(Serialize, ToSchema)]
pub(crate) struct CostView {
    /// All of it, decimal.
    wei: String,
    transactions: Vec<PaidTransaction>,
}

/// A transaction that was paid for.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaidTransaction {
    #[schema(value_type = String)]
    hash: B256,
    /// Who paid.
    #[schema(value_type = String)]
    sender: alloy_primitives::Address,
    nonce: u64,
    block: u64,
    /// It did not revert.
    succeeded: bool,
    gas_used: u64,
    /// Wei, decimal.
    gas_price: String,
}

impl CostView {
    pub(crate) fn of(charges: &[Charged]) -> Self {
        let total = charges.iter().fold(U256::ZERO, |total, charged| {
            total.saturating_add(charged.charge.wei())
        });
        let transactions = charges.iter().map(|charged| PaidTransaction {
            hash: charged.hash,
            sender: charged.sender,
            nonce: charged.nonce,
            block: charged.charge.block,
            succeeded: charged.charge.succeeded,
            gas_used: charged.charge.gas_used,
            gas_price: charged.charge.gas_price.to_string(),
        });
        Self {
            wei: total.to_string(),
            transactions: transactions.collect(),
        }
    }
}
