//! Who signs, and what stands in the way of claims.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::revocation::Standing;
use tocsin_store::{Store, StoreError};

use crate::Api;
use crate::problem::Problem;

/// The epochs of the verifier, as its last final block has them, or of a programme off-chain, as they are configured; with the
/// unpaid claims under each. Times are unix seconds,
/// as decimal text: they can be as late as the end of time.
pub(crate) async fn epochs(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let Some(domain) = api.attestor else {
        return Err(Problem::NotFound("this service attests nothing".to_owned()));
    };
    let separator = domain.domain_separator();
    let unredeemed = api.store.unredeemed(separator).await?;
    let mut epochs = Vec::new();
    for epoch in api.store.epochs(separator).await? {
        let mut counts = unredeemed.iter();
        let count = counts.find(|(number, _)| *number == epoch.number());
        epochs.push(json!({
            "epoch": epoch.number(),
            "active_from": epoch.active_from.to_string(),
            "sign_until": epoch.sign_until.to_string(),
            "accept_until": epoch.accept_until.to_string(),
            "revoked": epoch.revoked,
            "signers": epoch.signers,
            "unredeemed_claims": count.map_or(0, |(_, count)| *count),
        }));
    }
    Ok(Json(json!({
        "verifier": domain.verifier(),
        "programme": domain.programme().map(|off_chain| off_chain.programme),
        "epochs": epochs,
    })))
}

/// What the verifier says of the claim of an attestation: nothing has happened to it, or it is held, or what was said of it
/// is revoked. As of the last final block that was searched.
pub(crate) async fn standing(
    store: &dyn Store,
    record: &AttestationRecord,
) -> Result<Value, StoreError> {
    let found = store
        .claim_standing(record.domain_separator, record.claim_key)
        .await?;
    let Some(Standing { news, corrected }) = found else {
        return Ok(json!({ "held": false, "revoked": false }));
    };
    let payload =
        ClaimAttestation::from_bytes(&record.payload).map_err(|error| StoreError::InvalidRow {
            noun: "attestation",
            key: record.id.to_string(),
            reason: error.to_string(),
        })?;
    Ok(json!({
        "held": news.hold.is_some(),
        "hold": news.hold,
        "revoked": payload.revision < news.min_revision,
        "min_revision": news.min_revision,
        "correction_allowed": corrected == Some(news.min_revision),
    }))
}
