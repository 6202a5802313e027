//! Everybody's shares in an issue, each checked to be its sender's own.

use std::sync::Arc;

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::attestation::QuorumSignature;
use tocsin_domain::ids::{AttestationId, BatchId};
use tocsin_domain::time::Seconds;

use crate::apart::apart;
use crate::attestor::write;
use crate::client::{Answers, Parted, Question};
use crate::message::{Issue, SignResponse, path};
use crate::node::Node;
use crate::proposer::gather::short;
use crate::refusal::{Reason, Refusal};

/// What one attestor gives of each claim, in their order.
pub(super) type Shares = Vec<Result<QuorumSignature, Refusal>>;

/// What one attestor says of a batch.
pub(super) enum BatchAnswer {
    /// Its share.
    Signed(QuorumSignature),
    /// The claims that it refuses, by their places.
    Refused(Vec<(usize, Refusal)>),
}

impl Parted for BatchAnswer {
    fn gives(&self, _place: usize) -> bool {
        matches!(self, Self::Signed(_))
    }
}

impl Node {
    /// Everybody's shares in each claim.
    pub(super) async fn shares_in_each(&self, seat: &Seat<'_>, issue: &Issue) -> Answers<Shares> {
        let ids: Arc<[AttestationId]> = issue.claims.iter().map(|claim| claim.id).collect();
        let check = |peer, answer: SignResponse| {
            let ids = Arc::clone(&ids);
            apart(move || {
                let places = (0..).zip(&*ids);
                places
                    .map(|(place, id)| share(&answer, place, *id, peer))
                    .collect()
            })
        };
        self.shares(seat, issue, issue.claims.len(), check).await
    }

    /// Everybody's shares in the batch of all claims.
    pub(super) async fn shares_in_batch(
        &self,
        seat: &Seat<'_>,
        issue: &Issue,
        id: BatchId,
    ) -> Answers<BatchAnswer> {
        let check = async |peer, answer| batch_share(answer, id, peer);
        self.shares(seat, issue, 1, check).await
    }

    /// Who was too slow goes on by itself and has the answer when it is asked for the very same again.
    async fn shares<C, F>(
        &self,
        seat: &Seat<'_>,
        issue: &Issue,
        places: usize,
        check: impl Fn(Address, SignResponse) -> F + Sync,
    ) -> Answers<C>
    where
        C: Parted + Send,
        F: Future<Output = Result<C, Refusal>> + Send,
    {
        let body = match write(issue) {
            Ok(body) => body,
            Err(refusal) => return Answers(vec![(seat.index(), seat.address(), Err(refusal))]),
        };
        let question = Question {
            path: path::SIGN,
            body: &body,
            places,
        };
        let threshold = usize::from(seat.signers().threshold());
        let latest = issue.issued_at + Seconds(self.settings.clock_tolerance.0 / 2);
        loop {
            let own = self.sign(seat.address(), issue);
            let answers = self.ask_all(seat, question, own, &check).await;
            if !answers.could_use(answers.slow(), places, threshold) || self.now() > latest {
                return answers;
            }
        }
    }
}

fn share(
    answer: &SignResponse,
    place: usize,
    id: AttestationId,
    peer: Address,
) -> Result<QuorumSignature, Refusal> {
    let claim = answer.claims.get(place).ok_or_else(short)?;
    let signature = claim.clone().result()?.ok_or_else(short)?.0;
    if signature.signer(id) == Some(peer) {
        Ok(signature)
    } else {
        Err(not_its_own())
    }
}

fn batch_share(answer: SignResponse, id: BatchId, peer: Address) -> Result<BatchAnswer, Refusal> {
    match answer.batch {
        Some(signature) if signature.0.signer(id) == Some(peer) => {
            Ok(BatchAnswer::Signed(signature.0))
        }
        Some(_) => Err(not_its_own()),
        None => {
            let claims = answer.claims.into_iter().enumerate();
            let refused = claims.filter_map(|(place, claim)| Some((place, claim.result().err()?)));
            Ok(BatchAnswer::Refused(refused.collect()))
        }
    }
}

fn not_its_own() -> Refusal {
    Refusal::new(
        Reason::BadSignature,
        "its share is not signed by its key, or is of something else",
    )
}
