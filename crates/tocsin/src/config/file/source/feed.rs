//! A Chainlink feed as a kind of its own: by the events of its aggregators, or by its latest round.

use std::num::NonZeroU64;

use alloy::primitives::{Address, I256};
use serde::Deserialize;
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_sources::chain::ChainSource;
use tocsin_sources::chain::state::{
    AnswerLimits, FeedSettings, PhaseSettings, Reading, RoundsSettings, RoundsSource,
    SequencerSettings,
};

use super::reason;
use super::state::{OnEvent, Sampled};
use crate::config::file::span;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundsSection {
    subject: String,
    metric: String,
    decimals: u8,
    aggregators: Vec<AggregatorSection>,
    #[serde(default)]
    min_answer: Option<String>,
    #[serde(default)]
    max_answer: Option<String>,
    #[serde(default, rename = "heartbeat")]
    _heartbeat: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AggregatorSection {
    phase: u16,
    contract: Address,
    from_block: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LatestRoundSection {
    subject: String,
    metric: String,
    decimals: u8,
    from_block: u64,
    #[serde(default)]
    every_blocks: Option<NonZeroU64>,
    #[serde(default)]
    on_events: Vec<OnEvent>,
    /// A round that is older has no value.
    heartbeat: String,
    #[serde(default)]
    min_answer: Option<String>,
    #[serde(default)]
    max_answer: Option<String>,
    #[serde(default)]
    sequencer: Option<SequencerSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SequencerSection {
    contract: Address,
    grace: String,
}

/// In units of the answer, as the aggregator returns them.
fn limits(min: Option<&str>, max: Option<&str>) -> Result<AnswerLimits, String> {
    let units = |key: &str, text: Option<&str>| {
        let parse = |text: &str| {
            I256::from_dec_str(text).map_err(|_not_a_number| {
                format!("`{key}`: `{text}` is no whole number; write what the aggregator returns")
            })
        };
        text.map(parse).transpose()
    };
    Ok(AnswerLimits {
        min: units("min_answer", min)?,
        max: units("max_answer", max)?,
    })
}

impl RoundsSection {
    pub(super) fn source(self, id: &str) -> Result<ChainSource, String> {
        let settings = RoundsSettings {
            source: SourceId::from(id.to_owned()),
            subject: Subject::from(self.subject),
            metric: Metric::from(self.metric),
            decimals: self.decimals,
            aggregators: self
                .aggregators
                .into_iter()
                .map(|aggregator| PhaseSettings {
                    phase: aggregator.phase,
                    aggregator: aggregator.contract,
                    from_block: aggregator.from_block,
                })
                .collect(),
            limits: limits(self.min_answer.as_deref(), self.max_answer.as_deref())?,
        };
        RoundsSource::new(settings)
            .map(ChainSource::Rounds)
            .map_err(reason)
    }
}

impl LatestRoundSection {
    pub(super) fn source(self, id: &str, proxy: Address) -> Result<ChainSource, String> {
        let sequencer = self
            .sequencer
            .map(|sequencer| {
                Ok::<_, String>(SequencerSettings {
                    address: sequencer.contract,
                    grace: span(&sequencer.grace)?,
                })
            })
            .transpose()?;
        let reading = Reading::Feed(FeedSettings {
            proxy,
            decimals: self.decimals,
            heartbeat: span(&self.heartbeat)?,
            limits: limits(self.min_answer.as_deref(), self.max_answer.as_deref())?,
            sequencer,
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
