//! The numbers that stand for (source, subject, metric) in the other tables.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::risk::Stream;
use tocsin_store::StoreError;

use crate::error::failed;

/// A stream's number.
pub(crate) type StreamNumber = i64;

/// The numbers of `streams`; gives one to those that have none.
pub(crate) async fn ensure(
    connection: &mut SqliteConnection,
    streams: &BTreeSet<Stream>,
    attempt: &'static str,
) -> Result<BTreeMap<Stream, StreamNumber>, StoreError> {
    let known = find(connection, streams.iter(), attempt).await?;
    if known.len() == streams.len() {
        return Ok(known);
    }
    let unknown = rows(streams.iter().filter(|stream| !known.contains_key(stream)));
    sqlx::query!(
        "INSERT INTO streams (source, subject, metric)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)",
        unknown
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    find(connection, streams.iter(), attempt).await
}

/// The numbers of those `streams` that have one.
pub(crate) async fn find<'a>(
    connection: &mut SqliteConnection,
    streams: impl Iterator<Item = &'a Stream>,
    attempt: &'static str,
) -> Result<BTreeMap<Stream, StreamNumber>, StoreError> {
    let wanted = rows(streams);
    let found = sqlx::query!(
        r#"SELECT streams.id AS "id!", streams.source AS "source!", streams.subject AS "subject!", streams.metric AS "metric!"
           FROM json_each(?1) AS wanted
           JOIN streams ON streams.source = wanted.value ->> 0
                       AND streams.subject = wanted.value ->> 1
                       AND streams.metric = wanted.value ->> 2"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(found
        .into_iter()
        .map(|row| (stream(row.source, row.subject, row.metric), row.id))
        .collect())
}

/// A stream of three columns.
pub(crate) fn stream(source: String, subject: String, metric: String) -> Stream {
    Stream {
        source: source.as_str().into(),
        subject: subject.as_str().into(),
        metric: metric.as_str().into(),
    }
}

fn rows<'a>(streams: impl Iterator<Item = &'a Stream>) -> String {
    let rows: Vec<serde_json::Value> = streams
        .map(|stream| {
            serde_json::json!([
                stream.source.as_str(),
                stream.subject.as_str(),
                stream.metric.as_str()
            ])
        })
        .collect();
    serde_json::Value::Array(rows).to_string()
}
