//! What the attestors have seen of an event, and what some of them are bound to.

use alloy_primitives::Address;
use tocsin_attest::Seat;
use tocsin_domain::quorum::{Certificate, Event, SignedReport, Step};

use crate::attestor::write;
use crate::client::{Answers, Parted, Question};
use crate::message::{
    Answer, Backed, Certified, Heard, Proposal, ReportRequest, ReportResponse, path,
};
use crate::node::{Node, Own};
use crate::refusal::{Reason, Refusal};
use crate::turns::{last_round, next_turn, rank};

/// Where an event stands, after everybody was asked.
pub(super) enum Standing {
    /// A quorum has decided.
    Decided(Certified),
    /// This can be voted on.
    Open(Proposal),
}

/// An event, with what this node has determined of it or why it has nothing.
type About<'a> = (&'a Event, &'a Result<Own, Refusal>);

/// Who has not gone along, and why.
pub(super) type Refusals = Vec<(Address, Refusal)>;

impl Node {
    /// Asks everybody. Of each event where it stands or why it does not, and who disagrees.
    pub(super) async fn gather(
        &self,
        seat: &Seat<'_>,
        events: &[Event],
    ) -> Vec<(Result<Standing, String>, Refusals)> {
        let mut own = Vec::with_capacity(events.len());
        for event in events {
            own.push(self.own(event).await);
        }
        let mut gathered: Vec<_> = events.iter().map(|_| None).collect();
        let mut rest: Vec<usize> = (0..events.len()).collect();
        // What does not fit into the answers is asked for again, and the first of what is asked for always fits.
        while !rest.is_empty() {
            let asked: Vec<About<'_>> = rest
                .iter()
                .map(|&place| (&events[place], &own[place]))
                .collect();
            let heard = self.hear(seat, &asked).await;
            let mut later = Vec::new();
            for (number, (place, (said, mut refusals))) in rest.into_iter().zip(heard).enumerate() {
                let whole = said
                    .iter()
                    .filter(|(_, _, said)| !said.is_for_later())
                    .count();
                let enough = whole >= usize::from(seat.signers().threshold());
                if number > 0 && !enough && whole < said.len() {
                    later.push(place);
                    continue;
                }
                // Where enough have answered, who has no room for it is not missed, and has not disagreed.
                let said: Vec<_> = said
                    .iter()
                    .filter(|(_, _, said)| !enough || !said.is_for_later())
                    .map(|(index, peer, said)| (*index, *peer, said))
                    .collect();
                let standing = self
                    .standing_of(seat, (&events[place], &own[place]), &said, &mut refusals)
                    .await;
                gathered[place] = Some((standing, refusals));
            }
            rest = later;
        }
        let unheard = || (Err("nobody was asked".to_owned()), Refusals::new());
        gathered
            .into_iter()
            .map(|standing| standing.unwrap_or_else(unheard))
            .collect()
    }

