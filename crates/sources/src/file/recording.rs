//! Recorded files, merged.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use alloy::primitives::{U256, keccak256};
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use super::columns::{self, Columns};
use super::line;
use super::problem::BadRows;
use super::row::{Reading, Row};
use crate::SourceError;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A recording that was read whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// By time, source, subject, metric and sequence; exact repeats left out.
    pub observations: Vec<Observation>,
    /// The latest time of any row, also of those that nobody asked for.
    pub last_observed_at: Option<Timestamp>,
    /// Whether any file has a `source` column.
    pub names_sources: bool,
}

/// Reads files into one recording.
pub struct Recording<'t> {
    types: &'t dyn Fn(&Metric) -> Option<Type>,
    files: Vec<String>,
    entries: Vec<Entry>,
    streams: HashMap<Stream, StreamStart>,
    last_observed_at: Option<Timestamp>,
    names_sources: bool,
    bad: BadRows,
}

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    file: usize,
    line: u64,
}

struct Entry {
    observation: Observation,
    place: Place,
}

/// The first row of a stream decides whether its rows carry sequences.
struct StreamStart {
    place: Place,
    numbered: bool,
    rows: u64,
}

/// Reads files in their order; see [`Recording`].
///
/// # Errors
///
/// As [`Recording::read`] and [`Recording::finish`].
pub fn read_files(
    paths: &[PathBuf],
    types: &dyn Fn(&Metric) -> Option<Type>,
) -> Result<Recorded, SourceError> {
    let mut recording = Recording::new(types);
    for path in paths {
        recording.read_file(path)?;
    }
    recording.finish()
}

impl<'t> Recording<'t> {
    /// Starts a recording. `types` gives the type of a metric's values; rows of metrics for which it gives none are checked for
    /// their shape and left out.
    pub fn new(types: &'t dyn Fn(&Metric) -> Option<Type>) -> Self {
        Self {
            types,
            files: Vec::new(),
            entries: Vec::new(),
            streams: HashMap::new(),
            last_observed_at: None,
            names_sources: false,
            bad: BadRows::default(),
        }
    }

    /// Reads a file; see [`Self::read`].
    ///
    /// # Errors
    ///
    /// [`SourceError::File`] where it cannot be opened, else as [`Self::read`].
    pub fn read_file(&mut self, path: &Path) -> Result<(), SourceError> {
        let file = File::open(path).map_err(|source| SourceError::File {
            path: path.to_owned(),
            source,
        })?;
        self.read(
            &path.display().to_string(),
            BufReader::with_capacity(1 << 16, file),
        )
    }

    /// Reads what `input` holds; `name` is what errors call it. Bad rows are kept for [`Self::finish`].
    ///
    /// # Errors
    ///
    /// [`SourceError::File`] where it cannot be read, [`SourceError::FileHeader`] where it does not begin with the header.
    pub fn read(&mut self, name: &str, mut input: impl BufRead) -> Result<(), SourceError> {
        let unreadable = |source| SourceError::File {
            path: name.into(),
            source,
        };
        let mut bytes = Vec::new();
        let header = line::next(&mut input, &mut bytes).map_err(unreadable)?;
        let columns = header
            .and_then(|_some_line| header_of(&bytes))
            .map_err(|reason| SourceError::FileHeader {
                file: name.to_owned(),
                reason,
            })?;
        self.names_sources |= columns.has_source();

        let mut place = Place {
            file: self.files.len(),
            line: 1,
        };
        self.files.push(name.to_owned());
        loop {
            place.line += 1;
            match line::next(&mut input, &mut bytes).map_err(unreadable)? {
                Ok(false) => return Ok(()),
                Ok(true) if bytes.is_empty() => {}
                Ok(true) => {
                    if let Err(reason) = self.add(&columns, place, &bytes) {
                        self.bad.push(name, place.line, reason);
                    }
                }
                Err(reason) => self.bad.push(name, place.line, reason),
            }
        }
    }

