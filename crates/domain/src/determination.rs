//! Determinations: the recorded decision about one loss event of one risk.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::eval::outcome::Unknown;
use crate::ids::{EventId, RiskId, TermsHash};
use crate::observation::ChainPosition;
use crate::time::Timestamp;
use crate::value::Value;

/// The recorded decision about one loss event of one risk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Determination {
    /// The risk.
    pub risk: RiskId,
    /// Its terms.
    pub terms_hash: TermsHash,
    /// Its subject.
    pub subject: String,
    /// 1 for the risk's first loss event.
    pub ordinal: u32,
    /// Derived from subject and ordinal.
    pub event_id: EventId,
    /// When the breach began.
    pub occurred_at: Timestamp,
    /// When the terms made it count.
    pub confirmed_at: Timestamp,
    /// Until when the payout was looked for: the confirmation, unless the terms let it settle.
    pub settled_at: Timestamp,
    /// Where its evidence begins: the earliest breach that the trigger's truth rests on, `occurred_at` or before.
    pub evidence_from: Timestamp,
    /// When this was decided, which is after it settled.
    pub determined_at: Timestamp,
    /// The part of the sum insured; or why the event is inconclusive.
    pub payout: Result<Decimal, Unknown>,
    /// The inputs in force at the confirmation, in the order of the cover's inputs.
    pub inputs: Vec<Result<Value, Unknown>>,
    /// Whether each guard held at the confirmation, in the order of the cover's guards. They decide nothing.
    pub guards: Vec<Result<bool, Unknown>>,
    /// Merkle root of the evidence.
    pub evidence_root: B256,
    /// Number of observations in it.
    pub evidence_count: u32,
    /// The confirming observation's place, where it came from a chain.
    pub confirmed_on: Option<ChainPosition>,
}

/// What a determination says, as attestations number it (0 is invalid).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The terms were met; the payout fraction says how much.
    Triggered = 1,
    /// The trigger was false throughout.
    NotTriggered = 2,
    /// It cannot be said; a person has to look.
    Inconclusive = 3,
}

impl Determination {
    /// What it says.
    pub fn verdict(&self) -> Verdict {
        match self.payout {
            Ok(_) => Verdict::Triggered,
            Err(_) => Verdict::Inconclusive,
        }
    }
}
