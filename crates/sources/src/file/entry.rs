//! A good row as it is held, sorted and merged.

use alloy::primitives::{B256, U256};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    /// The number of the file, from 0.
    pub(crate) file: usize,
    /// The line, from 1.
    pub(crate) line: u64,
}

/// A good row that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) observed_at: Timestamp,
    /// The number of its stream. Once all are known, numbers are in the order of streams.
    pub(crate) stream: usize,
    pub(crate) sequence: Sequence,
    pub(crate) value: Option<Value>,
    /// Of its line.
    pub(crate) hash: B256,
    pub(crate) place: Place,
}

impl Entry {
    /// What two values may not share; also the order of rows.
    pub(crate) fn position(&self) -> (Timestamp, usize, U256) {
        (self.observed_at, self.stream, self.sequence.0)
    }

    /// A total order: files and lines decide between rows in the same position.
    pub(crate) fn key(&self) -> impl Ord + use<> {
        (self.position(), self.place)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let text = match &self.value {
            Some(Value::Text(text)) => text.len(),
            _ => 0,
        };
        size_of::<Self>() + text
    }
}
