//! JSON texts as trees in which no name stands twice.
//!
//! Of a name that stands twice some readers take the first value and some the last, so such a text has no one meaning and
//! is refused. Which numbers have one meaning depends on who writes and who reads them: [`Numbers`].

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value as Json};

/// Which numbers a text may have, and what becomes of them. What serde hands on is taken as it is, where nothing else is
/// said.
pub trait Numbers {
    /// A whole number from 0.
    fn natural<E: Error>(number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    /// A whole number below 0.
    fn negative<E: Error>(number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    /// Any other number.
    fn fraction<E: Error>(number: f64) -> Result<Json, E> {
        Ok(number.into())
    }
}

/// A tree whose numbers `N` takes. Read through serde.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree<N>(Json, PhantomData<N>);

impl<N> Tree<N> {
    /// The tree.
    pub fn into_json(self) -> Json {
        self.0
    }
}

impl<'de, N: Numbers> Deserialize<'de> for Tree<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = from.deserialize_any(Builder::<N>(PhantomData))?;
        Ok(Self(json, PhantomData))
    }
}

struct Builder<N>(PhantomData<N>);

impl<'de, N: Numbers> Visitor<'de> for Builder<N> {
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

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        N::natural(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        N::negative(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        N::fraction(number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Tree<N>>()? {
            list.push(item.into_json());
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Tree<N>>()? {
            match map.entry(name) {
                Entry::Vacant(place) => place.insert(value.into_json()),
                Entry::Occupied(taken) => {
                    return Err(A::Error::custom(format_args!(
                        "an object says {:?} twice",
                        taken.key()
                    )));
                }
            };
        }
        Ok(Json::Object(map))
    }
}
