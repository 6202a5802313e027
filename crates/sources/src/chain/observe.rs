//! A log becomes an observation, the same one for everybody who reads the chain.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use alloy::primitives::{B256, I256, Log, U256};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::{ChainPosition, Observation, Provenance, Sequence};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Value;

use super::EventSource;
use super::event::Field;
use super::header::BlockHeader;
use super::keccak;
use super::words::{Fields, Scalar};

/// The times that an observation of a block may have: those that no earlier block has closed, up to the block's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenTime {
    /// The watermark after the parent block; `None` where there is no parent.
    pub(crate) after: Option<Timestamp>,
    /// The time of the block.
    pub(crate) until: Timestamp,
}

const TOO_WIDE: &str = "a field is wider than its type";

struct Reading {
    observed_at: Timestamp,
    sequence: Sequence,
    value: Option<Value>,
}

/// The observation that `source` makes of a log of its event.
///
/// A log that cannot be understood is an observation without value at the time of the block, in the place of the log: the
/// source spoke, and what it said is not known.
pub(crate) fn observe(
    source: &EventSource,
    chain_id: u64,
    header: &BlockHeader,
    open: OpenTime,
    log_index: u64,
    log: &Log,
    raw_hash: B256,
) -> Observation {
    let place = place_in_chain(header.number, Some(log_index));
    let (observed_at, sequence, value) = match read(source, place, open, log) {
        Ok(Reading {
            observed_at,
            sequence,
            value,
        }) => (observed_at, sequence, value),
        Err(reason) => {
            tracing::warn!(
                source = %source.settings.source,
                block = header.number,
                log_index,
                reason,
                "a log says nothing that can be used; the value is unknown from here on"
            );
            (open.until, place, None)
        }
    };
    Observation {
        source: source.settings.source.clone(),
        subject: source.settings.subject.clone(),
        metric: source.settings.metric.clone(),
        observed_at,
        sequence,
        value,
        provenance: Provenance::Chain(ChainPosition {
            chain_id,
            block: header.number,
            block_hash: header.hash,
            log_index: Some(log_index),
            raw_hash,
        }),
    }
}

/// What the sources said in a block: where in its own order each said what. Positions are those of the sources, and of the
/// observations so far.
pub(crate) type Said = HashMap<(usize, Timestamp, Sequence), usize>;

/// A source has one thing to say at one place of its own order. In a block it may say it again, which is no news (some
/// feeds answer a round once for each submission); if it says something else, what it says there is not known from that log on.
pub(crate) fn once_a_place(
    source: usize,
    seen: Observation,
    said: &mut Said,
    so_far: &[Observation],
) -> Option<Observation> {
    let place = (source, seen.observed_at, seen.sequence);
    let before = match said.entry(place) {
        Entry::Vacant(free) => {
            free.insert(so_far.len());
            return Some(seen);
        }
        Entry::Occupied(before) => so_far.get(*before.get())?,
    };
    if before.value == seen.value {
        return None;
    }
    let Provenance::Chain(position) = seen.provenance else {
        return Some(seen);
    };
    tracing::warn!(
        source = %seen.source,
        block = position.block,
        log_index = position.log_index,
        "a log contradicts an earlier one of its block; the value is unknown from here on"
    );
    let sequence = place_in_chain(position.block, position.log_index);
    Some(Observation {
        sequence,
        value: None,
        ..seen
    })
}

/// A place in its chain, as a sequence: that of a log, or, after every log of its block, that of the state.
pub(crate) fn place_in_chain(block: u64, log_index: Option<u64>) -> Sequence {
    Sequence((U256::from(block) << 64) | U256::from(log_index.unwrap_or(u64::MAX)))
}

/// The hashes that [`ChainPosition::raw_hash`] documents.
pub(crate) fn raw_hashes(logs: &[&Log]) -> Vec<B256> {
    let encoded: Vec<Vec<u8>> = logs.iter().map(|log| encoded(log)).collect();
    let messages: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
    keccak::each(&messages)
}