    /// What everybody says of each of these events, and who does not. Reports that do not hold are refusals already.
    async fn hear(
        &self,
        seat: &Seat<'_>,
        about: &[About<'_>],
    ) -> Vec<(Vec<(u8, Address, Heard)>, Refusals)> {
        let request = ReportRequest {
            epoch: seat.signers().epoch(),
            events: about.iter().map(|(event, _)| (*event).clone()).collect(),
        };
        let answers = match write(&request) {
            Ok(body) => {
                let question = Question {
                    path: path::REPORT,
                    body: &body,
                    places: about.len(),
                };
                let check = |peer, answer| self.check_heard(seat, about, peer, answer);
                let own = self.reports(&request);
                self.ask_all(seat, question, own, check).await
            }
            Err(refusal) => Answers(vec![(seat.index(), seat.address(), Err(refusal))]),
        };
        let mut heard: Vec<_> = about
            .iter()
            .map(|_| (Vec::new(), Refusals::new()))
            .collect();
        for (index, peer, answer) in answers.0 {
            match answer {
                Ok(said) => {
                    for ((all, _), said) in heard.iter_mut().zip(said) {
                        all.push((index, peer, said));
                    }
                }
                Err(refusal) => {
                    for (_, refusals) in &mut heard {
                        refusals.push((peer, refusal.clone()));
                    }
                }
            }
        }
        heard
    }

    /// What `peer` says, with a refusal in the place of each report that does not hold.
    async fn check_heard(
        &self,
        seat: &Seat<'_>,
        about: &[About<'_>],
        peer: Address,
        answer: ReportResponse,
    ) -> Result<Vec<Heard>, Refusal> {
        let mut heard = answer.heard;
        if heard.len() != about.len() {
            return Err(short());
        }
        for (said, (event, own)) in heard.iter_mut().zip(about) {
            // Where this node has determined nothing, there is nothing to compare a report with, and no use for it.
            if let (Answer::Yes(report), Ok(own)) = (&said.report, own) {
                let report = report.clone();
                let checked = self.check_report(seat, event, peer, report, &own.cover);
                said.report = checked.await.into();
            }
        }
        Ok(heard)
    }

    async fn standing_of(
        &self,
        seat: &Seat<'_>,
        (event, own): About<'_>,
        heard: &[(u8, Address, &Heard)],
        refusals: &mut Refusals,
    ) -> Result<Standing, String> {
        if let Some(certified) = self.decided_by(event, heard, refusals).await {
            return Ok(Standing::Decided(certified));
        }
        let own = own.as_ref().map_err(ToString::to_string)?;
        let round = self.next_round(seat, event, own, heard, refusals)?;
        let proposal = |reports: Vec<SignedReport>, certificate: Option<Certificate>| {
            Standing::Open(Proposal {
                event: event.clone(),
                round,
                reports,
                certificate,
            })
        };
        if let Some(backed) = self.highest_lock(event, heard, refusals).await {
            return Ok(proposal(backed.reports, Some(backed.certificate)));
        }
        let mut reports = Vec::new();
        for (_, peer, said) in heard {
            match said.report.clone() {
                Answer::Yes(report) => reports.push(report),
                Answer::No(refusal) => refusals.push((*peer, refusal)),
            }
        }
        let threshold = usize::from(seat.signers().threshold());
        if reports.len() < threshold {
            return Err(format!(
                "{} of {threshold} reports that hold; {}",
                reports.len(),
                told(refusals)
            ));
        }
        Ok(proposal(reports, None))
    }

    /// The next round that is this node's. That an attestor has come further than time allows is not believed.
    fn next_round(
        &self,
        seat: &Seat<'_>,
        event: &Event,
        own: &Own,
        heard: &[(u8, Address, &Heard)],
        refusals: &mut Refusals,
    ) -> Result<u32, String> {
        let signers = seat.signers().signers().len();
        let last = last_round(own.determination.determined_at, self.now(), signers);
        let mut round = 0;
        for (_, peer, said) in heard {
            if said.round <= last {
                round = round.max(said.round);
            } else {
                let detail = format!("it says that it is in round {}", said.round);
                refusals.push((*peer, Refusal::new(Reason::OutOfTurn, detail)));
            }
        }
        let rank = rank(seat.index(), event.key(), signers);
        let next = next_turn(round, rank, signers).filter(|next| *next <= last);
        next.ok_or_else(|| "its next round is yet to come".to_owned())
    }

    async fn decided_by(
        &self,
        event: &Event,
        heard: &[(u8, Address, &Heard)],
        refusals: &mut Refusals,
    ) -> Option<Certified> {
        for (_, peer, said) in heard {
            let Some(backed) = &said.decided else {
                continue;
            };
            match self.check_backed(event, backed, Step::Lock).await {
                Ok(()) => {
                    return Some(Certified {
                        event: event.clone(),
                        backed: backed.clone(),
                    });
                }
                Err(refusal) => refusals.push((*peer, refusal)),
            }
        }
        None
    }

    /// Who is locked votes for nothing else: the certificate of the highest round goes on.
    async fn highest_lock(
        &self,
        event: &Event,
        heard: &[(u8, Address, &Heard)],
        refusals: &mut Refusals,
    ) -> Option<Backed> {
        let mut highest: Option<&Backed> = None;
        for (_, peer, said) in heard {
            let Some(backed) = &said.locked else { continue };
            if let Err(refusal) = self.check_backed(event, backed, Step::Evidence).await {
                refusals.push((*peer, refusal));
            } else if highest
                .is_none_or(|highest| highest.certificate.round < backed.certificate.round)
            {
                highest = Some(backed);
            }
        }
        highest.cloned()
    }

    async fn check_backed(
        &self,
        event: &Event,
        backed: &Backed,
        step: Step,
    ) -> Result<(), Refusal> {
        let Backed {
            certificate,
            reports,
        } = backed;
        self.check_certificate(event, certificate, reports, step)
            .await?;
        Ok(())
    }
}

impl Parted for Vec<Heard> {
    fn gives(&self, place: usize) -> bool {
        // Who has no room for it is asked again, and is not waited for now.
        let gives = |said: &Heard| matches!(said.report, Answer::Yes(_)) || said.is_for_later();
        self.get(place).is_some_and(gives)
    }
}

pub(super) fn short() -> Refusal {
    Refusal::new(
        Reason::Unreadable,
        "it has answered to something else than was asked",
    )
}

/// Who has not gone along, for people.
pub(super) fn told(refusals: &Refusals) -> String {
    if refusals.is_empty() {
        return "the others have not answered".to_owned();
    }
    let told: Vec<String> = refusals
        .iter()
        .map(|(peer, refusal)| format!("{peer} says {refusal}"))
        .collect();
    told.join("; ")
}
