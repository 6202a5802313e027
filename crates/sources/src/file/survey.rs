//! The first reading: checks every row, and learns what the second needs to know.
//!
//! Rows are kept while they are few; a file that does not fit is read again, straight through if it is in order.

use std::collections::HashMap;

use alloy::primitives::{B256, keccak256};
use tocsin_domain::time::Timestamp;

use super::entry::{Entry, Place};
use super::input::Input;
use super::line;
use super::lines::Lines;
use super::problem::BadRows;
use super::row::{Reading, Row};
use super::settings::Settings;
use super::streams::{Finder, Mismatch, Streams};
use crate::SourceError;

/// What is known of the files after the first reading.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) streams: Streams,
    pub(crate) files: Vec<FileFacts>,
    /// The rows of the files that fit.
    pub(crate) held: Vec<Entry>,
    pub(crate) last_observed_at: Option<Timestamp>,
    pub(crate) names_sources: bool,
    pub(crate) bad: BadRows,
    held_bytes: usize,
    finder: Finder,
}

/// What is known of one file.
#[derive(Debug, Default)]
pub(crate) struct FileFacts {
    /// Where the rows come from at the second reading.
    pub(crate) reading: SecondReading,
    /// The line at which there was no more.
    pub(crate) end_line: u64,
    /// How many rows earlier files have of a stream without sequences; none where nothing is said.
    pub(crate) rows_before: HashMap<usize, u64>,
}

/// How a file gives its rows a second time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum SecondReading {
    /// They were kept.
    #[default]
    Held,
    /// It is read again, second by second.
    Straight,
    /// It is read again and sorted in parts.
    Sorted,
}

/// One file while it is read.
struct Watch {
    place: Place,
    rows_before: HashMap<usize, u64>,
    /// `None` once they did not fit.
    held: Option<Vec<Entry>>,
    held_bytes: usize,
    ordered: bool,
    /// The time of the row before, and about how many bytes the rows of that second take.
    second: Option<(Timestamp, usize)>,
}

impl Survey {
    /// Reads the next of `inputs`. Bad rows are kept for the end.
    pub(crate) fn read(
        &mut self,
        inputs: &[Input],
        settings: &Settings,
    ) -> Result<(), SourceError> {
        let file = self.files.len();
        let input = &inputs[file];
        let mut lines = input.open(settings)?;
        self.names_sources |= lines.columns.has_source();
        let mut watch = Watch::new(file);
        let mut bytes = Vec::new();
        while let Some(line) = lines.next(&mut bytes)? {
            watch.place.line = lines.number;
            let taken = line
                .map_err(Refusal::Row)
                .and_then(|()| self.take(&mut watch, &lines, &bytes, settings));
            if let Err(refusal) = taken {
                let reason = refusal.say(inputs, &self.streams);
                self.bad.push(input.name(), lines.number, reason);
            }
        }
        self.files
            .push(watch.end(lines.number, &mut self.held, &mut self.held_bytes));
        Ok(())
    }

    /// Takes in a row.
    fn take(
        &mut self,
        watch: &mut Watch,
        lines: &Lines<'_>,
        bytes: &[u8],
        settings: &Settings,
    ) -> Result<(), Refusal> {
        let text = line::text(bytes)?;
        let cells = lines.columns.cells(text)?;
        let row = Row::parse(&cells, settings)?;
        self.last_observed_at = self.last_observed_at.max(Some(row.observed_at));
        let Some(reading) = row.reading else {
            return Ok(());
        };
        let Reading {
            stream: named,
            sequence,
            value,
        } = reading;
        let numbered = sequence.is_some();
        let streams = &mut self.streams;
        let stream = self
            .finder
            .note(streams, named, row.observed_at, numbered, watch.place);
        let before = streams.count(stream);
        if !numbered && watch.place.file > 0 {
            watch.rows_before.entry(stream).or_insert(before);
        }
        let mut entry = Entry {
            observed_at: row.observed_at,
            stream,
            sequence: streams
                .sequence(stream, sequence, before)
                .map_err(|mismatch| Refusal::Sequence { stream, mismatch })?,
            value,
            hash: B256::ZERO,
            place: watch.place,
        };
        watch.note_order(&entry, settings.memory_bytes);
        if watch.has_room(self.held_bytes, &entry, settings.memory_bytes) {
            entry.hash = keccak256(bytes);
            watch.hold(entry);
        }
        Ok(())
    }

    /// Puts the streams, and all that names them, into their order.
    pub(crate) fn settle(&mut self) {
        let renumbered = self.streams.renumber();
        for entry in &mut self.held {
            entry.stream = renumbered[entry.stream];
        }
        self.held.sort_unstable_by_key(Entry::key);
        for file in &mut self.files {
            file.rows_before = file
                .rows_before
                .drain()
                .map(|(stream, rows)| (renumbered[stream], rows))
                .collect();
        }
    }
}

/// Why a row is refused.
enum Refusal {
    Row(String),
    Sequence { stream: usize, mismatch: Mismatch },
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Row(reason)
    }
}

impl Refusal {
    fn say(self, inputs: &[Input], streams: &Streams) -> String {
        let (stream, Mismatch { start, numbered }) = match self {
            Self::Row(reason) => return reason,
            Self::Sequence { stream, mismatch } => (streams.stream(stream), mismatch),
        };
        format!(
            "has {} sequence, but {}:{} has {}; all rows of `{}` of `{}` must have one, or none",
            if numbered { "no" } else { "a" },
            inputs[start.file].name(),
            start.line,
            if numbered { "one" } else { "none" },
            stream.metric,
            stream.subject,
        )
    }
}

impl Watch {
    fn new(file: usize) -> Self {
        Self {
            place: Place { file, line: 0 },
            rows_before: HashMap::new(),
            held: Some(Vec::new()),
            held_bytes: 0,
            ordered: true,
            second: None,
        }
    }

    /// A second that does not fit is as bad as disorder: it is sorted in parts too.
    fn note_order(&mut self, entry: &Entry, memory_bytes: usize) {
        let bytes = match self.second {
            Some((second, _)) if entry.observed_at < second => {
                self.ordered = false;
                return;
            }
            Some((second, bytes)) if entry.observed_at == second => bytes + entry.bytes(),
            _ => entry.bytes(),
        };
        self.ordered &= bytes <= memory_bytes;
        self.second = Some((entry.observed_at, bytes));
    }

    /// Whether the row fits beside those of the files before; else this file's are let go.
    fn has_room(&mut self, others: usize, entry: &Entry, memory_bytes: usize) -> bool {
        let fits = others + self.held_bytes + entry.bytes() <= memory_bytes;
        if !fits {
            self.held = None;
            self.held_bytes = 0;
        }
        self.held.is_some()
    }

    fn hold(&mut self, entry: Entry) {
        self.held_bytes += entry.bytes();
        if let Some(held) = &mut self.held {
            held.push(entry);
        }
    }

    fn end(self, end_line: u64, held: &mut Vec<Entry>, held_bytes: &mut usize) -> FileFacts {
        let reading = match self.held {
            Some(mut rows) => {
                held.append(&mut rows);
                *held_bytes += self.held_bytes;
                SecondReading::Held
            }
            None if self.ordered => SecondReading::Straight,
            None => SecondReading::Sorted,
        };
        FileFacts {
            reading,
            end_line,
            rows_before: self.rows_before,
        }
    }
}
