//! Reports and certificates as JSON: field names as in the signed types, integers as decimal strings, bytes as lower-case
//! 0x-hex, observations as in an evidence bundle. Reading is strict.

use alloy_primitives::{B256, hex};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Certificate, ObservationReport, SignedReport, Step};
use crate::attestation::json::{canonical_word, decimal_text, only_spelling};
use crate::attestation::{QuorumSignature, SignatureSet};
use crate::bundle::{WrittenObservation, packed_signatures};
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

/// (r, s, v) in hex.
pub(crate) mod one_signature {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        signature: &QuorumSignature,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(signature.to_bytes()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<QuorumSignature, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: [u8; 65] = hex::decode_to_array(&text)
            .map_err(|_not_hex| D::Error::custom("the signature is not 65 bytes in hex"))?;
        only_spelling(&text, &hex::encode_prefixed(bytes))?;
        QuorumSignature::from_bytes(&bytes).map_err(D::Error::custom)
    }
}
