//! The second reading of a file: its rows as they come, or those of each second in their order.

use std::collections::HashMap;
use std::collections::VecDeque;

use alloy::primitives::keccak256;

use super::entry::{Entry, Place};
use super::input::Input;
use super::line;
use super::lines::Lines;
use super::row::Row;
use super::settings::Settings;
use super::streams::{Finder, Streams};
use super::survey::FileFacts;
use crate::SourceError;

/// What bad rows mean at the second reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BadRow {
    /// The first reading found some; they are passed over.
    Known,
    /// The first reading found none: the file is another one now.
    Changed,
}

/// The rows of a file as they come.
pub(crate) struct Again<'r> {
    input: &'r Input,
    settings: &'r Settings,
    streams: &'r Streams,
    lines: Lines<'r>,
    end_line: u64,
    file: usize,
    bad_row: BadRow,
    /// How many rows every stream without sequences had before the next one.
    rows_before: HashMap<usize, u64>,
    finder: Finder,
    bytes: Vec<u8>,
}

impl<'r> Again<'r> {
    /// Begins to read the file number `file` again.
    pub(crate) fn begin(
        input: &'r Input,
        settings: &'r Settings,
        streams: &'r Streams,
        file: usize,
        facts: &FileFacts,
        bad_row: BadRow,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            input,
            settings,
            streams,
            lines: input.open(settings)?,
            end_line: facts.end_line,
            file,
            bad_row,
            rows_before: facts.rows_before.clone(),
            finder: Finder::default(),
            bytes: Vec::new(),
        })
    }

    /// The next row that somebody asked for.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, SourceError> {
        while let Some(line) = self.lines.next(&mut self.bytes)? {
            if self.lines.number >= self.end_line {
                return Err(self.input.changed());
            }
            match line.map_err(drop).and_then(|()| self.entry()) {
                Ok(Some(entry)) => return Ok(Some(entry)),
                Ok(None) => {}
                Err(()) if self.bad_row == BadRow::Known => {}
                Err(()) => return Err(self.input.changed()),
            }
        }
        if self.lines.number == self.end_line {
            Ok(None)
        } else {
            Err(self.input.changed())
        }
    }

    /// The row that was read. What is wrong with it was said at the first reading.
    fn entry(&mut self) -> Result<Option<Entry>, ()> {
        let text = line::text(&self.bytes).map_err(drop)?;
        let cells = self.lines.columns.cells(text).map_err(drop)?;
        let row = Row::parse(&cells, self.settings).map_err(drop)?;
        let Some(reading) = row.reading else {
            return Ok(None);
        };
        let stream = self.finder.find(self.streams, reading.stream).ok_or(())?;
        let mut before = 0;
        if reading.sequence.is_none() {
            let rows = self.rows_before.entry(stream).or_insert(0);
            before = *rows;
            *rows += 1;
        }
        let sequence = self
            .streams
            .sequence(stream, reading.sequence, before)
            .map_err(drop)?;
        Ok(Some(Entry {
            observed_at: row.observed_at,
            stream,
            sequence,
            value: reading.value,
            hash: keccak256(&self.bytes),
            place: Place {
                file: self.file,
                line: self.lines.number,
            },
        }))
    }
}

/// The rows of an ordered file in the order of rows: those of one second are sorted before they are given out.
pub(crate) struct Straight<'r> {
    rows: Again<'r>,
    second: VecDeque<Entry>,
    /// The first row of the next second.
    later: Option<Entry>,
    ended: bool,
}

impl<'r> Straight<'r> {
    pub(crate) fn new(rows: Again<'r>) -> Self {
        Self {
            rows,
            second: VecDeque::new(),
            later: None,
            ended: false,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Entry>, SourceError> {
        if self.second.is_empty() {
            self.read_second()?;
        }
        Ok(self.second.pop_front())
    }

    fn read_second(&mut self) -> Result<(), SourceError> {
        self.second.extend(self.later.take());
        while !self.ended {
            let Some(entry) = self.rows.next()? else {
                self.ended = true;
                break;
            };
            match self.second.front() {
                Some(first) if entry.observed_at < first.observed_at => {
                    return Err(self.rows.input.changed());
                }
                Some(first) if entry.observed_at > first.observed_at => {
                    self.later = Some(entry);
                    break;
                }
                _ => self.second.push_back(entry),
            }
        }
        if self.second.len() > 1 {
            self.second
                .make_contiguous()
                .sort_unstable_by_key(Entry::key);
        }
        Ok(())
    }
}
