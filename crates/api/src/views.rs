//! What is said of the nouns that several resources show: the same shape everywhere.

pub(crate) mod delivery;
pub(crate) mod known;
pub(crate) mod record;

use serde::Serialize;
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::determination::{Determination, Verdict};
use tocsin_domain::ids::{EventId, PolicyId, RiskId, TermsHash};
use tocsin_domain::observation::Observation;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_store::cover::RiskRecord;
use utoipa::ToSchema;

use self::known::{UnknownView, ValueView};
use self::record::{PolicyRecord, ProvenanceView, RefusalView};

/// A policy: one holder's insurance on a risk.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// Derived from the consumer and the number: 32 bytes.
    #[schema(value_type = String)]
    pub(crate) id: PolicyId,
    /// The policy, with its times in unix seconds and its amounts as decimal text.
    policy: PolicyRecord,
    /// Where the whole chain of reasons is.
    eligibility: String,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        Self {
            id: policy.id,
            eligibility: format!("/v1/policies/{}/eligibility", policy.id),
            policy: PolicyRecord::from(&policy),
        }
    }
}

/// What is insured: a subject under terms.
#[derive(Serialize, ToSchema)]
pub(crate) struct RiskView {
    /// Derived from the terms, the subject and the inception: 32 bytes.
    #[schema(value_type = String)]
    pub(crate) id: RiskId,
    /// The terms.
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    /// The insured subject.
    subject: String,
    /// That of its policies, where the terms ask for it: RFC 3339.
    inception: Option<String>,
    /// From when on it is evaluated: RFC 3339.
    evaluate_from: String,
    /// What its inputs listen to, in the order of the cover's inputs.
    streams: Vec<StreamView>,
}

/// What an input listens to.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamView {
    source: String,
    subject: String,
    metric: String,
}

impl From<&Stream> for StreamView {
    fn from(stream: &Stream) -> Self {
        Self {
            source: stream.source.to_string(),
            subject: stream.subject.to_string(),
            metric: stream.metric.to_string(),
        }
    }
}

impl From<RiskRecord> for RiskView {
    fn from(record: RiskRecord) -> Self {
        let risk = record.risk;
        Self {
            id: risk.id,
            terms_hash: risk.terms_hash,
            subject: risk.subject,
            inception: risk.inception.map(|at| at.to_string()),
            evaluate_from: risk.evaluate_from.to_string(),
            streams: record.streams.iter().map(StreamView::from).collect(),
        }
    }
}

/// The recorded decision about one loss event.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeterminationView {
    /// The risk and the number of its loss event: `0x…-1`.
    pub(crate) id: String,
    /// `triggered` or `inconclusive`.
    #[schema(value_type = String)]
    verdict: Verdict,
    #[schema(value_type = String)]
    risk: RiskId,
    /// 1 for the risk's first loss event.
    ordinal: u32,
    #[schema(value_type = String)]
    terms_hash: TermsHash,
    subject: String,
    /// Derived from the subject and the ordinal.
    #[schema(value_type = String)]
    event_id: EventId,
    /// When the breach began: RFC 3339, as all times here.
    occurred_at: String,
    /// When the terms made it count.
    confirmed_at: String,
    /// Until when the payout was looked for.
    settled_at: String,
    /// When this was decided.
    determined_at: String,
    /// The part of the sum insured, as a decimal; none where it is inconclusive.
    payout_fraction: Option<String>,
    /// Why it is inconclusive.
    unknown: Option<UnknownView>,
    /// Merkle root of the evidence: 32 bytes.
    evidence_root: String,
    /// Number of observations in it.
    evidence_count: u32,
}

/// How a determination is named.
pub(crate) fn determination_id(risk: RiskId, ordinal: u32) -> String {
    format!("{risk}-{ordinal}")
}

impl From<&Determination> for DeterminationView {
    fn from(loss: &Determination) -> Self {
        Self {
            id: determination_id(loss.risk, loss.ordinal),
            verdict: loss.verdict(),
            risk: loss.risk,
            ordinal: loss.ordinal,
            terms_hash: loss.terms_hash,
            subject: loss.subject.clone(),
            event_id: loss.event_id,
            occurred_at: loss.occurred_at.to_string(),
            confirmed_at: loss.confirmed_at.to_string(),
            settled_at: loss.settled_at.to_string(),
            determined_at: loss.determined_at.to_string(),
            payout_fraction: loss.payout.as_ref().ok().map(ToString::to_string),
            unknown: loss.payout.as_ref().err().map(UnknownView::from),
            evidence_root: loss.evidence_root.to_string(),
            evidence_count: loss.evidence_count,
        }
    }
}

/// A policy on a loss event: paid, or not, and why not.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimView {
    #[schema(value_type = String)]
    pub(crate) policy: PolicyId,
    /// The determination.
    determination: String,
    /// Whether it is paid.
    eligible: bool,
    /// The part of the sum insured, as a decimal.
    fraction: Option<String>,
    /// In the smallest unit of the consumer's token, decimal.
    amount: Option<String>,
    /// Why it is not paid.
    refusal: Option<RefusalView>,
}

impl ClaimView {
    /// What is paid, where something is.
    pub(crate) fn amount(&self) -> Option<&str> {
        self.amount.as_deref()
    }
}

impl From<&Claim> for ClaimView {
    fn from(claim: &Claim) -> Self {
        let (fraction, amount, refusal) = match &claim.eligibility {
            Eligibility::Eligible { fraction, amount } => {
                (Some(fraction.to_string()), Some(amount.to_string()), None)
            }
            Eligibility::Refused(refusal) => (None, None, Some(RefusalView::from(refusal))),
        };
        Self {
            policy: claim.policy,
            determination: determination_id(claim.risk, claim.ordinal),
            eligible: refusal.is_none(),
            fraction,
            amount,
            refusal,
        }
    }
}

/// Something that a source said.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObservationView {
    /// The source's own time: RFC 3339.
    observed_at: String,
    /// Its place in the source's order, decimal.
    sequence: String,
    /// The value, with its type; none where the source reported that it had none.
    value: Option<ValueView>,
    /// The same as text.
    text: Option<String>,
    /// Where it can be seen again: a place on a chain, or the hash of the raw bytes (`/v1/responses/{hash}`).
    provenance: ProvenanceView,
}

impl From<Observation> for ObservationView {
    fn from(seen: Observation) -> Self {
        Self {
            observed_at: seen.observed_at.to_string(),
            sequence: seen.sequence.0.to_string(),
            text: seen.value.as_ref().map(ToString::to_string),
            value: seen.value.as_ref().map(ValueView::from),
            provenance: ProvenanceView::from(&seen.provenance),
        }
    }
}
