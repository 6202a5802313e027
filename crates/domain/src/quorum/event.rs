//! What a round of attestors is about.

use serde::{Deserialize, Serialize};

use crate::ids::{EventId, EventKey, RiskId, TermsHash};
use crate::risk::Risk;
use crate::time::Timestamp;

/// One loss event of one risk, which every attestor names alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The terms.
    pub terms_hash: TermsHash,
    /// The insured subject.
    pub subject: String,
    /// That of the risk, where the terms ask for one.
    pub inception: Option<Timestamp>,
    /// 1 for the risk's first loss event.
    pub ordinal: u32,
}

impl Event {
    /// The loss event numbered `ordinal` of `risk`.
    pub fn of(risk: &Risk, ordinal: u32) -> Self {
        Self {
            terms_hash: risk.terms_hash,
            subject: risk.subject.clone(),
            inception: risk.inception,
            ordinal,
        }
    }

    /// The risk that it is of.
    pub fn risk(&self) -> RiskId {
        RiskId::derive(self.terms_hash, &self.subject, self.inception)
    }

    /// What it is known by among attestors.
    pub fn key(&self) -> EventKey {
        EventKey::derive(self.risk(), self.ordinal)
    }

    /// What attestations call it.
    pub fn event_id(&self) -> EventId {
        EventId::derive(&self.subject, self.ordinal)
    }
}
