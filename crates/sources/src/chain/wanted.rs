//! Which logs are wanted, and which blocks may have some.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bloom, BloomInput, Log};

use super::ChainSource;
use super::header::BlockHeader;

/// The addresses and events that are read. Their product is asked for, which may be more than the sources need.
pub(crate) struct Wanted<'a> {
    sources: Vec<&'a ChainSource>,
    events: HashMap<(Address, B256), Event>,
    addresses: Vec<Address>,
    topics: Vec<B256>,
}

/// An event of a contract.
struct Event {
    /// What a log of it sets in the bloom filter of its block.
    bits: Bloom,
    /// Who reads it, as positions among the sources.
    readers: Vec<usize>,
}

/// What a log is to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Judgement {
    /// It is wanted, and its block's bloom filter has it with all its topics.
    Fits,
    /// It is wanted, and its block cannot have it.
    OutsideBloom,
    /// It was asked for, and nobody reads it.
    Unread,
    /// It was not asked for.
    Unasked,
}

impl<'a> Wanted<'a> {
    pub(crate) fn by(sources: Vec<&'a ChainSource>) -> Self {
        let mut events: HashMap<(Address, B256), Event> = HashMap::new();
        let keys = sources
            .iter()
            .enumerate()
            .flat_map(|(place, source)| source.logs().into_iter().map(move |key| (place, key)));
        for (place, key) in keys {
            let event = events.entry(key).or_insert_with(|| {
                let mut bits = Bloom::ZERO;
                bits.accrue(BloomInput::Raw(key.0.as_slice()));
                bits.accrue(BloomInput::Raw(key.1.as_slice()));
                Event {
                    bits,
                    readers: Vec::new(),
                }
            });
            event.readers.push(place);
        }
        let mut addresses: Vec<Address> = events.keys().map(|(address, _)| *address).collect();
        let mut topics: Vec<B256> = events.keys().map(|(_, topic)| *topic).collect();
        addresses.sort_unstable();
        addresses.dedup();
        topics.sort_unstable();
        topics.dedup();
        Self {
            sources,
            events,
            addresses,
            topics,
        }
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a ChainSource> {
        self.sources.iter().copied()
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.addresses.clone()
    }

    pub(crate) fn topics(&self) -> Vec<B256> {
        self.topics.clone()
    }

    /// The positions among the sources of those that may read this log, and the sources.
    pub(crate) fn readers(&self, log: &Log) -> impl Iterator<Item = (usize, &'a ChainSource)> {
        let readers = self
            .event(log)
            .map_or(&[][..], |event| event.readers.as_slice());
        readers
            .iter()
            .filter_map(|place| Some((*place, *self.sources.get(*place)?)))
    }

    /// Whether somebody reads it.
    pub(crate) fn includes(&self, log: &Log) -> bool {
        self.event(log).is_some()
    }

    /// `false` only where the block has none of these logs for certain.
    pub(crate) fn may_be_in(&self, header: &BlockHeader) -> bool {
        self.events
            .values()
            .any(|event| header.logs_bloom.contains(&event.bits))
    }

    /// What a log is to the question whose answer it is in, about this block among others. `topic_hashes` are those of its
    /// topics but the first.
    pub(crate) fn judge(
        &self,
        header: &BlockHeader,
        log: &Log,
        topic_hashes: &[B256],
    ) -> Judgement {
        let Some(event) = self.event(log) else {
            // More is asked for than anybody reads: every event of every contract.
            let asked = self.addresses.binary_search(&log.address).is_ok()
                && log
                    .topics()
                    .first()
                    .is_some_and(|topic| self.topics.binary_search(topic).is_ok());
            return if asked {
                Judgement::Unread
            } else {
                Judgement::Unasked
            };
        };
        let bloom = &header.logs_bloom;
        let fits = bloom.contains(&event.bits)
            && topic_hashes
                .iter()
                .all(|hash| bloom.contains_input(BloomInput::Hash(*hash)));
        if fits {
            Judgement::Fits
        } else {
            Judgement::OutsideBloom
        }
    }

    fn event(&self, log: &Log) -> Option<&Event> {
        let topic = log.topics().first()?;
        self.events.get(&(log.address, *topic))
    }
}
