//! A table of a definition file, read key by key: unknown keys are refused, and every complaint names its key.

use core::num::NonZeroU32;

use tocsin_domain::decimal::Decimal;
use tocsin_domain::time::Seconds;
use toml::{Table, Value};

use crate::suggest::hint;

/// A key whose value cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wrong {
    /// Dotted, from the top of the file.
    pub(crate) key: String,
    /// What is wrong, and what to write.
    pub(crate) reason: String,
}

/// A table and where it stands.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    table: &'a Table,
    path: String,
}

impl<'a> Section<'a> {
    /// The table at `path`, which has none but these keys.
    pub(crate) fn new(table: &'a Table, path: &str, known: &[&str]) -> Result<Self, Wrong> {
        let section = Self {
            table,
            path: path.to_owned(),
        };
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(section),
            Some(key) => {
                let near = hint(key, known.iter().copied());
                let all = known.join("`, `");
                Err(section.wrong(
                    key,
                    format!("there is no such key{near}; there are `{all}`"),
                ))
            }
        }
    }

    /// A complaint about a key of this table.
    pub(crate) fn wrong(&self, key: &str, reason: impl Into<String>) -> Wrong {
        Wrong {
            key: self.key(key),
            reason: reason.into(),
        }
    }

    fn key(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Wrong> {
        self.get(key, "a text", Value::as_str)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Wrong> {
        self.get(key, "true or false", Value::as_bool)
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, key: &str, example: &str) -> Result<&'a str, Wrong> {
        self.text(key)?.ok_or_else(|| {
            self.wrong(
                key,
                format!("is missing: write for example {key} = {example:?}"),
            )
        })
    }

    /// One of these words.
    pub(crate) fn one_of<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Wrong> {
        let Some(written) = self.text(key)? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == written) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let names = || words.iter().map(|(word, _)| *word);
                let near = hint(written, names());
                let all = names().collect::<Vec<_>>().join("`, `");
                Err(self.wrong(
                    key,
                    format!("`{written}` has no meaning{near}: write one of `{all}`"),
                ))
            }
        }
    }

    /// A span that is not negative.
    pub(crate) fn span(&self, key: &str) -> Result<Option<Seconds>, Wrong> {
        self.text(key)?
            .map(|text| self.read_span(key, text))
            .transpose()
    }

    pub(crate) fn spans(&self, key: &str) -> Result<Option<Vec<Seconds>>, Wrong> {
        let Some(texts) = self.texts(key)? else {
            return Ok(None);
        };
        texts
            .into_iter()
            .map(|text| self.read_span(key, text))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn read_span(&self, key: &str, text: &str) -> Result<Seconds, Wrong> {
        match text.parse::<Seconds>() {
            Ok(span) if span.0 >= 0 => Ok(span),
            Ok(_) => Err(self.wrong(key, format!("`{text}` is negative"))),
            Err(problem) => Err(self.wrong(key, problem.to_string())),
        }
    }

    /// A whole number of at least 1.
    pub(crate) fn count(&self, key: &str) -> Result<Option<NonZeroU32>, Wrong> {
        let read = |value: &Value| u32::try_from(value.as_integer()?).map_or(None, NonZeroU32::new);
        self.get(key, "a whole number of at least 1", read)
    }

    /// A whole number, which may be negative.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, Wrong> {
        self.get(key, "a whole number", Value::as_integer)
    }

    /// An exact number: a text, or a whole number.
    pub(crate) fn decimal(&self, key: &str) -> Result<Option<Decimal>, Wrong> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Integer(whole)) => Ok(Some(Decimal::from_integer(*whole))),
            Some(Value::String(text)) => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(problem) => Err(self.wrong(key, format!("`{text}` {problem}"))),
            },
            Some(_) => Err(self.wrong(
                key,
                "is not an exact number: write it in quotes, as in \"0.5\"",
            )),
        }
    }

    /// A list of texts; a text alone is a list of one.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, Wrong> {
        let read = |value: &'a Value| match value {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            _ => None,
        };
        self.get(key, "a list of texts", read)
    }

    /// The table under a key, with none but these keys.
    pub(crate) fn section(&self, key: &str, known: &[&str]) -> Result<Option<Self>, Wrong> {
        match self.table(key)? {
            Some(table) => Section::new(table, &self.key(key), known).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn table(&self, key: &str) -> Result<Option<&'a Table>, Wrong> {
        self.get(key, "a table", Value::as_table)
    }

    /// The tables under a key whose names are free: name, table and the whole path.
    pub(crate) fn named(&self, key: &str, known: &[&str]) -> Result<Vec<(&'a str, Self)>, Wrong> {
        let Some(table) = self.table(key)? else {
            return Ok(Vec::new());
        };
        let read = |(name, value): (&'a String, &'a Value)| {
            let path = format!("{}.{name}", self.key(key));
            let Some(table) = value.as_table() else {
                return Err(self.wrong(&format!("{key}.{name}"), "is not a table"));
            };
            Ok((name.as_str(), Section::new(table, &path, known)?))
        };
        table.iter().map(read).collect()
    }

    /// A list of tables.
    pub(crate) fn list(&self, key: &str, known: &[&str]) -> Result<Vec<Self>, Wrong> {
        let Some(items) = self.get(key, "a list of tables", Value::as_array)? else {
            return Ok(Vec::new());
        };
        let read = |(index, value): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.key(key));
            let Some(table) = value.as_table() else {
                return Err(self.wrong(&format!("{key}[{index}]"), "is not a table"));
            };
            Section::new(table, &path, known)
        };
        items.iter().enumerate().map(read).collect()
    }

    /// A table of texts, in the order of the file.
    pub(crate) fn words(&self, key: &str) -> Result<Option<Vec<(&'a str, &'a str)>>, Wrong> {
        let Some(table) = self.table(key)? else {
            return Ok(None);
        };
        let read = |(name, value): (&'a String, &'a Value)| match value.as_str() {
            Some(text) => Ok((name.as_str(), text)),
            None => Err(self.wrong(
                &format!("{key}.{name}"),
                "is not a text: write it in quotes",
            )),
        };
        table.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    fn get<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.wrong(key, format!("is not {expected}"))),
            },
        }
    }
}
