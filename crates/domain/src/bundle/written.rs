//! The members of a bundle file.

use alloy_primitives::{Address, B256, U256, hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{BundleError, EvidenceBundle, FORMAT};
use crate::attestation::json::{canonical_address, canonical_word, decimal_text, only_spelling};
use crate::attestation::{AttestationDomain, ClaimAttestation, SignatureSet, SignerSet};
use crate::claim::{Claim, Eligibility};
use crate::cover::Consumer;
use crate::decimal::Decimal;
use crate::determination::Determination;
use crate::eval::outcome::Unknown;
use crate::ids::{EventId, PolicyId, RiskId, TermsHash};
use crate::observation::{ChainPosition, Metric, Observation, Provenance, Sequence, SourceId, Subject};
use crate::policy::Policy;
use crate::risk::Risk;
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    format: String,
    cover: Map<String, Json>,
    risk: WrittenRisk,
    policy: WrittenPolicy,
    observations: Vec<WrittenObservation>,
    determination: WrittenDetermination,
    claim: WrittenClaim,
    attestation: ClaimAttestation,
    domain: AttestationDomain,
    signers: SignerSet,
    #[serde(with = "packed_signatures")]
    signatures: SignatureSet,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRisk {
    subject: String,
    #[serde(with = "written_time")]
    evaluate_from: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPolicy {
    #[serde(with = "canonical_word")]
    id: B256,
    #[serde(with = "decimal_text")]
    number: U256,
    consumer: WrittenConsumer,
    #[serde(with = "canonical_word")]
    terms_hash: B256,
    #[serde(with = "canonical_word")]
    risk: B256,
    #[serde(with = "canonical_address")]
    holder: Address,
    #[serde(with = "decimal_text")]
    sum_insured: U256,
    #[serde(with = "written_time")]
    inception: Timestamp,
    #[serde(with = "written_time")]
    expiry: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenConsumer {
    #[serde(with = "decimal_text")]
    chain_id: u64,
    #[serde(with = "canonical_address")]
    address: Address,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenObservation {
    source: String,
    subject: String,
    metric: String,
    #[serde(with = "written_time")]
    observed_at: Timestamp,
    #[serde(with = "decimal_text")]
    sequence: U256,
    /// `null`: the source had no value.
    value: Option<WrittenValue>,
    provenance: WrittenProvenance,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenProvenance {
    Chain(WrittenPosition),
    Raw {
        #[serde(with = "canonical_word")]
        hash: B256,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPosition {
    #[serde(with = "decimal_text")]
    chain_id: u64,
    #[serde(with = "decimal_text")]
    block: u64,
    #[serde(with = "canonical_word")]
    block_hash: B256,
    #[serde(with = "decimal_text")]
    log_index: u64,
    #[serde(with = "canonical_word")]
    raw_hash: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenValue {
    Decimal(#[serde(with = "decimal_text")] Decimal),
    /// Seconds.
    Duration(#[serde(with = "decimal_text")] i64),
    Bool(bool),
    Text(String),
    Time(#[serde(with = "written_time")] Timestamp),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenInput {
    Value(WrittenValue),
    Unknown(Unknown),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDetermination {
    #[serde(with = "decimal_text")]
    ordinal: u32,
    #[serde(with = "canonical_word")]
    event_id: B256,
    #[serde(with = "written_time")]
    occurred_at: Timestamp,
    #[serde(with = "written_time")]
    confirmed_at: Timestamp,
    #[serde(with = "written_time")]
    determined_at: Timestamp,
    #[serde(with = "decimal_text")]
    payout_fraction: Decimal,
    /// In the order of the cover's inputs.
    inputs: Vec<WrittenInput>,
    #[serde(with = "canonical_word")]
    evidence_root: B256,
    #[serde(with = "decimal_text")]
    evidence_count: u32,
    confirmed_on: Option<WrittenPosition>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClaim {
    #[serde(with = "decimal_text")]
    fraction: Decimal,
    #[serde(with = "decimal_text")]
    amount: U256,
}

impl Written {
    pub(super) fn of(bundle: &EvidenceBundle) -> Result<Self, BundleError> {
        bundle.check_unity()?;
        let EvidenceBundle { risk, determination, .. } = bundle;
        let Eligibility::Eligible { fraction, amount } = bundle.claim.eligibility else {
            return Err(BundleError::NotPaid);
        };
        let Ok(payout_fraction) = determination.payout else { return Err(BundleError::NotPaid) };
        let cover: Map<String, Json> = serde_json::from_str(&bundle.terms)?;
        if serde_jcs::to_string(&cover)? != bundle.terms {
            return Err(BundleError::Terms);
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            cover,
            risk: WrittenRisk { subject: risk.subject.clone(), evaluate_from: risk.evaluate_from },
            policy: WrittenPolicy::from(&bundle.policy),
            observations: bundle.observations.iter().map(WrittenObservation::from).collect(),
            determination: WrittenDetermination {
                ordinal: determination.ordinal,
                event_id: determination.event_id.0,
                occurred_at: determination.occurred_at,
                confirmed_at: determination.confirmed_at,
                determined_at: determination.determined_at,
                payout_fraction,
                inputs: determination.inputs.iter().map(WrittenInput::from).collect(),
                evidence_root: determination.evidence_root,
                evidence_count: determination.evidence_count,
                confirmed_on: determination.confirmed_on.map(WrittenPosition::from),
            },
            claim: WrittenClaim { fraction, amount },
            attestation: bundle.attestation.clone(),
            domain: bundle.domain,
            signers: bundle.signers.clone(),
            signatures: bundle.signatures.clone(),
        })
    }

    pub(super) fn into_bundle(self) -> Result<EvidenceBundle, BundleError> {
        let policy = Policy::from(self.policy);
        let risk = Risk::new(policy.terms_hash, self.risk.subject, self.risk.evaluate_from);
        let loss = self.determination;
        Ok(EvidenceBundle {
            terms: serde_jcs::to_string(&self.cover)?,
            observations: self.observations.into_iter().map(Observation::from).collect(),
            determination: Determination {
                risk: risk.id,
                terms_hash: risk.terms_hash,
                subject: risk.subject.clone(),
                ordinal: loss.ordinal,
                event_id: EventId(loss.event_id),
                occurred_at: loss.occurred_at,
                confirmed_at: loss.confirmed_at,
                determined_at: loss.determined_at,
                payout: Ok(loss.payout_fraction),
                inputs: loss.inputs.into_iter().map(Result::from).collect(),
                evidence_root: loss.evidence_root,
                evidence_count: loss.evidence_count,
                confirmed_on: loss.confirmed_on.map(ChainPosition::from),
            },
            claim: Claim {
                policy: policy.id,
                risk: policy.risk,
                ordinal: loss.ordinal,
                eligibility: Eligibility::Eligible {
                    fraction: self.claim.fraction,
                    amount: self.claim.amount,
                },
            },
            risk,
            policy,
            attestation: self.attestation,
            domain: self.domain,
            signers: self.signers,
            signatures: self.signatures,
        })
    }
}

impl EvidenceBundle {
    /// What the file writes once must be the same wherever it stands in memory.
    fn check_unity(&self) -> Result<(), BundleError> {
        let Self { risk, policy, determination, claim, .. } = self;
        let parts = [
            ("risk", *risk == Risk::new(policy.terms_hash, risk.subject.clone(), risk.evaluate_from)),
            (
                "determination",
                determination.risk == risk.id
                    && determination.terms_hash == risk.terms_hash
                    && determination.subject == risk.subject,
            ),
            (
                "claim",
                claim.policy == policy.id
                    && claim.risk == policy.risk
                    && claim.ordinal == determination.ordinal,
            ),
        ];
        match parts.into_iter().find(|(_, fits)| !fits) {
            None => Ok(()),
            Some((what, _)) => Err(BundleError::Mixed { what }),
        }
    }
}

impl From<&Policy> for WrittenPolicy {
    fn from(policy: &Policy) -> Self {
        let Consumer { chain_id, address } = policy.consumer;
        Self {
            id: policy.id.0,
            number: policy.number,
            consumer: WrittenConsumer { chain_id, address },
            terms_hash: policy.terms_hash.0,
            risk: policy.risk.0,
            holder: policy.holder,
            sum_insured: policy.sum_insured,
            inception: policy.inception,
            expiry: policy.expiry,
        }
    }
}

impl From<WrittenPolicy> for Policy {
    fn from(policy: WrittenPolicy) -> Self {
        let WrittenConsumer { chain_id, address } = policy.consumer;
        Self {
            id: PolicyId(policy.id),
            number: policy.number,
            consumer: Consumer { chain_id, address },
            terms_hash: TermsHash(policy.terms_hash),
            risk: RiskId(policy.risk),
            holder: policy.holder,
            sum_insured: policy.sum_insured,
            inception: policy.inception,
            expiry: policy.expiry,
        }
    }
}

impl From<&Observation> for WrittenObservation {
    fn from(observation: &Observation) -> Self {
        Self {
            source: observation.source.0.clone(),
            subject: observation.subject.0.clone(),
            metric: observation.metric.0.clone(),
            observed_at: observation.observed_at,
            sequence: observation.sequence.0,
            value: observation.value.as_ref().map(WrittenValue::from),
            provenance: match observation.provenance {
                Provenance::Chain(position) => WrittenProvenance::Chain(position.into()),
                Provenance::Raw { hash } => WrittenProvenance::Raw { hash },
            },
        }
    }
}

impl From<WrittenObservation> for Observation {
    fn from(observation: WrittenObservation) -> Self {
        Self {
            source: SourceId(observation.source),
            subject: Subject(observation.subject),
            metric: Metric(observation.metric),
            observed_at: observation.observed_at,
            sequence: Sequence(observation.sequence),
            value: observation.value.map(Value::from),
            provenance: match observation.provenance {
                WrittenProvenance::Chain(position) => Provenance::Chain(position.into()),
                WrittenProvenance::Raw { hash } => Provenance::Raw { hash },
            },
        }
    }
}

impl From<ChainPosition> for WrittenPosition {
    fn from(position: ChainPosition) -> Self {
        let ChainPosition { chain_id, block, block_hash, log_index, raw_hash } = position;
        Self { chain_id, block, block_hash, log_index, raw_hash }
    }
}

impl From<WrittenPosition> for ChainPosition {
    fn from(position: WrittenPosition) -> Self {
        let WrittenPosition { chain_id, block, block_hash, log_index, raw_hash } = position;
        Self { chain_id, block, block_hash, log_index, raw_hash }
    }
}

impl From<&Value> for WrittenValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Decimal(decimal) => Self::Decimal(*decimal),
            Value::Duration(duration) => Self::Duration(duration.0),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Time(time) => Self::Time(*time),
        }
    }
}

impl From<WrittenValue> for Value {
    fn from(value: WrittenValue) -> Self {
        match value {
            WrittenValue::Decimal(decimal) => Self::Decimal(decimal),
            WrittenValue::Duration(seconds) => Self::Duration(Seconds(seconds)),
            WrittenValue::Bool(truth) => Self::Bool(truth),
            WrittenValue::Text(text) => Self::Text(text),
            WrittenValue::Time(time) => Self::Time(time),
        }
    }
}

impl From<&Result<Value, Unknown>> for WrittenInput {
    fn from(input: &Result<Value, Unknown>) -> Self {
        match input {
            Ok(value) => Self::Value(value.into()),
            Err(unknown) => Self::Unknown(unknown.clone()),
        }
    }
}

impl From<WrittenInput> for Result<Value, Unknown> {
    fn from(input: WrittenInput) -> Self {
        match input {
            WrittenInput::Value(value) => Ok(value.into()),
            WrittenInput::Unknown(unknown) => Err(unknown),
        }
    }
}

/// RFC 3339, in the one way that [`Timestamp`] writes it.
mod written_time {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = Timestamp::parse(&text).map_err(D::Error::custom)?;
        only_spelling(&text, &at)?;
        Ok(at)
    }
}

/// As contracts take them, in hex.
mod packed_signatures {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        signatures: &SignatureSet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(signatures.encode()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignatureSet, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(&text)
            .map_err(|_not_hex| D::Error::custom("the signatures are not bytes in hex"))?;
        only_spelling(&text, &hex::encode_prefixed(&bytes))?;
        SignatureSet::parse(&bytes).map_err(D::Error::custom)
    }
}
