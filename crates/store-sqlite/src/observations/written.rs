//! How observations travel to SQLite.
//!
//! Backfills write millions of them, so the way is chosen for speed: a statement of a fixed number of rows, which is
//! prepared once, with every cell bound as it is stored. What does not fill such a statement travels as one JSON text, for
//! which one statement fits any number of rows.

use core::fmt;
use std::sync::LazyLock;

use alloy_primitives::U256;
use serde::Serialize;
use sqlx::{AssertSqlSafe, SqliteConnection};
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_store::StoreError;
use tocsin_store::check;

use super::NOUN;
use crate::column::{hexed, hexed_number, signed, to_json, value_cells};
use crate::error::failed;
use crate::streams::StreamNumber;

/// Rows that travel in one statement; SQLite binds at most 32766 values, and more rows bring nothing.
pub(super) const ROWS_PER_STATEMENT: usize = 250;

/// One row, its cells in the order of the columns.
pub(super) struct Row {
    stream: StreamNumber,
    observed_at: i64,
    sequence: U256,
    kind: Option<&'static str>,
    value: Option<String>,
    place: Option<PlaceCells>,
    raw_hash: [u8; 32],
}

struct PlaceCells {
    chain_id: i64,
    block: i64,
    block_hash: [u8; 32],
    log_index: Option<i64>,
}

/// The row of an observation, if it can be stored; messages name it as `key` says.
pub(super) fn row<K: fmt::Display>(
    stream: StreamNumber,
    observation: &Observation,
    key: impl Fn() -> K,
) -> Result<Row, StoreError> {
    check::observation(observation).map_err(|flaw| flaw.refused(NOUN, key()))?;
    let (kind, value) = observation.value.as_ref().map(value_cells).unzip();
    let (place, raw_hash) = match &observation.provenance {
        Provenance::Chain(place) => {
            let cell = |number| signed(NOUN, fmt::from_fn(|f| key().fmt(f)), number);
            let cells = PlaceCells {
                chain_id: cell(place.chain_id)?,
                block: cell(place.block)?,
                block_hash: place.block_hash.0,
                log_index: place.log_index.map(cell).transpose()?,
            };
            (Some(cells), place.raw_hash)
        }
        Provenance::Raw { hash } => (None, *hash),
    };
    Ok(Row {
        stream,
        observed_at: observation.observed_at.0,
        sequence: observation.sequence.0,
        kind,
        value,
        place,
        raw_hash: raw_hash.0,
    })
}

/// Adds those of at most [`ROWS_PER_STATEMENT`] rows whose place is free; returns how many that were.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: &[Row],
    attempt: &'static str,
) -> Result<u64, StoreError> {
    if rows.len() == ROWS_PER_STATEMENT {
        insert_full(connection, rows, attempt).await
    } else {
        insert_some(connection, &json(rows)?, attempt).await
    }
}

static FULL: LazyLock<String> = LazyLock::new(|| {
    let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; ROWS_PER_STATEMENT].join(", ");
    format!(
        "INSERT INTO observations (stream, observed_at, sequence, value_kind, value, chain_id, block, block_hash, log_index,
                                   raw_hash)
         VALUES {rows} ON CONFLICT (stream, observed_at, sequence) DO NOTHING"
    )
});

async fn insert_full(
    connection: &mut SqliteConnection,
    rows: &[Row],
    attempt: &'static str,
) -> Result<u64, StoreError> {
    // The text is this file's own; only the cells come from elsewhere.
    let mut query = sqlx::query(AssertSqlSafe(FULL.as_str()));
    for row in rows {
        let place = row.place.as_ref();
        query = query
            .bind(row.stream)
            .bind(row.observed_at)
            .bind(row.sequence.to_be_bytes_vec())
            .bind(row.kind)
            .bind(row.value.as_deref())
            .bind(place.map(|place| place.chain_id))
            .bind(place.map(|place| place.block))
            .bind(place.map(|place| place.block_hash.as_slice()))
            .bind(place.and_then(|place| place.log_index))
            .bind(row.raw_hash.as_slice());
    }
    let done = query.execute(&mut *connection).await;
    Ok(done.map_err(failed(attempt))?.rows_affected())
}

async fn insert_some(
    connection: &mut SqliteConnection,
    rows: &str,
    attempt: &'static str,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO observations (stream, observed_at, sequence, value_kind, value, chain_id, block, block_hash, log_index,
                                   raw_hash)
         SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                unhex(value ->> 7), value ->> 8, unhex(value ->> 9)
         FROM jsonb_each(?1) WHERE true
         ON CONFLICT (stream, observed_at, sequence) DO NOTHING",
        rows
    )
    .execute(&mut *connection)
    .await;
    Ok(done.map_err(failed(attempt))?.rows_affected())
}

/// A row as a JSON list.
#[derive(Serialize)]
struct Cells<'a>(
    StreamNumber,
    i64,
    String,
    Option<&'static str>,
    Option<&'a str>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    String,
);

/// The rows as one JSON text.
pub(super) fn json(rows: &[Row]) -> Result<String, StoreError> {
    let cells: Vec<Cells<'_>> = rows
        .iter()
        .map(|row| {
            let place = row.place.as_ref();
            Cells(
                row.stream,
                row.observed_at,
                hexed_number(row.sequence),
                row.kind,
                row.value.as_deref(),
                place.map(|place| place.chain_id),
                place.map(|place| place.block),
                place.map(|place| hexed(place.block_hash)),
                place.and_then(|place| place.log_index),
                hexed(row.raw_hash),
            )
        })
        .collect();
    to_json(NOUN, "batch", &cells)
}
