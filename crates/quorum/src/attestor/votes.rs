//! Votes: for reports that hold, and for nothing that contradicts an earlier vote.

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::ids::EventKey;
use tocsin_domain::quorum::{Event, Fused, Step};
use tocsin_store::quorum::{Held, Saying, Statement, Voted};

use super::{MOST_EVENTS, check_count, write};
use crate::message::{
    Answer, Certified, LockRequest, Proposal, Signature, VoteRequest, VoteResponse,
};
use crate::node::{Node, Own};
use crate::refusal::{Reason, Refusal};
use crate::standing::RoundStanding;
use crate::turns::{is_turn, last_round, rank};

impl Node {
    /// The votes of the first step: this node has determined the event itself, its own report is among the proposed ones
    /// (unless a quorum has voted for them already), and all of them hold when they are executed again.
    pub(crate) async fn vote(
        &self,
        proposer: Address,
        request: &VoteRequest,
    ) -> Result<VoteResponse, Refusal> {
        let seat = &self.seat_to_vote(request.epoch)?;
        check_count(request.proposals.len(), MOST_EVENTS)?;
        let mut considered = Vec::with_capacity(request.proposals.len());
        for proposal in &request.proposals {
            considered.push(self.consider(seat, proposer, proposal).await);
        }
        let votes = self.cast(seat, considered).await?;
        for (proposal, vote) in request.proposals.iter().zip(&votes) {
            self.seen(
                proposer,
                proposal.event.key(),
                proposal.round,
                "voted",
                vote,
            );
        }
        Ok(VoteResponse { votes })
    }

    async fn consider(
        &self,
        seat: &Seat<'_>,
        proposer: Address,
        proposal: &Proposal,
    ) -> Result<Statement, Refusal> {
        let Proposal {
            event,
            round,
            reports,
            certificate,
        } = proposal;
        let own = self.own(event).await?;
        self.check_turn(seat, proposer, event, *round, &own)?;
        match certificate {
            Some(certificate) => {
                self.check_certificate(event, certificate, reports, Step::Evidence)
                    .await?;
            }
            None => {
                let epoch = seat.signers().epoch();
                if reports
                    .iter()
                    .any(|given| given.statement.signerEpoch != epoch)
                {
                    return Err(Refusal::new(
                        Reason::BadReports,
                        "one of them is of another epoch, and no quorum has voted for them",
                    ));
                }
                let report = self.report(seat, event, &own).await?;
                if !reports
                    .iter()
                    .any(|given| given.statement == report.statement)
                {
                    return Err(Refusal::new(
                        Reason::ReportLeftOut,
                        "this node's report is not among the proposed ones as it was given",
                    ));
                }
            }
        }
        let (reports_hash, fused) = self.fuse(&own.cover, event, reports).await?;
        own.check_same_loss(&fused)?;
        self.note_others(seat, event.key(), &fused).await;
        Ok(Statement {
            event: event.key(),
            saying: Saying::Vote {
                vote: Voted {
                    round: *round,
                    reports_hash,
                },
                certified_in: certificate.as_ref().map(|certificate| certificate.round),
            },
            reports: write(&fused.reports)?,
        })
    }

    /// Records whose report says another payout than all together amount to.
    async fn note_others(&self, seat: &Seat<'_>, event: EventKey, fused: &Fused) {
        let Ok(payout) = &fused.determination.payout else {
            // What cannot be said differs from nothing.
            return;
        };
        let Ok(settled) = u64::try_from(payout.units()) else {
            return;
        };
        for report in &fused.reports {
            let reported = report.statement.payoutFraction;
            // What feeds say differs a little; what a chain says does not differ.
            let little = match fused.determination.confirmed_on {
                Some(_) => 0,
                None => settled.max(reported) / 20,
            };
            let signer = report.signer(&seat.domain());
            if settled.abs_diff(reported) > little && signer != Some(seat.address()) {
                let detail = format!(
                    "it reports that {reported}e-18 of the sum insured is lost, all together amount to {settled}e-18"
                );
                let refusal = Refusal::new(Reason::OtherLoss, detail);
                self.note(signer, Some(event), &refusal).await;
            }
        }
    }

