//! The proposer's side: gathers reports, has them settled in two votes, has the claims signed.
//!
//! It is trusted with nothing. Everything that it says is checked by each attestor, everything that it hears it checks
//! itself, and where it dies another goes on from what the attestors have journaled. So two at once, or one that ends
//! anywhere, cost time and nothing else.

mod gather;
mod issue;
mod settle;

use alloy_primitives::Address;
use tocsin_attest::{AttestError, Seat};
use tocsin_domain::ids::{ClaimKey, EventKey, PolicyId};
use tocsin_domain::quorum::Event;

use crate::attestor::{MOST_EVENTS, MOST_WANTED, write};
use crate::client::{Parted, Question};
use crate::message::{Signed, SignedResponse, WantedRequest, WantedResponse, path};
use crate::node::Node;
use crate::refusal::{Reason, Refusal};

/// The claims on an event that are to be attested.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The event.
    pub event: Event,
    /// Whose claims.
    pub policies: Vec<PolicyId>,
}

/// What came of an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// What was signed.
    pub signed: Vec<Signed>,
    /// What was not, and why: it is tried again.
    pub troubles: Vec<Trouble>,
}

/// An event whose claims are not all attested.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no quorum for event {event}: {why}")]
pub struct Trouble {
    /// Which.
    pub event: EventKey,
    /// Why not.
    pub why: String,
}

/// A question that each answers as a whole.
fn whole<'a>(path: &'static str, body: &'a [u8]) -> Question<'a> {
    Question {
        path,
        body,
        places: 1,
    }
}

/// What needs no check before it counts.
async fn as_it_is<T>(_peer: Address, answer: T) -> Result<T, Refusal> {
    Ok(answer)
}

impl Parted for WantedResponse {
    fn gives(&self, _place: usize) -> bool {
        true
    }
}

impl Parted for SignedResponse {
    fn gives(&self, _place: usize) -> bool {
        true
    }
}

impl Node {
    /// Has claims attested by a quorum: each, or together as a batch. What is signed is neither kept nor recorded here.
    pub async fn attest(&self, wishes: &[Wish], batched: bool) -> Result<Outcome, AttestError> {
        let seat = self.seat()?;
        let mut outcome = Outcome::default();
        let mut settled = Vec::new();
        for wishes in wishes.chunks(MOST_EVENTS) {
            let events: Vec<Event> = wishes.iter().map(|wish| wish.event.clone()).collect();
            let certified = self.settle(&seat, &events).await;
            for (wish, certified) in wishes.iter().zip(certified) {
                match certified {
                    Ok(certified) => settled.push((certified, wish.policies.clone())),
                    Err(why) => outcome.troubles.push(Trouble {
                        event: wish.event.key(),
                        why,
                    }),
                }
            }
        }
        self.issue(&seat, settled, batched, &mut outcome).await;
        Ok(outcome)
    }

    /// Asks the others whether these claims are attested already. Whatever is, is checked and kept; whether there was any.
    pub async fn catch_up(&self, claims: &[ClaimKey]) -> Result<bool, AttestError> {
        let seat = self.seat()?;
        let mut found = false;
        for claims in claims.chunks(MOST_WANTED) {
            let request = WantedRequest {
                claims: claims.to_vec(),
            };
            let Ok(body) = write(&request) else { continue };
            let nothing = async { Ok(WantedResponse { signed: Vec::new() }) };
            let answers = self
                .ask_all(&seat, whole(path::WANTED, &body), nothing, as_it_is)
                .await;
            for (_, peer, answer) in answers.good() {
                for signed in &answer.signed {
                    match self.take(signed).await {
                        Ok(()) => found = true,
                        Err(refusal) => self.note_unless_early(peer, &refusal).await,
                    }
                }
            }
        }
        Ok(found)
    }

    /// Asks the others nothing in particular; how many are there, this node included.
    pub async fn greet(&self) -> Result<usize, AttestError> {
        let seat = self.seat()?;
        let request = WantedRequest { claims: Vec::new() };
        let Ok(body) = write(&request) else {
            return Ok(0);
        };
        let own = async { Ok(WantedResponse { signed: Vec::new() }) };
        let answers = self
            .ask_all(&seat, whole(path::WANTED, &body), own, as_it_is)
            .await;
        Ok(answers.good().count())
    }

    /// Tells the others what was signed. Who does not hear of it asks.
    pub async fn tell(&self, signed: &Signed) -> Result<(), AttestError> {
        let seat = self.seat()?;
        let body = match write(signed) {
            Ok(body) => body,
            Err(refusal) => {
                tracing::error!(%refusal, "a result cannot be told");
                return Ok(());
            }
        };
        let own = async {
            Ok(SignedResponse {
                kept: crate::message::Answer::Yes(true),
            })
        };
        let answers = self
            .ask_all(&seat, whole(path::SIGNED, &body), own, as_it_is)
            .await;
        for (_, peer, answer) in answers.0 {
            let kept = answer.and_then(|answer| answer.kept.result());
            if let Err(refusal) = kept {
                self.note_unless_early(peer, &refusal).await;
            }
        }
        Ok(())
    }

    async fn take(&self, signed: &Signed) -> Result<(), Refusal> {
        let verified = self.verify(signed).await?;
        self.keep(signed, &verified).await
    }

    /// Who has not seen the loss yet does not disagree.
    async fn note_unless_early(&self, peer: Address, refusal: &Refusal) {
        match refusal.reason {
            Reason::NotDetermined | Reason::Unreachable => {}
            // It tells of an epoch that was revoked since.
            Reason::OtherEpoch => {}
            _ => self.note(Some(peer), None, refusal).await,
        }
    }

    /// Records who did not go along with a round that has ended, and why.
    async fn note_all(&self, seat: &Seat<'_>, event: EventKey, refusals: &[(Address, Refusal)]) {
        for (peer, refusal) in refusals {
            if *peer != seat.address() {
                self.note(Some(*peer), Some(event), refusal).await;
            }
        }
    }
}
