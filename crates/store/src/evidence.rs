//! Everything that somebody needs to re-execute a stored attestation, gathered from the nouns that it is kept under.

use tocsin_domain::attestation::{AttestationDomain, ClaimAttestation, Membership, SignatureSet};
use tocsin_domain::bundle::EvidenceBundle;
use tocsin_domain::cover::Cover;
use tocsin_domain::evidence::{self, Extent};

use crate::attestation::{AttestationRecord, Signed};
use crate::{Store, StoreError};

/// The evidence bundle of an attestation that was signed for `domain`, with the signers of its own epoch.
///
/// # Errors
///
/// Those of reading; [`StoreError::Missing`] and [`StoreError::InvalidRow`] where the books do not hold together.
pub async fn bundle<S: Store + ?Sized>(
    store: &S,
    record: &AttestationRecord,
    domain: AttestationDomain,
) -> Result<EvidenceBundle, StoreError> {
    let missing = |noun: &'static str| StoreError::Missing {
        noun,
        key: record.id.to_string(),
    };
    let invalid = |reason: String| StoreError::InvalidRow {
        noun: "attestation",
        key: record.id.to_string(),
        reason,
    };
    let policy = store
        .policy(record.policy)
        .await?
        .ok_or_else(|| missing("policy of attestation"))?;
    let risk = store
        .risk(record.risk)
        .await?
        .ok_or_else(|| missing("risk of attestation"))?;
    let cover = store
        .cover(policy.terms_hash)
        .await?
        .ok_or_else(|| missing("cover of attestation"))?;
    let determination = store
        .determination(record.risk, record.ordinal)
        .await?
        .ok_or_else(|| missing("determination of attestation"))?;
    let previous = match determination.ordinal.checked_sub(1) {
        None | Some(0) => None,
        Some(ordinal) => {
            let before = store.determination(record.risk, ordinal).await?;
            let before =
                before.ok_or_else(|| missing("determination before that of attestation"))?;
            Some(before.confirmed_at)
        }
    };
    let claim = store
        .claims_of(record.policy)
        .await?
        .into_iter()
        .find(|claim| claim.risk == record.risk && claim.ordinal == record.ordinal)
        .ok_or_else(|| missing("claim of attestation"))?;
    let terms = Cover::from_terms(&cover.canonical_terms)
        .map_err(|_diagnostics| invalid("its terms are no cover".to_owned()))?;
    let (evidence_from, settled_at) = (determination.evidence_from, determination.settled_at);
    let extent = Extent::of(&terms, risk.risk.inception, evidence_from, settled_at);
    let history = store
        .history(&risk.streams, extent.after, extent.until)
        .await?;
    let observations = evidence::select(&risk.streams, &history, extent)
        .map_err(|error| invalid(error.to_string()))?;
    let (batch, signatures) = match &record.signed {
        Signed::Alone(signatures) => (None, signatures.clone()),
        Signed::InBatch { batch, proof, .. } => {
            let stored = store.batch(*batch).await?;
            let stored = stored.ok_or_else(|| missing("batch of attestation"))?;
            let membership = Membership {
                batch: stored.batch,
                proof: proof.clone(),
            };
            (Some(membership), stored.signatures)
        }
    };
    let attestation = ClaimAttestation::from_bytes(&record.payload)
        .map_err(|error| invalid(error.to_string()))?;
    let epoch = store
        .epoch(record.domain_separator, attestation.signerEpoch)
        .await?
        .ok_or_else(|| missing("epoch of attestation"))?;
    Ok(EvidenceBundle {
        terms: cover.canonical_terms,
        risk: risk.risk,
        policy,
        observations,
        determination,
        previous,
        quorum: None,
        claim,
        attestation,
        domain,
        signers: epoch.signers,
        batch,
        signatures: SignatureSet::parse(&signatures).map_err(|error| invalid(error.to_string()))?,
    })
}
