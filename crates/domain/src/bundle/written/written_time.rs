//! Times as a bundle file writes them: RFC 3339, in the one way that [`Timestamp`] writes it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::attestation::json::only_spelling;
use crate::time::Timestamp;

pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at = Timestamp::parse(&text).map_err(D::Error::custom)?;
    only_spelling(&text, &at)?;
    Ok(at)
}

/// A time, or null.
pub(super) mod optional {
    use super::*;

    pub(in crate::bundle::written) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::bundle::written) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        #[derive(Deserialize)]
        struct Present(#[serde(with = "super")] Timestamp);
        Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0))
    }
}
