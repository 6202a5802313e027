//! Several ordered sources of rows as one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::slice;

use super::entry::Entry;
use super::runs::RunReader;
use super::straight::Straight;
use crate::SourceError;

/// Where ordered rows come from.
pub(crate) enum Source<'r> {
    Held(slice::Iter<'r, Entry>),
    Straight(Box<Straight<'r>>),
    Run(RunReader<'r>),
}

/// Several sources as one.
pub(crate) struct Merge<'r> {
    sources: Vec<Source<'r>>,
    /// The next row of every source that has one.
    next: BinaryHeap<Head>,
}

/// The next row of a source; the earliest row is the greatest, because the greatest comes first out of a heap.
struct Head {
    entry: Entry,
    source: usize,
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Entry>, SourceError> {
        match self {
            Self::Held(rows) => Ok(rows.next().cloned()),
            Self::Straight(rows) => rows.next(),
            Self::Run(rows) => rows.next(),
        }
    }
}

impl<'r> Merge<'r> {
    pub(crate) fn new(mut sources: Vec<Source<'r>>) -> Result<Self, SourceError> {
        let mut next = BinaryHeap::with_capacity(sources.len());
        for (number, source) in sources.iter_mut().enumerate() {
            if let Some(entry) = source.next()? {
                next.push(Head {
                    entry,
                    source: number,
                });
            }
        }
        Ok(Self { sources, next })
    }

    /// The next row in the order of rows.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, SourceError> {
        let Some(mut first) = self.next.peek_mut() else {
            return Ok(None);
        };
        let source = first.source;
        Ok(Some(match self.sources[source].next()? {
            Some(entry) => core::mem::replace(&mut first.entry, entry),
            None => PeekMut::pop(first).entry,
        }))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.entry.key().cmp(&self.entry.key())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
