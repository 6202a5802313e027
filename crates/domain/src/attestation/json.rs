//! The written form of a payload: field names as in the signed type, integers as decimal strings (no reader loses
//! digits), bytes as lower-case 0x-hex.
//!
//! Reading is strict: unknown and missing fields are refused, and so is any second spelling of a value (leading zeros, a
//! plus sign, capitals), so that equal payloads are equal texts.

use core::fmt;
use core::str::FromStr;

use alloy_primitives::{Address, B256, I256};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attestation::{AttestationBatch, ClaimAttestation};

/// An integer, or anything else with one decimal spelling, as a string.
pub(crate) mod decimal_text {
    use super::*;

    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr + fmt::Display,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let value = text.parse::<T>().map_err(|_why: T::Err| {
            D::Error::custom(format_args!(
                "`{text}` is not a whole number within its range"
            ))
        })?;
        only_spelling(&text, &value)?;
        Ok(value)
    }
}

/// 32 bytes as 0x and 64 lower-case digits.
pub(crate) mod canonical_word {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &B256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:#x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<B256, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value: B256 = text.parse().map_err(|_not_hex| {
            D::Error::custom(format_args!("`{text}` is not 32 bytes in hex"))
        })?;
        only_spelling(&text, &format_args!("{value:#x}"))?;
        Ok(value)
    }
}

/// An address as 0x and 40 lower-case digits.
pub(crate) mod canonical_address {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Address,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:#x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Address, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value: Address = text
            .parse()
            .map_err(|_not_hex| D::Error::custom(format_args!("`{text}` is not an address")))?;
        only_spelling(&text, &format_args!("{value:#x}"))?;
        Ok(value)
    }
}

/// Refuses a text that is not how `value` is written here.
pub(crate) fn only_spelling<E: serde::de::Error>(
    text: &str,
    value: &dyn fmt::Display,
) -> Result<(), E> {
    let written = value.to_string();
    if text == written {
        Ok(())
    } else {
        Err(E::custom(format_args!(
            "`{text}` must be written `{written}`"
        )))
    }
}

/// Mirrors the signed struct field by field; `serde(remote)` makes a field that is missing here a compile error.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ClaimAttestation", deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names of the signed type")]
struct Written {
    #[serde(with = "canonical_word")]
    policyId: B256,
    #[serde(with = "canonical_word")]
    termsHash: B256,
    #[serde(with = "canonical_word")]
    eventId: B256,
    #[serde(with = "canonical_address")]
    consumer: Address,
    #[serde(with = "decimal_text")]
    verdict: u8,
    #[serde(with = "decimal_text")]
    payoutFraction: u64,
    #[serde(with = "decimal_text")]
    measuredValue: I256,
    #[serde(with = "decimal_text")]
    occurredAt: u64,
    #[serde(with = "decimal_text")]
    confirmedAt: u64,
    #[serde(with = "decimal_text")]
    windowStart: u64,
    #[serde(with = "decimal_text")]
    windowEnd: u64,
    #[serde(with = "decimal_text")]
    sourceChainId: u64,
    #[serde(with = "decimal_text")]
    sourceBlock: u64,
    #[serde(with = "canonical_word")]
    sourceBlockHash: B256,
    #[serde(with = "canonical_word")]
    evidenceRoot: B256,
    #[serde(with = "decimal_text")]
    evidenceCount: u32,
    #[serde(with = "decimal_text")]
    issuedAt: u64,
    #[serde(with = "decimal_text")]
    validAfter: u64,
    #[serde(with = "decimal_text")]
    validUntil: u64,
    #[serde(with = "decimal_text")]
    signerEpoch: u32,
    #[serde(with = "decimal_text")]
    revision: u32,
    #[serde(with = "canonical_word")]
    supersedes: B256,
}

impl Serialize for ClaimAttestation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for ClaimAttestation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AttestationBatch", deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names of the signed type")]
struct WrittenBatch {
    #[serde(with = "canonical_word")]
    root: B256,
    #[serde(with = "decimal_text")]
    count: u32,
    #[serde(with = "decimal_text")]
    issuedAt: u64,
    #[serde(with = "decimal_text")]
    signerEpoch: u32,
}

impl Serialize for AttestationBatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenBatch::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for AttestationBatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WrittenBatch::deserialize(deserializer)
    }
}
