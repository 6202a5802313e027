//! From proposals to decisions: two votes.

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::attestation::SignatureSet;
use tocsin_domain::ids::{EventKey, ReportsHash};
use tocsin_domain::quorum::{Certificate, Event, EvidenceVote, Step, reports_hash};

use super::gather::{Refusals, Standing, short, told};
use crate::attestor::write;
use crate::client::Answers;
use crate::message::{Backed, Certified, LockRequest, Proposal, VoteRequest, VoteResponse, path};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};
use crate::size::first_part;
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
            let proposals = first_part(open);
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
        let answers = match write(&request) {
            Ok(body) => {
                let own = self.vote(seat.address(), &request);
                self.ask_all(seat, path::VOTE, &body, own).await
            }
            Err(_too_large) => Answers(Vec::new()),
        };
        let open = courses
            .iter_mut()
            .filter(|course| matches!(course.state, Ok(State::Open(_))));
        for (place, (course, proposal)) in open.zip(request.proposals).enumerate() {
            let on = On {
                event: course.event,
                round: proposal.round,
                reports: reports_hash(&seat.domain(), &proposal.reports),
            };
            let counted = self.count(
                seat,
                on,
                Step::Evidence,
                place,
                &answers,
                &mut course.refusals,
            );
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
            let certified = first_part(open);
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
        let answers = match write(&request) {
            Ok(body) => {
                let own = self.lock(seat.address(), &request);
                self.ask_all(seat, path::LOCK, &body, own).await
            }
            Err(_too_large) => Answers(Vec::new()),
        };
        let open = courses
            .iter_mut()
            .filter(|course| matches!(course.state, Ok(State::Certified(_))));
        for (place, (course, certified)) in open.zip(request.certified).enumerate() {
            let certificate = &certified.backed.certificate;
            let on = On {
                event: course.event,
                round: certificate.round,
                reports: certificate.reports,
            };
            let counted = self.count(seat, on, Step::Lock, place, &answers, &mut course.refusals);
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

    /// The certificate of the votes, if they are a quorum's.
    fn count(
        &self,
        seat: &Seat<'_>,
        on: On,
        step: Step,
        place: usize,
        answers: &Answers<VoteResponse>,
        refusals: &mut Refusals,
    ) -> Result<Certificate, String> {
        let (epoch, threshold) = (seat.signers().epoch(), seat.signers().threshold());
        let vote = EvidenceVote::new(on.event, on.round, step, on.reports, epoch);
        let id = vote.id(&seat.domain());
        let mut votes = SignatureSet::default();
        for (index, peer, answer) in &answers.0 {
            match voted(answer, place, *peer, id) {
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
                step,
                reports: on.reports,
                signer_epoch: epoch,
                votes,
            };
            let stage = match step {
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
    answer: &Result<VoteResponse, Refusal>,
    place: usize,
    peer: Address,
    id: tocsin_domain::ids::VoteId,
) -> Result<tocsin_domain::attestation::QuorumSignature, Refusal> {
    let answer = answer.as_ref().map_err(Clone::clone)?;
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
