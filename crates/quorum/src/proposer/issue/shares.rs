//! Everybody's shares in an issue, each checked to be its sender's own.

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::attestation::QuorumSignature;
use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Seconds;

use crate::apart::apart;
use crate::attestor::write;
use crate::client::Answers;
use crate::message::{Issue, SignResponse, path};
use crate::node::Node;
use crate::proposer::gather::short;
use crate::refusal::{Reason, Refusal};

/// One attestor's shares in each claim of an issue, or why there are none.
pub(super) struct Shares {
    pub(super) index: u8,
    pub(super) peer: Address,
    /// Of each claim, in their order.
    pub(super) given: Vec<Result<QuorumSignature, Refusal>>,
}

impl Node {
    /// Everybody's shares. Who was too slow goes on by itself and has the answer when it is asked for the very same again.
    pub(super) async fn shares(&self, seat: &Seat<'_>, issue: &Issue) -> Answers<SignResponse> {
        let body = match write(issue) {
            Ok(body) => body,
            Err(refusal) => return Answers(vec![(seat.index(), seat.address(), Err(refusal))]),
        };
        let threshold = usize::from(seat.signers().threshold());
        let latest = issue.issued_at + Seconds(self.settings.clock_tolerance.0 / 2);
        loop {
            let own = self.sign(seat.address(), issue);
            let answers = self.ask_all(seat, path::SIGN, &body, own).await;
            let good = answers.good().count();
            if good >= threshold || good + answers.slow() < threshold || self.now() > latest {
                return answers;
            }
        }
    }

    /// The shares in each claim that are what their senders were asked for.
    pub(super) async fn own_shares(
        &self,
        issue: &Issue,
        answers: Answers<SignResponse>,
    ) -> Result<Vec<Shares>, Refusal> {
        let ids: Vec<AttestationId> = issue.claims.iter().map(|claim| claim.id).collect();
        apart(move || {
            let of = |(index, peer, answer)| Shares {
                index,
                peer,
                given: (0..)
                    .zip(&ids)
                    .map(|(place, id)| share(&answer, place, *id, peer))
                    .collect(),
            };
            answers.0.into_iter().map(of).collect()
        })
        .await
    }
}

fn share(
    answer: &Result<SignResponse, Refusal>,
    place: usize,
    id: AttestationId,
    peer: Address,
) -> Result<QuorumSignature, Refusal> {
    let answer = answer.as_ref().map_err(Clone::clone)?;
    let claim = answer.claims.get(place).ok_or_else(short)?;
    let signature = claim.clone().result()?.ok_or_else(short)?.0;
    if signature.signer(id) == Some(peer) {
        Ok(signature)
    } else {
        Err(not_its_own())
    }
}

pub(super) fn not_its_own() -> Refusal {
    Refusal::new(
        Reason::BadSignature,
        "its share is not signed by its key, or is of something else",
    )
}
