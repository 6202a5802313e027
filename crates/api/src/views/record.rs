//! Records of the domain as they are stored, signed and proved, with times in unix seconds; but for large numbers, which are decimal
//! text in everything that the API makes.

use alloy_primitives::{Address, B256};
use serde::Serialize;
use tocsin_domain::claim::{Claim, Eligibility, Refusal};
use tocsin_domain::cover::Cover;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::Unknown;
use tocsin_domain::ids::{EventId, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::{ChainPosition, Provenance};
use tocsin_domain::policy::Policy;
use tocsin_domain::reasoning::guards;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;
use utoipa::ToSchema;

use super::known::{UnknownView, ValueView};

/// A policy as it is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyRecord {
    /// Derived from the consumer and the number: 32 bytes.
    #[schema(value_type = String)]
    pub(crate) id: PolicyId,
    /// The number that the consumer gave it, decimal.
    number: String,
    consumer: ConsumerRecord,
    /// The terms it was bought under.
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    /// What it insures.
    #[schema(value_type = String)]
    pub(crate) risk: RiskId,
    /// Who is paid.
    #[schema(value_type = String)]
    holder: Address,
    /// In the smallest unit of the consumer's token, decimal.
    sum_insured: String,
    /// Cover begins: unix seconds.
    #[schema(value_type = i64)]
    inception: Timestamp,
    /// Cover ends.
    #[schema(value_type = i64)]
    expiry: Timestamp,
}

/// The contract that holds the money and pays.
#[derive(Serialize, ToSchema)]
struct ConsumerRecord {
    /// EIP-155 chain id.
    chain_id: u64,
    /// The contract.
    #[schema(value_type = String)]
    address: Address,
}

impl From<&Policy> for PolicyRecord {
    fn from(policy: &Policy) -> Self {
        Self {
            id: policy.id,
            number: policy.number.to_string(),
            consumer: ConsumerRecord {
                chain_id: policy.consumer.chain_id,
                address: policy.consumer.address,
            },
            terms_hash: policy.terms_hash,
            risk: policy.risk,
            holder: policy.holder,
            sum_insured: policy.sum_insured.to_string(),
            inception: policy.inception,
            expiry: policy.expiry,
        }
    }
}

/// A claim as it is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimRecord {
    #[schema(value_type = String)]
    policy: PolicyId,
    #[schema(value_type = String)]
    risk: RiskId,
    /// The loss event of that risk.
    pub(crate) ordinal: u32,
    eligibility: EligibilityRecord,
}

/// Whether a claim is paid.
#[derive(Serialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum EligibilityRecord {
    /// It is.
    Eligible {
        /// The part of the sum insured, as a decimal.
        #[schema(value_type = String)]
        fraction: Decimal,
        /// In the smallest unit of the consumer's token, decimal.
        amount: String,
    },
    /// It is not.
    Refused(RefusalView),
}

/// Why a claim is not paid. Times are unix seconds.
#[derive(Serialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(crate) enum RefusalView {
    /// The loss came before the policy began.
    BeforeInception {
        /// The instant of the loss that the terms test.
        #[schema(value_type = i64)]
        event_at: Timestamp,
        #[schema(value_type = i64)]
        inception: Timestamp,
    },
    /// The loss began during the waiting period.
    WaitingPeriod {
        #[schema(value_type = i64)]
        occurred_at: Timestamp,
        /// When the waiting period ended.
        #[schema(value_type = i64)]
        ends: Timestamp,
    },
    /// The loss came after the policy ended.
    AfterExpiry {
        /// The instant of the loss that the terms test.
        #[schema(value_type = i64)]
        event_at: Timestamp,
        #[schema(value_type = i64)]
        expiry: Timestamp,
    },
    /// It was decided later than the terms allow a claim.
    ClaimDeadline {
        #[schema(value_type = i64)]
        deadline: Timestamp,
        #[schema(value_type = i64)]
        determined_at: Timestamp,
    },
    /// The policy was bought under other terms, or on another risk.
    OtherTerms,
    /// What happened cannot be said; a person has to look.
    VerdictUnknown { unknown: UnknownView },
}

