//! What a provider's words mean: every value it may say is named, and one that is not named is unknown.
//!
//! There is no default. A word that a provider begins to use tomorrow must not be taken for one that it resembles.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The meaning of each word of a provider. In a file: a table `"provider's word" = "ours"`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusMap<M = String>(BTreeMap<String, M>);

/// A word without a meaning.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{found} is no status that the feed's file names: add it to the map once the provider says what it means"
)]
pub struct UnlistedStatus {
    /// What the provider said, as JSON, cut if it is long.
    pub found: String,
}

impl<M> StatusMap<M> {
    /// A map of these words.
    pub fn new(words: impl IntoIterator<Item = (String, M)>) -> Self {
        Self(words.into_iter().collect())
    }

    /// What `said` means. Words are compared to the letter; booleans and whole numbers are looked up as they are written.
    pub fn meaning(&self, said: &Value) -> Result<&M, UnlistedStatus> {
        let meaning = match said {
            Value::String(word) => self.0.get(word),
            Value::Bool(true) => self.0.get("true"),
            Value::Bool(false) => self.0.get("false"),
            Value::Number(number) => self.0.get(&number.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        meaning.ok_or_else(|| UnlistedStatus {
            found: excerpt(said),
        })
    }

    /// Every word and its meaning, ordered by word.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        self.0
            .iter()
            .map(|(word, meaning)| (word.as_str(), meaning))
    }

    /// Whether no word is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a provider said, as it goes into a message: JSON, and no more than 80 characters of it.
pub fn excerpt(said: &Value) -> String {
    const LONGEST: usize = 80;
    struct Limited(String);
    impl fmt::Write for Limited {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                // One more tells that something was cut. The error only stops the writer.
                if self.0.chars().count() > LONGEST {
                    return Err(fmt::Error);
                }
                self.0.push(c);
            }
            Ok(())
        }
    }
    let mut text = Limited(String::new());
    match fmt::write(&mut text, format_args!("{said}")) {
        Ok(()) if text.0.chars().count() <= LONGEST => text.0,
        _cut => text.0.chars().take(LONGEST).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{StatusMap, excerpt};

    #[test]
    fn only_what_is_named_has_a_meaning() {
        let map: StatusMap =
            toml::from_str("landed = \"landed\"\n\"true\" = \"on\"\n\"3\" = \"three\"").unwrap();
        assert_eq!(map.meaning(&json!("landed")).unwrap(), "landed");
        assert_eq!(map.meaning(&json!(true)).unwrap(), "on");
        assert_eq!(map.meaning(&json!(3)).unwrap(), "three");
        for said in [
            json!("Landed"),
            json!("landed "),
            json!(null),
            json!(false),
            json!(3.0),
            json!([]),
            json!(""),
        ] {
            let error = map.meaning(&said).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{said} is no status")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let said = excerpt(&json!("é".repeat(500)));
        assert_eq!(said.chars().count(), 81);
        assert!(said.ends_with("é…"), "{said}");
        assert_eq!(excerpt(&json!("x".repeat(78))).chars().count(), 80);
    }
}
