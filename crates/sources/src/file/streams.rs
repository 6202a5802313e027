//! The streams that a recording holds, numbered.

use std::collections::HashMap;

use alloy::primitives::U256;
use tocsin_domain::observation::{Metric, Sequence, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use super::entry::Place;
use super::row::Named;

/// One stream of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedStream {
    /// Which.
    pub stream: Stream,
    /// The time of its first row.
    pub first_observed_at: Timestamp,
    /// The time of its last row.
    pub last_observed_at: Timestamp,
}

/// Streams by number.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    numbers: HashMap<Vec<u8>, usize>,
    recorded: Vec<RecordedStream>,
    facts: Vec<Facts>,
}

/// What else is known of a stream.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// The first row decides whether the rows carry sequences.
    start: Place,
    numbered: bool,
    rows: u64,
}

/// Looks streams up. It remembers the last one, because rows of one stream often follow each other.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    key: Vec<u8>,
    last: Option<(Vec<u8>, usize)>,
}

/// A row whose sequence is not as its stream's first row wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mismatch {
    /// The first row of the stream.
    pub(crate) start: Place,
    /// Whether that has a sequence.
    pub(crate) numbered: bool,
}

impl Finder {
    /// The number of a stream, if it is known.
    pub(crate) fn find(&mut self, streams: &Streams, named: Named<'_>) -> Option<usize> {
        self.key.clear();
        for part in [named.source, named.subject] {
            self.key.extend_from_slice(&part.len().to_le_bytes());
            self.key.extend_from_slice(part.as_bytes());
        }
        self.key.extend_from_slice(named.metric.as_bytes());
        if let Some((key, number)) = &self.last
            && *key == self.key
        {
            return Some(*number);
        }
        let number = *streams.numbers.get(&self.key)?;
        let last = self.last.get_or_insert_default();
        last.0.clone_from(&self.key);
        last.1 = number;
        Some(number)
    }

    /// The number of the stream of a row at `place`, which is added if it is new.
    pub(crate) fn note(
        &mut self,
        streams: &mut Streams,
        named: Named<'_>,
        observed_at: Timestamp,
        numbered: bool,
        place: Place,
    ) -> usize {
        if let Some(number) = self.find(streams, named) {
            let recorded = &mut streams.recorded[number];
            recorded.first_observed_at = recorded.first_observed_at.min(observed_at);
            recorded.last_observed_at = recorded.last_observed_at.max(observed_at);
            return number;
        }
        let number = streams.recorded.len();
        streams.numbers.insert(self.key.clone(), number);
        streams.recorded.push(RecordedStream {
            stream: Stream {
                source: SourceId::from(named.source.to_owned()),
                subject: Subject::from(named.subject.to_owned()),
                metric: Metric::from(named.metric.to_owned()),
            },
            first_observed_at: observed_at,
            last_observed_at: observed_at,
        });
        streams.facts.push(Facts {
            start: place,
            numbered,
            rows: 0,
        });
        number
    }
}

impl Streams {
    /// All of them, by number.
    pub(crate) fn recorded(&self) -> &[RecordedStream] {
        &self.recorded
    }

    pub(crate) fn stream(&self, number: usize) -> &Stream {
        &self.recorded[number].stream
    }

    /// Counts a row, and says how many the stream had before it.
    pub(crate) fn count(&mut self, number: usize) -> u64 {
        let rows = &mut self.facts[number].rows;
        let before = *rows;
        *rows += 1;
        before
    }

    /// The row's own sequence, or its number among the rows of its stream, of which `before` are before it.
    pub(crate) fn sequence(
        &self,
        number: usize,
        written: Option<Sequence>,
        before: u64,
    ) -> Result<Sequence, Mismatch> {
        let facts = &self.facts[number];
        match (written, facts.numbered) {
            (Some(sequence), true) => Ok(sequence),
            (None, false) => Ok(Sequence(U256::from(before + 1))),
            (_, numbered) => Err(Mismatch {
                start: facts.start,
                numbered,
            }),
        }
    }

    /// Numbers the streams anew in their order; gives the new numbers by the old ones.
    pub(crate) fn renumber(&mut self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.recorded.len()).collect();
        order.sort_unstable_by(|a, b| self.stream(*a).cmp(self.stream(*b)));
        self.facts = order.iter().map(|old| self.facts[*old]).collect();
        self.recorded
            .sort_unstable_by(|a, b| a.stream.cmp(&b.stream));
        let mut renumbered = vec![0; order.len()];
        for (new, old) in order.into_iter().enumerate() {
            renumbered[old] = new;
        }
        for number in self.numbers.values_mut() {
            *number = renumbered[*number];
        }
        renumbered
    }
}
