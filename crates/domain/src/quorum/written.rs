//! Reports and certificates as JSON: field names as in the signed types, integers as decimal strings, bytes as lower-case
//! 0x-hex, observations as in an evidence bundle. Reading is strict.

use alloy_primitives::B256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Certificate, ObservationReport, SignedReport, Step};
use crate::attestation::json::{canonical_word, decimal_text};
use crate::attestation::signatures_json::{one_signature, packed_signatures};
use crate::attestation::{QuorumSignature, SignatureSet};
use crate::bundle::WrittenObservation;
use crate::ids::{EventKey, ReportsHash};
use crate::observation::Observation;

/// Mirrors the signed struct field by field; `serde(remote)` makes a field that is missing here a compile error.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ObservationReport", deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names of the signed type")]
struct WrittenStatement {
    #[serde(with = "canonical_word")]
    termsHash: B256,
    #[serde(with = "canonical_word")]
    riskId: B256,
    #[serde(with = "decimal_text")]
    ordinal: u32,
    #[serde(with = "decimal_text")]
    previousConfirmedAt: i64,
    #[serde(with = "decimal_text")]
    evidenceFrom: i64,
    #[serde(with = "decimal_text")]
    occurredAt: i64,
    #[serde(with = "decimal_text")]
    confirmedAt: i64,
    #[serde(with = "decimal_text")]
    settledAt: i64,
    #[serde(with = "decimal_text")]
    determinedAt: i64,
    #[serde(with = "decimal_text")]
    payoutFraction: u64,
    #[serde(with = "canonical_word")]
    observationsHash: B256,
    #[serde(with = "decimal_text")]
    observationsCount: u32,
    #[serde(with = "decimal_text")]
    signerEpoch: u32,
}

impl Serialize for ObservationReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenStatement::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for ObservationReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WrittenStatement::deserialize(deserializer)
    }
}

/// A list of observations.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct WrittenObservations(Vec<WrittenObservation>);

impl WrittenObservations {
    pub(super) fn of(observations: &[Observation]) -> Self {
        Self(observations.iter().map(WrittenObservation::from).collect())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReport {
    statement: ObservationReport,
    observations: WrittenObservations,
    #[serde(with = "one_signature")]
    signature: QuorumSignature,
}

impl Serialize for SignedReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = WrittenReport {
            statement: self.statement.clone(),
            observations: WrittenObservations::of(&self.observations),
            signature: self.signature,
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignedReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenReport::deserialize(deserializer)?;
        Ok(Self {
            statement: written.statement,
            observations: written
                .observations
                .0
                .into_iter()
                .map(Observation::from)
                .collect(),
            signature: written.signature,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Certificate", deny_unknown_fields)]
struct WrittenCertificate {
    event: EventKey,
    #[serde(with = "decimal_text")]
    round: u32,
    step: Step,
    reports: ReportsHash,
    #[serde(with = "decimal_text")]
    signer_epoch: u32,
    #[serde(with = "packed_signatures")]
    votes: SignatureSet,
}

impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenCertificate::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WrittenCertificate::deserialize(deserializer)
    }
}
