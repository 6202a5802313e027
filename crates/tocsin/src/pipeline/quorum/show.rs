//! What the quorum looks like from here, for `/v1/quorum`.

use tocsin_api::quorum::{PeerStatus, QuorumStatus, RoundStatus};
use tocsin_quorum::Node;

use crate::pipeline::Stage;

pub(super) fn show(stage: &Stage, node: &Node) {
    // Without a place in an epoch there is no quorum to show; readiness says so.
    let Ok(seat) = node.seat() else { return };
    let mut peers = node.standing().peers();
    let of_epoch = seat.signers().signers().iter();
    let peers = of_epoch
        .filter(|signer| **signer != seat.address())
        .map(|signer| {
            let standing = peers.remove(signer).unwrap_or_default();
            PeerStatus {
                address: *signer,
                answered_at: standing.answered_at,
                asked_at: standing.asked_at,
                trouble: standing.trouble,
            }
        })
        .collect();
    let rounds = node
        .standing()
        .rounds()
        .into_iter()
        .map(|round| RoundStatus {
            event: round.event,
            round: round.round,
            proposer: round.proposer,
            stage: round.stage,
            at: round.at,
        });
    stage.quorum.report(QuorumStatus {
        address: seat.address(),
        epoch: seat.signers().epoch(),
        threshold: seat.signers().threshold(),
        signers: seat.signers().signers().len(),
        peers,
        rounds: rounds.collect(),
    });
}
