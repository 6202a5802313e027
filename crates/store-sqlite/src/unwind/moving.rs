//! The sources that move, and what they had said.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::step::SourceProgress;
use tocsin_store::unwind::Mark;

use super::UNWIND;
use crate::column::{hexed, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::sources::{self, names};

const NOUN: &str = "source";

/// A source that moves.
pub(super) struct Moving {
    pub(super) id: SourceId,
    /// Where to; `None` for its beginning.
    to: Option<Place>,
}

struct Place {
    number: i64,
    cursor: String,
    watermark: Timestamp,
}

/// Those of `sources` that were read beyond the mark, by name.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    wanted: &[SourceId],
    to: Option<&Mark>,
) -> Result<Vec<Moving>, StoreError> {
    let stored = sources::find(connection, wanted.iter(), UNWIND).await?;
    let halted = halted(connection, wanted).await?;
    let begun = beginnings(connection, wanted).await?;
    let mut moving = Vec::new();
    for (id, progress) in stored {
        let refused = |reason: String| Flaw(reason).refused(NOUN, &id);
        let to = match to {
            None => None,
            Some(mark) => {
                if !is_beyond(&progress, mark).map_err(refused)? {
                    continue;
                }
                place(mark, begun.get(&id).copied())?
            }
        };
        if !halted.contains(&id) {
            return Err(refused(
                "it is not halted; only what is halted can be taken back".to_owned(),
            ));
        }
        moving.push(Moving { id, to });
    }
    Ok(moving)
}

/// Whether a source was read beyond the mark; or how the mark contradicts what was read.
fn is_beyond(progress: &SourceProgress, mark: &Mark) -> Result<bool, String> {
    let cursor = progress.cursor;
    if cursor.number <= mark.cursor.number {
        if cursor.number == mark.cursor.number && cursor != mark.cursor {
            return Err(format!(
                "block {} was read as {}, so it cannot be taken back to {}",
                cursor.number, cursor.hash, mark.cursor.hash
            ));
        }
        return Ok(false);
    }
    if mark.watermark > progress.watermark {
        return Err(format!(
            "it was read up to {}, so it cannot be taken back to {}",
            progress.watermark, mark.watermark
        ));
    }
    Ok(true)
}

/// The mark, for a source that was read from block `begun` on.
fn place(mark: &Mark, begun: Option<u64>) -> Result<Option<Place>, StoreError> {
    if begun.is_none_or(|begun| begun > mark.cursor.number) {
        return Ok(None);
    }
    let key = mark.cursor.number;
    Ok(Some(Place {
        number: signed("mark", key, key)?,
        cursor: to_json("mark", key, &mark.cursor)?,
        watermark: mark.watermark,
    }))
}

