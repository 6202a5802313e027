//! Many claims, a signature each, one reservation and one record of all.

use tocsin_delivery::onchain::claim_calldata;
use tocsin_domain::claim::Claim;
use tocsin_domain::policy::Policy;
use tocsin_store::attestation::{AttestationRecord, Issued, Signed};
use tocsin_store::delivery::NewDelivery;

use super::{AttestClaims, Prepared, Troubles};
use crate::pipeline::{Stage, StageError, Turn};

/// Signs what is prepared, and records it whole. A claim that is refused is a trouble, not in the way of the others; an
/// error means that nothing was recorded, and a retry signs the reserved bytes again.
pub(super) async fn attest(
    stage: &Stage,
    signing: &AttestClaims,
    prepared: &[(Claim, Prepared)],
    troubles: &mut Troubles,
) -> Result<Turn, StageError> {
    let attestor = &signing.attestor;
    let payloads: Vec<_> = prepared
        .iter()
        .map(|(_, ready)| ready.payload.clone())
        .collect();
    let outcome = attestor.attest_each(&*stage.store, &payloads).await?;
    let domain_separator = attestor.domain().domain_separator();
    let mut records: Vec<(&Policy, AttestationRecord, Option<NewDelivery>)> = Vec::new();
    for ((claim, ready), attested) in prepared.iter().zip(outcome) {
        let attested = match attested {
            Ok(attested) => attested,
            Err(error) => {
                troubles.add(claim, error);
                continue;
            }
        };
        let signatures = attested.signatures.encode();
        let delivery = signing.delivery(&ready.policy, || {
            claim_calldata(&attested.attestation, &signatures).to_vec()
        });
        let record = AttestationRecord {
            id: attested.id,
            domain_separator,
            claim_key: attested.claim_key,
            policy: ready.policy.id,
            risk: claim.risk,
            ordinal: claim.ordinal,
            payload: attested.attestation.to_bytes(),
            signed: Signed::Alone(signatures),
            attested_at: ready.issued_at,
        };
        records.push((&ready.policy, record, delivery));
    }
    if records.is_empty() {
        return Ok(Turn::Idle);
    }
    let issued: Vec<_> = records
        .iter()
        .map(|(_, attestation, delivery)| Issued {
            attestation,
            deliveries: delivery.as_slice(),
        })
        .collect();
    stage.store.add_attestations(&issued).await?;
    for (policy, attestation, _) in &records {
        tracing::info!(policy = %policy.number, attestation = %attestation.id, claim_key = %attestation.claim_key, "claim attested");
    }
    Ok(Turn::Worked)
}
