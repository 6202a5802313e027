//! Texts with places for the fields of a subject: `/v2/prices/{base}-{quote|lower}/spot`.
//!
//! What is put into an address is percent-encoded, all but letters, digits and `-._~`: a field cannot add a parameter, a path
//! or another host.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What stands for a key where a request is shown.
pub(crate) const HIDDEN: &str = "***";

/// The fields that a key of the provider is put into: the whole of it, or what stands before and behind its first colon where a
/// provider asks for two things.
pub(crate) const KEYS: [&str; 3] = ["key", "key_id", "key_secret"];

/// A text with places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    Field { name: String, case: Case },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Case {
    AsIs,
    Lower,
    Upper,
}

/// What the places are filled with.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) subject: &'a [(String, String)],
    pub(crate) key: Option<&'a str>,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, behind) = after.split_once('}').ok_or_else(|| {
                format!("`{{{after}` is not closed: write }} after the field's name")
            })?;
            let (name, case) = match inside.split_once('|') {
                None => (inside, Case::AsIs),
                Some((name, "lower")) => (name, Case::Lower),
                Some((name, "upper")) => (name, Case::Upper),
                Some((_, other)) => {
                    return Err(format!(
                        "`{other}` is no change of a field: there are `lower` and `upper`"
                    ));
                }
            };
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                return Err(format!(
                    "`{{{inside}}}` names no field: names are lower-case letters, digits and _"
                ));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Field {
                name: name.to_owned(),
                case,
            });
            rest = behind;
        }
        if rest.contains('}') {
            return Err(format!("`{rest}` closes a field that was not opened"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The names of its fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Field { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// As a part of an address; `None` where a field is missing.
    pub(crate) fn encoded(&self, fields: Fields<'_>) -> Option<String> {
        self.fill(fields, |text| {
            utf8_percent_encode(text, RESERVED).to_string()
        })
    }

    /// As it is; `None` where a field is missing.
    pub(crate) fn plain(&self, fields: Fields<'_>) -> Option<String> {
        self.fill(fields, str::to_owned)
    }

    fn fill(&self, fields: Fields<'_>, written: impl Fn(&str) -> String) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Field { name, case } => {
                    let value = fields.get(name)?;
                    text.push_str(&match case {
                        Case::AsIs => written(value),
                        Case::Lower => written(&value.to_ascii_lowercase()),
                        Case::Upper => written(&value.to_ascii_uppercase()),
                    });
                }
            }
        }
        Some(text)
    }
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        match name {
            "key" => return self.key,
            "key_id" | "key_secret" if self.key == Some(HIDDEN) => return self.key,
            "key_id" => return self.key?.split_once(':').map(|(id, _)| id),
            "key_secret" => return self.key?.split_once(':').map(|(_, secret)| secret),
            _of_the_subject => {}
        }
        self.subject
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_and_cannot_leave_their_place() {
        let template = Template::parse("/v2/{base|lower}-{quote}?x={quote}").unwrap();
        let subject = [
            ("base".to_owned(), "ÜSD/..".to_owned()),
            ("quote".to_owned(), "a&b=c?#".to_owned()),
        ];
        let fields = Fields {
            subject: &subject,
            key: None,
        };
        let text = template.encoded(fields).unwrap();
        assert_eq!(text, "/v2/%C3%9Csd%2F..-a%26b%3Dc%3F%23?x=a%26b%3Dc%3F%23");
        assert_eq!(Template::parse("{key}").unwrap().plain(fields), None);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["{", "{a", "}", "{A}", "{}", "{a|title}", "{a}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
