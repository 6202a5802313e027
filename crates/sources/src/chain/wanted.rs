//! Which logs are wanted, and which blocks may have some.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bloom, BloomInput, Log};

use super::EventSource;
use super::header::BlockHeader;

/// The addresses and events that are read. Their product is asked for, which may be more than the sources need.
pub(crate) struct Wanted<'a> {
    sources: Vec<&'a EventSource>,
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

impl<'a> Wanted<'a> {
    pub(crate) fn by(sources: Vec<&'a EventSource>) -> Self {
        let mut events: HashMap<(Address, B256), Event> = HashMap::new();
        for (place, source) in sources.iter().enumerate() {
            let key = (source.address(), source.topic());
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

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.addresses.clone()
    }

    pub(crate) fn topics(&self) -> Vec<B256> {
        self.topics.clone()
    }

    /// The positions among the sources of those that may read this log, and the sources.
    pub(crate) fn readers(&self, log: &Log) -> impl Iterator<Item = (usize, &'a EventSource)> {
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

    /// Whether it belongs to the answer to the question, where more is asked for than anybody reads.
    pub(crate) fn asks_for(&self, log: &Log) -> bool {
        self.addresses.binary_search(&log.address).is_ok()
            && log
                .topics()
                .first()
                .is_some_and(|topic| self.topics.binary_search(topic).is_ok())
    }

    /// `false` only where the block has none of these logs for certain.
    pub(crate) fn may_be_in(&self, header: &BlockHeader) -> bool {
        self.events
            .values()
            .any(|event| header.logs_bloom.contains(&event.bits))
    }

    /// Whether the block's bloom filter has this log, with all its topics.
    pub(crate) fn fits(&self, header: &BlockHeader, log: &Log) -> bool {
        let bloom = &header.logs_bloom;
        self.event(log)
            .is_some_and(|event| bloom.contains(&event.bits))
            && log
                .topics()
                .iter()
                .skip(1)
                .all(|topic| bloom.contains_input(BloomInput::Raw(topic.as_slice())))
    }

    fn event(&self, log: &Log) -> Option<&Event> {
        let topic = log.topics().first()?;
        self.events.get(&(log.address, *topic))
    }
}
