//! From the terms and the observations to the determination once more, whoever made it first.
//!
//! An evidence bundle is checked this way, and so is what an attestor of a quorum reports. Each step takes what the step
//! before computed and says in a sentence what it found, or why it does not hold.

mod evaluate;
mod evidence;

use crate::cover::Cover;
use crate::determination::Determination;
use crate::eval::Known;
use crate::eval::outcome::LossEvent;
use crate::ids::{EventId, RiskId};
use crate::observation::Observation;
use crate::risk::Stream;
use crate::time::Timestamp;

/// What one check says: that something holds, or that it does not and why.
pub(crate) type Finding = Result<String, String>;

/// What is said of a loss event, and the observations that have to show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    pub(crate) cover: &'a Cover,
    pub(crate) subject: &'a str,
    /// Of the risk, where the terms ask for one.
    pub(crate) inception: Option<Timestamp>,
    pub(crate) ordinal: u32,
    /// When the loss event before it was confirmed.
    pub(crate) previous: Option<Timestamp>,
    pub(crate) evidence_from: Timestamp,
    pub(crate) occurred_at: Timestamp,
    pub(crate) settled_at: Timestamp,
    /// Only the attestor's clock knows.
    pub(crate) determined_at: Timestamp,
    /// In evidence order.
    pub(crate) observations: &'a [Observation],
}

/// The loss event that the observations show, and how they were read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    known: Known,
    event: LossEvent,
}

impl Case<'_> {
    /// What the observations show, by the engine alone, which decides in production.
    pub(crate) fn determination(&self) -> Result<Determination, String> {
        let _said = self.check_ordinal()?;
        let (streams, _said) = self.streams()?;
        let (found, _said) = self.evaluate(&streams)?;
        let _said = self.check_selection(&streams, &found)?;
        self.implied(found)
    }

    /// That both evaluators find the same, and what they find.
    pub(crate) fn check_both(&self) -> Finding {
        let (streams, _said) = self.streams()?;
        let (found, sentence) = self.evaluate(&streams)?;
        let _said = self.check_reference(&streams, &found)?;
        Ok(sentence)
    }

    /// The determination of what was found; the observations are its evidence.
    pub(crate) fn implied(&self, found: Found) -> Result<Determination, String> {
        let event = found.event;
        let (evidence_root, evidence_count) = crate::evidence::commit(self.observations)
            .ok_or("there are more observations than an attestation can count")?;
        Ok(Determination {
            risk: RiskId::derive(self.cover.terms_hash, self.subject, self.inception),
            terms_hash: self.cover.terms_hash,
            subject: self.subject.to_owned(),
            ordinal: self.ordinal,
            event_id: EventId::derive(self.subject, self.ordinal),
            occurred_at: event.occurred_at,
            confirmed_at: event.confirmed_at,
            settled_at: event.settled_at,
            evidence_from: event.evidence_from,
            determined_at: self.determined_at,
            payout: event.payout,
            inputs: event.inputs,
            guards: event.guards,
            evidence_root,
            evidence_count,
            confirmed_on: crate::evidence::confirmed_on(self.observations, event.confirmed_at),
        })
    }

    /// The terms allow a loss event of this number, and say when the one before it was confirmed.
    pub(crate) fn check_ordinal(&self) -> Finding {
        evidence::check_ordinal(self)
    }

    /// Every observation belongs to an input, and they are in evidence order, each once. Yields the inputs' streams.
    pub(crate) fn streams(&self) -> Result<(Vec<Stream>, String), String> {
        evidence::streams(self)
    }

    /// Nothing is missing at the edges and nothing stands beside the evidence.
    pub(crate) fn check_selection(&self, streams: &[Stream], found: &Found) -> Finding {
        evidence::check_selection(self, streams, &found.event)
    }
}
