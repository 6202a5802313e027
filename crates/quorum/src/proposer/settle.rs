//! From proposals to decisions: two votes.

use alloy_primitives::Address;
use serde::Serialize;
use tocsin_attest::Seat;
use tocsin_domain::attestation::{QuorumSignature, SignatureSet};
use tocsin_domain::ids::{EventKey, ReportsHash, VoteId};
use tocsin_domain::quorum::{Certificate, Event, EvidenceVote, Step, reports_hash};

use super::gather::{Refusals, Standing, short, told};
use crate::attestor::write;
use crate::client::{Answers, Question};
use crate::message::{Backed, Certified, LockRequest, Proposal, VoteRequest, VoteResponse, path};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};
use crate::standing::RoundStanding;

/// An event on the way to its decision, or why it is not on it any more.
struct Course {
    event: EventKey,
    state: Result<State, String>,
    refusals: Refusals,
}

enum State {
    Decided(Certified),
    Open(Proposal),
    Certified(Certified),
}

/// What a vote is on.
#[derive(Clone, Copy)]
struct On {
    event: EventKey,
    round: u32,
    step: Step,
    reports: ReportsHash,
}

impl Node {
    /// Has events decided; of each the decision, or why there is none.
    pub(super) async fn settle(
        &self,
        seat: &Seat<'_>,
        events: &[Event],
    ) -> Vec<Result<Certified, String>> {
        let gathered = self.gather(seat, events).await;
        let mut courses: Vec<Course> = events
            .iter()
            .zip(gathered)
            .map(|(event, (standing, refusals))| Course {
                event: event.key(),
                state: standing.map(|standing| match standing {
                    Standing::Decided(certified) => State::Decided(certified),
                    Standing::Open(proposal) => State::Open(proposal),
                }),
                refusals,
            })
            .collect();
        self.vote_on(seat, &mut courses).await;
        self.lock_on(seat, &mut courses).await;
        let mut decisions = Vec::with_capacity(courses.len());
        for course in courses {
            self.note_all(seat, course.event, &course.refusals).await;
            decisions.push(match course.state {
                Ok(State::Decided(certified)) => Ok(certified),
                Ok(State::Open(_) | State::Certified(_)) => {
                    Err("its votes were not counted".to_owned())
                }
                Err(why) => Err(why),
            });
        }
        decisions
    }

    /// Has all votes cast that can be, in as many messages as it takes.
    async fn vote_on(&self, seat: &Seat<'_>, courses: &mut [Course]) {
        loop {
            let open = courses.iter().filter_map(|course| match &course.state {
                Ok(State::Open(proposal)) => Some(proposal.clone()),
                _ => None,
            });
            let proposals = self.size().first_part(open);
            if proposals.is_empty() {
                return;
            }
            // None of them is open afterwards.
            self.vote_on_part(seat, courses, proposals).await;
        }
    }

    async fn vote_on_part(
        &self,
        seat: &Seat<'_>,
        courses: &mut [Course],
        proposals: Vec<Proposal>,
    ) {
        let request = VoteRequest {
            epoch: seat.signers().epoch(),
            proposals,
        };
        let on = request.proposals.iter().map(|proposal| On {
            event: proposal.event.key(),
            round: proposal.round,
            step: Step::Evidence,
            reports: reports_hash(&seat.domain(), &proposal.reports),
        });
        let on: Vec<On> = on.collect();
        let own = self.vote(seat.address(), &request);
        let answers = self.votes(seat, path::VOTE, &request, &on, own).await;
        let open = courses
            .iter_mut()
            .filter(|course| matches!(course.state, Ok(State::Open(_))));
        let asked = request.proposals.into_iter().zip(on).enumerate();
        for (course, (place, (proposal, on))) in open.zip(asked) {
            let counted = self.count(seat, on, place, &answers, &mut course.refusals);
            course.state = counted.map(|certificate| {
                State::Certified(Certified {
                    event: proposal.event,
                    backed: Backed {
                        certificate,
                        reports: proposal.reports,
                    },
                })
            });
        }
    }

    /// The same of locks.
    async fn lock_on(&self, seat: &Seat<'_>, courses: &mut [Course]) {
        loop {
            let open = courses.iter().filter_map(|course| match &course.state {
                Ok(State::Certified(certified)) => Some(certified.clone()),
                _ => None,
            });
            let certified = self.size().first_part(open);
            if certified.is_empty() {
                return;
            }
            self.lock_on_part(seat, courses, certified).await;
        }
    }

