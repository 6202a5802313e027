//! The subjects of a feed: `price:{base}-{quote}` takes `price:ETH-USD` apart into fields that are asked about.

use std::collections::BTreeMap;

use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::Subject;

use super::section::{Section, Wrong};
use super::template;
use crate::suggest::hint;

/// A longer field is nothing that a provider knows.
const FIELD_BYTES_MAX: usize = 100;

/// Which subjects a feed can ask about.
#[derive(Clone, Debug)]
pub(crate) struct SubjectPattern {
    written: String,
    example: String,
    /// What stands before the first field.
    head: String,
    /// Each field, and what follows it.
    fields: Vec<(String, String)>,
    numbers: BTreeMap<String, (Decimal, Decimal)>,
    words: Vec<Words>,
}

/// A field that is looked up by another: the provider's word for it.
#[derive(Clone, Debug)]
struct Words {
    name: String,
    of: String,
    words: BTreeMap<String, String>,
}

impl SubjectPattern {
    pub(crate) const KEYS: [&str; 4] = ["pattern", "example", "numbers", "words"];

    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Wrong> {
        let written = section.needed("pattern", "price:{base}-{quote}")?;
        let wrong = |reason: String| section.wrong("pattern", reason);
        let (head, fields) = taken_apart(written).map_err(wrong)?;
        let mut pattern = Self {
            written: written.to_owned(),
            example: section.needed("example", "price:ETH-USD")?.to_owned(),
            head,
            fields,
            numbers: BTreeMap::new(),
            words: Vec::new(),
        };
        pattern.read_numbers(section)?;
        for (name, section) in section.named("words", &["of", "words"])? {
            let of = section.needed("of", "base")?;
            pattern
                .is_field(of)
                .map_err(|reason| section.wrong("of", reason))?;
            let words = section.words("words")?.unwrap_or_default();
            if words.is_empty() {
                return Err(section.wrong(
                    "words",
                    "is missing: write for example words = { BTC = \"bitcoin\" }",
                ));
            }
            let owned = words
                .into_iter()
                .map(|(word, theirs)| (word.to_owned(), theirs.to_owned()));
            pattern.words.push(Words {
                name: name.to_owned(),
                of: of.to_owned(),
                words: owned.collect(),
            });
        }
        let example = Subject::from(pattern.example.as_str());
        pattern
            .fields(&example)
            .map_err(|reason| section.wrong("example", reason))?;
        Ok(pattern)
    }

    fn read_numbers(&mut self, section: &Section<'_>) -> Result<(), Wrong> {
        let Some(table) = section.table("numbers")? else {
            return Ok(());
        };
        for (name, bounds) in table {
            let key = format!("numbers.{name}");
            self.is_field(name)
                .map_err(|reason| section.wrong(&key, reason))?;
            let bound = |index: usize| bounds.get(index)?.as_str()?.parse::<Decimal>().ok();
            let (Some(least), Some(most)) = (bound(0), bound(1)) else {
                return Err(section.wrong(
                    &key,
                    "is no range: write the least and the most, as in [\"-90\", \"90\"]",
                ));
            };
            self.numbers.insert(name.clone(), (least, most));
        }
        Ok(())
    }

    fn is_field(&self, name: &str) -> Result<(), String> {
        let names = || self.fields.iter().map(|(field, _)| field.as_str());
        if names().any(|field| field == name) {
            return Ok(());
        }
        Err(format!(
            "the subject has no field `{name}`{}",
            hint(name, names())
        ))
    }

    /// The names that templates may use.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.fields.iter().map(|(name, _)| name.as_str());
        own.chain(self.words.iter().map(|words| words.name.as_str()))
    }

    /// Takes a subject apart. The error says what a subject looks like.
    pub(crate) fn fields(&self, subject: &Subject) -> Result<Vec<(String, String)>, String> {
        let other = || {
            format!(
                "a subject of this feed is {}, for example {}",
                self.written, self.example
            )
        };
        let mut rest = subject
            .as_str()
            .strip_prefix(self.head.as_str())
            .ok_or_else(other)?;
        let mut found = Vec::with_capacity(self.fields.len() + self.words.len());
        for (name, follows) in &self.fields {
            let (value, after) = if follows.is_empty() {
                (rest, "")
            } else {
                rest.split_once(follows.as_str()).ok_or_else(other)?
            };
            self.check(name, value)?;
            found.push((name.clone(), value.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(other());
        }
        for words in &self.words {
            let value = found
                .iter()
                .find(|(name, _)| *name == words.of)
                .map_or("", |(_, value)| value);
            let theirs = words.words.get(value).ok_or_else(|| {
                let near = hint(value, words.words.keys().map(String::as_str));
                format!(
                    "`{value}` is not among the words of `{}`{near}: add it to the feed's file",
                    words.name
                )
            })?;
            found.push((words.name.clone(), theirs.clone()));
        }
        Ok(found)
    }

    fn check(&self, name: &str, value: &str) -> Result<(), String> {
        if value.is_empty() || value.len() > FIELD_BYTES_MAX {
            return Err(format!(
                "its {name} has {} characters, of 1 to {FIELD_BYTES_MAX}",
                value.len()
            ));
        }
        let Some((least, most)) = self.numbers.get(name) else {
            return Ok(());
        };
        match value.parse::<Decimal>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(()),
            Ok(_) => Err(format!(
                "its {name}, {value}, is not between {least} and {most}"
            )),
            Err(problem) => Err(format!("its {name}, `{value}`, {problem}")),
        }
    }
}