    /// The observations, if every row of every file is good.
    ///
    /// # Errors
    ///
    /// [`SourceError::Rows`] with every bad row.
    pub fn finish(mut self) -> Result<Recorded, SourceError> {
        self.entries
            .sort_unstable_by(|a, b| key(a).cmp(&key(b)).then(a.place.cmp(&b.place)));
        let mut observations: Vec<Observation> = Vec::with_capacity(self.entries.len());
        let mut kept = Place { file: 0, line: 0 };
        for Entry { observation, place } in self.entries {
            match observations.last() {
                Some(last) if position(last) == position(&observation) => {
                    if last.value != observation.value {
                        let reason = contradiction(last, &observation, &self.files, kept);
                        self.bad.push(&self.files[place.file], place.line, reason);
                    }
                }
                _ => {
                    observations.push(observation);
                    kept = place;
                }
            }
        }
        if self.bad.total() > 0 {
            return Err(SourceError::Rows(self.bad));
        }
        Ok(Recorded {
            observations,
            last_observed_at: self.last_observed_at,
            names_sources: self.names_sources,
        })
    }

    fn add(&mut self, columns: &Columns, place: Place, bytes: &[u8]) -> Result<(), String> {
        let text = core::str::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}"))?;
        let row = Row::parse(columns.cells(text)?, self.types)?;
        self.last_observed_at = self.last_observed_at.max(Some(row.observed_at));
        let Some(Reading {
            stream,
            sequence,
            value,
        }) = row.reading
        else {
            return Ok(());
        };
        let sequence = self.sequence(&stream, sequence, place)?;
        let observation = Observation {
            source: stream.source,
            subject: stream.subject,
            metric: stream.metric,
            observed_at: row.observed_at,
            sequence,
            value,
            provenance: Provenance::Raw {
                hash: keccak256(bytes),
            },
        };
        self.entries.push(Entry { observation, place });
        Ok(())
    }

    /// The row's own sequence, or its number among the rows of its stream.
    fn sequence(
        &mut self,
        stream: &Stream,
        sequence: Option<Sequence>,
        place: Place,
    ) -> Result<Sequence, String> {
        if !self.streams.contains_key(stream) {
            let start = StreamStart {
                place,
                numbered: sequence.is_some(),
                rows: 0,
            };
            self.streams.insert(stream.clone(), start);
        }
        let Some(start) = self.streams.get_mut(stream) else {
            return Err("has no stream".to_owned());
        };
        start.rows += 1;
        match (sequence, start.numbered) {
            (Some(sequence), true) => Ok(sequence),
            (None, false) => Ok(Sequence(U256::from(start.rows))),
            (found, _) => Err(format!(
                "has {} sequence, but {}:{} has {}; all rows of `{}` of `{}` must have one, or none",
                if found.is_some() { "a" } else { "no" },
                self.files[start.place.file],
                start.place.line,
                if found.is_some() { "none" } else { "one" },
                stream.metric,
                stream.subject,
            )),
        }
    }
}

fn header_of(bytes: &[u8]) -> Result<Columns, String> {
    let text = core::str::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}"))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.is_empty() {
        return Err(format!(
            "the file does not begin with a header; {}",
            columns::expected()
        ));
    }
    Columns::parse(text)
}

/// What two values may not share.
fn position(observation: &Observation) -> impl Ord + '_ {
    let Observation {
        source,
        subject,
        metric,
        observed_at,
        sequence,
        ..
    } = observation;
    (observed_at, source, subject, metric, sequence)
}

fn key(entry: &Entry) -> impl Ord + '_ {
    position(&entry.observation)
}

fn contradiction(first: &Observation, second: &Observation, files: &[String], at: Place) -> String {
    let say = |observation: &Observation| match &observation.value {
        Some(value) => format!("the value {value}"),
        None => "no value".to_owned(),
    };
    format!(
        "says {}, but {}:{} says {} for the same source, subject, metric, time and sequence",
        say(second),
        files[at.file],
        at.line,
        say(first)
    )
}
