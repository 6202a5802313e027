//! Attestations: what was signed, by whom, what became of it, and what it rests on.

use alloy_primitives::hex;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation};
use tocsin_domain::bundle::EvidenceBundle;
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::evidence;
use utoipa::ToSchema;

use crate::Api;
use crate::deliveries::{CostView, DeliveryView};
use crate::epochs::{StandingView, standing};
use crate::extract::{Path, Query, id};
use crate::openapi::published;
use crate::page;
use crate::problem::{Problem, ProblemDetails};

/// An attestation, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationSummary {
    #[schema(value_type = String)]
    id: AttestationId,
    #[schema(value_type = String)]
    policy: PolicyId,
    /// When it was signed: RFC 3339.
    attested_at: String,
}

/// The newest attestations.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationList {
    attestations: Vec<AttestationSummary>,
}

/// How many are wanted.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Newest {
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// An attestation.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationView {
    /// The EIP-712 digest.
    #[schema(value_type = String)]
    id: AttestationId,
    /// What a contract pays once.
    #[schema(value_type = String)]
    claim_key: ClaimKey,
    #[schema(value_type = String)]
    policy: PolicyId,
    /// When it was signed: RFC 3339.
    attested_at: String,
    /// What was signed, as docs/schema/attestation.json describes it.
    #[schema(value_type = published::ClaimAttestation)]
    attestation: ClaimAttestation,
    /// Packed signatures, as a contract takes them.
    signatures: String,
    /// The batch that the signatures are of, where the attestation was not signed alone.
    batch: Option<BatchView>,
    /// What the verifier says of the claim.
    standing: StandingView,
    /// How far it has been delivered; none where this service delivers nothing.
    delivery: Option<DeliveryView>,
    /// What delivering has cost.
    cost: CostView,
}

/// The batch that an attestation was signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchView {
    #[schema(value_type = String)]
    id: BatchId,
    /// What was signed.
    #[schema(value_type = published::AttestationBatch)]
    signed: AttestationBatch,
    /// The attestation's place, from 0.
    index: u32,
    /// The siblings from its leaf to the root: 32 bytes each.
    #[schema(value_type = Vec<String>)]
    proof: Vec<alloy_primitives::B256>,
}

/// The newest attestations first.
#[utoipa::path(get, path = "/v1/attestations", operation_id = "list_attestations", tag = "attestations", params(Newest), responses((status = 200, description = "The newest attestations", body = AttestationList)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Query(newest): Query<Newest>,
) -> Result<Json<AttestationList>, Problem> {
    let limit = page::limit(newest.limit)?;
    let found = api.store.recent_attestations(limit).await?;
    let attestations = found
        .into_iter()
        .map(|record| AttestationSummary {
            id: record.id,
            policy: record.policy,
            attested_at: record.attested_at.to_string(),
        })
        .collect();
    Ok(Json(AttestationList { attestations }))
}

/// One attestation, with its signatures and what became of it.
#[utoipa::path(get, path = "/v1/attestations/{attestation}", operation_id = "get_attestation", tag = "attestations", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The attestation", body = AttestationView), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<AttestationView>, Problem> {
    let record = find(&api, &text).await?;
    Ok(Json(view(&api, record).await?))
}

/// An attestation with all that is known of it.
pub(crate) async fn view(api: &Api, record: AttestationRecord) -> Result<AttestationView, Problem> {
    let payload =
        ClaimAttestation::from_bytes(&record.payload).map_err(|error| StoreError::InvalidRow {
            noun: "attestation",
            key: record.id.to_string(),
            reason: error.to_string(),
        })?;
    let (signatures, batch) = signed(api, &record).await?;
    let standing = standing(&*api.store, &record).await?;
    let delivery = api.store.delivery(record.id).await?;
    let cost = CostView::of(&api.store.charges(record.id).await?);
    Ok(AttestationView {
        id: record.id,
        claim_key: record.claim_key,
        policy: record.policy,
        attested_at: record.attested_at.to_string(),
        attestation: payload,
        signatures,
        batch,
        standing,
        delivery: delivery.map(DeliveryView::from),
        cost,
    })
}

/// The packed signatures, and the batch that they are of where the attestation was not signed alone: with the
/// attestation's place there, and the proof that a contract takes.
async fn signed(
    api: &Api,
    record: &AttestationRecord,
) -> Result<(String, Option<BatchView>), Problem> {
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
            let described = BatchView {
                id: stored.id,
                signed: stored.batch,
                index: *place,
                proof: proof.clone(),
            };
            Ok((hex::encode_prefixed(&stored.signatures), Some(described)))
        }
    }
}

/// Everything that a stranger needs to decide again: terms, observations and proofs, as docs/schema/evidence-bundle.json
/// describes them. `tocsin verify` re-executes it.
#[utoipa::path(get, path = "/v1/attestations/{attestation}/evidence", operation_id = "get_evidence", tag = "attestations", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The evidence bundle", body = published::EvidenceBundle), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn bundle(
    State(api): State<Api>,
    Path(text): Path<String>,
) -> Result<Json<EvidenceBundle>, Problem> {
    let record = find(&api, &text).await?;
    let Some(domain) = api.attestor else {
        return Err(Problem::NotFound("this service attests nothing".to_owned()));
    };
    Ok(Json(evidence::bundle(&*api.store, &record, domain).await?))
}

/// The attestation that a path names.
pub(crate) async fn find(api: &Api, text: &str) -> Result<AttestationRecord, Problem> {
    let id: AttestationId = id(text, "an attestation id")?;
    api.store
        .attestation(id)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("there is no attestation {id}")))
}
