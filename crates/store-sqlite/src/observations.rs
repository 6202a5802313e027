//! Observations: written many at once, read back by time.

mod written;

use core::fmt;
use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use sqlx::SqliteConnection;
use tocsin_domain::observation::{Metric, Observation, Provenance, Sequence, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;

use crate::column::{self, PositionCells, to_json};
use crate::error::failed;
use crate::streams::{self, StreamNumber};

const NOUN: &str = "observation";

/// An observation as it is read; its stream is known to the reader.
pub(crate) struct ObservationRow {
    pub(crate) observed_at: i64,
    pub(crate) sequence: Vec<u8>,
    pub(crate) value_kind: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) chain_id: Option<i64>,
    pub(crate) block: Option<i64>,
    pub(crate) block_hash: Option<Vec<u8>>,
    pub(crate) log_index: Option<i64>,
    pub(crate) raw_hash: Vec<u8>,
}

impl ObservationRow {
    /// The observation, of `stream`.
    pub(crate) fn decode(self, stream: &Stream) -> Result<Observation, StoreError> {
        let observed_at = Timestamp(self.observed_at);
        self.try_decode(stream)
            .map_err(|flaw| flaw.invalid_row(NOUN, name_of(stream, observed_at)))
    }

    fn try_decode(self, stream: &Stream) -> Result<Observation, Flaw> {
        let raw_hash = column::word("raw_hash", &self.raw_hash)?;
        let position = column::position(PositionCells {
            chain_id: self.chain_id,
            block: self.block,
            block_hash: self.block_hash,
            log_index: self.log_index,
            raw_hash,
        })?;
        Ok(Observation {
            source: stream.source.clone(),
            subject: stream.subject.clone(),
            metric: stream.metric.clone(),
            observed_at: Timestamp(self.observed_at),
            sequence: Sequence(column::number("sequence", &self.sequence)?),
            value: column::value(self.value_kind, self.value)?,
            provenance: position.map_or(Provenance::Raw { hash: raw_hash }, Provenance::Chain),
        })
    }
}

/// Adds observations; one that is stored already must be the same to the last column.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    observations: &[Observation],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if observations.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<StreamKey<'_>> = observations.iter().map(key_of).collect();
    let streams = keys.into_iter().map(|(source, subject, metric)| Stream {
        source: source.clone(),
        subject: subject.clone(),
        metric: metric.clone(),
    });
    let numbers = streams::ensure(connection, &streams.collect(), attempt).await?;
    let numbers: BTreeMap<StreamKey<'_>, StreamNumber> = numbers
        .iter()
        .map(|(stream, number)| ((&stream.source, &stream.subject, &stream.metric), *number))
        .collect();
    // In the order of the table, so that a stream's rows end up side by side.
    let mut ordered = observations
        .iter()
        .map(|observation| Ok((number_of(&numbers, observation)?, observation)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    ordered.sort_unstable_by_key(|(stream, observation)| {
        (*stream, observation.observed_at, observation.sequence)
    });
    let encode = |chunk: &[(StreamNumber, &Observation)]| {
        chunk
            .iter()
            .map(|(stream, observation)| {
                let key = || name(key_of(observation), observation.observed_at);
                written::row(*stream, observation, key)
            })
            .collect::<Result<Vec<_>, StoreError>>()
    };
    let mut chunks = ordered.chunks(written::ROWS_PER_STATEMENT);
    let mut next = chunks.next().map(encode).transpose()?;
    while let Some(rows) = next {
        // SQLite works on a thread of its own: what comes next is made ready meanwhile.
        let (added, following) = join(written::insert(connection, &rows, attempt), async {
            chunks.next().map(encode).transpose()
        })
        .await;
        if usize::try_from(added?).is_ok_and(|added| added < rows.len()) {
            check_repeats(connection, &written::json(&rows)?, attempt).await?;
        }
        next = following?;
    }
    Ok(())
}

/// Some of `rows` were there before: they must be what is stored.
async fn check_repeats(
    connection: &mut SqliteConnection,
    rows: &str,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let differing = sqlx::query!(
        r#"SELECT streams.source AS "source!", streams.subject AS "subject!", streams.metric AS "metric!",
                  stored.observed_at AS "observed_at!",
                  (stored.value_kind IS NOT given.value ->> 3 OR stored.value IS NOT given.value ->> 4) AS "in_value!: bool"
           FROM jsonb_each(?1) AS given
           JOIN observations AS stored ON stored.stream = given.value ->> 0 AND stored.observed_at = given.value ->> 1
                                      AND stored.sequence = unhex(given.value ->> 2)
           JOIN streams ON streams.id = stored.stream
           WHERE (stored.value_kind, stored.value, stored.chain_id, stored.block, stored.block_hash, stored.log_index,
                  stored.raw_hash)
              IS NOT (given.value ->> 3, given.value ->> 4, given.value ->> 5, given.value ->> 6,
                      unhex(given.value ->> 7), given.value ->> 8, unhex(given.value ->> 9))
           LIMIT 1"#,
        rows
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    match differing {
        None => Ok(()),
        Some(row) => {
            let stream = streams::stream(row.source, row.subject, row.metric);
            let reason = if row.in_value {
                "the source gave two values for one instant and sequence"
            } else {
                "the same value was seen in two places"
            };
            Err(StoreError::Conflict {
                noun: NOUN,
                key: name_of(&stream, Timestamp(row.observed_at)),
                reason: reason.to_owned(),
            })
        }
    }
}

/// The numbers of the streams were fetched for all of the observations.
fn number_of(
    numbers: &BTreeMap<StreamKey<'_>, StreamNumber>,
    observation: &Observation,
) -> Result<StreamNumber, StoreError> {
    let key = key_of(observation);
    numbers
        .get(&key)
        .copied()
        .ok_or_else(|| StoreError::Missing {
            noun: "stream",
            key: name(key, observation.observed_at).to_string(),
        })
}

/// A stream without a copy of its names: a step may have a million observations of one.
type StreamKey<'a> = (&'a SourceId, &'a Subject, &'a Metric);

fn key_of(observation: &Observation) -> StreamKey<'_> {
    (
        &observation.source,
        &observation.subject,
        &observation.metric,
    )
}

