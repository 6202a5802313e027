//! Deliveries: what became of an attestation on its way to a contract, and what that cost.

use alloy_primitives::{B256, U256};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::Written;
use tocsin_store::browse::DeliveryFilter;
use tocsin_store::delivery::{Charged, Delivery, DeliveryState};
use tocsin_store::log::AuditEntry;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Caller;
use crate::extract::{Path, Query};
use crate::idempotency::{self, Asked};
use crate::page;
use crate::problem::{Kind, Problem, ProblemDetails};
use crate::served::Served;

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

/// A delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliverySummary {
    /// What is delivered.
    #[schema(value_type = String)]
    attestation: AttestationId,
    /// The settlement chain, by CAIP-2.
    chain: String,
    /// The contract that is called.
    #[schema(value_type = String)]
    consumer: alloy_primitives::Address,
    /// How often it has been put back.
    failures: u32,
    delivery: DeliveryView,
}

impl From<Delivery> for DeliverySummary {
    fn from(delivery: Delivery) -> Self {
        Self {
            attestation: delivery.attestation,
            chain: format!("eip155:{}", delivery.chain_id),
            consumer: delivery.consumer,
            failures: delivery.failures,
            delivery: DeliveryView::from(delivery),
        }
    }
}

/// A delivery with what it cost.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryReport {
    #[serde(flatten)]
    summary: DeliverySummary,
    cost: CostView,
}

/// Deliveries, the last queued first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    deliveries: Vec<DeliverySummary>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// Which state of a delivery.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateAsked {
    Queued,
    Sending,
    Done,
    Failed,
    Superseded,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    /// Those in this state.
    #[param(inline)]
    state: Option<StateAsked>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Every delivery, or those in a state, the last queued first.
#[utoipa::path(get, path = "/v1/deliveries", operation_id = "list_deliveries", tag = "deliveries", params(DeliveryQuery), responses((status = 200, description = "A page of deliveries", body = DeliveryPage)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<DeliveryPage>, Problem> {
    let limit = page::limit(query.limit)?;
    let before: Option<AttestationId> = page::after(query.cursor.as_deref())?;
    let filter = match query.state {
        None => DeliveryFilter::All,
        Some(StateAsked::Queued) => DeliveryFilter::Queued,
        Some(StateAsked::Sending) => DeliveryFilter::Sending,
        Some(StateAsked::Done) => DeliveryFilter::Done,
        Some(StateAsked::Failed) => DeliveryFilter::Failed,
        Some(StateAsked::Superseded) => DeliveryFilter::Superseded,
    };
    let found = api.store.browse_deliveries(filter, before, limit).await;
    let found = found.map_err(page::strange)?;
    let next = page::next(&found, limit, |last| last.attestation)?;
    let deliveries = found.into_iter().map(DeliverySummary::from).collect();
    Ok(Json(DeliveryPage { deliveries, next }))
}

/// How far the delivery of an attestation has come, and what it cost.
#[utoipa::path(get, path = "/v1/deliveries/{attestation}", operation_id = "get_delivery", tag = "deliveries", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The delivery", body = DeliveryReport), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
    Path(text): Path<String>,
) -> Result<Json<DeliveryReport>, Problem> {
    let delivery = find(&api, &text).await?;
    Ok(Json(report(&api, delivery).await?))
}

/// Queues a delivery again that was given up. One that is under way goes on; one that has ended otherwise stays as it is. The
/// same request again, with its key, does nothing, and gets the same answer.
#[utoipa::path(post, path = "/v1/deliveries/{attestation}/replay", operation_id = "replay_delivery", tag = "deliveries", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits"), ("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), responses((status = 202, description = "It is under way", body = DeliveryReport), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json"), (status = 409, description = "It has ended, and not because it was given up", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn replay(
    State(api): State<Served>,
    caller: Option<Extension<Caller>>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = caller.as_deref();
    let what = format!("POST /v1/deliveries/{text}/replay");
    let asked = Asked::of(caller, &headers, &what, &body)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let delivery = find(&api, &text).await?;
    let id = delivery.attestation;
    let at = Timestamp(api.auth.now().0);
    let audit = AuditEntry {
        at,
        action: "delivery-replayed".to_owned(),
        actor: caller.map(|caller| caller.client.to_string()),
        subject: id.to_string(),
        detail: serde_json::json!({ "failures": delivery.failures }),
    };
    let state = match delivery.state {
        DeliveryState::Failed => DeliveryState::Queued,
        state => state,
    };
    let report = report(&api, Delivery { state, ..delivery }).await?;
    let body = serde_json::to_vec(&report).map_err(|error| Problem::Failed(error.to_string()))?;
    let answer = asked.with(StatusCode::ACCEPTED, body, at);
    let written = Written { answer, audit };
    match api.store.resume(id, &written).await {
        Ok(()) => idempotency::written(written.answer),
        Err(StoreError::Refused { reason, .. }) => Err(Problem::Said {
            kind: Kind::Conflict,
            detail: format!("the delivery is not queued again: {reason}"),
        }),
        Err(error) => asked.after(error, &*api.store).await,
    }
}

async fn find(api: &Api, text: &str) -> Result<Delivery, Problem> {
    let record = crate::attestations::find(api, text).await?;
    api.store.delivery(record.id).await?.ok_or_else(|| {
        Problem::NotFound(format!(
            "attestation {} is not delivered by this service",
            record.id
        ))
    })
}

async fn report(api: &Api, delivery: Delivery) -> Result<DeliveryReport, Problem> {
    let cost = CostView::of(&api.store.charges(delivery.attestation).await?);
    Ok(DeliveryReport {
        summary: DeliverySummary::from(delivery),
        cost,
    })
}
