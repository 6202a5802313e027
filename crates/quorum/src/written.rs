//! Signatures in JSON: lower-case hex, one spelling each.

use alloy_primitives::hex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};
use tocsin_domain::attestation::{QuorumSignature, SignatureSet};

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = hex::decode(&text).map_err(D::Error::custom)?;
    if hex::encode_prefixed(&bytes) == text {
        Ok(bytes)
    } else {
        Err(D::Error::custom("not lower-case hex after 0x"))
    }
}

/// (r, s, v).
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
        let bytes: [u8; 65] = bytes(deserializer)?
            .try_into()
            .map_err(|_other_length| D::Error::custom("a signature has 65 bytes"))?;
        QuorumSignature::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// Bitmap, then signatures in index order.
pub(crate) mod packed_signatures {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        signatures: &SignatureSet,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_prefixed(signatures.encode()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignatureSet, D::Error> {
        SignatureSet::parse(&bytes(deserializer)?).map_err(D::Error::custom)
    }
}
