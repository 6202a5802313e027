//! One `[sources."…"]` section: an event of a contract, or a function of it that is called every so many blocks.

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use alloy::primitives::Address;
use serde::Deserialize;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::value::Value;
use tocsin_sources::chain::state::{
    CallSettings, OnRevert, Reading, Schedule, StateSettings, StateSource, WakingEvent,
};
use tocsin_sources::chain::{EventSettings, EventSource, SequenceFrom, TimeFrom};

/// `on_revert` with this text makes the value whether the call goes through.
const SUCCESS: &str = "success";

/// A section as it is written. `event` or `function` says of which kind it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceSection {
    subject: String,
    metric: String,
    from_block: u64,
    /// The contract, where it is not the one that the identity names.
    #[serde(default)]
    contract: Option<Address>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    decimals: Option<u8>,
    /// How often it speaks at the least, as its operator promises.
    #[serde(default)]
    pub(super) heartbeat: Option<String>,

    #[serde(default)]
    event: Option<String>,
    /// The values that fields of the event must have.
    #[serde(default)]
    only: BTreeMap<String, String>,
    #[serde(default)]
    sequence: Option<String>,
    #[serde(default)]
    observed_at: Option<String>,

    #[serde(default)]
    function: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    /// Who calls.
    #[serde(default)]
    from: Option<Address>,
    #[serde(default)]
    on_revert: Option<RevertSaid>,
    #[serde(default)]
    every_blocks: Option<NonZeroU64>,
    /// Events of the contract that make it be read too.
    #[serde(default)]
    events: Vec<String>,
}

/// What a reverted call says: `"success"`, or a value.
#[derive(Deserialize)]
#[serde(untagged)]
enum RevertSaid {
    Bool(bool),
    Integer(i64),
    Text(String),
}

/// What a section describes.
#[derive(Debug)]
pub(super) enum Source {
    Event(EventSource),
    State(StateSource),
}

impl SourceSection {
    /// The source named `id`, whose identity names the contract at `address`.
    pub(super) fn resolve(&self, id: &str, address: Address) -> Result<Source, Problem> {
        let contract = self.contract.unwrap_or(address);
        match (&self.event, &self.function) {
            (Some(_), None) if id.starts_with("call:") => Err(Problem::Here(
                "its name is that of a call, so it needs a `function`, not an `event`".to_owned(),
            )),
            (Some(event), None) => {
                self.refuse_keys_of_calls()?;
                let settings = self.event_settings(id, contract, event)?;
                Ok(Source::Event(EventSource::new(settings)?))
            }
            (None, Some(function)) => {
                self.refuse_keys_of_events()?;
                let settings = self.state_settings(id, contract, function)?;
                Ok(Source::State(StateSource::new(settings)?))
            }
            _ => Err(Problem::Here(
                "needs either an `event` that is read or a `function` that is called".to_owned(),
            )),
        }
    }

    fn event_settings(
        &self,
        id: &str,
        address: Address,
        event: &str,
    ) -> Result<EventSettings, Problem> {
        Ok(EventSettings {
            source: SourceId(id.to_owned()),
            address,
            event: event.to_owned(),
            subject: Subject(self.subject.clone()),
            metric: Metric(self.metric.clone()),
            value: self.value.clone(),
            decimals: self.decimals()?,
            only: self.only.clone(),
            sequence: self
                .sequence
                .clone()
                .map_or(SequenceFrom::Block, SequenceFrom::Field),
            observed_at: self
                .observed_at
                .clone()
                .map_or(TimeFrom::Block, TimeFrom::Field),
            from_block: self.from_block,
        })
    }

    fn state_settings(
        &self,
        id: &str,
        address: Address,
        function: &str,
    ) -> Result<StateSettings, Problem> {
        let on_revert = match &self.on_revert {
            None => OnRevert::NoValue,
            Some(RevertSaid::Text(text)) if text == SUCCESS => OnRevert::Success,
            Some(RevertSaid::Text(text)) => OnRevert::Value(Value::Text(text.clone())),
            Some(RevertSaid::Bool(truth)) => OnRevert::Value(Value::Bool(*truth)),
            Some(RevertSaid::Integer(number)) => {
                OnRevert::Value(Value::Decimal(Decimal::from_integer(*number)))
            }
        };
        let call = CallSettings {
            address,
            function: function.to_owned(),
            arguments: self.arguments.clone(),
            value: self.value.clone().unwrap_or_default(),
            decimals: self.decimals()?,
            on_revert,
            from: self.from,
        };
        let events = self.events.iter().map(|event| WakingEvent {
            contract: address,
            event: event.clone(),
        });
        Ok(StateSettings {
            source: SourceId(id.to_owned()),
            subject: Subject(self.subject.clone()),
            metric: Metric(self.metric.clone()),
            schedule: Schedule {
                every_blocks: self.every_blocks,
                events: events.collect(),
            },
            from_block: self.from_block,
            reading: Reading::Call(call),
        })
    }

    /// Units that nobody stated would be guessed.
    fn decimals(&self) -> Result<u8, Problem> {
        match (&self.value, self.decimals) {
            (Some(_), Some(decimals)) => Ok(decimals),
            (None, None) => Ok(0),
            (Some(value), None) => Err(Problem::Here(format!(
                "`value` is `{value}`, so say its `decimals` (0 for whole numbers, bools and text)"
            ))),
            (None, Some(_)) => Err(Problem::Here(
                "there are `decimals` and no `value` that has them".to_owned(),
            )),
        }
    }

    fn refuse_keys_of_calls(&self) -> Result<(), Problem> {
        let written = [
            ("arguments", !self.arguments.is_empty()),
            ("from", self.from.is_some()),
            ("on_revert", self.on_revert.is_some()),
            ("every_blocks", self.every_blocks.is_some()),
            ("events", !self.events.is_empty()),
        ];
        refuse(&written, "event", "function")
    }

    fn refuse_keys_of_events(&self) -> Result<(), Problem> {
        let written = [
            ("only", !self.only.is_empty()),
            ("sequence", self.sequence.is_some()),
            ("observed_at", self.observed_at.is_some()),
        ];
        refuse(&written, "function", "event")
    }
}

fn refuse(written: &[(&str, bool)], kind: &str, other: &str) -> Result<(), Problem> {
    match written.iter().find(|(_, is_written)| *is_written) {
        None => Ok(()),
        Some((key, _)) => Err(Problem::Here(format!(
            "`{key}` belongs to sources with a `{other}`; this one has an `{kind}`"
        ))),
    }
}

/// What is wrong with a section.
#[derive(Debug)]
pub(super) enum Problem {
    /// It says this, and not of which source.
    Here(String),
    /// Its message names the source by itself.
    Named(tocsin_sources::SourceError),
}

impl From<tocsin_sources::SourceError> for Problem {
    fn from(error: tocsin_sources::SourceError) -> Self {
        Self::Named(error)
    }
}
