//! What can be asked.

use alloy_primitives::{U256, hex};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{AttestationId, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::delivery::{Charged, DeliveryState};
use tocsin_store::evidence;
use utoipa::OpenApi;
use utoipa_axum::routes;

use crate::access::{Access, Scope};
use crate::auth::{caller, keys};
use crate::openapi::Document;
use crate::problem::Problem;
use crate::route::Routes;
use crate::webhooks::{endpoints, told};
use crate::{Api, eligibility, epochs, feeds, log, metrics, mirrors, policies, quorum, watching};

/// How many attestations a list shows.
const LISTED: u32 = 100;

pub(crate) fn router(api: Api) -> Router {
    let (described, _document) = Routes::new(api.clone(), Document::openapi())
        .add(Access::Public, routes!(crate::covers::list))
        .add(Access::Public, routes!(eligibility::find::find))
        .add(Access::Public, routes!(log::checkpoint))
        .add(Access::Public, routes!(log::key))
        .add(Access::Public, routes!(log::tile))
        .add(Access::Public, routes!(log::entries))
        .add(Access::Public, routes!(log::inclusion))
        .add(Access::Public, routes!(log::consistency))
        .add(
            Access::Needs(Scope::Read),
            routes!(caller::caller, caller::try_write),
        )
        .add(
            Access::Needs(Scope::KeysManage),
            routes!(keys::list, keys::act),
        )
        .add(Access::Needs(Scope::KeysManage), routes!(keys::proposals))
        .add(Access::Needs(Scope::KeysManage), routes!(keys::approve))
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::list, endpoints::register),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::show, endpoints::change, endpoints::remove),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::stand),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::secrets, endpoints::rotate),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(endpoints::test),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::deliveries),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::dead_letters),
        )
        .add(
            Access::Needs(Scope::WebhooksManage),
            routes!(told::lanes, told::replay),
        )
        .finish();
    described
        .route("/health/live", get(async || "live\n"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/chains", get(watching::chains))
        .route("/v1/sources", get(watching::sources))
        .route("/v1/warnings", get(watching::warnings))
        .route("/v1/feeds", get(feeds::feeds))
        .route("/v1/feeds/{feed}/subjects/{*subject}", get(feeds::subject))
        .route("/v1/responses/{hash}", get(feeds::response))
        .route("/v1/responses/{hash}/fetches", get(feeds::fetches))
        .route("/v1/policies", get(policies::find))
        .route("/v1/policies/{policy}/eligibility", get(eligible))
        .route("/v1/epochs", get(epochs::epochs))
        .route("/v1/quorum", get(quorum::quorum))
        .route("/v1/attestations", get(attestations))
        .route("/v1/attestations/{id}", get(attestation))
        .route("/v1/attestations/{id}/evidence", get(bundle))
        .route("/v1/attestations/{id}/eas", get(mirrors::mirror))
        .fallback(async || Problem::NotFound("there is nothing at this path".to_owned()))
        .with_state(api)
}

async fn ready(State(api): State<Api>) -> Response {
    let reasons = api.health.not_ready();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({ "ready": reasons.is_empty(), "reasons": reasons })),
    )
        .into_response()
}

async fn eligible(
    State(api): State<Api>,
    Path(policy): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id: PolicyId = policy.parse().map_err(|_not_hex| {
        Problem::BadRequest(format!(
            "`{policy}` is not a policy id: write the 32 bytes of policyId as 0x and 64 digits"
        ))
    })?;
    Ok(Json(eligibility::of(&*api.store, id).await?))
}

async fn attestations(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let mut listed = Vec::new();
    for record in api.store.recent_attestations(LISTED).await? {
        listed.push(json!({ "id": record.id, "policy": record.policy, "attested_at": record.attested_at.to_string() }));
    }
    Ok(Json(json!({ "attestations": listed })))
}

