//! A provider as a file: what it is asked, how its answers are read, when, and within which limits.
//!
//! Promises: a key that is not known is refused, with the nearest that is; every complaint names file, key and remedy; any
//! text gives a definition or a complaint.

mod pages;
mod request;
mod schedule;

use std::collections::BTreeMap;

use alloy::primitives::{B256, keccak256};
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Seconds;
use toml::{Table, Value};

pub(crate) use self::pages::{By, Paging};
pub(crate) use self::request::{RequestTemplate, check_origin};
pub(crate) use self::schedule::{Limits, Poll};
use super::FeedError;
use super::flight::Flights;
use super::records::{CLOCK_TOLERANCE, Records};
use super::section::{Section, Wrong};
use super::subject::SubjectPattern;

/// A longer file is no definition.
const FILE_BYTES_MAX: usize = 256 * 1024;

const KEYS: [&str; 13] = [
    "provider",
    "documentation",
    "notes",
    "clock_tolerance",
    "subject",
    "request",
    "pages",
    "poll",
    "limits",
    "observed_at",
    "records",
    "values",
    "flights",
];

/// Keys that do not decide how answers are read.
const NOT_READING: [&str; 4] = ["documentation", "notes", "poll", "limits"];

/// One provider, as its file describes it.
#[derive(Clone, Debug)]
pub struct Definition {
    pub(crate) provider: String,
    pub(crate) documentation: String,
    pub(crate) request: RequestTemplate,
    pub(crate) pages: Option<Paging>,
    pub(crate) poll: Poll,
    pub(crate) limits: Limits,
    pub(crate) clock_tolerance: Seconds,
    pub(crate) reading: B256,
    pub(crate) reads: Reads,
}

/// How answers are read.
#[derive(Clone, Debug)]
pub(crate) enum Reads {
    /// As records with values.
    Records(Box<Records>),
    /// As flights.
    Flights(Box<Flights>),
}

impl Reads {
    /// From one look to the next, where the answers decide when to look.
    fn steps(&self) -> Option<Seconds> {
        match self {
            Self::Records(_) => None,
            Self::Flights(flights) => Some(flights.steps()),
        }
    }

    /// The names of the fields that the request's template may use.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Records(records) => records.subject().names().collect(),
            Self::Flights(_) => Flights::FIELDS.to_vec(),
        }
    }
}

impl Definition {
    /// Reads a file of `config/feeds`; `file` is its name in complaints.
    pub fn parse(text: &str, file: &str) -> Result<Self, FeedError> {
        let refused = |line: Option<usize>, key: &str, reason: String| FeedError::Definition {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            reason,
        };
        if text.len() > FILE_BYTES_MAX {
            return Err(refused(
                None,
                "file",
                format!("it is longer than {FILE_BYTES_MAX} bytes"),
            ));
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| line_of(text, span.start));
            refused(line, "TOML", error.message().to_owned())
        })?;
        read(&table).map_err(|wrong| refused(line_with(text, &wrong.key), &wrong.key, wrong.reason))
    }

    /// The source that covers name: `feed:coinbase`.
    pub fn source(&self) -> SourceId {
        SourceId::from(format!("feed:{}", self.provider).as_str())
    }

    /// Where the provider describes what it answers.
    pub fn documentation(&self) -> &str {
        &self.documentation
    }

    /// Whether the provider asks for a key.
    pub fn needs_key(&self) -> bool {
        self.request.uses_key()
    }
}

fn read(table: &Table) -> Result<Definition, Wrong> {
    let top = Section::new(table, "", &KEYS)?;
    let provider = top.needed("provider", "coinbase")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if provider.is_empty() || provider.len() > 40 || !provider.chars().all(plain) {
        return Err(top.wrong(
            "provider",
            "is not a name: write lower-case letters, digits and -, at most 40",
        ));
    }
    let documentation = top.needed("documentation", "https://docs.example.com/prices")?;
    if !documentation.starts_with("https://") {
        return Err(top.wrong(
            "documentation",
            "is not an address: write where the provider describes its answers, https://…",
        ));
    }
    let request = top
        .section("request", &RequestTemplate::KEYS)?
        .ok_or_else(|| top.wrong("request", "is missing: write [request] with the `url`"))?;
    let request = RequestTemplate::read(&request)?;
    let reads = reads(&top, provider)?;
    for name in request.names() {
        let names = reads.names();
        if !names.contains(&name) {
            let near = crate::suggest::hint(name, names.into_iter());
            return Err(top.wrong(
                "request",
                format!("the subject has no field `{name}`{near}"),
            ));
        }
    }
    Ok(Definition {
        provider: provider.to_owned(),
        documentation: documentation.to_owned(),
        request,
        pages: top
            .section("pages", &Paging::KEYS)?
            .as_ref()
            .map(Paging::read)
            .transpose()?,
        poll: Poll::read(&top, reads.steps())?,
        limits: Limits::read(&top)?,
        clock_tolerance: top.span("clock_tolerance")?.unwrap_or(CLOCK_TOLERANCE),
        reading: reading(table),
        reads,
    })
}

fn reads(top: &Section<'_>, provider: &str) -> Result<Reads, Wrong> {
    let Some(table) = top.table("flights")? else {
        let subject = top.section("subject", &SubjectPattern::KEYS)?;
        let subject = subject.as_ref().map(SubjectPattern::read).transpose()?;
        return Records::read(top, provider, subject)
            .map(|records| Reads::Records(Box::new(records)));
    };
    for key in ["subject", "records", "values", "observed_at"] {
        if top.has(key) {
            return Err(top.wrong(key, "does not go with [flights], which says all of it"));
        }
    }
    Flights::read(provider, table, "flights").map(|flights| Reads::Flights(Box::new(flights)))
}

/// A hash of everything that decides which observations an answer gives, whatever the order of the keys.
fn reading(table: &Table) -> B256 {
    let mut text = String::new();
    for (key, value) in sorted(table) {
        if !NOT_READING.contains(&key) {
            write_canonical(key, value, &mut text);
        }
    }
    keccak256(text)
}

fn sorted(table: &Table) -> BTreeMap<&str, &Value> {
    table
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect()
}

fn write_canonical(key: &str, value: &Value, text: &mut String) {
    text.push_str(&format!("{key:?}="));
    match value {
        Value::Table(table) => {
            text.push('{');
            for (key, value) in sorted(table) {
                write_canonical(key, value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical("", item, text);
            }
            text.push(']');
        }
        Value::String(written) => text.push_str(&format!("{written:?}")),
        other => text.push_str(&other.to_string()),
    }
    text.push(';');
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The first line that says the last part of a dotted key, after the header of its table where there is one.
fn line_with(text: &str, key: &str) -> Option<usize> {
    let bare = key.split('[').next().unwrap_or(key);
    let (table, name) = bare.rsplit_once('.').unwrap_or(("", bare));
    let mut inside = table.is_empty();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if let Some(header) = line.strip_prefix('[') {
            let header = header
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or_default()
                .trim();
            inside = header == table || header == bare;
            if header == bare {
                return Some(index + 1);
            }
        } else if inside && line.split(['=', ' ']).next() == Some(name) {
            return Some(index + 1);
        }
    }
    None
}
