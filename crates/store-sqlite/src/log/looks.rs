//! What was asked of polled sources: a leaf about a subject when no more will be asked, once for each day of it that was seen,
//! and before an outcome that rests on it.
//!
//! Blocks are numbered and a feed's answers are not: the leaf says until when everything that the feed said of the
//! subject is stored, how many observations that were since the leaf before, which of them had no value, and when the next
//! one had. What was without value when the leaf before ended is named again, so that each leaf tells of its time by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::log::Fact;

use super::append::{APPEND, fact};
use crate::column::from_json;
use crate::error::failed;

/// How many gaps one leaf names; their number is whole.
const GAPS_PER_LEAF: u32 = 64;

/// A subject of a polled source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Looked {
    pub(super) source: String,
    pub(super) subject: String,
}

impl Looked {
    /// From what a trigger has queued.
    pub(super) fn queued(body: &str) -> Result<Self, StoreError> {
        from_json("body", body).map_err(|flaw| flaw.invalid_row("fact", "look"))
    }

    fn leaf(&self) -> String {
        format!("{}@{}", self.subject, self.source)
    }
}

/// A leaf for each of these subjects of which there is something that the log does not say yet. What is not polled has
/// none.
pub(super) async fn looked(
    connection: &mut SqliteConnection,
    now: Timestamp,
    subjects: BTreeSet<Looked>,
    facts: &mut Vec<Fact>,
) -> Result<(), StoreError> {
    for looked in subjects {
        let leaf = looked.leaf();
        let before: Option<String> = sqlx::query_scalar(
            "SELECT entry FROM log_leaves WHERE subject = ?1 AND kind = 'look' ORDER BY place DESC LIMIT 1",
        )
        .bind(&leaf)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(APPEND))?;
        let before: Option<Value> = before
            .map(|entry| from_json("entry", &entry))
            .transpose()
            .map_err(|flaw| flaw.invalid_row("leaf", &leaf))?;
        let queued = facts.iter().rev();
        let mut queued = queued.filter(|fact| fact.kind == "look" && fact.subject == leaf);
        let said = match queued.next() {
            Some(fact) => Some(&fact.body),
            None => before.as_ref().map(|entry| &entry["body"]),
        };
        let seen_from = said.and_then(|said| said["seen_until"].as_i64());
        let body = match body(connection, &looked, seen_from).await? {
            Some(body) => fact("look", leaf, 0, now, &body)?,
            None => continue,
        };
        let same = |name: &str| said.is_some_and(|said| said[name] == body.body[name]);
        if !(same("state") && same("seen_until")) {
            facts.push(body);
        }
    }
    Ok(())
}

/// What the leaf says; `None` where nobody looks at the subject.
async fn body(
    connection: &mut SqliteConnection,
    looked: &Looked,
    seen_from: Option<i64>,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "WITH seen AS (
             SELECT streams.id, streams.metric, o.observed_at, o.value_kind
             FROM streams JOIN observations AS o ON o.stream = streams.id
             WHERE streams.source = ?1 AND streams.subject = ?2 AND o.observed_at > coalesce(?3, -9223372036854775808)
         ), carried AS (
             SELECT streams.id, streams.metric, o.observed_at, o.value_kind
             FROM streams JOIN observations AS o ON o.stream = streams.id AND (o.observed_at, o.sequence) = (
                 SELECT last.observed_at, last.sequence FROM observations AS last
                 WHERE last.stream = streams.id AND last.observed_at <= ?3
                 ORDER BY last.observed_at DESC, last.sequence DESC LIMIT 1)
             WHERE streams.source = ?1 AND streams.subject = ?2
         )
         SELECT json_object('source', source, 'subject', subject, 'state', state, 'reason', reason, 'trouble', trouble,
                            'looked_at', looked_at, 'seen_from', ?3, 'seen_until', watermark,
                            'observations', (SELECT count(*) FROM seen WHERE observed_at <= watermark),
                            'without_value', (SELECT count(*) FROM seen WHERE observed_at <= watermark AND value_kind IS NULL),
                            'carried', (SELECT json_group_array(json_object('metric', metric, 'observed_at', observed_at, 'until', (
                                            SELECT min(next.observed_at) FROM observations AS next
                                            WHERE next.stream = carried.id AND next.observed_at > carried.observed_at
                                              AND next.observed_at <= watermark AND next.value_kind IS NOT NULL)) ORDER BY metric)
                                        FROM carried WHERE value_kind IS NULL),
                            'gaps', (SELECT json_group_array(json_object('metric', metric, 'observed_at', observed_at, 'until', (
                                         SELECT min(next.observed_at) FROM observations AS next
                                         WHERE next.stream = gaps.id AND next.observed_at > gaps.observed_at
                                           AND next.observed_at <= watermark AND next.value_kind IS NOT NULL))
                                         ORDER BY observed_at, metric)
                                     FROM (SELECT id, metric, observed_at FROM seen
                                           WHERE observed_at <= watermark AND value_kind IS NULL
                                           ORDER BY observed_at, metric LIMIT ?4) AS gaps))
         FROM looks WHERE source = ?1 AND subject = ?2",
    )
    .bind(&looked.source)
    .bind(&looked.subject)
    .bind(seen_from)
    .bind(GAPS_PER_LEAF)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(APPEND))
}