/// What stands before the first field, and each field with what follows it.
fn taken_apart(pattern: &str) -> Result<(String, Vec<(String, String)>), String> {
    let mut parts = pattern.split('{');
    let head = parts.next().unwrap_or_default().to_owned();
    if head.contains('}') {
        return Err("closes a field that was not opened".to_owned());
    }
    let mut fields: Vec<(String, String)> = Vec::new();
    for part in parts {
        let (name, follows) = part
            .split_once('}')
            .ok_or("a field is not closed: write } after its name")?;
        if name.is_empty()
            || !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return Err(format!(
                "`{{{name}}}` names no field: names are lower-case letters, digits and _"
            ));
        }
        if template::KEYS.contains(&name) || fields.iter().any(|(field, _)| field == name) {
            return Err(format!(
                "a field cannot be called `{name}` here: {}",
                if template::KEYS.contains(&name) {
                    "that is the provider's key"
                } else {
                    "there is one of that name"
                }
            ));
        }
        if follows.contains('}') {
            return Err("closes a field that was not opened".to_owned());
        }
        if fields.last().is_some_and(|(_, between)| between.is_empty()) {
            return Err(
                "two fields follow each other, and nothing says where the second begins".to_owned(),
            );
        }
        fields.push((name.to_owned(), follows.to_owned()));
    }
    if head.is_empty() {
        return Err(
            "begins with a field: begin with what is measured, as in `price:{base}-{quote}`"
                .to_owned(),
        );
    }
    Ok((head, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<SubjectPattern, Wrong> {
        let table: toml::Table = text.parse().unwrap();
        SubjectPattern::read(&Section::new(&table, "subject", &SubjectPattern::KEYS)?)
    }

    fn fields(pattern: &SubjectPattern, subject: &str) -> Result<String, String> {
        let fields = pattern.fields(&Subject::from(subject))?;
        Ok(fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" "))
    }

    #[test]
    fn a_subject_is_taken_apart_and_looked_up() {
        let prices = pattern(
            "pattern = 'price:{base}-{quote}'\nexample = 'price:BTC-USD'\n[words.coin]\nof = 'base'\nwords = { BTC = 'bitcoin' }",
        )
        .unwrap();
        assert_eq!(
            fields(&prices, "price:BTC-USD").unwrap(),
            "base=BTC quote=USD coin=bitcoin"
        );
        for (subject, says) in [
            (
                "price:BTC",
                "a subject of this feed is price:{base}-{quote}, for example price:BTC-USD",
            ),
            ("flight:BTC-USD", "a subject of this feed is"),
            ("price:-USD", "its base has 0 characters"),
            (
                "price:BTK-USD",
                "`BTK` is not among the words of `coin` (did you mean `BTC`?)",
            ),
        ] {
            let error = fields(&prices, subject).unwrap_err();
            assert!(error.starts_with(says), "{subject}: {error}");
        }
    }

    #[test]
    fn numbers_have_limits() {
        let quakes = pattern(
            "pattern = 'quakes:{latitude}/{longitude}'\nexample = 'quakes:38.7/-9.1'\n[numbers]\nlatitude = ['-90', '90']",
        )
        .unwrap();
        assert_eq!(
            fields(&quakes, "quakes:-38.7/-9.1").unwrap(),
            "latitude=-38.7 longitude=-9.1"
        );
        assert_eq!(
            fields(&quakes, "quakes:90.1/0").unwrap_err(),
            "its latitude, 90.1, is not between -90 and 90"
        );
        assert!(
            fields(&quakes, "quakes:1e1/0")
                .unwrap_err()
                .ends_with("is not a decimal number")
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused_at_its_key() {
        for written in [
            "{a}",
            "a:{",
            "a:{b}{c}",
            "a:{b}-{b}",
            "a:{key}",
            "a:}b",
            "a:{B}",
        ] {
            let error = pattern(&format!("pattern = '{written}'\nexample = 'a:b'")).unwrap_err();
            assert_eq!(error.key, "subject.pattern", "{written}");
        }
        assert_eq!(
            pattern("pattern = 'a:{b}'\nexample = 'b'").unwrap_err().key,
            "subject.example"
        );
        assert_eq!(
            pattern("patern = 'a:{b}'").unwrap_err().key,
            "subject.patern"
        );
    }
}