impl From<&Refusal> for RefusalView {
    fn from(refusal: &Refusal) -> Self {
        match *refusal {
            Refusal::BeforeInception {
                event_at,
                inception,
            } => Self::BeforeInception {
                event_at,
                inception,
            },
            Refusal::WaitingPeriod { occurred_at, ends } => {
                Self::WaitingPeriod { occurred_at, ends }
            }
            Refusal::AfterExpiry { event_at, expiry } => Self::AfterExpiry { event_at, expiry },
            Refusal::ClaimDeadline {
                deadline,
                determined_at,
            } => Self::ClaimDeadline {
                deadline,
                determined_at,
            },
            Refusal::OtherTerms => Self::OtherTerms,
            Refusal::VerdictUnknown { ref unknown } => Self::VerdictUnknown {
                unknown: unknown.into(),
            },
        }
    }
}

impl From<&Claim> for ClaimRecord {
    fn from(claim: &Claim) -> Self {
        Self {
            policy: claim.policy,
            risk: claim.risk,
            ordinal: claim.ordinal,
            eligibility: match &claim.eligibility {
                Eligibility::Eligible { fraction, amount } => EligibilityRecord::Eligible {
                    fraction: *fraction,
                    amount: amount.to_string(),
                },
                Eligibility::Refused(refusal) => EligibilityRecord::Refused(refusal.into()),
            },
        }
    }
}

/// A determination as it is stored, its guards by name. Times are unix seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeterminationRecord {
    #[schema(value_type = String)]
    risk: RiskId,
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    subject: String,
    /// 1 for the risk's first loss event.
    ordinal: u32,
    /// Derived from the subject and the ordinal.
    #[schema(value_type = String)]
    event_id: EventId,
    /// When the breach began.
    #[schema(value_type = i64)]
    occurred_at: Timestamp,
    /// When the terms made it count.
    #[schema(value_type = i64)]
    confirmed_at: Timestamp,
    /// Until when the payout was looked for.
    #[schema(value_type = i64)]
    settled_at: Timestamp,
    /// Where its evidence begins.
    #[schema(value_type = i64)]
    evidence_from: Timestamp,
    /// When it was decided.
    #[schema(value_type = i64)]
    determined_at: Timestamp,
    /// The part of the sum insured, as a decimal; none where the event is inconclusive.
    payout_fraction: Option<String>,
    /// Why it is inconclusive.
    unknown: Option<UnknownView>,
    /// The inputs in force at the confirmation, in the order of the cover's inputs.
    inputs: Vec<InputRecord>,
    /// The cover's guards at the confirmation. They decide nothing.
    guards: Vec<GuardRecord>,
    /// Merkle root of the evidence: 32 bytes.
    #[schema(value_type = String)]
    evidence_root: B256,
    /// Number of observations in it.
    evidence_count: u32,
    /// The confirming observation's place, where it came from a chain.
    confirmed_on: Option<ChainPlace>,
}

/// What an input was.
#[derive(Serialize, ToSchema)]
struct InputRecord {
    /// None where that is not known.
    value: Option<ValueView>,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<UnknownView>,
}

impl From<&Result<Value, Unknown>> for InputRecord {
    fn from(input: &Result<Value, Unknown>) -> Self {
        Self {
            value: input.as_ref().ok().map(ValueView::from),
            unknown: input.as_ref().err().map(UnknownView::from),
        }
    }
}

