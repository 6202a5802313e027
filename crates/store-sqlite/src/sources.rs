//! How far each source was read.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check;
use tocsin_store::step::{SourceAdvance, SourceProgress};

use crate::column::{from_json, hexed, to_json, word};
use crate::error::failed;
use crate::{coverage, halts};

struct SourceRow {
    source: String,
    cursor: String,
    watermark: i64,
    reading: Vec<u8>,
}

impl TryFrom<SourceRow> for SourceProgress {
    type Error = StoreError;

    fn try_from(row: SourceRow) -> Result<Self, StoreError> {
        Ok(Self {
            cursor: from_json("cursor", &row.cursor)
                .map_err(|flaw| flaw.invalid_row("source", &row.source))?,
            watermark: Timestamp(row.watermark),
            reading: word("reading", &row.reading)
                .map_err(|flaw| flaw.invalid_row("source", &row.source))?,
            source: SourceId::from(row.source),
        })
    }
}

/// The progress of those `sources` that have any.
pub(crate) async fn find<'a>(
    connection: &mut SqliteConnection,
    sources: impl Iterator<Item = &'a SourceId>,
    attempt: &'static str,
) -> Result<BTreeMap<SourceId, SourceProgress>, StoreError> {
    let wanted = names(sources);
    let rows = sqlx::query_as!(
        SourceRow,
        r#"SELECT sources.source AS "source!", sources.cursor AS "cursor!", sources.watermark AS "watermark!",
                  sources.reading AS "reading!"
           FROM json_each(?1) AS wanted JOIN sources ON sources.source = wanted.value"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| {
            let progress = SourceProgress::try_from(row)?;
            Ok((progress.source.clone(), progress))
        })
        .collect()
}

/// Moves the sources on, each from where its reader found it.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    advances: &[SourceAdvance],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if advances.is_empty() {
        return Ok(());
    }
    let stored = find(
        connection,
        advances.iter().map(|advance| &advance.to.source),
        attempt,
    )
    .await?;
    halts::refuse(
        connection,
        advances.iter().map(|advance| &advance.to.source),
        attempt,
    )
    .await?;
    let mut seen = BTreeSet::new();
    let mut rows = Vec::with_capacity(advances.len());
    for SourceAdvance { from, to, coverage } in advances {
        let current = stored.get(&to.source);
        if current.map(|progress| progress.cursor) != *from || !seen.insert(&to.source) {
            return Err(StoreError::Stale {
                noun: "source",
                key: to.source.to_string(),
            });
        }
        check::advance(current, to)
            .and_then(|()| check::coverage(from.as_ref(), &to.cursor, coverage.as_ref()))
            .map_err(|flaw| flaw.refused("source", &to.source))?;
        let cursor = to_json("source", &to.source, &to.cursor)?;
        rows.push(serde_json::json!([
            to.source.as_str(),
            cursor,
            to.watermark.0,
            hexed(to.reading)
        ]));
    }
    let rows = serde_json::Value::Array(rows).to_string();
    sqlx::query!(
        "INSERT INTO sources (source, cursor, watermark, reading)
         SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3) FROM json_each(?1) WHERE true
         ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor, watermark = excluded.watermark",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    coverage::extend(connection, advances, attempt).await
}

/// Names as a JSON list, for `json_each`.
pub(crate) fn names<'a>(sources: impl Iterator<Item = &'a SourceId>) -> String {
    let names: Vec<serde_json::Value> = sources
        .map(|source| serde_json::Value::String(source.as_str().to_owned()))
        .collect();
    serde_json::Value::Array(names).to_string()
}
