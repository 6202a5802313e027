//! Bodies of JSON that mean one thing: no name stands twice in an object, an object is written as an object and not as the list
//! of its members, and what is wrong is said at its place.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};
use serde_path_to_error::Segment;
use tocsin_domain::json_tree::{Numbers, Tree};

use crate::extract::{Whole, media_type};
use crate::problem::{Flaw, Kind, Problem};

/// The whole body, which is a `T` in JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let Whole(body) = Whole::from_request(request, state).await?;
        read(&headers, &body).map(Self)
    }
}

/// What a body with these headers says.
pub(crate) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    if media_type(headers) != "application/json" {
        return Err(Problem::Said {
            kind: Kind::MediaType,
            detail: "send application/json".to_owned(),
        });
    }
    let body = tree(body)
        .map_err(|reason| Problem::BadRequest(format!("the body cannot be read: {reason}")))?;
    typed(body, "").map_err(|flaw| Problem::Flawed {
        detail: "the body is not valid".to_owned(),
        errors: vec![flaw],
    })
}

/// A text as a tree; why it is none.
pub(crate) fn tree(text: &[u8]) -> Result<Value, String> {
    let tree: Tree<AsWritten> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Ok(tree.into_json())
}

/// What a tree says, whose place in its document is the JSON pointer `place`.
pub(crate) fn typed<T: DeserializeOwned>(tree: Value, place: &str) -> Result<T, Flaw> {
    serde_path_to_error::deserialize(Strict(tree)).map_err(|error| {
        let mut pointer = place.to_owned();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } | Segment::Enum { variant: key } => {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Segment::Unknown => {}
            }
        }
        Flaw {
            pointer: Some(pointer),
            line: None,
            column: None,
            detail: error.inner().to_string(),
            help: None,
        }
    })
}

/// Numbers are for the types to judge.
struct AsWritten;

impl Numbers for AsWritten {}

/// A tree that is read without guessing.
struct Strict(Value);

impl<'de> IntoDeserializer<'de, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Strict));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name, Strict(value)));
                let mut members = MapDeserializer::new(members);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let found = match &self.0 {
            Value::Object(_) => return self.deserialize_any(visitor),
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            Value::Number(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Null => "null",
        };
        let reason = format_args!("an object with named members belongs here, and this is {found}");
        Err(Error::custom(reason))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u8,
    }

    fn outer(text: &str) -> Result<Outer, (String, String)> {
        let tree = tree(text.as_bytes()).map_err(|reason| (String::new(), reason))?;
        typed(tree, "/3").map_err(|flaw| (flaw.pointer.unwrap_or_default(), flaw.detail))
    }

    #[test]
    fn what_is_written_plainly_is_read() {
        let read = outer(r#"{"list":[{"count":1}],"name":"a","inner":{"count":2}}"#);
        let inner = |count| Inner { count };
        let wanted = Outer {
            name: "a".to_owned(),
            inner: Some(inner(2)),
            list: vec![inner(1)],
        };
        assert_eq!(read, Ok(wanted));
        assert!(outer(r#"{"name":"a","inner":null}"#).is_ok());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_at_its_place() {
        for (text, place, reason) in [
            (r#"{"name":"a","name":"b"}"#, "", "says \"name\" twice"),
            (
                r#"{"name":"a","list":[{"count":1,"count":2}]}"#,
                "",
                "\"count\" twice",
            ),
            (r#"["a"]"#, "/3", "and this is a list"),
            (
                r#"{"name":"a","inner":[1]}"#,
                "/3/inner",
                "and this is a list",
            ),
            (
                r#"{"name":"a","list":[{"count":1},[1]]}"#,
                "/3/list/1",
                "and this is a list",
            ),
            (r#"{"name":2}"#, "/3/name", "expected a string"),
            (r#"{"name":"a","more~/":1}"#, "/3", "unknown field `more~/`"),
            (
                r#"{"name":"a","list":[{"count":300}]}"#,
                "/3/list/0/count",
                "300",
            ),
            (r#"{}"#, "/3", "missing field `name`"),
        ] {
            let (found, why) = outer(text).unwrap_err();
            assert!(found.starts_with(place), "{text}: {found}");
            assert!(why.contains(reason), "{text}: {why}");
        }
    }
}
