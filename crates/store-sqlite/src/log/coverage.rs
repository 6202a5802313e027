//! How far sources were read by blocks: a leaf for each source now and then, and before an outcome that rests on it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::SqliteConnection;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{Appending, Fact};

use super::append::APPEND;
use crate::column::{from_json, to_json, unsigned};
use crate::error::failed;

/// How many ranges of one source a leaf names at most; the rest waits for the next one.
const RANGES_PER_LEAF: usize = 64;

/// A range that no leaf says was read: the source, its watermark, that of its last leaf, the range, and how it was verified.
type Unsaid = (String, i64, Option<i64>, i64, i64, String, i64, String);

/// A leaf for each source that was read further than the log says, and whose last one is long enough ago, or which is
/// among `wanted`.
pub(super) async fn coverage(
    connection: &mut SqliteConnection,
    appending: &Appending<'_>,
    wanted: &BTreeSet<String>,
    facts: &mut Vec<Fact>,
) -> Result<(), StoreError> {
    let now = appending.now;
    let rows: Vec<Unsaid> = sqlx::query_as(
        "SELECT sources.source, sources.watermark, said.watermark,
                max(c.first, coalesce(said.next_block, 0)), c.last, c.proof, c.agreed, c.endpoints
         FROM sources
         LEFT JOIN log_coverage AS said ON said.source = sources.source
         JOIN coverage AS c ON c.source = sources.source AND c.last >= coalesce(said.next_block, 0)
         WHERE said.logged_at IS NULL OR said.logged_at <= ?1 OR sources.source IN (SELECT value FROM json_each(?2))
         ORDER BY sources.source, c.last",
    )
    .bind((now - appending.coverage_every).0)
    .bind(to_json("coverage", "wanted", wanted)?)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(APPEND))?;
    let mut sources: BTreeMap<String, Vec<Unsaid>> = BTreeMap::new();
    for row in rows {
        sources.entry(row.0.clone()).or_default().push(row);
    }
    for (source, ranges) in sources {
        let all = ranges.len() <= RANGES_PER_LEAF;
        let ranges = ranges.get(..RANGES_PER_LEAF).unwrap_or(&ranges);
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            continue;
        };
        // Up to when is known of the newest block only.
        let until = if all { Some(last.1) } else { None };
        let mut said = Vec::with_capacity(ranges.len());
        for (_, _, _, from, to, proof, agreed, endpoints) in ranges {
            let endpoints: Value = from_json("endpoints", endpoints)
                .map_err(|flaw: Flaw| flaw.invalid_row("coverage", &source))?;
            said.push(json!({ "first": from, "last": to, "proof": proof, "agreed": agreed, "endpoints": endpoints }));
        }
        // Only where nothing says so yet: from when on a source was read is known of its first step.
        let begun = if first.2.is_none() {
            begun(connection, &source).await?
        } else {
            None
        };
        let begun = begun.map(|(block, until)| json!({ "block": block, "seen_until": until }));
        let body = json!({
            "begun": begun,
            "first_block": first.3,
            "last_block": last.4,
            "seen_from": first.2,
            "seen_until": until,
            "ranges": said,
        });
        let ordinal =
            unsigned("last", last.4).map_err(|flaw: Flaw| flaw.invalid_row("coverage", &source))?;
        facts.push(Fact::new("coverage", source.clone(), ordinal, now, body));
        sqlx::query(
            "INSERT INTO log_coverage (source, next_block, watermark, logged_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (source) DO UPDATE SET next_block = excluded.next_block, watermark = excluded.watermark,
                 logged_at = excluded.logged_at",
        )
        .bind(&source)
        .bind(last.4.saturating_add(1))
        .bind(until.or(first.2).unwrap_or(i64::MIN))
        .bind(now.0)
        .execute(&mut *connection)
        .await
        .map_err(failed(APPEND))?;
    }
    Ok(())
}

/// The block that the first step of a source led to, and its time.
async fn begun(
    connection: &mut SqliteConnection,
    source: &str,
) -> Result<Option<(i64, i64)>, StoreError> {
    sqlx::query_as("SELECT block, watermark FROM log_begun WHERE source = ?1")
        .bind(source)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(APPEND))
}
