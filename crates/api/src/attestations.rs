//! Attestations: what was signed, by whom, what became of it, and what it rests on.

use alloy_primitives::hex;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::attestation::{AttestationBatch, ClaimAttestation};
use tocsin_domain::bundle::EvidenceBundle;
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId};
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::browse::AttestationFilter;
use tocsin_store::evidence;
use utoipa::ToSchema;

use crate::Api;
use crate::epochs::{StandingView, standing};
use crate::extract::{Path, Query, address, determination, id};
use crate::openapi::published;
use crate::page;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::views::delivery::{CostView, DeliveryView};
use crate::views::determination_id;

/// An attestation, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationSummary {
    #[schema(value_type = String)]
    id: AttestationId,
    /// What a contract pays once.
    #[schema(value_type = String)]
    claim_key: ClaimKey,
    #[schema(value_type = String)]
    policy: PolicyId,
    /// The loss event: `0x…-1`.
    determination: String,
    /// When it was signed: RFC 3339.
    attested_at: String,
}

impl From<AttestationRecord> for AttestationSummary {
    fn from(record: AttestationRecord) -> Self {
        Self {
            id: record.id,
            claim_key: record.claim_key,
            policy: record.policy,
            determination: determination_id(record.risk, record.ordinal),
            attested_at: record.attested_at.to_string(),
        }
    }
}

/// Attestations, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttestationList {
    attestations: Vec<AttestationSummary>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttestationQuery {
    /// Those of this policy; one of `policy`, `holder` and `determination` at the most.
    policy: Option<String>,
    /// Those of policies that pay this address.
    holder: Option<String>,
    /// Those of claims on this loss event: the risk id, a dash, and its number.
    determination: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl AttestationQuery {
    fn filter(&self) -> Result<AttestationFilter, Problem> {
        match (&self.policy, &self.holder, &self.determination) {
            (None, None, None) => Ok(AttestationFilter::All),
            (Some(policy), None, None) => Ok(AttestationFilter::Policy(id(policy, "a policy id")?)),
            (None, Some(holder), None) => Ok(AttestationFilter::Holder(address(holder)?)),
            (None, None, Some(text)) => {
                let (risk, ordinal) = determination(text)?;
                Ok(AttestationFilter::Determination(risk, ordinal))
            }
            _ => Err(Problem::BadRequest(
                "write one of policy=, holder= and determination= at the most".to_owned(),
            )),
        }
    }
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

/// The attestations of a policy, of a holder, of a loss event, or all, the newest first.
#[utoipa::path(get, path = "/v1/attestations", operation_id = "list_attestations", tag = "attestations", params(AttestationQuery), responses((status = 200, description = "A page of attestations", body = AttestationList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<AttestationQuery>,
) -> Result<Json<AttestationList>, Problem> {
    let limit = page::limit(query.limit)?;
    let before: Option<AttestationId> = page::after(query.cursor.as_deref())?;
    let filter = query.filter()?;
    let found = api.store.browse_attestations(filter, before, limit).await;
    let found = found.map_err(page::strange)?;
    let next = page::next(&found, limit, |last| last.id)?;
    Ok(Json(AttestationList {
        attestations: found.into_iter().map(AttestationSummary::from).collect(),
        next,
    }))
}

/// One attestation, with its signatures and what became of it.
#[utoipa::path(get, path = "/v1/attestations/{attestation}", operation_id = "get_attestation", tag = "attestations", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The attestation", body = AttestationView), (status = 404, description = "There is none", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn one(
    State(api): State<Served>,
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
    State(api): State<Served>,
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
