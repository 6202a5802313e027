//! The latest round of a Chainlink feed as of a block, and whether it is news.
//!
//! What is news must not depend on what this process remembers: another node, or this one after a restart, must find the same
//! observations. So a feed is read twice, as of the block and as of the block at which it was read before, and what differs
//! is news. A round that stands, stands; one that lost its value (too old, sequencer down) is an observation without
//! value, once, and so is one that got it back an observation of it.

use core::fmt;

use alloy::primitives::{I256, U256};
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};

use super::call::{Outcome, Question, scaled};
use super::settings::{AnswerLimits, FeedSettings, SequencerSettings};
use crate::chain::event::DECIMALS_MAX;
use crate::chain::observe::OpenTime;

/// `latestRoundData()`
const LATEST_ROUND_DATA: [u8; 4] = [0xfe, 0xaf, 0x96, 0x8c];

/// (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
const ANSWER_BYTES: usize = 5 * 32;

const ROUND_BITS: usize = 80;

/// A feed, ready to be read.
#[derive(Clone, Debug)]
pub(crate) struct FeedPlan {
    pub(crate) proxy: Question,
    pub(crate) sequencer: Option<Question>,
    settings: FeedSettings,
}

/// A round that can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Round {
    id: U256,
    answer: I256,
    updated_at: Timestamp,
}

/// What a feed says that is new.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct News {
    pub(crate) observed_at: Timestamp,
    /// `None` is the place in the chain.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) value: Result<Value, String>,
}

/// Why a feed has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoPrice {
    NoCode,
    Reverts,
    OtherShape,
    NotPositive,
    NeverUpdated,
    CarriedOver,
    FromTheFuture,
    TooOld,
    AtLimit,
    SequencerDown,
    SequencerStarting,
    SequencerUnclear,
    Rewritten,
    Backwards,
}

impl fmt::Display for NoPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCode => "there is no code at the feed's address in this block",
            Self::Reverts => {
                "latestRoundData() reverts: the feed has no round, or refuses the reader"
            }
            Self::OtherShape => "the answer is not what latestRoundData() returns",
            Self::NotPositive => "the answer is zero or less",
            Self::NeverUpdated => "the round has no time of update, so it is not complete",
            Self::CarriedOver => "the answer was carried over from an earlier round",
            Self::FromTheFuture => "the round's time of update is after the time of the block",
            Self::TooOld => "the round is older than the heartbeat",
            Self::AtLimit => {
                "the answer is at a limit of the feed: the price may be anywhere beyond"
            }
            Self::SequencerDown => "the rollup's sequencer is down",
            Self::SequencerStarting => {
                "the rollup's sequencer has not been up for longer than the grace period"
            }
            Self::SequencerUnclear => "the rollup's sequencer feed cannot be understood",
            Self::Rewritten => "the same round has another answer or time than at the block before",
            Self::Backwards => "the round is before the one at the block before",
        })
    }
}

impl FeedPlan {
    pub(crate) fn check(settings: &FeedSettings) -> Result<Self, String> {
        if settings.decimals > DECIMALS_MAX {
            return Err(format!(
                "`decimals` is {}, at most {DECIMALS_MAX} have a meaning",
                settings.decimals
            ));
        }
        if settings.heartbeat <= Seconds(0) {
            return Err(
                "`heartbeat` is not positive; write how old a round may be, such as \"25h\" for a feed that speaks every 24 h"
                    .to_owned(),
            );
        }
        check_limits(settings.limits)?;
        if let Some(sequencer) = settings.sequencer {
            if sequencer.grace < Seconds(0) {
                return Err("`sequencer.grace` is negative; write how long the sequencer must have been up, such as \"1h\"".to_owned());
            }
            if sequencer.address == settings.proxy {
                return Err("`sequencer.address` is the feed itself; name the rollup's sequencer uptime feed".to_owned());
            }
        }
        let question = |to| Question {
            to,
            data: LATEST_ROUND_DATA.into(),
            from: None,
            grouped: true,
        };
        Ok(Self {
            proxy: question(settings.proxy),
            sequencer: settings
                .sequencer
                .map(|sequencer| question(sequencer.address)),
            settings: settings.clone(),
        })
    }

    pub(crate) fn value_type(&self) -> Type {
        Type::Decimal
    }