/// Whether a guard held.
#[derive(Serialize, ToSchema)]
struct GuardRecord {
    name: String,
    /// None where that is not known.
    holds: Option<bool>,
    /// Why it is not known, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl DeterminationRecord {
    pub(crate) fn of(cover: &Cover, loss: &Determination) -> Self {
        let names = cover.input_names();
        let guards = guards(cover, loss).map(|(name, holds)| GuardRecord {
            name: name.to_owned(),
            holds: holds.as_ref().ok().copied(),
            reason: holds
                .as_ref()
                .err()
                .map(|unknown| unknown.describe(&names).to_string()),
        });
        let inputs = loss.inputs.iter();
        Self {
            risk: loss.risk,
            terms_hash: loss.terms_hash,
            subject: loss.subject.clone(),
            ordinal: loss.ordinal,
            event_id: loss.event_id,
            occurred_at: loss.occurred_at,
            confirmed_at: loss.confirmed_at,
            settled_at: loss.settled_at,
            evidence_from: loss.evidence_from,
            determined_at: loss.determined_at,
            payout_fraction: loss.payout.as_ref().ok().map(ToString::to_string),
            unknown: loss.payout.as_ref().err().map(UnknownView::from),
            inputs: inputs.map(InputRecord::from).collect(),
            guards: guards.collect(),
            evidence_root: loss.evidence_root,
            evidence_count: loss.evidence_count,
            confirmed_on: loss.confirmed_on.as_ref().map(ChainPlace::from),
        }
    }
}

/// The place of a log, or of a reading of state, on a chain.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainPlace {
    /// EIP-155 chain id.
    chain_id: u64,
    block: u64,
    #[schema(value_type = String)]
    block_hash: B256,
    /// Index of the log in the block; none for what the state said after the block.
    log_index: Option<u64>,
    /// Of what the chain has there: 32 bytes.
    #[schema(value_type = String)]
    raw_hash: B256,
}

impl From<&ChainPosition> for ChainPlace {
    fn from(place: &ChainPosition) -> Self {
        Self {
            chain_id: place.chain_id,
            block: place.block,
            block_hash: place.block_hash,
            log_index: place.log_index,
            raw_hash: place.raw_hash,
        }
    }
}

/// Where an observation can be seen again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProvenanceView {
    /// On a chain.
    Chain(ChainPlace),
    /// In bytes that a feed or a file gave: `/v1/responses/{hash}`.
    Raw {
        /// The hash of the bytes.
        #[schema(value_type = String)]
        hash: B256,
    },
}

impl From<&Provenance> for ProvenanceView {
    fn from(provenance: &Provenance) -> Self {
        match provenance {
            Provenance::Chain(place) => Self::Chain(place.into()),
            Provenance::Raw { hash } => Self::Raw { hash: *hash },
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use serde_json::json;

    use super::*;

    /// What is stored and what is answered have one form.
    #[test]
    fn views_are_written_as_what_they_show() {
        let at = Timestamp(1_700_000_000);
        let refusals = [
            Refusal::BeforeInception {
                event_at: at,
                inception: at,
            },
            Refusal::WaitingPeriod {
                occurred_at: at,
                ends: at,
            },
            Refusal::AfterExpiry {
                event_at: at,
                expiry: at,
            },
            Refusal::ClaimDeadline {
                deadline: at,
                determined_at: at,
            },
            Refusal::OtherTerms,
            Refusal::VerdictUnknown {
                unknown: Unknown::NoValue {
                    input: 2,
                    since: at,
                },
            },
        ];
        let paid = Eligibility::Eligible {
            fraction: "0.25".parse().unwrap(),
            amount: U256::from(1_000),
        };
        let refused = refusals.into_iter().map(Eligibility::Refused);
        for eligibility in refused.chain([paid]) {
            let claim = Claim {
                policy: PolicyId(B256::repeat_byte(1)),
                risk: RiskId(B256::repeat_byte(2)),
                ordinal: 3,
                eligibility,
            };
            let mut stored = json!(claim);
            if let Some(amount) = stored["eligibility"].get_mut("amount") {
                assert_eq!(*amount, json!("0x3e8"));
                *amount = json!("1000");
            }
            assert_eq!(json!(ClaimRecord::from(&claim)), stored);
        }
        let place = ChainPosition {
            chain_id: 1,
            block: 2,
            block_hash: B256::repeat_byte(3),
            log_index: None,
            raw_hash: B256::repeat_byte(4),
        };
        for provenance in [
            Provenance::Chain(place),
            Provenance::Raw { hash: B256::ZERO },
        ] {
            assert_eq!(json!(ProvenanceView::from(&provenance)), json!(provenance));
        }
    }
}
