//! What one attestor has seen of a loss event, and says under its signature.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{SolStruct, sol};

use super::Event;
use super::written::WrittenObservations;
use crate::attestation::payload::fraction_units;
use crate::attestation::{QuorumSignature, Scope};
use crate::determination::Determination;
use crate::ids::{EventKey, ReportId, ReportsHash, RiskId};
use crate::observation::Observation;
use crate::time::Timestamp;

/// The most bytes that a report's JSON can have: some forty thousand observations. A loss that rests on more is not
/// attested by a quorum.
pub const MAX_REPORT_BYTES: usize = 16 << 20;

sol! {
    /// What an attestor determined, and from which observations. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct ObservationReport {
        bytes32 termsHash;
        // Of terms, subject and, where the terms ask for it, inception.
        bytes32 riskId;
        uint32 ordinal;
        // When the loss event before this one was confirmed; 0 if this is the first. All times in seconds.
        int64 previousConfirmedAt;
        int64 evidenceFrom;
        int64 occurredAt;
        int64 confirmedAt;
        int64 settledAt;
        int64 determinedAt;
        // 1e18 is all.
        uint64 payoutFraction;
        // keccak-256 of the RFC 8785 JSON of the observations, in evidence order.
        bytes32 observationsHash;
        uint32 observationsCount;
        uint32 signerEpoch;
    }
}

/// A report with what it commits to. Read and written through serde, and by itself through [`SignedReport::to_json`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedReport {
    /// What was signed.
    pub statement: ObservationReport,
    /// What was seen, in evidence order.
    pub observations: Vec<Observation>,
    /// By the attestor.
    pub signature: QuorumSignature,
}

/// Why there is no report, or bytes are none.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What cannot be said is not attested.
    #[error("the determination of the loss is inconclusive, so there is nothing to report")]
    Inconclusive,
    /// Not within 0…1.
    #[error("the payout fraction of the determination is not within 0…1")]
    Fraction,
    /// Too much to send.
    #[error(
        "the report has {bytes} bytes; {MAX_REPORT_BYTES} are the most that attestors exchange"
    )]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// A field is missing, unknown, or not what it should be.
    #[error("the report cannot be read: {0}")]
    Content(#[from] serde_json::Error),
    /// It reads, but is written in another way than it would be.
    #[error("the report is not written as Tocsin writes it: RFC 8785 JSON")]
    OtherSpelling,
}

impl ObservationReport {
    /// That `determination` follows from `observations`, its evidence; `previous` is when the risk's loss event before it
    /// was confirmed.
    pub fn of(
        determination: &Determination,
        observations: &[Observation],
        previous: Option<Timestamp>,
        signer_epoch: u32,
    ) -> Result<Self, ReportError> {
        let Ok(payout) = determination.payout else {
            return Err(ReportError::Inconclusive);
        };
        Ok(Self {
            termsHash: determination.terms_hash.0,
            riskId: determination.risk.0,
            ordinal: determination.ordinal,
            previousConfirmedAt: previous.map_or(0, |Timestamp(at)| at),
            evidenceFrom: determination.evidence_from.0,
            occurredAt: determination.occurred_at.0,
            confirmedAt: determination.confirmed_at.0,
            settledAt: determination.settled_at.0,
            determinedAt: determination.determined_at.0,
            payoutFraction: fraction_units(payout)
                .map_err(|_outside: crate::attestation::PayloadError| ReportError::Fraction)?,
            observationsHash: observations_hash(observations)?,
            observationsCount: determination.evidence_count,
            signerEpoch: signer_epoch,
        })
    }

    /// What its attestor signs.
    pub fn id(&self, domain: &dyn Scope) -> ReportId {
        ReportId(self.eip712_signing_hash(&domain.eip712()))
    }

    /// The loss event that it is about.
    pub fn event_key(&self) -> EventKey {
        EventKey::derive(RiskId(self.riskId), self.ordinal)
    }

    /// Whether it is about `event`.
    pub fn is_about(&self, event: &Event) -> bool {
        self.termsHash == event.terms_hash.0 && self.event_key() == event.key()
    }

    /// When the risk's loss event before this one was confirmed.
    pub fn previous(&self) -> Option<Timestamp> {
        (self.ordinal > 1).then_some(Timestamp(self.previousConfirmedAt))
    }
}

impl SignedReport {
    /// Who signed it; `None` if nobody can have.
    pub fn signer(&self, domain: &dyn Scope) -> Option<Address> {
        self.signature.signer(self.statement.id(domain))
    }

    /// As RFC 8785 JSON, the one way to write it.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let json = serde_jcs::to_string(self)?;
        check_size(json.len())?;
        Ok(json)
    }

    /// Reads what [`Self::to_json`] writes, and nothing else.
    pub fn from_json(json: &[u8]) -> Result<Self, ReportError> {
        check_size(json.len())?;
        let report: Self = serde_json::from_slice(json)?;
        if serde_jcs::to_string(&report)?.as_bytes() == json {
            Ok(report)
        } else {
            Err(ReportError::OtherSpelling)
        }
    }
}

/// What attestors vote on: these reports, in the order of their signers' indices.
pub fn reports_hash(domain: &dyn Scope, reports: &[SignedReport]) -> ReportsHash {
    ReportsHash::derive(reports.iter().map(|report| report.statement.id(domain)))
}

/// Everything about the observations, the index of a log in its block too, which no Merkle leaf has: whoever passes a
/// report on can change nothing in it.
pub(super) fn observations_hash(observations: &[Observation]) -> Result<B256, serde_json::Error> {
    serde_jcs::to_string(&WrittenObservations::of(observations)).map(keccak256)
}

/// How many bytes the observations have as JSON.
pub(super) fn written_bytes(observations: &[Observation]) -> Result<usize, serde_json::Error> {
    serde_json::to_vec(&WrittenObservations::of(observations)).map(|json| json.len())
}

fn check_size(bytes: usize) -> Result<(), ReportError> {
    if bytes > MAX_REPORT_BYTES {
        return Err(ReportError::TooLarge { bytes });
    }
    Ok(())
}
