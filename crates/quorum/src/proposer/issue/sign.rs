//! A quorum's signatures under claims: under each, or under all of them as one batch.

use std::collections::BTreeSet;

use tocsin_attest::Seat;
use tocsin_domain::attestation::{BatchTree, SignatureSet};
use tocsin_domain::ids::BatchId;

use super::shares::BatchAnswer;
use crate::attestor::seconds;
use crate::message::{Issue, Signatures, Signed};
use crate::node::Node;
use crate::proposer::gather::{Refusals, short, told};
use crate::proposer::{Outcome, Trouble};
use crate::refusal::{Reason, Refusal};

impl Node {
    pub(super) async fn sign_each(&self, seat: &Seat<'_>, issue: Issue, outcome: &mut Outcome) {
        let given = self.shares_in_each(seat, &issue).await;
        let threshold = usize::from(seat.signers().threshold());
        let mut signed = Vec::new();
        let mut signatures = Vec::new();
        for (place, claim) in issue.claims.iter().enumerate() {
            let event = issue.event_of(claim);
            let mut shares = SignatureSet::default();
            let mut refusals = Refusals::new();
            for (index, peer, answer) in &given.0 {
                let share = answer.as_ref().map(|shares| shares.get(place));
                match share {
                    Ok(Some(Ok(signature))) if shares.len() < threshold => {
                        shares.insert(*index, *signature);
                    }
                    // Contracts take exactly a quorum's.
                    Ok(Some(Ok(_one_more))) => {}
                    Ok(Some(Err(refusal))) | Err(refusal) => {
                        refusals.push((*peer, refusal.clone()));
                    }
                    Ok(None) => refusals.push((*peer, short())),
                }
            }
            if let Some(event) = event {
                self.note_all(seat, event, &refusals).await;
            }
            if shares.len() == threshold {
                signed.push(claim.clone());
                signatures.push(Signatures(shares));
            } else {
                let why = format!(
                    "{} of {threshold} shares for policy {}; {}",
                    shares.len(),
                    claim.policy,
                    told(&refusals)
                );
                outcome
                    .troubles
                    .extend(event.map(|event| Trouble { event, why }));
            }
        }
        if !signed.is_empty() {
            outcome.signed.push(Signed {
                issue: issue.only(signed, false),
                signatures,
            });
        }
    }

    /// The batch; or which of its claims are refused by somebody, and by whom.
    pub(super) async fn sign_batch(
        &self,
        seat: &Seat<'_>,
        issue: &Issue,
    ) -> Result<Signed, (BTreeSet<usize>, Refusals)> {
        let id = batch_id(seat, issue).map_err(|refusal| {
            let refusals = vec![(seat.address(), refusal)];
            (BTreeSet::new(), refusals)
        })?;
        let answers = self.shares_in_batch(seat, issue, id).await;
        let threshold = usize::from(seat.signers().threshold());
        let mut shares = SignatureSet::default();
        let (mut spoilt, mut refusals) = (BTreeSet::new(), Refusals::new());
        for (index, peer, answer) in answers.0 {
            match answer {
                Ok(BatchAnswer::Signed(signature)) if shares.len() < threshold => {
                    shares.insert(index, signature);
                }
                // Contracts take exactly a quorum's.
                Ok(BatchAnswer::Signed(_one_more)) => {}
                Ok(BatchAnswer::Refused(refused)) => {
                    for (place, refusal) in refused {
                        spoilt.insert(place);
                        if refusals.len() < issue.claims.len().min(32) {
                            refusals.push((peer, refusal));
                        }
                    }
                }
                Err(refusal) => refusals.push((peer, refusal)),
            }
        }
        if shares.len() == threshold {
            self.note_all(seat, issue.claims_event(), &refusals).await;
            Ok(Signed {
                issue: issue.clone(),
                signatures: vec![Signatures(shares)],
            })
        } else {
            Err((spoilt, refusals))
        }
    }
}

fn batch_id(seat: &Seat<'_>, issue: &Issue) -> Result<BatchId, Refusal> {
    let tree = BatchTree::new(issue.claims.iter().map(|claim| claim.id))
        .ok_or_else(|| Refusal::new(Reason::TooLarge, "a batch of none, or of too many"))?;
    let batch = tree.batch(seconds(issue.issued_at)?, issue.epoch);
    Ok(seat.domain().batch_digest(&batch))
}