/// What the hash of a log is of: its address, topics and data, ABI-encoded.
fn encoded(log: &Log) -> Vec<u8> {
    const WORD: usize = 32;
    let (topics, data) = (log.topics(), &log.data.data);
    let padding = data.len().next_multiple_of(WORD) - data.len();
    let size = (5 + topics.len()) * WORD + data.len() + padding;
    let mut encoded = Vec::with_capacity(size);
    let number = |encoded: &mut Vec<u8>, number: usize| {
        encoded.extend_from_slice(&U256::from(number).to_be_bytes::<WORD>());
    };
    encoded.extend_from_slice(log.address.into_word().as_slice());
    // Where topics and data begin, counted from the start.
    number(&mut encoded, 3 * WORD);
    number(&mut encoded, (4 + topics.len()) * WORD);
    number(&mut encoded, topics.len());
    for topic in topics {
        encoded.extend_from_slice(topic.as_slice());
    }
    number(&mut encoded, data.len());
    encoded.extend_from_slice(data);
    encoded.resize(size, 0);
    encoded
}

fn read(
    source: &EventSource,
    place: Sequence,
    open: OpenTime,
    log: &Log,
) -> Result<Reading, &'static str> {
    let fields = fields(source, log)?;
    let sequence = match source.sequence {
        None => place,
        Some(field) => Sequence(unsigned(&fields, field)?),
    };
    let observed_at = match source.observed_at {
        None => open.until,
        Some(field) => time(unsigned(&fields, field)?, open)?,
    };
    let value = match source.value {
        None => None,
        Some(field) => Some(value(&fields, field, source.settings.decimals)?),
    };
    Ok(Reading {
        observed_at,
        sequence,
        value,
    })
}

fn fields<'a>(source: &'a EventSource, log: &'a Log) -> Result<Fields<'a>, &'static str> {
    const NOT_CANONICAL: &str = "it is not the canonical encoding of its event";
    if let Some(layout) = &source.layout {
        return layout.read(log).ok_or(NOT_CANONICAL);
    }
    let decoded = source
        .event
        .decode_log_data(&log.data)
        .map_err(|_any_shape| "it does not decode as its event")?;
    // The decoder overlooks dirty padding and trailing bytes; a contract that sends those is not the one declared.
    if decoded.encode_log_data() != log.data {
        return Err(NOT_CANONICAL);
    }
    Ok(Fields::Decoded(decoded))
}

fn time(seconds: U256, open: OpenTime) -> Result<Timestamp, &'static str> {
    let seconds = i64::try_from(seconds).map_err(|_beyond_i64| "its time is not unix seconds")?;
    let time = Timestamp(seconds);
    if time > open.until {
        return Err("its time is after the time of its block");
    }
    if open.after.is_some_and(|closed| time <= closed) {
        return Err("its time is before what the blocks up to its parent have closed");
    }
    Ok(time)
}

fn value(fields: &Fields<'_>, field: Field, decimals: u8) -> Result<Value, &'static str> {
    let out_of_range = "its value is outside the range of decimals";
    let scaled = |units: I256| {
        Decimal::from_scaled(units, decimals)
            .map(Value::Decimal)
            .ok_or(out_of_range)
    };
    match fields.get(field) {
        Some(Scalar::Int(units, bits)) if fits(units.bits(), bits) => scaled(units),
        Some(Scalar::Int(..)) => Err(TOO_WIDE),
        Some(Scalar::Bool(value)) => Ok(Value::Bool(value)),
        Some(Scalar::Text(text)) => Ok(Value::Text(text)),
        _ => {
            scaled(I256::try_from(unsigned(fields, field)?).map_err(|_beyond_int256| out_of_range)?)
        }
    }
}

fn unsigned(fields: &Fields<'_>, field: Field) -> Result<U256, &'static str> {
    match fields.get(field) {
        Some(Scalar::Uint(number, bits)) if fits(number.bit_len(), bits) => Ok(number),
        Some(Scalar::Uint(..)) => Err(TOO_WIDE),
        _ => Err("it lacks a field of its declaration"),
    }
}

/// The decoder takes any word for any width of integer.
fn fits<N: TryInto<usize>>(needed: N, bits: usize) -> bool {
    needed.try_into().is_ok_and(|needed: usize| needed <= bits)
}

#[cfg(test)]
mod tests;
