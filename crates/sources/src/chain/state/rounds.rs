//! A Chainlink feed by the events of its aggregators: every round, at its own time, at no cost but the logs.
//!
//! A proxy points to one aggregator after another, each a *phase*, and each aggregator counts its rounds from 1. Rounds of
//! several phases are told apart, and ordered, as the proxy does it: phase · 2⁶⁴ + round.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Log, U256, keccak256};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::{Observation, Sequence, SourceId};
use tocsin_domain::value::{Type, Value};

use super::feed::check_limits;
use super::settings::{AnswerLimits, PhaseSettings, RoundsSettings};
use crate::SourceError;
use crate::chain::header::BlockHeader;
use crate::chain::observe::{OpenTime, observe, place_in_chain};
use crate::chain::{EventSettings, EventSource, SequenceFrom, TimeFrom};

const ANSWER_UPDATED: &str =
    "AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)";

const PHASE_SHIFT: usize = 64;

/// A feed whose rounds are read from its aggregators' logs.
#[derive(Clone, Debug)]
pub struct RoundsSource {
    settings: RoundsSettings,
    phases: Vec<Phase>,
    limits: Limits,
}

#[derive(Clone, Debug)]
struct Phase {
    number: u16,
    source: EventSource,
    /// The first block of the next phase.
    until: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    min: Option<Decimal>,
    max: Option<Decimal>,
}

impl RoundsSource {
    /// Checks that the settings fit together.
    ///
    /// # Errors
    ///
    /// [`SourceError::State`], which says which setting does not fit, and what to write.
    pub fn new(settings: RoundsSettings) -> Result<Self, SourceError> {
        let refused = |reason| SourceError::State {
            id: settings.source.clone(),
            reason,
        };
        let limits = check(&settings).map_err(refused)?;
        let ends = settings
            .aggregators
            .iter()
            .skip(1)
            .map(|next| Some(next.from_block));
        let mut phases = Vec::new();
        for (phase, until) in settings.aggregators.iter().zip(ends.chain([None])) {
            phases.push(Phase {
                number: phase.phase,
                source: EventSource::new(event(&settings, phase))?,
                until,
            });
        }
        Ok(Self {
            settings,
            phases,
            limits,
        })
    }

    /// What the source is.
    pub fn id(&self) -> &SourceId {
        &self.settings.source
    }

    /// What it was made from.
    pub fn settings(&self) -> &RoundsSettings {
        &self.settings
    }

    /// A hash of everything that decides which observations a block gives.
    pub fn fingerprint(&self) -> B256 {
        let RoundsSettings {
            source,
            subject,
            metric,
            decimals,
            aggregators,
            limits,
        } = &self.settings;
        keccak256(format!(
            "{source:?} {subject:?} {metric:?} {decimals} {aggregators:?} {limits:?}"
        ))
    }

    /// The type of its values.
    pub fn value_type(&self) -> Type {
        Type::Decimal
    }

    /// The first block that is read.
    pub fn from_block(&self) -> u64 {
        self.phases
            .iter()
            .map(|phase| phase.source.from_block())
            .min()
            .unwrap_or(0)
    }

    /// The events that must be read: contract and topic.
    pub fn logs(&self) -> impl Iterator<Item = (Address, B256)> + '_ {
        self.phases
            .iter()
            .map(|phase| (phase.source.address(), phase.source.topic()))
    }

    /// What a log of a block says; `None` where it is none of this feed, or of a phase that is over or has not begun.
    pub(crate) fn observe(
        &self,
        chain_id: u64,
        header: &BlockHeader,
        open: OpenTime,
        log_index: u64,
        log: &Log,
        raw_hash: B256,
    ) -> Option<Observation> {
        let phase = self.phases.iter().find(|phase| {
            phase.source.reads(header.number, log)
                && phase.until.is_none_or(|until| header.number < until)
        })?;
        let source = &phase.source;
        let seen = observe(source, chain_id, header, open, log_index, log, raw_hash);
        if seen.value.is_none() {
            return Some(seen);
        }
        Some(match self.problem(&seen) {
            None => Observation {
                sequence: Sequence((U256::from(phase.number) << PHASE_SHIFT) | seen.sequence.0),
                ..seen
            },
            Some(reason) => {
                tracing::warn!(
                    source = %seen.source,
                    block = header.number,
                    log_index,
                    reason,
                    "a round says nothing that can be used; the value is unknown from here on"
                );
                Observation {
                    observed_at: open.until,
                    sequence: place_in_chain(header.number, Some(log_index)),
                    value: None,
                    ..seen
                }
            }
        })
    }

    /// What keeps a decoded round from being one.
    fn problem(&self, seen: &Observation) -> Option<&'static str> {
        let Some(Value::Decimal(answer)) = seen.value else {
            return Some("its answer is no number");
        };
        if seen.sequence.0 >> PHASE_SHIFT != U256::ZERO {
            return Some("its round is wider than 64 bits");
        }
        if answer <= Decimal::ZERO {
            return Some("its answer is zero or less");
        }
        let Limits { min, max } = self.limits;
        if min.is_some_and(|min| answer <= min) || max.is_some_and(|max| answer >= max) {
            return Some("its answer is at a limit of the feed: the price may be anywhere beyond");
        }
        None
    }
}

fn event(settings: &RoundsSettings, phase: &PhaseSettings) -> EventSettings {
    EventSettings {
        source: settings.source.clone(),
        address: phase.aggregator,
        event: ANSWER_UPDATED.to_owned(),
        subject: settings.subject.clone(),
        metric: settings.metric.clone(),
        value: Some("current".to_owned()),
        decimals: settings.decimals,
        only: BTreeMap::new(),
        sequence: SequenceFrom::Field("roundId".to_owned()),
        observed_at: TimeFrom::Field("updatedAt".to_owned()),
        from_block: phase.from_block,
    }
}

fn check(settings: &RoundsSettings) -> Result<Limits, String> {
    if settings.aggregators.is_empty() {
        return Err(
            "`aggregators` is empty; list those behind the proxy, each with its phase and its first block: ask the proxy \
             for phaseId() and phaseAggregators(uint16)"
                .to_owned(),
        );
    }
    for (phase, next) in settings
        .aggregators
        .iter()
        .zip(settings.aggregators.iter().skip(1))
    {
        if next.phase <= phase.phase || next.from_block <= phase.from_block {
            return Err(format!(
                "`aggregators`: phase {} from block {} is listed after phase {} from block {}; list them in order, each \
                 beginning later than the one before",
                next.phase, next.from_block, phase.phase, phase.from_block
            ));
        }
    }
    check_limits(settings.limits)?;
    let AnswerLimits { min, max } = settings.limits;
    let scale = |name: &str, limit| match limit {
        None => Ok(None),
        Some(units) => Decimal::from_scaled(units, settings.decimals)
            .map(Some)
            .ok_or_else(|| {
                format!(
                    "`{name}` is {units}, which no answer with {} decimals is",
                    settings.decimals
                )
            }),
    };
    Ok(Limits {
        min: scale("min_answer", min)?,
        max: scale("max_answer", max)?,
    })
}

#[cfg(test)]
mod tests;
