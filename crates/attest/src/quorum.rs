//! One voice in a quorum: journal, then say it.
//!
//! Promise: no vote leaves before it is journaled, and none that contradicts an earlier one is signed; no share in an
//! attestation is signed before its payload is journaled under its claim key, and none of another content than the key's.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use tocsin_domain::attestation::payload::verdict_number;
use tocsin_domain::attestation::{
    AttestationBatch, BatchTree, ClaimAttestation, QuorumSignature, SigningDomain,
};
use tocsin_domain::determination::Verdict;
use tocsin_domain::quorum::{EvidenceVote, ObservationReport, PeerMessage, Step};
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::{Reservation, Reservations, Reserved};
use tocsin_store::quorum::{BallotRefusal, Quorums, Said, Saying, Statement};

use crate::signer::{self, Content};
use crate::{AttestError, Attestor, Seat};

/// What became of a vote.
pub type Cast = Result<QuorumSignature, BallotRefusal>;

/// This node's part in a batch.
#[derive(Debug)]
pub enum BatchShare {
    /// It is signed.
    Signed {
        /// What was signed.
        batch: AttestationBatch,
        /// By this node.
        signature: QuorumSignature,
    },
    /// It is not, because of these of its claims, by their place among the given ones.
    Refused(Vec<(usize, AttestError)>),
}

impl Attestor {
    /// This node's place in an epoch that signs at `now`, also where a newer one does too: while two overlap, not every node
    /// has learned of the newer one.
    pub fn seat_of(&self, epoch: u32, now: Timestamp) -> Result<Seat<'_>, AttestError> {
        let epochs = self.epochs();
        let known = epochs.iter().find(|known| known.number() == epoch);
        let known = known.ok_or(AttestError::UnknownEpoch { epoch })?;
        let at = now.to_u64().unwrap_or(0);
        if !known.signs_at(at) {
            return Err(AttestError::OutsideEpoch {
                epoch,
                issued_at: at,
            });
        }
        self.seat_in(known).ok_or_else(|| AttestError::NoSeat {
            at: now,
            keys: self.addresses().collect(),
            signing: vec![epoch],
        })
    }

    /// Journals what others have signed, so that this node never signs anything else for these claims. It takes no place in an
    /// epoch: also who has left it keeps to what was signed.
    pub async fn restate(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[ClaimAttestation],
    ) -> Result<Vec<Result<(), AttestError>>, AttestError> {
        restate(self.domain(), reservations, payloads).await
    }

    /// The place with the key `own` in the newest epoch that signs at `now` and that `peer` is in too.
    pub fn seat_beside(&self, peer: Address, own: Address, now: Timestamp) -> Option<Seat<'_>> {
        let at = now.to_u64().unwrap_or(0);
        let epochs = self.epochs();
        let both = epochs
            .iter()
            .rev()
            .filter(|epoch| epoch.signs_at(at) && epoch.signers.index_of(peer).is_some());
        both.filter_map(|epoch| self.seat_in(epoch))
            .find(|seat| seat.address() == own)
    }
}

