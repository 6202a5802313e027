//! JSON that has one meaning for every reader: no member twice, and no number that some reader would round.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Whole numbers up to here survive every JSON reader (RFC 7493, section 2.2).
const GREATEST_NUMBER: u64 = (1 << 53) - 1;

/// A JSON value that was read strictly.
pub(super) struct Strict(pub(super) Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        if value <= GREATEST_NUMBER {
            Ok(value.into())
        } else {
            Err(too_large(&value))
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        if value.unsigned_abs() <= GREATEST_NUMBER {
            Ok(value.into())
        } else {
            Err(too_large(&value))
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Err(too_large(&value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "the member `{name}` is there twice"
                )));
            }
            map.insert(name, value);
        }
        Ok(Json::Object(map))
    }
}

fn too_large<E: Error>(number: &dyn fmt::Display) -> E {
    E::custom(format_args!(
        "the number {number} is not whole and below 2^53: such numbers are written as text"
    ))
}