    /// The usable round in what was answered as of a block of time `now`.
    pub(crate) fn round(
        &self,
        feed: Option<&Outcome>,
        sequencer: Option<&Outcome>,
        now: Timestamp,
    ) -> Result<Round, NoPrice> {
        let [id, answer, _started_at, updated_at, answered_in] = words(feed)?;
        let round_max = U256::MAX >> (256 - ROUND_BITS);
        if id > round_max || answered_in > round_max {
            return Err(NoPrice::OtherShape);
        }
        let answer = I256::from_raw(answer);
        if answer <= I256::ZERO {
            return Err(NoPrice::NotPositive);
        }
        if updated_at.is_zero() {
            return Err(NoPrice::NeverUpdated);
        }
        if answered_in < id {
            return Err(NoPrice::CarriedOver);
        }
        let updated_at = past(updated_at, now).ok_or(NoPrice::FromTheFuture)?;
        if age(updated_at, now) > self.settings.heartbeat {
            return Err(NoPrice::TooOld);
        }
        if is_at_limit(self.settings.limits, answer) {
            return Err(NoPrice::AtLimit);
        }
        if let Some(settings) = self.settings.sequencer {
            check_sequencer(settings, sequencer, now)?;
        }
        Ok(Round {
            id,
            answer,
            updated_at,
        })
    }

    /// What is new in `now` compared with `before`, which is `None` at the first block.
    pub(crate) fn news(
        &self,
        open: OpenTime,
        before: Option<Result<Round, NoPrice>>,
        now: Result<Round, NoPrice>,
    ) -> Option<News> {
        let round = match (before, now) {
            (Some(before), now) if before == now => return None,
            (Some(Ok(before)), Ok(now)) if now.id == before.id => Err(NoPrice::Rewritten),
            (Some(Ok(before)), Ok(now)) if now.id < before.id => Err(NoPrice::Backwards),
            (_, now) => now,
        };
        Some(match round {
            Ok(round) => News {
                // A round that began before the block's own time was not seen then, and that time is closed.
                observed_at: if open.after.is_none_or(|closed| round.updated_at > closed) {
                    round.updated_at
                } else {
                    open.until
                },
                sequence: Some(Sequence(round.id)),
                value: scaled(round.answer, self.settings.decimals),
            },
            Err(reason) => News {
                observed_at: open.until,
                sequence: None,
                value: Err(reason.to_string()),
            },
        })
    }
}

pub(crate) fn check_limits(limits: AnswerLimits) -> Result<(), String> {
    match (limits.min, limits.max) {
        (Some(min), Some(max)) if min >= max => Err(format!(
            "`min_answer` is {min} and `max_answer` {max}; write the aggregator's minAnswer() and maxAnswer()"
        )),
        _ => Ok(()),
    }
}

pub(crate) fn is_at_limit(limits: AnswerLimits, answer: I256) -> bool {
    limits.min.is_some_and(|min| answer <= min) || limits.max.is_some_and(|max| answer >= max)
}

/// The five words of `latestRoundData()`.
fn words(outcome: Option<&Outcome>) -> Result<[U256; 5], NoPrice> {
    let data = match outcome {
        None => return Err(NoPrice::OtherShape),
        Some(Outcome::NoCode) => return Err(NoPrice::NoCode),
        Some(Outcome::Reverted(_)) => return Err(NoPrice::Reverts),
        Some(Outcome::Returned(data)) => data,
    };
    if data.len() != ANSWER_BYTES {
        return Err(NoPrice::OtherShape);
    }
    let mut words = [U256::ZERO; 5];
    for (word, bytes) in words.iter_mut().zip(data.chunks_exact(32)) {
        *word = U256::from_be_slice(bytes);
    }
    Ok(words)
}

/// Unix seconds that are not after `now`.
fn past(seconds: U256, now: Timestamp) -> Option<Timestamp> {
    let time = Timestamp(i64::try_from(seconds).ok()?);
    (time <= now).then_some(time)
}

/// How long ago `since` is; it is not after `now`.
fn age(since: Timestamp, now: Timestamp) -> Seconds {
    Seconds(now.0.saturating_sub(since.0))
}

fn check_sequencer(
    settings: SequencerSettings,
    outcome: Option<&Outcome>,
    now: Timestamp,
) -> Result<(), NoPrice> {
    let [_, status, started_at, ..] =
        words(outcome).map_err(|_whatever_it_is| NoPrice::SequencerUnclear)?;
    if status == U256::ONE {
        return Err(NoPrice::SequencerDown);
    }
    // A time of zero is what the feed has before the first message from the other chain.
    if !status.is_zero() || started_at.is_zero() {
        return Err(NoPrice::SequencerUnclear);
    }
    let since = past(started_at, now).ok_or(NoPrice::SequencerUnclear)?;
    if age(since, now) <= settings.grace {
        return Err(NoPrice::SequencerStarting);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
