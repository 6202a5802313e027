//! Observations, their values and their provenance as a bundle file writes them, and what was made of them.

use alloy_primitives::{B256, U256};
use serde::{Deserialize, Serialize};

use super::written_time;
use crate::attestation::json::{canonical_word, decimal_text};
use crate::decimal::Decimal;
use crate::eval::outcome::Unknown;
use crate::observation::{
    ChainPosition, Metric, Observation, Provenance, Sequence, SourceId, Subject,
};
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenObservation {
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
pub(super) struct WrittenPosition {
    #[serde(with = "decimal_text")]
    chain_id: u64,
    #[serde(with = "decimal_text")]
    block: u64,
    #[serde(with = "canonical_word")]
    block_hash: B256,
    /// `null` for what the state said: one that was dropped says nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    log_index: Option<LogIndex>,
    #[serde(with = "canonical_word")]
    raw_hash: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct LogIndex(#[serde(with = "decimal_text")] u64);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenValue {
    Decimal(#[serde(with = "decimal_text")] Decimal),
    /// Seconds.
    Duration(#[serde(with = "decimal_text")] i64),
    Bool(bool),
    Text(String),
    Time(#[serde(with = "written_time")] Timestamp),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenInput {
    Value(WrittenValue),
    Unknown(Unknown),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenGuard {
    Holds(bool),
    Unknown(Unknown),
}

impl From<&Observation> for WrittenObservation {
    fn from(observation: &Observation) -> Self {
        Self {
            source: observation.source.as_str().to_owned(),
            subject: observation.subject.as_str().to_owned(),
            metric: observation.metric.as_str().to_owned(),
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
            source: SourceId::from(observation.source),
            subject: Subject::from(observation.subject),
            metric: Metric::from(observation.metric),
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
        let ChainPosition {
            chain_id,
            block,
            block_hash,
            log_index,
            raw_hash,
        } = position;
        Self {
            chain_id,
            block,
            block_hash,
            log_index: log_index.map(LogIndex),
            raw_hash,
        }
    }
}

impl From<WrittenPosition> for ChainPosition {
    fn from(position: WrittenPosition) -> Self {
        let WrittenPosition {
            chain_id,
            block,
            block_hash,
            log_index,
            raw_hash,
        } = position;
        Self {
            chain_id,
            block,
            block_hash,
            log_index: log_index.map(|LogIndex(index)| index),
            raw_hash,
        }
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

impl From<&Result<bool, Unknown>> for WrittenGuard {
    fn from(guard: &Result<bool, Unknown>) -> Self {
        match guard {
            Ok(holds) => Self::Holds(*holds),
            Err(unknown) => Self::Unknown(unknown.clone()),
        }
    }
}

impl From<WrittenGuard> for Result<bool, Unknown> {
    fn from(guard: WrittenGuard) -> Self {
        match guard {
            WrittenGuard::Holds(holds) => Ok(holds),
            WrittenGuard::Unknown(unknown) => Err(unknown),
        }
    }
}
