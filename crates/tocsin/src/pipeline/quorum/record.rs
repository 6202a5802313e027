//! What a quorum has signed, into the books: whoever had it signed, it comes in here.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_delivery::onchain::{batched_claim_calldata, claim_calldata};
use tocsin_domain::ids::{ClaimKey, EventKey, PolicyId};
use tocsin_domain::time::Seconds;
use tocsin_quorum::{Issued, Node, Signed as Told, Signing, Verified, rank};
use tocsin_store::attestation::{AttestationRecord, BatchMember, BatchRecord, Signed};
use tocsin_store::delivery::NewDelivery;

use super::{AttestTogether, Group};
use crate::pipeline::{Stage, StageError};

/// The most results that are looked at for the claims of one turn.
const MOST_RESULTS: u32 = 1_000;

impl AttestTogether {
    /// Records what is known of the claims that wait; whether anything was.
    pub(super) async fn record_known(
        &self,
        stage: &Stage,
        groups: &BTreeMap<EventKey, Group>,
    ) -> Result<bool, StageError> {
        let claims = groups.values().flat_map(|group| group.claims.values());
        let claims: Vec<ClaimKey> = claims.copied().collect();
        let mut waiting: BTreeSet<PolicyId> = groups
            .values()
            .flat_map(|group| group.claims.keys().copied())
            .collect();
        let mut recorded = false;
        for body in stage.store.results_of(&claims, MOST_RESULTS).await? {
            let told: Told = serde_json::from_slice(&body).map_err(|error| {
                StageError::Quorum(format!(
                    "a stored result of a quorum cannot be read, the database may be damaged: {error}"
                ))
            })?;
            match self.node.verify(&told).await {
                Ok(verified) => recorded |= self.record(stage, &verified, &mut waiting).await?,
                // Of an epoch that was revoked since, for one.
                Err(refusal) => {
                    tracing::debug!(%refusal, "a stored result of a quorum does not hold any more");
                }
            }
        }
        Ok(recorded)
    }

    async fn record(
        &self,
        stage: &Stage,
        verified: &Verified,
        waiting: &mut BTreeSet<PolicyId>,
    ) -> Result<bool, StageError> {
        match &verified.signing {
            Signing::Each(signatures) => {
                let mut recorded = false;
                for (issued, signatures) in verified.issued.iter().zip(signatures) {
                    if !waiting.contains(&issued.policy.id) || known(stage, issued).await? {
                        continue;
                    }
                    let signatures = signatures.encode();
                    let calldata = claim_calldata(&issued.payload, &signatures).to_vec();
                    let record = self.attestation(issued, verified, Signed::Alone(signatures));
                    let delivery = self.delivery(stage, issued, calldata)?;
                    let store = &stage.store;
                    store.add_attestation(&record, delivery.as_slice()).await?;
                    waiting.remove(&issued.policy.id);
                    tracing::info!(policy = %issued.policy.number, attestation = %issued.id, "claim attested by a quorum");
                    recorded = true;
                }
                if recorded {
                    self.next.ring();
                }
                Ok(recorded)
            }
            Signing::Batch { .. } => self.record_batch(stage, verified, waiting).await,
        }
    }

    async fn record_batch(
        &self,
        stage: &Stage,
        verified: &Verified,
        waiting: &mut BTreeSet<PolicyId>,
    ) -> Result<bool, StageError> {
        let Signing::Batch {
            batch,
            id,
            signatures,
            proofs,
        } = &verified.signing
        else {
            return Ok(false);
        };
        if stage.store.batch(*id).await?.is_some() {
            return Ok(false);
        }
        let signatures = signatures.encode();
        let mut members = Vec::with_capacity(verified.issued.len());
        for (place, (issued, proof)) in (0..).zip(verified.issued.iter().zip(proofs)) {
            let calldata = batched_claim_calldata(&issued.payload, batch, proof, &signatures);
            let signed = Signed::InBatch {
                batch: *id,
                place,
                proof: proof.clone(),
            };
            members.push(BatchMember {
                attestation: self.attestation(issued, verified, signed),
                delivery: self.delivery(stage, issued, calldata.to_vec())?,
            });
            waiting.remove(&issued.policy.id);
        }
        let record = BatchRecord {
            id: *id,
            domain_separator: self.node.domain().domain_separator(),
            batch: batch.clone(),
            signatures,
            attested_at: verified.issued_at,
        };
        stage.store.add_batch(&record, &members).await?;
        self.next.ring();
        tracing::info!(batch = %record.id, root = %record.batch.root, claims = members.len(), "claims attested as one batch by a quorum");
        Ok(true)
    }

    fn attestation(
        &self,
        issued: &Issued,
        verified: &Verified,
        signed: Signed,
    ) -> AttestationRecord {
        AttestationRecord {
            id: issued.id,
            domain_separator: self.node.domain().domain_separator(),
            claim_key: issued.payload.claim_key(),
            policy: issued.policy.id,
            risk: issued.risk,
            ordinal: issued.ordinal,
            payload: issued.payload.to_bytes(),
            signed,
            attested_at: verified.issued_at,
        }
    }

    /// Every attestor delivers, each later than the one before it; who finds the claim paid is done.
    fn delivery(
        &self,
        stage: &Stage,
        issued: &Issued,
        calldata: Vec<u8>,
    ) -> Result<Option<NewDelivery>, StageError> {
        let consumer = issued.policy.consumer;
        if self.fetched_by.contains(&consumer.address) {
            return Ok(None);
        }
        let turns = turn_of(&self.node, EventKey::derive(issued.risk, issued.ordinal))?;
        let wait = Seconds(self.deliver_after.0.saturating_mul(i64::from(turns)));
        Ok(Some(NewDelivery {
            chain_id: consumer.chain_id,
            consumer: consumer.address,
            calldata,
            not_before: (turns > 0).then(|| stage.clock.now() + wait),
        }))
    }
}

fn turn_of(node: &Node, event: EventKey) -> Result<u32, StageError> {
    let seat = node.seat()?;
    Ok(rank(seat.index(), event, seat.signers().signers().len()))
}

/// A claim that waits again although this attestation of it is recorded needs a new one.
async fn known(stage: &Stage, issued: &Issued) -> Result<bool, StageError> {
    Ok(stage.store.attestation(issued.id).await?.is_some())
}
