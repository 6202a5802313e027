//! Deliveries: what became of an attestation on its way to a contract, and what that cost.

use alloy_primitives::{B256, U256};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_store::delivery::{Charged, Delivery, DeliveryState};
use utoipa::ToSchema;

use crate::Api;
use crate::extract::Path;
use crate::problem::{Problem, ProblemDetails};

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

/// A delivery with what it cost.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryReport {
    /// What is delivered.
    #[schema(value_type = String)]
    attestation: tocsin_domain::ids::AttestationId,
    /// The settlement chain, by CAIP-2.
    chain: String,
    /// The contract that is called.
    #[schema(value_type = String)]
    consumer: alloy_primitives::Address,
    /// How often it has been put back.
    failures: u32,
    delivery: DeliveryView,
    cost: CostView,
}

/// How far the delivery of an attestation has come, and what it cost.
#[utoipa::path(get, path = "/v1/deliveries/{attestation}", operation_id = "get_delivery", tag = "deliveries", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The delivery", body = DeliveryReport), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<DeliveryReport>, Problem> {
    let record = crate::attestations::find(&api, &text).await?;
    let delivery = api.store.delivery(record.id).await?.ok_or_else(|| {
        Problem::NotFound(format!(
            "attestation {} is not delivered by this service",
            record.id
        ))
    })?;
    let cost = CostView::of(&api.store.charges(record.id).await?);
    Ok(Json(DeliveryReport {
        attestation: delivery.attestation,
        chain: format!("eip155:{}", delivery.chain_id),
        consumer: delivery.consumer,
        failures: delivery.failures,
        delivery: DeliveryView::from(delivery),
        cost,
    }))
}
