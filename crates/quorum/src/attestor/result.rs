//! What others say that a quorum has signed: checked down to each signature, against this node's own books.
//!
//! Claims are checked one by one: one that this node finds otherwise, or cannot find yet, does not keep it from the others.

use std::collections::BTreeSet;

use alloy_primitives::{B256, keccak256};
use tocsin_domain::attestation::{
    AttestationBatch, BatchTree, QuorumError, SignatureSet, SignerSet,
};
use tocsin_domain::ids::{AttestationId, BatchId};
use tocsin_domain::time::Timestamp;
use tocsin_store::quorum::QuorumResult;

use super::issue::{Issued, MOST_CLAIMS, Settled, seconds};
use super::{read_stored, write};
use crate::apart::apart;
use crate::message::{Signatures, Signed};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// How many results of the claims of a new one are looked at for whether it says anything new.
const LOOKED_AT: u32 = 64;

/// Attestations of a quorum that this node has checked against its own books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Those that hold here too.
    pub issued: Vec<Issued>,
    /// What makes each of them valid, in the same order.
    pub proofs: Vec<Proof>,
    /// The batch that they are in, if they are.
    pub batch: Option<Batch>,
    /// Whether all that was signed holds here.
    pub whole: bool,
    /// When they were issued.
    pub issued_at: Timestamp,
}

/// What makes an attestation of a quorum valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Its own signatures.
    Alone(SignatureSet),
    /// The siblings from its leaf up to the root of the batch.
    InBatch(Vec<B256>),
}

/// A batch that a quorum has signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// What was signed.
    pub signed: AttestationBatch,
    /// Its digest.
    pub id: BatchId,
    /// By whom.
    pub signatures: SignatureSet,
}

impl Node {
    /// Checks what others say that a quorum has signed. Decisions and payloads that hold are journaled, so that this node
    /// signs nothing else for these claims. Refused where none of it holds.
    pub async fn verify(&self, signed: &Signed) -> Result<Verified, Refusal> {
        let issue = &signed.issue;
        super::check_count(issue.claims.len(), MOST_CLAIMS)?;
        super::check_count(issue.events.len(), issue.claims.len())?;
        let signers = self.signers(issue.epoch)?;
        let (batch, proofs) = self.proofs(signed, signers).await?;
        let mut settled = Vec::with_capacity(issue.events.len());
        for certified in &issue.events {
            settled.push(self.settled(certified).await);
        }
        let decided: Vec<&Settled> = settled.iter().filter_map(|one| one.as_ref().ok()).collect();
        self.journal(&decided).await?;
        let books = self.books(issue.policies()).await?;
        let mut refusals = Vec::new();
        let mut found = Vec::new();
        for (claim, proof) in issue.claims.iter().zip(proofs) {
            let compared = match proof {
                Ok(proof) => self
                    .compared(&books, issue, claim, &settled)
                    .await
                    .map(|issued| (issued, proof)),
                Err(refusal) => Err(refusal),
            };
            match compared {
                Ok(holds) => found.push(holds),
                Err(refusal) => refusals.push(refusal),
            }
        }
        let payloads: Vec<_> = found
            .iter()
            .map(|(issued, _)| issued.payload.clone())
            .collect();
        let journaled = self.attestor.restate(&*self.store, &payloads).await?;
        let mut verified = Verified {
            issued: Vec::with_capacity(found.len()),
            proofs: Vec::with_capacity(found.len()),
            batch,
            whole: false,
            issued_at: issue.issued_at,
        };
        for ((issued, proof), journaled) in found.into_iter().zip(journaled) {
            match journaled {
                Ok(()) => {
                    verified.issued.push(issued);
                    verified.proofs.push(proof);
                }
                Err(error) => refusals.push(error.into()),
            }
        }
        verified.whole = refusals.is_empty();
        match (verified.issued.is_empty(), refusals.into_iter().next()) {
            (true, Some(refusal)) => Err(refusal),
            _ => Ok(verified),
        }
    }

    /// The batch, if it is one, and what makes each claim valid, or why nothing does.
    async fn proofs(
        &self,
        signed: &Signed,
        signers: SignerSet,
    ) -> Result<(Option<Batch>, Vec<Result<Proof, Refusal>>), Refusal> {
        let Signed { issue, signatures } = signed;
        let ids: Vec<AttestationId> = issue.claims.iter().map(|claim| claim.id).collect();
        let signatures = signatures.clone();
        if !issue.batched {
            if signatures.len() != ids.len() {
                return Err(bad_signature(
                    "there is not one set of signatures for each claim",
                ));
            }
            let signed_alone = move || {
                let each = ids.into_iter().zip(signatures);
                each.map(|(id, signatures)| signed_alone(id, signatures, &signers))
                    .collect()
            };
            return Ok((None, apart(signed_alone).await?));
        }
        let (issued_at, epoch) = (seconds(issue.issued_at)?, issue.epoch);
        let domain = self.attestor.domain();
        let checked = apart(move || {
            let [signatures] = &signatures[..] else {
                return Err(bad_signature("a batch has one set of signatures"));
            };
            let count = ids.len();
            let tree = BatchTree::new(ids).ok_or_else(|| bad_signature("the batch is empty"))?;
            let signed = tree.batch(issued_at, epoch);
            let id = domain.batch_digest(&signed);
            verified(signatures.0.verify(id, &signers))?;
            let proof = |place| {
                let proof = tree.proof(place).map(Proof::InBatch);
                proof.ok_or_else(|| bad_signature("it has no place in the batch"))
            };
            let batch = Batch {
                signed,
                id,
                signatures: signatures.0.clone(),
            };
            Ok((Some(batch), (0..count).map(proof).collect()))
        });
        checked.await?
    }

    /// Keeps a result that was verified, so that it is recorded and others can ask for it. One that has no attestation that
    /// is not known from another result is not kept.
    pub async fn keep(&self, signed: &Signed, verified: &Verified) -> Result<(), Refusal> {
        let claims = verified.issued.iter();
        let claims: Vec<_> = claims.map(|issued| issued.payload.claim_key()).collect();
        let mut known: BTreeSet<AttestationId> = BTreeSet::new();
        for body in self.store.results_of(&claims, LOOKED_AT).await? {
            let result: Signed = read_stored(&body)?;
            known.extend(result.issue.claims.iter().map(|claim| claim.id));
        }
        if verified
            .issued
            .iter()
            .all(|issued| known.contains(&issued.id))
        {
            return Ok(());
        }
        let body = write(signed)?;
        let result = QuorumResult {
            id: keccak256(&body),
            claims,
            body,
        };
        Ok(self.store.add_result(&result).await?)
    }
}

fn signed_alone(
    id: AttestationId,
    signatures: Signatures,
    signers: &SignerSet,
) -> Result<Proof, Refusal> {
    verified(signatures.0.verify(id, signers))?;
    Ok(Proof::Alone(signatures.0))
}

fn verified(outcome: Result<(), QuorumError>) -> Result<(), Refusal> {
    outcome.map_err(|error| bad_signature(&error.to_string()))
}

fn bad_signature(detail: &str) -> Refusal {
    Refusal::new(Reason::BadSignature, detail)
}
