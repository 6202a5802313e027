//! Reads state sources as of one block.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use alloy::rpc::types::BlockNumberOrTag;
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::ask::{self, Outcomes};
use super::call::{self, Question};
use super::feed::FeedPlan;
use super::proof;
use super::source::{Plan, StateSource};
use crate::SourceError;
use crate::chain::blocks::contradicts;
use crate::chain::header::{BlockHeader, Hashed};
use crate::chain::observe::{OpenTime, place_in_chain};
use crate::chain::rpc::Rpc;
use crate::error::{Attempt, Contradiction};

/// The block as of which state is read.
#[derive(Clone, Copy)]
pub(crate) struct StateAt<'a> {
    pub(crate) chain_id: u64,
    pub(crate) header: &'a BlockHeader,
    /// The times that its observations may have.
    pub(crate) open: OpenTime,
    /// Where Multicall3 is on this chain; where it has no code in this block, every call is asked alone.
    pub(crate) multicall: Option<Address>,
}

/// What was found at a block that others are compared with.
struct Before {
    timestamp: Timestamp,
    outcomes: Outcomes,
}

/// Reads what the sources say as of the block, in their order. A source that says nothing new has no observation; one that
/// cannot say what is measured has one without value.
///
/// # Errors
///
/// Whatever keeps any of them from being read; then none was.
pub(crate) async fn read(
    node: &Rpc,
    at: StateAt<'_>,
    sources: &[&StateSource],
) -> Result<Vec<Observation>, SourceError> {
    let words = proof::words(node, at.header, slots(sources)).await?;
    let outcomes = ask::all(node, at.header.hash, questions(sources), at.multicall).await?;
    let before = all_before(node, at, sources).await?;
    let mut observations = Vec::with_capacity(sources.len());
    for source in sources {
        match &source.plan {
            Plan::Slot(slot) => {
                let word = words.get(&(slot.address, slot.slot)).copied().flatten();
                let said = Said::now(at, slot.value(word), slot.raw_hash(word));
                observations.push(said.by(source, at));
            }
            Plan::Call(plan) => {
                if let Some(outcome) = outcomes.get(&plan.question) {
                    let raw_hash = call::raw_hash(&plan.question, outcome);
                    let said = Said::now(at, plan.value(outcome), raw_hash);
                    observations.push(said.by(source, at));
                }
            }
            Plan::Feed(feed) => {
                let before = source
                    .compared_with(at.header.number)
                    .and_then(|number| before.get(&number));
                let said = news(feed, at, &outcomes, before);
                observations.extend(said.map(|said| said.by(source, at)));
            }
        }
    }
    Ok(observations)
}

fn slots(sources: &[&StateSource]) -> BTreeMap<Address, BTreeSet<B256>> {
    let mut wanted = BTreeMap::<_, BTreeSet<_>>::new();
    for source in sources {
        if let Plan::Slot(slot) = &source.plan {
            wanted.entry(slot.address).or_default().insert(slot.slot);
        }
    }
    wanted
}

fn questions(sources: &[&StateSource]) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for source in sources {
        match &source.plan {
            Plan::Slot(_) => {}
            Plan::Call(call) => {
                questions.insert(call.question.clone());
            }
            Plan::Feed(feed) => questions.extend(feed_questions(feed)),
        }
    }
    questions
}

fn feed_questions(feed: &FeedPlan) -> impl Iterator<Item = Question> {
    let both = [Some(&feed.proxy), feed.sequencer.as_ref()];
    both.into_iter().flatten().cloned()
}

/// What the feeds said at the blocks that they are compared with, by number.
async fn all_before(
    node: &Rpc,
    at: StateAt<'_>,
    sources: &[&StateSource],
) -> Result<BTreeMap<u64, Before>, SourceError> {
    let mut wanted = BTreeMap::<u64, BTreeSet<Question>>::new();
    for source in sources {
        if let (Plan::Feed(feed), Some(number)) =
            (&source.plan, source.compared_with(at.header.number))
        {
            wanted
                .entry(number)
                .or_default()
                .extend(feed_questions(feed));
        }
    }
    let mut found = BTreeMap::new();
    for (number, questions) in wanted {
        let header = header_before(node, at.header, number).await?;
        let outcomes = ask::all(node, header.hash, questions, at.multicall).await?;
        let timestamp = header.timestamp;
        found.insert(
            number,
            Before {
                timestamp,
                outcomes,
            },
        );
    }
    Ok(found)
}

