//! Signatures in JSON: lower-case hex after `0x`, one spelling each.

use alloy_primitives::hex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::json::only_spelling;
use super::{QuorumSignature, SignatureSet};

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = hex::decode(&text)
        .map_err(|_not_hex| D::Error::custom("signatures are written as bytes in hex"))?;
    only_spelling(&text, &hex::encode_prefixed(&bytes))?;
    Ok(bytes)
}

/// One signature: (r, s, v).
pub mod one_signature {
    use super::*;

    /// Writes it.
    pub fn serialize<S: Serializer>(
        signature: &QuorumSignature,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(signature.to_bytes()))
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<QuorumSignature, D::Error> {
        let bytes: [u8; 65] = bytes(deserializer)?
            .try_into()
            .map_err(|_other_length| D::Error::custom("a signature has 65 bytes"))?;
        QuorumSignature::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// A quorum's signatures, as contracts take them: a bitmap, then the signatures in the order of their signers.
pub mod packed_signatures {
    use super::*;

    /// Writes them.
    pub fn serialize<S: Serializer>(
        signatures: &SignatureSet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(signatures.encode()))
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignatureSet, D::Error> {
        SignatureSet::parse(&bytes(deserializer)?).map_err(D::Error::custom)
    }
}
