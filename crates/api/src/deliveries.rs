//! Deliveries: what became of an attestation on its way to a contract, and what that cost.

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
use tocsin_store::delivery::{Delivery, DeliveryState};
use tocsin_store::log::AuditEntry;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Caller;
use crate::extract::{Path, Query};
use crate::idempotency::{self, Asked};
use crate::page;
use crate::problem::{Kind, Problem, ProblemDetails};
use crate::served::Served;
use crate::views::delivery::{CostView, DeliveryView};

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