    async fn lock_on_part(
        &self,
        seat: &Seat<'_>,
        courses: &mut [Course],
        certified: Vec<Certified>,
    ) {
        let request = LockRequest {
            epoch: seat.signers().epoch(),
            certified,
        };
        let on = request.certified.iter().map(|certified| On {
            event: certified.key(),
            round: certified.backed.certificate.round,
            step: Step::Lock,
            reports: certified.backed.certificate.reports,
        });
        let on: Vec<On> = on.collect();
        let own = self.lock(seat.address(), &request);
        let answers = self.votes(seat, path::LOCK, &request, &on, own).await;
        let open = courses
            .iter_mut()
            .filter(|course| matches!(course.state, Ok(State::Certified(_))));
        let asked = request.certified.into_iter().zip(on).enumerate();
        for (course, (place, (certified, on))) in open.zip(asked) {
            let counted = self.count(seat, on, place, &answers, &mut course.refusals);
            course.state = counted.map(|certificate| {
                State::Decided(Certified {
                    event: certified.event,
                    backed: Backed {
                        certificate,
                        reports: certified.backed.reports,
                    },
                })
            });
        }
    }

    /// Everybody's votes on these, each checked to be its sender's own.
    async fn votes(
        &self,
        seat: &Seat<'_>,
        path: &'static str,
        request: &impl Serialize,
        on: &[On],
        own: impl Future<Output = Result<VoteResponse, Refusal>> + Send,
    ) -> Answers<Vec<Result<QuorumSignature, Refusal>>> {
        let body = match write(request) {
            Ok(body) => body,
            Err(refusal) => return Answers(vec![(seat.index(), seat.address(), Err(refusal))]),
        };
        let epoch = seat.signers().epoch();
        let ids = on.iter().map(|on| {
            EvidenceVote::new(on.event, on.round, on.step, on.reports, epoch).id(&seat.domain())
        });
        let ids: &[VoteId] = &ids.collect::<Vec<_>>();
        let check = async |peer, answer: VoteResponse| {
            let votes = (0..).zip(ids);
            Ok(votes
                .map(|(place, id)| voted(&answer, place, peer, *id))
                .collect())
        };
        let question = Question {
            path,
            body: &body,
            places: on.len(),
        };
        self.ask_all(seat, question, own, check).await
    }

    /// The certificate of the votes, if they are a quorum's.
    fn count(
        &self,
        seat: &Seat<'_>,
        on: On,
        place: usize,
        answers: &Answers<Vec<Result<QuorumSignature, Refusal>>>,
        refusals: &mut Refusals,
    ) -> Result<Certificate, String> {
        let (epoch, threshold) = (seat.signers().epoch(), seat.signers().threshold());
        let mut votes = SignatureSet::default();
        for (index, peer, answer) in &answers.0 {
            let vote = answer.as_ref().map_err(Clone::clone);
            match vote.and_then(|votes| votes.get(place).cloned().ok_or_else(short)?) {
                Ok(signature) if votes.len() < usize::from(threshold) => {
                    votes.insert(*index, signature);
                }
                // Exactly a quorum's are a certificate.
                Ok(_one_more) => {}
                Err(refusal) => refusals.push((*peer, refusal)),
            }
        }
        let given = votes.len();
        let (counted, stage) = if given == usize::from(threshold) {
            let certificate = Certificate {
                event: on.event,
                round: on.round,
                step: on.step,
                reports: on.reports,
                signer_epoch: epoch,
                votes,
            };
            let stage = match on.step {
                Step::Evidence => "certified",
                Step::Lock => "decided",
            };
            (Ok(certificate), stage.to_owned())
        } else {
            let why = format!(
                "{given} of {threshold} votes in round {}; {}",
                on.round,
                told(refusals)
            );
            (Err(why.clone()), why)
        };
        self.standing.round(RoundStanding {
            event: on.event,
            round: on.round,
            proposer: seat.address(),
            stage,
            at: self.now(),
        });
        counted
    }
}

fn voted(
    answer: &VoteResponse,
    place: usize,
    peer: Address,
    id: VoteId,
) -> Result<QuorumSignature, Refusal> {
    let vote = answer.votes.get(place).ok_or_else(short)?;
    let signature = vote.clone().result()?.0;
    if signature.signer(id) == Some(peer) {
        Ok(signature)
    } else {
        Err(Refusal::new(
            Reason::BadSignature,
            "its vote is not signed by its key, or is another vote",
        ))
    }
}
