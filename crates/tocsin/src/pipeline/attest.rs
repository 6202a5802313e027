//! Attest: an eligible claim becomes a signed statement, and its delivery is queued in the same transaction.
//!
//! Guarantee: the attestor reserves the claim key before it signs, so whatever crashes between any two lines here, one
//! claim key is signed for one payload only.

use std::sync::Arc;

use tocsin_attest::Attestor;
use tocsin_delivery::onchain::claim_calldata;
use tocsin_domain::attestation::{ClaimAttestation, Validity};
use tocsin_domain::claim::Claim;
use tocsin_domain::time::Seconds;
use tocsin_store::attestation::AttestationRecord;
use tocsin_store::delivery::NewDelivery;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

/// How long attestations wait and live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// From signing to first use: the time for a veto.
    pub hold: Seconds,
    /// From signing to last use.
    pub valid_for: Seconds,
}

/// Attests eligible claims.
pub struct AttestClaims {
    evaluator: Arc<Evaluator>,
    attestor: Attestor,
    lifetime: Lifetime,
    next: Bell,
}

impl AttestClaims {
    /// A stage that signs with `attestor` and rings `next` when it has queued a delivery.
    pub fn new(
        evaluator: Arc<Evaluator>,
        attestor: Attestor,
        lifetime: Lifetime,
        next: Bell,
    ) -> Self {
        Self {
            evaluator,
            attestor,
            lifetime,
            next,
        }
    }
}

impl Work for AttestClaims {
    fn name(&self) -> &str {
        "attest"
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let mut turn = Turn::Idle;
        let mut trouble = None;
        for claim in stage.store.unattested(WORK_PER_TURN).await? {
            match attest(stage, self, &claim).await {
                Ok(()) => {
                    turn = Turn::Worked;
                    self.next.ring();
                }
                // The claims of others do not wait for a person to look at this one.
                Err(error) => {
                    let reason = crate::report::chain(&error);
                    tracing::error!(policy = %claim.policy, ordinal = claim.ordinal, %reason, "a claim is not attested");
                    trouble = Some(StageError::Unattested {
                        policy: claim.policy,
                        reason,
                    });
                }
            }
        }
        trouble.map_or(Ok(turn), Err)
    }
}

async fn attest(stage: &Stage, signing: &AttestClaims, claim: &Claim) -> Result<(), StageError> {
    let AttestClaims {
        evaluator,
        attestor,
        lifetime,
        ..
    } = signing;
    let missing = |noun: &'static str| tocsin_store::StoreError::Missing {
        noun,
        key: claim.policy.to_string(),
    };
    let policy = stage
        .store
        .policy(claim.policy)
        .await?
        .ok_or_else(|| missing("policy"))?;
    let determination = stage
        .store
        .determination(claim.risk, claim.ordinal)
        .await?
        .ok_or_else(|| missing("determination for policy"))?;
    let cover = evaluator.cover(determination.terms_hash)?;
    // A clock that was set back cannot make a statement older than the decision that it states.
    let issued_at = stage.clock.now().max(determination.determined_at);
    let validity = Validity {
        issued_at,
        valid_after: issued_at + lifetime.hold,
        valid_until: issued_at + lifetime.valid_for,
    };
    let payload = ClaimAttestation::for_claim(
        cover,
        &policy,
        &determination,
        validity,
        attestor.signers().epoch(),
    )?;
    let attested = attestor.attest(&*stage.store, &payload).await?;
    let signatures = attested.signatures.encode();
    let delivery = NewDelivery {
        chain_id: policy.consumer.chain_id,
        consumer: policy.consumer.address,
        calldata: claim_calldata(&attested.attestation, &signatures).to_vec(),
    };
    let record = AttestationRecord {
        id: attested.id,
        domain_separator: attestor.domain().domain_separator(),
        claim_key: attested.claim_key,
        policy: policy.id,
        risk: claim.risk,
        ordinal: claim.ordinal,
        payload: attested.attestation.to_bytes(),
        signatures,
        attested_at: issued_at,
    };
    stage.store.add_attestation(&record, &[delivery]).await?;
    tracing::info!(policy = %policy.number, attestation = %attested.id, claim_key = %attested.claim_key, "claim attested");
    Ok(())
}