    /// That the round is the proposer's, and not of a time that is yet to come.
    fn check_turn(
        &self,
        seat: &Seat<'_>,
        proposer: Address,
        event: &Event,
        round: u32,
        own: &Own,
    ) -> Result<(), Refusal> {
        let out_of_turn = |detail: String| Refusal::new(Reason::OutOfTurn, detail);
        let signers = seat.signers();
        let count = signers.signers().len();
        let index = signers.index_of(proposer);
        let index = index.ok_or_else(|| out_of_turn("the proposer is no signer".to_owned()))?;
        if !is_turn(round, rank(index, event.key(), count), count) {
            return Err(out_of_turn(format!("round {round} is somebody else's")));
        }
        let last = last_round(own.determination.determined_at, self.now(), count);
        if round > last {
            return Err(out_of_turn(format!(
                "round {round} is yet to come, here {last} is the last one"
            )));
        }
        Ok(())
    }

    /// The votes of the second step: a quorum has voted, and this node votes for nothing else from now on.
    pub(crate) async fn lock(
        &self,
        proposer: Address,
        request: &LockRequest,
    ) -> Result<VoteResponse, Refusal> {
        let seat = &self.seat_to_vote(request.epoch)?;
        check_count(request.certified.len(), MOST_EVENTS)?;
        let mut considered = Vec::with_capacity(request.certified.len());
        for certified in &request.certified {
            let held = self.hold(certified, Step::Evidence).await;
            considered.push(held.map(|(held, reports)| Statement {
                event: certified.key(),
                saying: Saying::Lock(held),
                reports,
            }));
        }
        let votes = self.cast(seat, considered).await?;
        for (certified, vote) in request.certified.iter().zip(&votes) {
            let round = certified.backed.certificate.round;
            self.seen(proposer, certified.key(), round, "locked", vote);
        }
        Ok(VoteResponse { votes })
    }

    /// A certificate or a decision on an event that this node has determined, as it is journaled, with its reports.
    pub(super) async fn hold(
        &self,
        certified: &Certified,
        step: Step,
    ) -> Result<(Held, Vec<u8>), Refusal> {
        let Certified { event, backed } = certified;
        self.check_certificate(event, &backed.certificate, &backed.reports, step)
            .await?;
        let own = self.own(event).await?;
        let (reports_hash, fused) = self.fuse(&own.cover, event, &backed.reports).await?;
        own.check_same_loss(&fused)?;
        let held = Held {
            round: backed.certificate.round,
            reports_hash,
            certificate: write(&backed.certificate)?,
        };
        Ok((held, write(&fused.reports)?))
    }

    /// Journals together what can be said, then says it.
    async fn cast(
        &self,
        seat: &Seat<'_>,
        considered: Vec<Result<Statement, Refusal>>,
    ) -> Result<Vec<Answer<Signature>>, Refusal> {
        let statements: Vec<Statement> = considered
            .iter()
            .filter_map(|considered| considered.as_ref().ok().cloned())
            .collect();
        let mut cast = seat.vote(&*self.store, &statements).await?.into_iter();
        let answer = |considered: Result<Statement, Refusal>| {
            considered?;
            let unsaid = || Refusal::new(Reason::Failed, "it was not journaled");
            Ok(Signature(cast.next().ok_or_else(unsaid)??))
        };
        Ok(considered
            .into_iter()
            .map(answer)
            .map(Answer::from)
            .collect())
    }

    fn seen(
        &self,
        proposer: Address,
        event: EventKey,
        round: u32,
        stage: &str,
        vote: &Answer<Signature>,
    ) {
        self.standing.round(RoundStanding {
            event,
            round,
            proposer,
            stage: vote
                .refusal()
                .map_or_else(|| stage.to_owned(), |refusal| format!("refused: {refusal}")),
            at: self.now(),
        });
    }
}
