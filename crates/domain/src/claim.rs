//! Claims: a policy × a determination; eligible or not, and why.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::cover::{Cover, EventTime};
use crate::decimal::{Decimal, SCALE};
use crate::determination::Determination;
use crate::eval::outcome::Unknown;
use crate::ids::{PolicyId, RiskId};
use crate::policy::Policy;
use crate::time::Timestamp;

/// A policy × a determination.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// The policy.
    pub policy: PolicyId,
    /// The risk that both are about.
    pub risk: RiskId,
    /// The loss event of that risk.
    pub ordinal: u32,
    /// Whether it pays, and why not.
    pub eligibility: Eligibility,
}

/// Whether a claim pays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Eligibility {
    /// It pays.
    Eligible {
        /// The part of the sum insured.
        fraction: Decimal,
        /// ⌊sum insured × fraction⌋.
        amount: U256,
    },
    /// It does not.
    Refused(Refusal),
}

/// Why a claim does not pay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// The loss came before the policy began.
    BeforeInception {
        /// The instant of the loss that the terms test.
        event_at: Timestamp,
        /// When the policy began.
        inception: Timestamp,
    },
    /// The loss began during the waiting period.
    WaitingPeriod {
        /// When the breach began.
        occurred_at: Timestamp,
        /// When the waiting period ended.
        ends: Timestamp,
    },
    /// The loss came after the policy ended.
    AfterExpiry {
        /// The instant of the loss that the terms test.
        event_at: Timestamp,
        /// When the policy ended.
        expiry: Timestamp,
    },
    /// It was decided later than the terms allow a claim.
    ClaimDeadline {
        /// The last instant for a claim.
        deadline: Timestamp,
        /// When it was decided.
        determined_at: Timestamp,
    },
    /// The policy was bought under other terms, or on another risk.
    OtherTerms,
    /// What happened cannot be said; a person has to look.
    VerdictUnknown {
        /// Why.
        unknown: Unknown,
    },
}

/// Decides whether `policy` is paid for the loss event that `determination` records.
///
/// The order of the checks is the order in which a person would ask: is this my cover, was I insured then, is the loss
/// known, am I in time.
pub fn decide(cover: &Cover, policy: &Policy, determination: &Determination) -> Eligibility {
    match refusal(cover, policy, determination) {
        Err(refusal) => Eligibility::Refused(refusal),
        Ok(fraction) => Eligibility::Eligible {
            fraction,
            amount: amount(policy.sum_insured, fraction),
        },
    }
}

fn refusal(cover: &Cover, policy: &Policy, loss: &Determination) -> Result<Decimal, Refusal> {
    if policy.terms_hash != loss.terms_hash
        || policy.risk != loss.risk
        || cover.terms_hash != policy.terms_hash
    {
        return Err(Refusal::OtherTerms);
    }
    let rules = cover.policy;
    let event_at = match rules.event_time {
        EventTime::Occurred => loss.occurred_at,
        EventTime::Confirmed => loss.confirmed_at,
    };
    let begun = if rules.event_inclusion.start_included {
        event_at >= policy.inception
    } else {
        event_at > policy.inception
    };
    if !begun {
        return Err(Refusal::BeforeInception {
            event_at,
            inception: policy.inception,
        });
    }
    let waiting_ends = policy.inception + rules.waiting;
    if loss.occurred_at < waiting_ends {
        return Err(Refusal::WaitingPeriod {
            occurred_at: loss.occurred_at,
            ends: waiting_ends,
        });
    }
    let ended = if rules.event_inclusion.end_included {
        event_at > policy.expiry
    } else {
        event_at >= policy.expiry
    };
    if ended {
        return Err(Refusal::AfterExpiry {
            event_at,
            expiry: policy.expiry,
        });
    }
    let fraction = loss
        .payout
        .clone()
        .map_err(|unknown| Refusal::VerdictUnknown { unknown })?;
    if let Some(limit) = rules.claim_deadline {
        let deadline = loss.confirmed_at + limit;
        if loss.determined_at > deadline {
            return Err(Refusal::ClaimDeadline {
                deadline,
                determined_at: loss.determined_at,
            });
        }
    }
    Ok(fraction)
}

/// What an accepted claim pays: ⌊sum insured × fraction⌋. `None` for a fraction that is not within 0…1.
pub fn due(sum_insured: U256, fraction: Decimal) -> Option<U256> {
    let within = Decimal::from_integer(0)..=Decimal::from_integer(1);
    within
        .contains(&fraction)
        .then(|| amount(sum_insured, fraction))
}

/// ⌊sum insured × fraction⌋ for a fraction within 0…1.
fn amount(sum_insured: U256, fraction: Decimal) -> U256 {
    let product: alloy_primitives::U512 = sum_insured.widening_mul(fraction.units().unsigned_abs());
    // At most the sum insured, so it fits.
    (product / alloy_primitives::U512::from(SCALE)).to::<U256>()
}