impl Seat<'_> {
    /// Signs a message to another attestor. It promises no more than who sent it.
    pub async fn seal(&self, message: &PeerMessage) -> Result<QuorumSignature, AttestError> {
        self.sign(message.id(&self.domain())).await
    }

    /// Signs what this node has determined and seen.
    pub async fn report(
        &self,
        statement: &ObservationReport,
    ) -> Result<QuorumSignature, AttestError> {
        self.sign(statement.id(&self.domain())).await
    }

    /// Journals votes, then signs those that contradict nothing that was said before. Of each the signature, or why it must
    /// not be said. A decision is journaled only: it is nobody's vote, and has no signature to give.
    pub async fn vote(
        &self,
        quorums: &(impl Quorums + ?Sized),
        statements: &[Statement],
    ) -> Result<Vec<Cast>, AttestError> {
        let domain = self.domain();
        let answers = quorums
            .say(domain.domain_separator(), statements)
            .await
            .map_err(|source| AttestError::JournalVotes { source })?;
        if answers.len() != statements.len() {
            return Err(AttestError::Unanswered {
                asked: statements.len(),
                answered: answers.len(),
            });
        }
        let mut cast = Vec::with_capacity(statements.len());
        for (statement, said) in statements.iter().zip(answers) {
            let (round, step) = match &statement.saying {
                Saying::Vote { vote, .. } => (vote.round, Step::Evidence),
                Saying::Lock(held) => (held.round, Step::Lock),
                Saying::Decision(_) => continue,
            };
            cast.push(match said {
                Said::Refused(refusal) => Err(refusal),
                Said::New | Said::Again => {
                    let reports = statement.saying.reports_hash();
                    let epoch = self.signers().epoch();
                    let vote = EvidenceVote::new(statement.event, round, step, reports, epoch);
                    Ok(self.sign(vote.id(&domain)).await?)
                }
            });
        }
        Ok(cast)
    }

    /// Journals payloads as statements of their claims, then signs those whose key holds no other content.
    pub async fn share_each(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[ClaimAttestation],
    ) -> Result<Vec<Result<QuorumSignature, AttestError>>, AttestError> {
        let mut shares = Vec::with_capacity(payloads.len());
        let journaled = restate(self.domain(), reservations, payloads).await?;
        for (payload, journaled) in payloads.iter().zip(journaled) {
            shares.push(match journaled {
                Ok(()) => {
                    let content = Content::Claim(self.domain(), payload);
                    let id = self.domain().digest(payload);
                    let statement = signer::Statement::with_content(id, content);
                    Ok(self.sign_statement(statement).await?)
                }
                Err(refused) => Err(refused),
            });
        }
        Ok(shares)
    }

    /// Journals payloads as statements of their claims, then signs the batch of all of them: all, or none.
    pub async fn share_batch(
        &self,
        reservations: &(impl Reservations + ?Sized),
        payloads: &[ClaimAttestation],
        issued_at: u64,
    ) -> Result<BatchShare, AttestError> {
        let domain = self.domain();
        let journaled = restate(self.domain(), reservations, payloads).await?;
        let refused: Vec<_> = journaled
            .into_iter()
            .enumerate()
            .filter_map(|(given, journaled)| Some((given, journaled.err()?)))
            .collect();
        let ids = payloads.iter().map(|payload| domain.digest(payload));
        let (true, Some(tree)) = (refused.is_empty(), BatchTree::new(ids)) else {
            return Ok(BatchShare::Refused(refused));
        };
        let batch = tree.batch(issued_at, self.signers().epoch());
        let content = Content::Batch(domain, &batch);
        let statement = signer::Statement::with_content(domain.batch_digest(&batch), content);
        let signature = self.sign_statement(statement).await?;
        Ok(BatchShare::Signed { batch, signature })
    }
}

/// Journals payloads as statements of their claims; of each whether it may be signed.
async fn restate(
    domain: SigningDomain,
    reservations: &(impl Reservations + ?Sized),
    payloads: &[ClaimAttestation],
) -> Result<Vec<Result<(), AttestError>>, AttestError> {
    let domain_separator = domain.domain_separator();
    let mut outcomes = Vec::with_capacity(payloads.len());
    let mut wanted = Vec::with_capacity(payloads.len());
    let mut keys = BTreeSet::new();
    for (place, payload) in payloads.iter().enumerate() {
        let claim_key = payload.claim_key();
        outcomes.push(match check(payload) {
            Ok(()) if keys.insert(claim_key) => {
                let reservation = Reservation {
                    domain_separator,
                    claim_key,
                    attestation_id: domain.digest(payload),
                    payload: payload.to_bytes(),
                };
                wanted.push((place, reservation));
                Ok(())
            }
            Ok(()) => Err(AttestError::TwiceInBatch { claim_key }),
            Err(error) => Err(error),
        });
    }
    let (places, asked): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
    let answers =
        reservations
            .restate_all(&asked)
            .await
            .map_err(|source| AttestError::ReserveBatch {
                count: asked.len(),
                source,
            })?;
    if answers.len() != asked.len() {
        return Err(AttestError::Unanswered {
            asked: asked.len(),
            answered: answers.len(),
        });
    }
    for ((place, wanted), answer) in places.into_iter().zip(&asked).zip(answers) {
        let verdict = judge(wanted, answer);
        if let Some(outcome) = outcomes.get_mut(place) {
            *outcome = verdict;
        }
    }
    Ok(outcomes)
}

fn judge(wanted: &Reservation, answer: Reserved) -> Result<(), AttestError> {
    match answer {
        Reserved::New => Ok(()),
        Reserved::Identical(stored) if stored.payload == wanted.payload => Ok(()),
        Reserved::Identical(_) => Err(AttestError::DamagedReservation {
            claim_key: wanted.claim_key,
            problem: "another payload was journaled than the one that was given",
        }),
        Reserved::Conflict(stored) => Err(AttestError::Conflict {
            claim_key: wanted.claim_key,
            reserved: stored.attestation_id,
            wanted: wanted.attestation_id,
        }),
        Reserved::Revoked { min_revision } => Err(AttestError::Revoked {
            claim_key: wanted.claim_key,
            min_revision,
        }),
    }
}

fn check(payload: &ClaimAttestation) -> Result<(), AttestError> {
    if payload.verdict == verdict_number(Verdict::Triggered) && !payload.eventId.is_zero() {
        Ok(())
    } else {
        Err(AttestError::NotAClaim {
            verdict: payload.verdict,
        })
    }
}
