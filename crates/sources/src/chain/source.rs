//! What is read from an EVM chain, of whatever kind.

use alloy::primitives::{Address, B256};
use tocsin_domain::coverage::Proof;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::value::Type;

use super::EventSource;
use super::state::{RoundsSource, StateSource};
use crate::Watched;

/// A source of an EVM chain.
#[derive(Clone, Debug)]
pub enum ChainSource {
    /// An event of a contract.
    Event(EventSource),
    /// The rounds of a price feed, by the events of its aggregators.
    Rounds(RoundsSource),
    /// What a contract's state says.
    State(StateSource),
}

impl ChainSource {
    /// What it is.
    pub fn id(&self) -> &SourceId {
        match self {
            Self::Event(source) => source.id(),
            Self::Rounds(source) => source.id(),
            Self::State(source) => source.id(),
        }
    }

    /// What is measured.
    pub fn subject(&self) -> &Subject {
        match self {
            Self::Event(source) => &source.settings().subject,
            Self::Rounds(source) => &source.settings().subject,
            Self::State(source) => &source.settings().subject,
        }
    }

    /// Which property of it.
    pub fn metric(&self) -> &Metric {
        match self {
            Self::Event(source) => &source.settings().metric,
            Self::Rounds(source) => &source.settings().metric,
            Self::State(source) => &source.settings().metric,
        }
    }

    /// The type of its values.
    pub fn value_type(&self) -> Type {
        match self {
            Self::Event(source) => source.value_type(),
            Self::Rounds(source) => source.value_type(),
            Self::State(source) => source.value_type(),
        }
    }

    /// The events whose logs must be read for it: contract and topic.
    pub(crate) fn logs(&self) -> Vec<(Address, B256)> {
        match self {
            Self::Event(source) => vec![(source.address(), source.topic())],
            Self::Rounds(source) => source.logs().collect(),
            Self::State(source) => source.wakes_on().to_vec(),
        }
    }

    pub(crate) fn watched(&self) -> Watched {
        let (reading, from_block, proof) = match self {
            Self::Event(source) => (source.fingerprint(), source.from_block(), Proof::Root),
            Self::Rounds(source) => (source.fingerprint(), source.from_block(), Proof::Root),
            Self::State(source) => (source.fingerprint(), source.from_block(), source.proof()),
        };
        Watched {
            id: self.id().clone(),
            reading,
            from_block,
            proof,
        }
    }
}

impl From<EventSource> for ChainSource {
    fn from(source: EventSource) -> Self {
        Self::Event(source)
    }
}

impl From<RoundsSource> for ChainSource {
    fn from(source: RoundsSource) -> Self {
        Self::Rounds(source)
    }
}

impl From<StateSource> for ChainSource {
    fn from(source: StateSource) -> Self {
        Self::State(source)
    }
}
