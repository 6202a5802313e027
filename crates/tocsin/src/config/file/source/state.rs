//! What a function of a contract returns, and a word of its storage.

use std::num::NonZeroU64;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::value::Value;
use tocsin_sources::chain::ChainSource;
use tocsin_sources::chain::state::{
    CallSettings, OnRevert, Reading, Schedule, StateSettings, StateSource, StorageField,
    StorageSettings, WakingEvent,
};

use super::reason;

/// When a source is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnEvent {
    contract: Address,
    event: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallSection {
    subject: String,
    metric: String,
    from_block: u64,
    /// The contract, where it is not the one that the identity names.
    #[serde(default)]
    contract: Option<Address>,
    #[serde(default)]
    every_blocks: Option<NonZeroU64>,
    #[serde(default)]
    on_events: Vec<OnEvent>,
    /// With what it returns, where the identity names its parameters only.
    #[serde(default)]
    function: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    /// Where in what it returns the value is.
    #[serde(default)]
    value: String,
    #[serde(default)]
    decimals: u8,
    #[serde(default)]
    on_revert: RevertText,
    #[serde(default)]
    from: Option<Address>,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

/// `"no value"`, `"success"`, or the value that a revert stands for.
#[derive(Deserialize, Default)]
#[serde(
    untagged,
    expecting = "on_revert is \"no value\", \"success\", or the value that a revert stands for"
)]
enum RevertText {
    Bool(bool),
    Whole(i64),
    Text(String),
    #[default]
    Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageSection {
    subject: String,
    metric: String,
    from_block: u64,
    /// The contract, where it is not the one that the identity names.
    #[serde(default)]
    contract: Option<Address>,
    #[serde(default)]
    every_blocks: Option<NonZeroU64>,
    #[serde(default)]
    on_events: Vec<OnEvent>,
    /// A number or `mapping(slot,key)`, where the identity does not say it.
    #[serde(default)]
    slot: Option<String>,
    #[serde(default)]
    bit_offset: u16,
    bits: u16,
    field: FieldText,
    #[serde(default)]
    decimals: u8,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum FieldText {
    Unsigned,
    Signed,
    Bool,
    Address,
}

/// What the sections of all kinds of state say.
pub(super) struct Sampled {
    pub(super) subject: String,
    pub(super) metric: String,
    pub(super) from_block: u64,
    pub(super) every_blocks: Option<NonZeroU64>,
    pub(super) on_events: Vec<OnEvent>,
}

impl Sampled {
    /// The source `id`, which is read so.
    pub(super) fn source(self, id: &str, reading: Reading) -> Result<ChainSource, String> {
        let events = self.on_events.into_iter().map(|waking| WakingEvent {
            contract: waking.contract,
            event: waking.event,
        });
        let settings = StateSettings {
            source: SourceId::from(id.to_owned()),
            subject: Subject::from(self.subject),
            metric: Metric::from(self.metric),
            schedule: Schedule {
                every_blocks: self.every_blocks,
                events: events.collect(),
            },
            from_block: self.from_block,
            reading,
        };
        StateSource::new(settings)
            .map(ChainSource::State)
            .map_err(reason)
    }
}

/// What the identity says after `#`.
fn fragment(id: &str) -> Option<&str> {
    id.split_once('#').map(|(_, fragment)| fragment)
}

impl RevertText {
    fn resolve(self) -> Result<OnRevert, String> {
        Ok(match self {
            Self::Nothing => OnRevert::NoValue,
            Self::Bool(value) => OnRevert::Value(Value::Bool(value)),
            Self::Whole(value) => OnRevert::Value(Value::Decimal(Decimal::from_integer(value))),
            Self::Text(text) => match text.as_str() {
                "no value" => OnRevert::NoValue,
                "success" => OnRevert::Success,
                _ => OnRevert::Value(text.parse().map_or(Value::Text(text), Value::Decimal)),
            },
        })
    }
}

impl CallSection {
    pub(super) fn source(self, id: &str, address: Address) -> Result<ChainSource, String> {
        let function = self
            .function
            .or_else(|| fragment(id).map(str::to_owned))
            .ok_or(
                "needs a `function`, with what it returns, such as `totalAssets() returns (uint256)`",
            )?;
        let reading = Reading::Call(CallSettings {
            address: self.contract.unwrap_or(address),
            function,
            arguments: self.arguments,
            value: self.value,
            decimals: self.decimals,
            on_revert: self.on_revert.resolve()?,
            from: self.from,
        });
        let sampled = Sampled {
            subject: self.subject,
            metric: self.metric,
            from_block: self.from_block,
            every_blocks: self.every_blocks,
            on_events: self.on_events,
        };
        sampled.source(id, reading)
    }
}

impl StorageSection {
    pub(super) fn source(self, id: &str, address: Address) -> Result<ChainSource, String> {
        let slot = self
            .slot
            .or_else(|| fragment(id).map(str::to_owned))
            .ok_or("needs a `slot`: a number, or mapping(slot,key)")?;
        let reading = Reading::Storage(StorageSettings {
            address: self.contract.unwrap_or(address),
            slot,
            bit_offset: self.bit_offset,
            bits: self.bits,
            field: match self.field {
                FieldText::Unsigned => StorageField::Unsigned,
                FieldText::Signed => StorageField::Signed,
                FieldText::Bool => StorageField::Bool,
                FieldText::Address => StorageField::Address,
            },
            decimals: self.decimals,
        });
        let sampled = Sampled {
            subject: self.subject,
            metric: self.metric,
            from_block: self.from_block,
            every_blocks: self.every_blocks,
            on_events: self.on_events,
        };
        sampled.source(id, reading)
    }
}
