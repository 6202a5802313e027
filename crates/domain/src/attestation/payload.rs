//! From an eligible claim to the payload that says so.

use alloy_primitives::{B256, I256};

use crate::attestation::ClaimAttestation;
use crate::claim::{self, Eligibility, Refusal};
use crate::cover::{Consumer, Cover};
use crate::decimal::Decimal;
use crate::determination::{Determination, Verdict};
use crate::evidence::leaf::value_units;
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::value::Value;

/// The first statement about a claim; a correction counts up from it.
pub const FIRST_REVISION: u32 = 0;

/// When a statement is made and when it can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// When it is made; not before the loss was confirmed.
    pub issued_at: Timestamp,
    /// First instant at which it is accepted; later than `issued_at` leaves time for a veto.
    pub valid_after: Timestamp,
    /// Last instant at which it is accepted.
    pub valid_until: Timestamp,
}

/// Why there is nothing that could be signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadError {
    /// The claim does not pay, so there is no event to consume.
    #[error("the claim is not eligible: {0:?}")]
    NotEligible(Refusal),
    /// The terms are paid by another contract.
    #[error("the terms are paid by {:#x} on chain {}, the policy is with {:#x} on chain {}", .named.address, .named.chain_id, .policy.address, .policy.chain_id)]
    OtherConsumer {
        /// Whom the terms name.
        named: Consumer,
        /// Whom the policy is with.
        policy: Consumer,
    },
    /// A contract counts unsigned seconds.
    #[error("{field} is {at}, which is before 1970 and so no time that a contract knows")]
    BeforeEpoch {
        /// The field of the payload.
        field: &'static str,
        /// Its value.
        at: Timestamp,
    },
    /// Two times the wrong way round.
    #[error("{earlier} must not be after {later}")]
    TimesOutOfOrder {
        /// What must come first.
        earlier: &'static str,
        /// What must come later.
        later: &'static str,
    },
    /// Verifiers take the window as half-open.
    #[error(
        "the loss occurred at {occurred_at}, the very end of the window, which verifiers do not count as inside"
    )]
    LossAtWindowEnd {
        /// When the breach began.
        occurred_at: Timestamp,
    },
    /// More than 1 or less than 0.
    #[error("the payout fraction {0} is not within 0…1")]
    Fraction(Decimal),
}

impl ClaimAttestation {
    /// The statement that `determination` triggers `policy`, for its consumer. Refuses a claim that [`claim::decide`]
    /// refuses, so that nothing ineligible can be signed.
    ///
    /// `measuredValue` is the value, at the confirmation, of the first input that the trigger reads; the window is
    /// [inception + waiting, expiry).
    pub fn for_claim(
        cover: &Cover,
        policy: &Policy,
        determination: &Determination,
        validity: Validity,
        signer_epoch: u32,
    ) -> Result<Self, PayloadError> {
        let fraction = match claim::decide(cover, policy, determination) {
            Eligibility::Eligible { fraction, .. } => fraction,
            Eligibility::Refused(refusal) => return Err(PayloadError::NotEligible(refusal)),
        };
        if let Some(named) = cover.consumer
            && named != policy.consumer
        {
            return Err(PayloadError::OtherConsumer {
                named,
                policy: policy.consumer,
            });
        }
        check_times(policy, determination, validity)?;
        let source = determination.confirmed_on;
        Ok(Self {
            policyId: policy.id.0,
            termsHash: policy.terms_hash.0,
            eventId: determination.event_id.0,
            consumer: policy.consumer.address,
            verdict: verdict_number(Verdict::Triggered),
            payoutFraction: fraction_units(fraction)?,
            measuredValue: measured_value(cover, determination),
            occurredAt: seconds("occurredAt", determination.occurred_at)?,
            confirmedAt: seconds("confirmedAt", determination.confirmed_at)?,
            windowStart: seconds("windowStart", policy.inception + cover.policy.waiting)?,
            windowEnd: seconds("windowEnd", policy.expiry)?,
            sourceChainId: source.map_or(0, |place| place.chain_id),
            sourceBlock: source.map_or(0, |place| place.block),
            sourceBlockHash: source.map_or(B256::ZERO, |place| place.block_hash),
            evidenceRoot: determination.evidence_root,
            evidenceCount: determination.evidence_count,
            issuedAt: seconds("issuedAt", validity.issued_at)?,
            validAfter: seconds("validAfter", validity.valid_after)?,
            validUntil: seconds("validUntil", validity.valid_until)?,
            signerEpoch: signer_epoch,
            revision: FIRST_REVISION,
            supersedes: B256::ZERO,
        })
    }
}

/// The number that attestations give a verdict.
pub fn verdict_number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Triggered => 1,
        Verdict::NotTriggered => 2,
        Verdict::Inconclusive => 3,
    }
}

fn check_times(
    policy: &Policy,
    loss: &Determination,
    validity: Validity,
) -> Result<(), PayloadError> {
    let in_order = [
        (
            "occurredAt",
            loss.occurred_at,
            "confirmedAt",
            loss.confirmed_at,
        ),
        (
            "confirmedAt",
            loss.confirmed_at,
            "issuedAt",
            validity.issued_at,
        ),
        (
            "issuedAt",
            validity.issued_at,
            "validUntil",
            validity.valid_until,
        ),
        (
            "validAfter",
            validity.valid_after,
            "validUntil",
            validity.valid_until,
        ),
    ];
    for (earlier, first, later, second) in in_order {
        if first > second {
            return Err(PayloadError::TimesOutOfOrder { earlier, later });
        }
    }
    if loss.occurred_at >= policy.expiry {
        return Err(PayloadError::LossAtWindowEnd {
            occurred_at: loss.occurred_at,
        });
    }
    Ok(())
}

fn seconds(field: &'static str, at: Timestamp) -> Result<u64, PayloadError> {
    at.to_u64().ok_or(PayloadError::BeforeEpoch { field, at })
}

/// 10¹⁸ is all.
pub(crate) fn fraction_units(fraction: Decimal) -> Result<u64, PayloadError> {
    if fraction < Decimal::ZERO || fraction > Decimal::ONE {
        return Err(PayloadError::Fraction(fraction));
    }
    u64::try_from(fraction.units()).map_err(|_within_0_and_1| PayloadError::Fraction(fraction))
}

/// In 18-decimal units; 0 for text and for what was not known.
fn measured_value(cover: &Cover, determination: &Determination) -> I256 {
    // In reading order. A recovery that the cover does not write is `not condition`, so it adds no input.
    let first = cover.trigger.when.inputs().first().copied();
    let read = first.and_then(|input| determination.inputs.get(input.0));
    match read {
        None | Some(Err(_) | Ok(Value::Text(_))) => I256::ZERO,
        Some(Ok(value)) => value_units(Some(value)),
    }
}
