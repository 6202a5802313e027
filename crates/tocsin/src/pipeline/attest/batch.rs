//! Many claims, one signature.

use tocsin_delivery::onchain::batched_claim_calldata;
use tocsin_domain::claim::Claim;
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::{AttestationRecord, BatchMember, BatchRecord, Signed};

use super::{AttestClaims, Prepared, Troubles};
use crate::pipeline::{Stage, StageError, Turn};

/// The most claims that one turn signs, in one batch; what is over comes in the next. Each takes a few kilobytes of memory.
pub(super) const MOST: u32 = 100_000;

/// Signs what is prepared as one batch, and records it whole. A claim that is refused is a trouble, not in the way of the
/// others.
pub(super) async fn attest(
    stage: &Stage,
    signing: &AttestClaims,
    prepared: &[(Claim, Prepared)],
    troubles: &mut Troubles,
) -> Result<Option<Turn>, StageError> {
    let attestor = &signing.attestor;
    let now = stage.clock.now();
    let payloads: Vec<_> = prepared
        .iter()
        .map(|(_, ready)| ready.payload.clone())
        .collect();
    let latest = prepared
        .iter()
        .map(|(_, ready)| ready.issued_at)
        .fold(now, Timestamp::max);
    let issued_at = latest.to_u64().unwrap_or(0);
    let outcome = attestor
        .attest_batch(&*stage.store, &payloads, issued_at)
        .await?;
    for (given, error) in outcome.refused {
        if let Some((claim, _)) = prepared.get(given) {
            troubles.add(claim, error);
        }
    }
    let Some(attested) = outcome.signed else {
        return Ok(Some(Turn::Idle));
    };
    let domain_separator = attestor.domain().domain_separator();
    let signatures = attested.signatures.encode();
    let record = BatchRecord {
        id: attested.id,
        domain_separator,
        batch: attested.batch,
        signatures,
        attested_at: latest,
    };
    let mut members = Vec::with_capacity(attested.included.len());
    for (place, included) in (0..).zip(attested.included) {
        let Some((claim, Prepared { policy, .. })) = prepared.get(included.given) else {
            continue;
        };
        let delivery = signing.delivery(policy, || {
            let (batch, signatures) = (&record.batch, &record.signatures);
            batched_claim_calldata(&included.attestation, batch, &included.proof, signatures)
                .to_vec()
        });
        members.push(BatchMember {
            attestation: AttestationRecord {
                id: included.id,
                domain_separator,
                claim_key: included.claim_key,
                policy: policy.id,
                risk: claim.risk,
                ordinal: claim.ordinal,
                payload: included.attestation.to_bytes(),
                signed: Signed::InBatch {
                    batch: record.id,
                    place,
                    proof: included.proof,
                },
                attested_at: latest,
            },
            delivery,
        });
    }
    stage.store.add_batch(&record, &members).await?;
    signing.next.ring();
    tracing::info!(batch = %record.id, root = %record.batch.root, claims = members.len(), "claims attested as one batch");
    Ok(Some(Turn::Worked))
}
