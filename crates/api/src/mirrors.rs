//! Mirrors of attestations, for readers of the Ethereum Attestation Service.

use alloy_primitives::Address;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::attestation::eas::{EasContract, Mirror};
use tocsin_store::StoreError;
use tocsin_store::attestation::AttestationRecord;

use utoipa::ToSchema;

use crate::attestations::find;
use crate::extract::Path;
use crate::openapi::published;
use crate::problem::{Problem, ProblemDetails};
use crate::served::Served;
use crate::{Api, epochs};

/// For whom this service mirrors, and with which keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mirrors {
    /// The contract of the service.
    pub contract: EasContract,
    /// The addresses of this node's keys.
    pub keys: Vec<Address>,
}

/// A mirror, as the tools of the Ethereum Attestation Service take it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MirrorView {
    /// Who signed it. The service's tools compare the text.
    signer: String,
    /// What was signed, as docs/schema/eas-mirror.json describes it.
    #[schema(value_type = Object)]
    sig: Value,
}

/// The mirror as the service's own tools take it. What became of the attestation since is no part of it.
#[utoipa::path(get, path = "/v1/attestations/{attestation}/eas", operation_id = "get_mirror", tag = "attestations", params(("attestation" = String, Path, description = "The attestation id: 0x and 64 digits")), responses((status = 200, description = "The mirror", body = published::EasMirror), (status = 404, description = "There is none; why, is said", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn mirror(
    State(api): State<Served>,
    Path(id): Path<String>,
) -> Result<Json<MirrorView>, Problem> {
    let record = find(&api, &id).await?;
    let (Some(domain), Some(mirrors)) = (api.attestor, &api.mirrors) else {
        return Err(Problem::NotFound(
            "this service makes no mirrors: its configuration names no contract in [attestor] eas"
                .to_owned(),
        ));
    };
    let payload = ClaimAttestation::from_bytes(&record.payload).map_err(|error| {
        Problem::Store(StoreError::InvalidRow {
            noun: "attestation",
            key: record.id.to_string(),
            reason: error.to_string(),
        })
    })?;
    let contract = &mirrors.contract;
    match api.store.mirror(record.id, contract).await? {
        Some(stored) => {
            let mirror = Mirror::of(contract.clone(), domain, &payload);
            Ok(Json(MirrorView {
                signer: stored.signer.to_checksum(None),
                sig: mirror.to_json(stored.signature),
            }))
        }
        None => Err(Problem::NotFound(
            missing(&api, mirrors, &record, &payload).await?,
        )),
    }
}

/// Why there is none.
async fn missing(
    api: &Api,
    mirrors: &Mirrors,
    record: &AttestationRecord,
    payload: &ClaimAttestation,
) -> Result<String, Problem> {
    let (id, number) = (record.id, payload.signerEpoch);
    let standing = epochs::standing(&*api.store, record).await?;
    let domain = record.domain_separator;
    let epoch = api.store.epoch(domain, number).await?;
    let is_own = epoch.as_ref().is_some_and(|epoch| {
        let mut keys = mirrors.keys.iter();
        keys.any(|key| epoch.signers.index_of(*key).is_some())
    });
    let because = if standing.revoked {
        "it was revoked before it was mirrored, and what is taken back is not said again".to_owned()
    } else if epoch.is_some_and(|epoch| epoch.revoked) {
        format!("epoch {number}, which has signed it, was revoked before it was mirrored")
    } else if is_own {
        "it waits to be mirrored: ask again, and look at /health/ready if it stays so".to_owned()
    } else {
        format!("this node has no key in epoch {number}, which has signed it: ask another attestor")
    };
    Ok(format!("the attestation {id} has no mirror: {because}"))
}
