//! Looks move with a step, each from where it was read.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::look::{Look, Usage};
use tocsin_store::step::Step;

use super::{NOUN, state, state_cells};
use crate::column::{to_json, unsigned};
use crate::error::failed;

type Key<'a> = (&'a SourceId, &'a Subject);

/// A look as it travels to SQLite: one JSON list.
#[derive(Serialize)]
struct WrittenLook<'a>(
    &'a str,
    &'a str,
    &'static str,
    Option<&'a str>,
    Option<i64>,
    Option<i64>,
    Option<&'a str>,
    Option<&'a str>,
    Option<i64>,
);

/// Replaces looks, each of the version that was read, and adds up what keys have used.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    step: &Step,
    attempt: &'static str,
) -> Result<(), StoreError> {
    count(connection, &step.polled.usage, attempt).await?;
    let looks = &step.polled.looks;
    if looks.is_empty() {
        return Ok(());
    }
    let mut stored = stored(connection, looks, attempt).await?;
    let mut moved: BTreeMap<Key<'_>, (Option<Timestamp>, &Look)> = BTreeMap::new();
    for look in looks {
        let key = format!("{} of {}", look.subject, look.source);
        let from = stored.remove(&(look.source.clone(), look.subject.clone()));
        let stale = || StoreError::Stale {
            noun: NOUN,
            key: key.clone(),
        };
        let Some(from) = from else {
            // A version is replaced once, so a look that comes twice is stale the second time.
            return Err(if moved.contains_key(&(&look.source, &look.subject)) {
                stale()
            } else {
                StoreError::Missing { noun: NOUN, key }
            });
        };
        if from.version != look.version {
            return Err(stale());
        }
        check::looked(&from, look).map_err(|flaw| flaw.refused(NOUN, &key))?;
        moved.insert((&look.source, &look.subject), (from.watermark, look));
    }
    check_times(step, &moved)?;
    write(connection, looks, attempt).await
}

/// What a source says of a subject is of times that nobody has taken for complete, and is complete up to the new watermark.
fn check_times(
    step: &Step,
    moved: &BTreeMap<Key<'_>, (Option<Timestamp>, &Look)>,
) -> Result<(), StoreError> {
    for seen in &step.observations {
        if let Some((from, look)) = moved.get(&(&seen.source, &seen.subject))
            && (Some(seen.observed_at) <= *from || Some(seen.observed_at) > look.watermark)
        {
            let flaw = Flaw(format!(
                "{} was observed at {}, which is not between its watermarks",
                seen.metric, seen.observed_at
            ));
            return Err(flaw.refused(NOUN, format!("{} of {}", seen.subject, seen.source)));
        }
    }
    Ok(())
}

/// What is stored of these looks, as far as their move depends on it.
async fn stored(
    connection: &mut SqliteConnection,
    looks: &[Look],
    attempt: &'static str,
) -> Result<BTreeMap<(SourceId, Subject), Look>, StoreError> {
    let keys: Vec<(&str, &str)> = looks
        .iter()
        .map(|look| (look.source.as_str(), look.subject.as_str()))
        .collect();
    let keys = to_json(NOUN, "keys", &keys)?;
    let rows = sqlx::query!(
        r#"SELECT looks.source AS "source!", looks.subject AS "subject!", looks.state AS "state!", looks.reason AS "reason?",
                  looks.watermark AS "watermark?", looks.version AS "version!"
           FROM jsonb_each(?1) AS given
           JOIN looks ON looks.source = given.value ->> 0 AND looks.subject = given.value ->> 1"#,
        keys
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let key = format!("{} of {}", row.subject, row.source);
        let decode = || {
            Ok(Look {
                source: SourceId::from(&*row.source),
                subject: Subject::from(&*row.subject),
                state: state(&row.state, row.reason)?,
                due_at: None,
                watermark: row.watermark.map(Timestamp),
                memory: None,
                trouble: None,
                looked_at: None,
                version: unsigned("version", row.version)?,
            })
        };
        let look = decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))?;
        found.insert((look.source.clone(), look.subject.clone()), look);
    }
    Ok(found)
}

async fn write(
    connection: &mut SqliteConnection,
    looks: &[Look],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let rows: Vec<WrittenLook<'_>> = looks
        .iter()
        .map(|look| {
            let (state, reason) = state_cells(&look.state);
            WrittenLook(
                look.source.as_str(),
                look.subject.as_str(),
                state,
                reason,
                look.due_at.map(|at| at.0),
                look.watermark.map(|at| at.0),
                look.memory.as_deref(),
                look.trouble.as_deref(),
                look.looked_at.map(|at| at.0),
            )
        })
        .collect();
    let rows = to_json(NOUN, "batch", &rows)?;
    sqlx::query!(
        "UPDATE looks
         SET state = given.value ->> 2, reason = given.value ->> 3, due_at = given.value ->> 4, watermark = given.value ->> 5,
             memory = given.value ->> 6, trouble = given.value ->> 7, looked_at = given.value ->> 8, version = version + 1
         FROM jsonb_each(?1) AS given
         WHERE looks.source = given.value ->> 0 AND looks.subject = given.value ->> 1",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}

/// Takes over counts that have risen.
async fn count(
    connection: &mut SqliteConnection,
    usage: &[Usage],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if usage.is_empty() {
        return Ok(());
    }
    for used in usage {
        check::usage(used).map_err(|flaw| flaw.refused("usage", &used.key))?;
    }
    let rows: Vec<(&str, i64, &str, u32)> = usage
        .iter()
        .map(|used| (used.source.as_str(), used.day, &*used.key, used.requests))
        .collect();
    let rows = to_json("usage", "batch", &rows)?;
    sqlx::query!(
        "INSERT INTO usage (source, day, key, requests)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1) WHERE true
         ON CONFLICT (source, day, key) DO UPDATE SET requests = max(requests, excluded.requests)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
