//! What a quorum has signed, into the books: whoever had it signed, it comes in here.
//!
//! A result that cannot be recorded is in nobody's way: its claims are attested anew.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_delivery::onchain::{batched_claim_calldata, claim_calldata};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::{ClaimKey, EventKey};
use tocsin_domain::time::Seconds;
use tocsin_quorum::{Batch, Issued, Node, Proof, Signed as Told, Verified, rank};
use tocsin_store::StoreError;
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
        let mut waiting: BTreeSet<ClaimKey> = claims.iter().copied().collect();
        let mut recorded = false;
        for body in stage.store.results_of(&claims, MOST_RESULTS).await? {
            let told: Told = serde_json::from_slice(&body).map_err(|error| {
                StageError::Quorum(format!(
                    "a stored result of a quorum cannot be read, the database may be damaged: {error}"
                ))
            })?;
            // Of an epoch that was revoked since, for one.
            let verified = match self.node.verify(&told).await {
                Ok(verified) => verified,
                Err(refusal) => {
                    tracing::debug!(%refusal, "a stored result of a quorum does not hold any more");
                    continue;
                }
            };
            match self.record(stage, &verified, &mut waiting).await {
                Ok(new) => recorded |= new,
                Err(StageError::Store(
                    error @ (StoreError::Conflict { .. }
                    | StoreError::Refused { .. }
                    | StoreError::Missing { .. }),
                )) => {
                    let reason = crate::report::chain(&error);
                    tracing::warn!(%reason, "what a quorum has signed does not fit into the books; it is left out");
                }
                Err(error) => return Err(error),
            }
        }
        if recorded {
            self.next.ring();
        }
        Ok(recorded)
    }

    async fn record(
        &self,
        stage: &Stage,
        verified: &Verified,
        waiting: &mut BTreeSet<ClaimKey>,
    ) -> Result<bool, StageError> {
        if let Some(batch) = &verified.batch {
            return self.record_batch(stage, verified, batch, waiting).await;
        }
        let mut recorded = false;
        for (issued, proof) in verified.issued.iter().zip(&verified.proofs) {
            let claim_key = issued.payload.claim_key();
            let Proof::Alone(signatures) = proof else {
                continue;
            };
            if !waiting.contains(&claim_key) || !self.is_new(stage, issued).await? {
                continue;
            }
            let signatures = signatures.encode();
            let calldata = claim_calldata(&issued.payload, &signatures).to_vec();
            let record = self.attestation(issued, verified, Signed::Alone(signatures));
            let delivery = self.delivery(stage, issued, calldata);
            let store = &stage.store;
            store.add_attestation(&record, delivery.as_slice()).await?;
            waiting.remove(&claim_key);
            tracing::info!(policy = %issued.policy.number, attestation = %issued.id, "claim attested by a quorum");
            recorded = true;
        }
        Ok(recorded)
    }

    /// A batch is recorded whole, or not at all: where one of its claims does not wait here, or is not found here, the
    /// others are attested anew.
    async fn record_batch(
        &self,
        stage: &Stage,
        verified: &Verified,
        batch: &Batch,
        waiting: &mut BTreeSet<ClaimKey>,
    ) -> Result<bool, StageError> {
        if !verified.whole || stage.store.batch(batch.id).await?.is_some() {
            return Ok(false);
        }
        for issued in &verified.issued {
            if !waiting.contains(&issued.payload.claim_key()) || !self.is_new(stage, issued).await?
            {
                return Ok(false);
            }
        }
        let signatures = batch.signatures.encode();
        let mut members = Vec::with_capacity(verified.issued.len());
        for (place, (issued, proof)) in (0..).zip(verified.issued.iter().zip(&verified.proofs)) {
            let Proof::InBatch(proof) = proof else {
                return Ok(false);
            };
            let calldata =
                batched_claim_calldata(&issued.payload, &batch.signed, proof, &signatures);
            let signed = Signed::InBatch {
                batch: batch.id,
                place,
                proof: proof.clone(),
            };
            members.push(BatchMember {
                attestation: self.attestation(issued, verified, signed),
                delivery: self.delivery(stage, issued, calldata.to_vec()),
            });
        }
        let record = BatchRecord {
            id: batch.id,
            domain_separator: self.node.domain().domain_separator(),
            batch: batch.signed.clone(),
            signatures,
            attested_at: verified.issued_at,
        };
        stage.store.add_batch(&record, &members).await?;
        for issued in &verified.issued {
            waiting.remove(&issued.payload.claim_key());
        }
        tracing::info!(batch = %record.id, root = %record.batch.root, claims = members.len(), "claims attested as one batch by a quorum");
        Ok(true)
    }

    /// Whether a statement does something for a claim that waits: it can be redeemed for a while yet, and was issued after
    /// the last one that is recorded, if the claim waits for the second time.
    async fn is_new(&self, stage: &Stage, issued: &Issued) -> Result<bool, StageError> {
        let payload = &issued.payload;
        let now = stage.clock.now().to_u64().unwrap_or(0);
        let quarter = u64::try_from(self.node.settings().valid_for.0 / 4).unwrap_or(0);
        let until = self.node.redeemable_until(payload);
        if until.is_none_or(|until| until <= now.saturating_add(quarter)) {
            return Ok(false);
        }
        for record in stage.store.attestations_of(issued.policy.id).await? {
            if record.claim_key != payload.claim_key() {
                continue;
            }
            let before = ClaimAttestation::from_bytes(&record.payload);
            let later = |before: &ClaimAttestation| {
                let of = |one: &ClaimAttestation| (one.signerEpoch, one.revision, one.issuedAt);
                of(before) >= of(payload)
            };
            if before.is_ok_and(|before| later(&before)) {
                return Ok(false);
            }
        }
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
    fn delivery(&self, stage: &Stage, issued: &Issued, calldata: Vec<u8>) -> Option<NewDelivery> {
        // Nobody on a chain takes what is said to a programme off-chain.
        self.node.domain().verifier()?;
        let consumer = issued.policy.consumer;
        if self.fetched_by.contains(&consumer.address) {
            return None;
        }
        let turns = turn_of(&self.node, EventKey::derive(issued.risk, issued.ordinal));
        let wait = Seconds(self.deliver_after.0.saturating_mul(i64::from(turns)));
        Some(NewDelivery {
            chain_id: consumer.chain_id,
            consumer: consumer.address,
            calldata,
            not_before: (turns > 0).then(|| stage.clock.now() + wait),
        })
    }
}

/// Who has left the epoch comes last.
fn turn_of(node: &Node, event: EventKey) -> u32 {
    node.seat().map_or(u32::from(u8::MAX), |seat| {
        rank(seat.index(), event, seat.signers().signers().len())
    })
}