/// How messages name an observation; written only when there is a message.
fn name((source, subject, metric): StreamKey<'_>, observed_at: Timestamp) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{metric} of {subject} from {source} at {observed_at}"))
}

fn name_of(stream: &Stream, observed_at: Timestamp) -> String {
    name(
        (&stream.source, &stream.subject, &stream.metric),
        observed_at,
    )
    .to_string()
}

/// The observations of `streams` with `after < observed_at ≤ until`, and per stream the last one at or before `after`.
pub(crate) async fn history(
    connection: &mut SqliteConnection,
    streams: &[Stream],
    after: Timestamp,
    until: Timestamp,
    attempt: &'static str,
) -> Result<Vec<Observation>, StoreError> {
    let numbers = streams::find(connection, streams.iter(), attempt).await?;
    // In the order of `streams`, each once.
    let mut wanted: Vec<StreamNumber> = Vec::with_capacity(streams.len());
    for number in streams.iter().filter_map(|stream| numbers.get(stream)) {
        if !wanted.contains(number) {
            wanted.push(*number);
        }
    }
    let by_number: BTreeMap<StreamNumber, &Stream> = numbers
        .iter()
        .map(|(stream, number)| (*number, stream))
        .collect();
    let wanted = to_json(NOUN, "streams", &wanted)?;
    let rows = sqlx::query!(
        r#"SELECT CAST(wanted.key AS INTEGER) AS "position!: i64", o.stream AS "stream!", o.observed_at AS "observed_at!", o.sequence AS "sequence!",
                  o.value_kind AS "value_kind?", o.value AS "value?", o.chain_id AS "chain_id?", o.block AS "block?",
                  o.block_hash AS "block_hash?", o.log_index AS "log_index?", o.raw_hash AS "raw_hash!"
           FROM json_each(?1) AS wanted
           JOIN observations AS o ON o.stream = wanted.value AND o.observed_at > ?2 AND o.observed_at <= ?3
           UNION ALL
           SELECT CAST(wanted.key AS INTEGER), o.stream, o.observed_at, o.sequence, o.value_kind, o.value, o.chain_id, o.block, o.block_hash,
                  o.log_index, o.raw_hash
           FROM json_each(?1) AS wanted
           JOIN observations AS o ON o.stream = wanted.value AND (o.observed_at, o.sequence) =
                (SELECT carried.observed_at, carried.sequence FROM observations AS carried
                 WHERE carried.stream = wanted.value AND carried.observed_at <= ?2
                 ORDER BY carried.observed_at DESC, carried.sequence DESC LIMIT 1)
           ORDER BY 3, 1, 4"#,
        wanted,
        after.0,
        until.0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| {
            let stream = by_number
                .get(&row.stream)
                .ok_or_else(|| StoreError::InvalidRow {
                    noun: "stream",
                    key: row.stream.to_string(),
                    reason: "it is not the one that was asked for".to_owned(),
                })?;
            ObservationRow {
                observed_at: row.observed_at,
                sequence: row.sequence,
                value_kind: row.value_kind,
                value: row.value,
                chain_id: row.chain_id,
                block: row.block,
                block_hash: row.block_hash,
                log_index: row.log_index,
                raw_hash: row.raw_hash,
            }
            .decode(stream)
        })
        .collect()
}

/// The observations of `source` from `blocks` and of `times`, in the order of the chain.
pub(crate) async fn of_blocks(
    connection: &mut SqliteConnection,
    source: &SourceId,
    blocks: RangeInclusive<u64>,
    times: RangeInclusive<Timestamp>,
) -> Result<Vec<Observation>, StoreError> {
    let attempt = "read the observations of some blocks";
    // No block that is stored has a number beyond SQLite's.
    let [first, last] =
        [blocks.start(), blocks.end()].map(|block| i64::try_from(*block).unwrap_or(i64::MAX));
    let rows = sqlx::query!(
        r#"SELECT streams.subject AS "subject!", streams.metric AS "metric!", o.observed_at AS "observed_at!",
                  o.sequence AS "sequence!", o.value_kind AS "value_kind?", o.value AS "value?", o.chain_id AS "chain_id?",
                  o.block AS "block?", o.block_hash AS "block_hash?", o.log_index AS "log_index?", o.raw_hash AS "raw_hash!"
           FROM streams
           JOIN observations AS o ON o.stream = streams.id AND o.observed_at BETWEEN ?4 AND ?5
           WHERE streams.source = ?1 AND o.block BETWEEN ?2 AND ?3
           ORDER BY o.block, o.log_index IS NULL, o.log_index, o.observed_at, streams.subject, streams.metric, o.sequence"#,
        source.as_str(),
        first,
        last,
        times.start().0,
        times.end().0
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| {
            let stream = streams::stream(source.as_str().to_owned(), row.subject, row.metric);
            ObservationRow {
                observed_at: row.observed_at,
                sequence: row.sequence,
                value_kind: row.value_kind,
                value: row.value,
                chain_id: row.chain_id,
                block: row.block,
                block_hash: row.block_hash,
                log_index: row.log_index,
                raw_hash: row.raw_hash,
            }
            .decode(&stream)
        })
        .collect()
}
