//! The rows of a recording in order, each once.

use alloy::primitives::B256;
use tocsin_domain::observation::{Observation, Provenance, Sequence};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::entry::Entry;
use super::input::Input;
use super::merge::Merge;
use super::problem::BadRows;
use crate::SourceError;

/// One observation of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedRow {
    /// Of which stream: its place in [`Recording::streams`](super::Recording::streams).
    pub stream: usize,
    /// The source's own time.
    pub observed_at: Timestamp,
    /// Its place in the source's order.
    pub sequence: Sequence,
    /// The value; `None` where the source reported that it had none.
    pub value: Option<Value>,
    /// keccak-256 of its line.
    pub hash: B256,
}

impl RecordedRow {
    /// The observation, of the stream that it is of.
    pub fn to_observation(&self, stream: &Stream) -> Observation {
        Observation {
            source: stream.source.clone(),
            subject: stream.subject.clone(),
            metric: stream.metric.clone(),
            observed_at: self.observed_at,
            sequence: self.sequence,
            value: self.value.clone(),
            provenance: Provenance::Raw { hash: self.hash },
        }
    }
}

/// The rows of a recording, by time, source, subject, metric and sequence; exact repeats are left out.
pub struct Rows<'r> {
    inputs: &'r [Input],
    merge: Merge<'r>,
    /// The row to give out, once it is known what else is in its position.
    waiting: Option<Entry>,
    contradictions: BadRows,
}

impl<'r> Rows<'r> {
    pub(crate) fn new(
        inputs: &'r [Input],
        mut merge: Merge<'r>,
        known: BadRows,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            inputs,
            waiting: merge.next()?,
            merge,
            contradictions: known,
        })
    }

    fn advance(&mut self) -> Result<Option<RecordedRow>, SourceError> {
        loop {
            let next = self.merge.next()?;
            let Some(kept) = &self.waiting else {
                if self.contradictions.total() == 0 {
                    return Ok(None);
                }
                let all = core::mem::take(&mut self.contradictions);
                return Err(SourceError::Rows(all));
            };
            if let Some(next) = &next
                && next.position() == kept.position()
            {
                if next.value != kept.value {
                    let reason = contradiction(kept, next, self.inputs);
                    let file = self.inputs[next.place.file].name();
                    self.contradictions.push(file, next.place.line, reason);
                }
                continue;
            }
            let given = core::mem::replace(&mut self.waiting, next);
            // After the first fault nothing more is given out, but all are to be listed.
            if self.contradictions.total() == 0 {
                return Ok(given.map(RecordedRow::from));
            }
        }
    }
}

/// After an error there is nothing more to be had: [`SourceError::Rows`] with every two values for one place,
/// [`SourceError::FileChanged`] where a file is not what it was, or what [`Recording::open`](super::Recording::open) says.
impl Iterator for Rows<'_> {
    type Item = Result<RecordedRow, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

impl From<Entry> for RecordedRow {
    fn from(entry: Entry) -> Self {
        Self {
            stream: entry.stream,
            observed_at: entry.observed_at,
            sequence: entry.sequence,
            value: entry.value,
            hash: entry.hash,
        }
    }
}

fn contradiction(first: &Entry, second: &Entry, inputs: &[Input]) -> String {
    let say = |entry: &Entry| match &entry.value {
        Some(value) => format!("the value {value}"),
        None => "no value".to_owned(),
    };
    format!(
        "says {}, but {}:{} says {} for the same source, subject, metric, time and sequence",
        say(second),
        inputs[first.place.file].name(),
        first.place.line,
        say(first)
    )
}