async fn attestation(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let record = find(&api, &id).await?;
    let payload = ClaimAttestation::from_bytes(&record.payload).map_err(|error| {
        Problem::Store(StoreError::InvalidRow {
            noun: "attestation",
            key: record.id.to_string(),
            reason: error.to_string(),
        })
    })?;
    let (signatures, batch) = signed(&api, &record).await?;
    let standing = epochs::standing(&*api.store, &record).await?;
    let delivery = api
        .store
        .delivery(record.id)
        .await?
        .map(|delivery| match delivery.state {
            DeliveryState::Queued => {
                json!({ "state": "queued", "last_error": delivery.last_error })
            }
            DeliveryState::Sending {
                nonce, attempts, ..
            } => json!({
                "state": "sending",
                "nonce": nonce,
                "transactions": attempts.iter().map(|attempt| attempt.hash).collect::<Vec<_>>(),
                "last_error": delivery.last_error,
            }),
            DeliveryState::Done { transaction, block } => {
                json!({ "state": "done", "transaction": transaction, "block": block })
            }
            DeliveryState::Failed => {
                json!({ "state": "failed", "last_error": delivery.last_error })
            }
            DeliveryState::Superseded => json!({ "state": "superseded" }),
        });
    let cost = cost(&api.store.charges(record.id).await?);
    Ok(Json(json!({
        "id": record.id,
        "claim_key": record.claim_key,
        "policy": record.policy,
        "attested_at": record.attested_at.to_string(),
        "attestation": payload,
        "signatures": signatures,
        "batch": batch,
        "standing": standing,
        "delivery": delivery,
        "cost": cost,
    })))
}

/// What delivering has cost: every transaction of it that was mined, as of a final block. Amounts are texts, since they
/// exceed what JSON's numbers hold everywhere.
fn cost(charges: &[Charged]) -> Value {
    let total = charges.iter().fold(U256::ZERO, |total, charged| {
        total.saturating_add(charged.charge.wei())
    });
    let transactions = charges.iter().map(|charged| {
        json!({
            "hash": charged.hash,
            "sender": charged.sender,
            "nonce": charged.nonce,
            "block": charged.charge.block,
            "succeeded": charged.charge.succeeded,
            "gas_used": charged.charge.gas_used,
            "gas_price": charged.charge.gas_price.to_string(),
        })
    });
    json!({ "wei": total.to_string(), "transactions": transactions.collect::<Vec<_>>() })
}

/// The packed signatures, and the batch that they are of where the attestation was not signed alone: with the
/// attestation's place there, and the proof that a contract takes.
async fn signed(api: &Api, record: &AttestationRecord) -> Result<(String, Option<Value>), Problem> {
    match &record.signed {
        Signed::Alone(signatures) => Ok((hex::encode_prefixed(signatures), None)),
        Signed::InBatch {
            batch,
            place,
            proof,
        } => {
            let stored = api.store.batch(*batch).await?.ok_or(StoreError::Missing {
                noun: "batch of attestation",
                key: record.id.to_string(),
            })?;
            let described = json!({
                "id": stored.id,
                "signed": stored.batch,
                "index": place,
                "proof": proof,
            });
            Ok((hex::encode_prefixed(&stored.signatures), Some(described)))
        }
    }
}

async fn bundle(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let record = find(&api, &id).await?;
    let Some(domain) = api.attestor else {
        return Err(Problem::NotFound("this service attests nothing".to_owned()));
    };
    let bundle = evidence::bundle(&*api.store, &record, domain).await?;
    Ok(Json(bundle).into_response())
}

pub(crate) async fn find(api: &Api, text: &str) -> Result<AttestationRecord, Problem> {
    let id: AttestationId = text.parse().map_err(|_not_hex| {
        Problem::BadRequest(format!(
            "`{text}` is not an attestation id: write its 32 bytes as 0x and 64 digits"
        ))
    })?;
    api.store
        .attestation(id)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("there is no attestation {id}")))
}