/// The header of an earlier block: the parent by its hash, any other by its number.
async fn header_before(
    node: &Rpc,
    header: &BlockHeader,
    number: u64,
) -> Result<BlockHeader, SourceError> {
    let is_parent = header.number.checked_sub(1) == Some(number);
    let (attempt, answer): (Attempt, Option<Hashed>) = if is_parent {
        let about = format!("block {number} {}", header.parent_hash);
        let attempt = node.attempt("eth_getBlockByHash", about);
        let answer = node.call(&attempt, (header.parent_hash, false)).await?;
        (attempt, answer)
    } else {
        let attempt = node.attempt("eth_getBlockByNumber", format!("block {number}"));
        let answer = node
            .call(&attempt, (BlockNumberOrTag::Number(number), false))
            .await?;
        (attempt, answer)
    };
    let Some(Hashed(answer)) = answer else {
        return Err(SourceError::MissingBlock { attempt });
    };
    let refuse = |found| contradicts(&attempt, found);
    let before = answer.map_err(refuse)?;
    if before.number != number {
        return Err(refuse(Contradiction::OtherBlock {
            asked: number,
            got: before.number,
        }));
    }
    if is_parent && before.hash != header.parent_hash {
        return Err(refuse(Contradiction::BrokenLink {
            number: header.number,
            parent: header.parent_hash,
            previous: before.hash,
        }));
    }
    Ok(before)
}

fn news(
    feed: &FeedPlan,
    at: StateAt<'_>,
    outcomes: &Outcomes,
    before: Option<&Before>,
) -> Option<Said> {
    let round = |outcomes: &Outcomes, time| {
        let sequencer = feed.sequencer.as_ref();
        feed.round(
            outcomes.get(&feed.proxy),
            sequencer.and_then(|question| outcomes.get(question)),
            time,
        )
    };
    let outcome = outcomes.get(&feed.proxy)?;
    let before = before.map(|before| round(&before.outcomes, before.timestamp));
    let news = feed.news(at.open, before, round(outcomes, at.header.timestamp))?;
    Some(Said {
        observed_at: news.observed_at,
        sequence: news.sequence,
        value: news.value,
        raw_hash: call::raw_hash(&feed.proxy, outcome),
    })
}

/// What a source said, whichever it is.
struct Said {
    observed_at: Timestamp,
    /// `None` is the place in the chain.
    sequence: Option<Sequence>,
    value: Result<Value, String>,
    raw_hash: B256,
}

impl Said {
    fn now(at: StateAt<'_>, value: Result<Value, String>, raw_hash: B256) -> Self {
        Self {
            observed_at: at.header.timestamp,
            sequence: None,
            value,
            raw_hash,
        }
    }

    fn by(self, source: &StateSource, at: StateAt<'_>) -> Observation {
        let header = at.header;
        let value = self.value.map_err(|reason| {
            tracing::warn!(
                source = %source.id(),
                block = header.number,
                reason,
                "the state says nothing that can be used; the value is unknown from here on"
            );
        });
        let place = place_in_chain(header.number, None);
        Observation {
            source: source.id().clone(),
            subject: source.settings().subject.clone(),
            metric: source.settings().metric.clone(),
            observed_at: self.observed_at,
            sequence: self.sequence.filter(|_| value.is_ok()).unwrap_or(place),
            value: value.ok(),
            provenance: Provenance::Chain(ChainPosition {
                chain_id: at.chain_id,
                block: header.number,
                block_hash: header.hash,
                log_index: None,
                raw_hash: self.raw_hash,
            }),
        }
    }
}
