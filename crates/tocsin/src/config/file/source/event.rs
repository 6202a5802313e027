//! An event of a contract.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_sources::chain::{ChainSource, EventSettings, EventSource, SequenceFrom, TimeFrom};

use super::{reason, stated_decimals};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventSection {
    /// The contract that emits, where it is not the one that the identity names.
    #[serde(default)]
    contract: Option<Address>,
    event: String,
    subject: String,
    metric: String,
    /// Without it, the event counts by being there.
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    decimals: Option<u8>,
    /// The values that fields must have.
    #[serde(default)]
    only: BTreeMap<String, String>,
    #[serde(default)]
    sequence: Option<String>,
    #[serde(default)]
    observed_at: Option<String>,
    from_block: u64,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

impl EventSection {
    pub(super) fn source(self, id: &str, address: Address) -> Result<ChainSource, String> {
        let decimals = stated_decimals(self.value.as_deref(), self.decimals)?;
        let settings = EventSettings {
            source: SourceId::from(id.to_owned()),
            address: self.contract.unwrap_or(address),
            event: self.event,
            subject: Subject::from(self.subject),
            metric: Metric::from(self.metric),
            value: self.value,
            decimals,
            only: self.only,
            sequence: self
                .sequence
                .map_or(SequenceFrom::Block, SequenceFrom::Field),
            observed_at: self.observed_at.map_or(TimeFrom::Block, TimeFrom::Field),
            from_block: self.from_block,
        };
        EventSource::new(settings)
            .map(ChainSource::Event)
            .map_err(reason)
    }
}