async fn halted(
    connection: &mut SqliteConnection,
    sources: &[SourceId],
) -> Result<BTreeSet<SourceId>, StoreError> {
    let names = names(sources.iter());
    let rows = sqlx::query_scalar!(
        r#"SELECT halts.source AS "source!" FROM json_each(?1) AS wanted JOIN halts ON halts.source = wanted.value"#,
        names
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    Ok(rows.into_iter().map(SourceId::from).collect())
}

/// The first block that was read of each of `sources`.
async fn beginnings(
    connection: &mut SqliteConnection,
    sources: &[SourceId],
) -> Result<BTreeMap<SourceId, u64>, StoreError> {
    let names = names(sources.iter());
    let rows = sqlx::query!(
        r#"SELECT coverage.source AS "source!", min(coverage.first) AS "first!: i64"
           FROM json_each(?1) AS wanted JOIN coverage ON coverage.source = wanted.value
           GROUP BY wanted.value"#,
        names
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(UNWIND))?;
    rows.into_iter()
        .map(|row| {
            let first = unsigned("first", row.first)
                .map_err(|flaw| flaw.invalid_row("coverage", &row.source))?;
            Ok((SourceId::from(row.source), first))
        })
        .collect()
}

/// What was removed.
pub(super) struct Removed {
    pub(super) count: u64,
    /// The earliest time of it.
    pub(super) earliest: Option<Timestamp>,
}

/// Removes what the sources said after their place; where no block is known, what they said of later times.
pub(super) async fn remove_observations(
    connection: &mut SqliteConnection,
    moving: &[Moving],
) -> Result<Removed, StoreError> {
    let mut removed = Removed {
        count: 0,
        earliest: None,
    };
    for source in moving {
        let (number, watermark) = match &source.to {
            Some(place) => (place.number, place.watermark.0),
            None => (-1, i64::MIN),
        };
        let all = source.to.is_none();
        let earliest = sqlx::query_scalar!(
            r#"SELECT min(o.observed_at) AS "earliest?: i64"
               FROM streams JOIN observations AS o ON o.stream = streams.id
               WHERE streams.source = ?1 AND (?4 OR o.block > ?2 OR (o.block IS NULL AND o.observed_at > ?3))"#,
            source.id.as_str(),
            number,
            watermark,
            all
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(UNWIND))?
        .map(Timestamp);
        let Some(earliest) = earliest else { continue };
        removed.earliest = Some(
            removed
                .earliest
                .map_or(earliest, |other| other.min(earliest)),
        );
        removed.count += sqlx::query!(
            "DELETE FROM observations
             WHERE stream IN (SELECT id FROM streams WHERE source = ?1)
               AND (?4 OR block > ?2 OR (block IS NULL AND observed_at > ?3))",
            source.id.as_str(),
            number,
            watermark,
            all
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(UNWIND))?
        .rows_affected();
    }
    Ok(removed)
}

/// The risks that listen to sources that move, and until when what was determined of them stands; `None` where nothing
/// does.
pub(super) async fn risks(
    connection: &mut SqliteConnection,
    moving: &[Moving],
    earliest_removed: Option<Timestamp>,
) -> Result<BTreeMap<RiskId, Option<Timestamp>>, StoreError> {
    let mut limits = BTreeMap::new();
    for source in moving {
        // A source that said something late of an earlier time has said it all the same.
        let before_removed = earliest_removed.map(|Timestamp(at)| Timestamp(at.saturating_sub(1)));
        let limit = source.to.as_ref().map(|place| {
            before_removed.map_or(place.watermark, |before| before.min(place.watermark))
        });
        let rows = sqlx::query_scalar!(
            r#"SELECT DISTINCT listening.risk AS "risk!"
               FROM streams JOIN risk_streams AS listening ON listening.stream = streams.id
               WHERE streams.source = ?1"#,
            source.id.as_str()
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(UNWIND))?;
        for row in rows {
            let risk = word("id", &row).map_err(|flaw| flaw.invalid_row("risk", hexed(&row)))?;
            limits
                .entry(RiskId(risk))
                .and_modify(|stands: &mut Option<Timestamp>| *stands = (*stands).min(limit))
                .or_insert(limit);
        }
    }
    Ok(limits)
}

/// Moves cursors, watermarks, coverage and re-checks.
pub(super) async fn take_back(
    connection: &mut SqliteConnection,
    moving: &[Moving],
) -> Result<(), StoreError> {
    for Moving { id, to } in moving {
        let number = to.as_ref().map_or(-1, |place| place.number);
        sqlx::query!(
            "DELETE FROM coverage WHERE source = ?1 AND last > ?2 AND first > ?2",
            id.as_str(),
            number
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(UNWIND))?;
        sqlx::query!(
            "UPDATE coverage SET last = ?2 WHERE source = ?1 AND last > ?2",
            id.as_str(),
            number
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(UNWIND))?;
        sqlx::query!(
            "DELETE FROM rechecks WHERE source = ?1 AND last > ?2",
            id.as_str(),
            number
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(UNWIND))?;
        match to {
            None => {
                sqlx::query!("DELETE FROM sources WHERE source = ?1", id.as_str())
                    .execute(&mut *connection)
                    .await
                    .map_err(failed(UNWIND))?;
            }
            Some(place) => {
                sqlx::query!(
                    "UPDATE sources SET cursor = ?2, watermark = ?3 WHERE source = ?1",
                    id.as_str(),
                    place.cursor,
                    place.watermark.0
                )
                .execute(&mut *connection)
                .await
                .map_err(failed(UNWIND))?;
            }
        }
    }
    Ok(())
}
