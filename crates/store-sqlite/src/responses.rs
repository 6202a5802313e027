//! Raw responses: compressed, each body once, under its hash.

use std::collections::BTreeMap;
use std::io;

use alloy_primitives::B256;
use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::response::{Archived, Fetch, Response};

use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;

const NOUN: &str = "response";

/// Quick, and JSON shrinks to a fifth all the same.
const LEVEL: i32 = 3;

/// Compressed bytes that travel in one statement.
const BYTES_PER_STATEMENT: usize = 4 << 20;

/// Adds responses. A body that is there already is not stored again.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    responses: &[Response],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if responses.is_empty() {
        return Ok(());
    }
    let mut bodies: BTreeMap<B256, &[u8]> = BTreeMap::new();
    for response in responses {
        check::response(response).map_err(|flaw| flaw.refused(NOUN, response.hash))?;
        bodies.insert(response.hash, &response.body);
    }
    for known in known(connection, &bodies, attempt).await? {
        bodies.remove(&known);
    }
    let mut rows: Vec<(String, usize, String)> = Vec::new();
    let mut bytes = 0;
    for (hash, body) in bodies {
        let packed = zstd::bulk::compress(body, LEVEL).map_err(|error| {
            Flaw(format!("it cannot be compressed: {error}")).refused(NOUN, hash)
        })?;
        if bytes + packed.len() > BYTES_PER_STATEMENT {
            add_bodies(connection, &rows, attempt).await?;
            rows.clear();
            bytes = 0;
        }
        bytes += packed.len();
        rows.push((hexed(hash), body.len(), hexed(packed)));
    }
    add_bodies(connection, &rows, attempt).await?;
    add_fetches(connection, responses, attempt).await
}

/// Those of `bodies` that are stored.
async fn known(
    connection: &mut SqliteConnection,
    bodies: &BTreeMap<B256, &[u8]>,
    attempt: &'static str,
) -> Result<Vec<B256>, StoreError> {
    let hashes: Vec<String> = bodies.keys().map(hexed).collect();
    let hashes = to_json(NOUN, "keys", &hashes)?;
    let rows = sqlx::query_scalar!(
        r#"SELECT responses.hash AS "hash!" FROM json_each(?1) AS given JOIN responses ON responses.hash = unhex(given.value)"#,
        hashes
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.iter()
        .map(|hash| word("hash", hash).map_err(|flaw| flaw.invalid_row(NOUN, hexed(hash))))
        .collect()
}

async fn add_bodies(
    connection: &mut SqliteConnection,
    rows: &[(String, usize, String)],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO responses (hash, length, body)
         SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2) FROM jsonb_each(?1)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// A fetch as it travels to SQLite: one JSON list.
#[derive(Serialize)]
struct WrittenFetch<'a>(String, &'a str, &'a str, u16, i64, String);

async fn add_fetches(
    connection: &mut SqliteConnection,
    responses: &[Response],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let rows: Vec<WrittenFetch<'_>> = responses
        .iter()
        .map(|response| {
            WrittenFetch(
                hexed(response.hash),
                response.source.as_str(),
                &response.url,
                response.status,
                response.fetched_at.0,
                hexed(response.reading),
            )
        })
        .collect();
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO fetches (hash, source, url, status, first_at, last_at, reading)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 4, unhex(value ->> 5)
         FROM jsonb_each(?1) WHERE true
         ON CONFLICT (hash, source, url, status, reading) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// One response.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    hash: B256,
    attempt: &'static str,
) -> Result<Option<Archived>, StoreError> {
    let key = hash.as_slice();
    let stored = sqlx::query!(
        r#"SELECT length AS "length!", body AS "body!" FROM responses WHERE hash = ?1"#,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let invalid = |flaw: Flaw| flaw.invalid_row(NOUN, hash);
    let length: usize = usize::try_from(stored.length)
        .map_err(|_negative| invalid(Flaw("its length is negative".to_owned())))?;
    let unpacked: io::Result<Vec<u8>> = zstd::bulk::decompress(&stored.body, length);
    let body =
        unpacked.map_err(|error| invalid(Flaw(format!("it cannot be decompressed: {error}"))))?;
    check::body(hash, &body).map_err(invalid)?;
    let rows = sqlx::query!(
        r#"SELECT source AS "source!", url AS "url!", status AS "status!", first_at AS "first_at!", last_at AS "last_at!",
                  reading AS "reading!"
           FROM fetches WHERE hash = ?1 ORDER BY source, url, first_at, status, reading"#,
        key
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let fetches = rows.into_iter().map(|row| {
        Ok(Fetch {
            source: SourceId::from(&*row.source),
            url: row.url,
            status: unsigned("status", row.status)?,
            first_at: Timestamp(row.first_at),
            last_at: Timestamp(row.last_at),
            reading: word("reading", &row.reading)?,
        })
    });
    let fetches = fetches.collect::<Result<_, _>>().map_err(invalid)?;
    Ok(Some(Archived { body, fetches }))
}
