//! Comparing rows with their leaves: what every row says is made anew, and held against the newest leaf about it, or
//! against what waits to become that; and leaves about one subject are held against each other.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{Discrepancy, Fact, contradiction, is_gone, is_groundless, lasts};

use super::schema;
use crate::column::{from_json, unsigned};
use crate::error::failed;

pub(super) const COMPARE: &str = "compare the books with the eligibility log";

/// A row, what it says, its newest leaf, and what waits to become one.
#[derive(sqlx::FromRow)]
struct Compared {
    kind: String,
    subject: String,
    ordinal: i64,
    body: String,
    place: Option<i64>,
    entry: Option<String>,
    /// Whether anything about it waits.
    waits: bool,
    /// The body of the newest that does.
    waiting: Option<String>,
    /// Whether something that waits says that what was there is gone.
    gone: bool,
    /// Whether it is an attestation that has no leaf yet.
    attested: bool,
}

pub(super) async fn compare(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Discrepancy>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut found, no_views) = schema::altered(connection).await?;
    if no_views {
        return Ok(found);
    }
    rows(connection, limit, &mut found).await?;
    chains(connection, limit, &mut found).await?;
    waiting(connection, limit, &mut found).await?;
    leaves(connection, limit, &mut found).await?;
    covered(connection, limit, &mut found).await?;
    marks(connection, limit, &mut found).await?;
    found.truncate(limit);
    Ok(found)
}

/// The kind and the subject of a difference, where it is about one.
pub(super) fn subject(found: &Discrepancy) -> Option<(&str, &str)> {
    match found {
        Discrepancy::Contradicts { kind, subject, .. }
        | Discrepancy::Forged { kind, subject, .. }
        | Discrepancy::Differs { kind, subject, .. }
        | Discrepancy::NoLeaf { kind, subject, .. }
        | Discrepancy::NoRow { kind, subject, .. } => Some((kind, subject)),
        Discrepancy::Unattested { subject, .. } => Some(("claim", subject)),
        Discrepancy::Schema { .. }
        | Discrepancy::Misfiled { .. }
        | Discrepancy::Uncovered { .. } => None,
    }
}

/// Every row says what its newest leaf says, or what waits to become that.
async fn rows(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    let mut rows = sqlx::query_as::<_, Compared>(
        "WITH newest AS MATERIALIZED (
             SELECT kind, subject, ordinal, max(position) AS position,
                    total(iif(json_valid(body), body ->> '$.verdict' IS 'undone' OR body ->> '$.decision' IS 'undone'
                                                OR body ->> '$.gone' IS NOT NULL, 0)) > 0 AS gone
             FROM log_queue GROUP BY kind, subject, ordinal
         )
         SELECT made.kind, made.subject, made.ordinal, made.body, leaf.place, leaf.entry,
                newest.position IS NOT NULL AS waits, queued.body AS waiting, coalesce(newest.gone, 0) AS gone,
                (made.kind = 'attestation' AND leaf.place IS NULL
                 AND EXISTS (SELECT 1 FROM statements AS s, attestations AS a, log_state AS state
                             WHERE s.attestation_id = unhex(substr(made.subject, 3)) AND a.statement = s.position
                               AND a.position > state.attestation)) AS attested
         FROM log_facts AS made
         LEFT JOIN newest ON newest.kind = made.kind AND newest.subject = made.subject AND newest.ordinal = made.ordinal
         LEFT JOIN log_queue AS queued ON queued.position = newest.position
         LEFT JOIN log_leaves AS leaf ON leaf.place = (
             SELECT max(l.place) FROM log_leaves AS l
             WHERE l.subject = made.subject AND l.kind = made.kind AND l.ordinal = made.ordinal)",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await.map_err(failed(COMPARE))? {
        let decode = || {
            let ordinal = unsigned("ordinal", row.ordinal)?;
            let body: Value = from_json("body", &row.body)?;
            let place = row
                .place
                .map(|place| unsigned("place", place))
                .transpose()?;
            Ok((ordinal, body, place))
        };
        let (ordinal, body, place): (u64, Value, Option<u64>) =
            decode().map_err(|flaw: Flaw| flaw.invalid_row("fact", &row.subject))?;
        let made = Fact::new(&row.kind, row.subject.as_str(), ordinal, Timestamp(0), body).shown();
        let entry = row.entry.as_deref();
        let same = if row.waits {
            let waiting = row.waiting.as_deref();
            waiting.is_none_or(|waiting| is_body_of(waiting, &made))
                && (row.gone || entry.is_none_or(|entry| may_follow(entry, &made)))
        } else {
            row.attested || entry.is_some_and(|entry| says(entry, &made))
        };
        if same {
            continue;
        }
        let (kind, subject) = (row.kind, row.subject);
        found.push(match place {
            Some(index) => Discrepancy::Differs {
                index,
                kind,
                subject,
                ordinal,
            },
            None => Discrepancy::NoLeaf {
                kind,
                subject,
                ordinal,
            },
        });
        if found.len() >= limit {
            break;
        }
    }
    Ok(())
}

/// Whether what waits will be this fact.
fn is_body_of(waiting: &str, made: &Fact) -> bool {
    let Ok(body) = serde_json::from_str(waiting) else {
        return false;
    };
    let subject = made.subject.as_str();
    let waiting = Fact::new(&made.kind, subject, made.ordinal, Timestamp(0), body).shown();
    matches!((waiting.entry(), made.entry()), (Ok(waiting), Ok(made)) if waiting == made)
}

/// Whether a fact can follow the leaf with this entry.
fn may_follow(entry: &str, made: &Fact) -> bool {
    serde_json::from_str::<Fact>(entry)
        .is_ok_and(|said| contradiction(&made.kind, &said.body, &made.body).is_none())
}

/// Whether an entry is this fact, to the byte.
fn says(entry: &str, made: &Fact) -> bool {
    let Ok(written) = serde_json::from_str::<Fact>(entry) else {
        return false;
    };
    let made = Fact {
        v: written.v,
        logged_at: written.logged_at,
        ..made.clone()
    };
    made.entry().is_ok_and(|made| made == entry)
}

/// No leaf contradicts the one before it about the same subject.
async fn chains(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    let mut pairs = sqlx::query_as::<_, (i64, String, i64, String)>(
        "SELECT later.place, later.entry, earlier.place, earlier.entry
         FROM log_leaves AS later
         JOIN log_leaves AS earlier ON earlier.place = (
             SELECT max(l.place) FROM log_leaves AS l
             WHERE l.subject = later.subject AND l.kind = later.kind AND l.ordinal = later.ordinal AND l.place < later.place)",
    )
    .fetch(&mut *connection);
    while let Some((index, later, earlier, before)) =
        pairs.try_next().await.map_err(failed(COMPARE))?
    {
        // What is no fact is filed wrongly, and found there.
        let (Ok(later), Ok(before)) = (
            serde_json::from_str::<Fact>(&later),
            serde_json::from_str::<Fact>(&before),
        ) else {
            continue;
        };
        let groundless = is_groundless(&later.kind, &later.body);
        if !groundless && contradiction(&later.kind, &before.body, &later.body).is_none() {
            continue;
        }
        let decode = || Ok((unsigned("place", index)?, unsigned("place", earlier)?));
        let (index, earlier) = decode().map_err(|flaw: Flaw| flaw.invalid_row("leaf", index))?;
        found.push(Discrepancy::Contradicts {
            index,
            earlier,
            kind: later.kind,
            subject: later.subject,
            ordinal: later.ordinal,
        });
        if found.len() >= limit {
            break;
        }
    }
    Ok(())
}

/// What waits is what Tocsin would have put there: no decision is taken back without a reason, and what can only be said of a row
/// has one.
async fn waiting(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    let rows: Vec<(String, String, i64, Option<String>)> =
        sqlx::query_as("SELECT kind, subject, ordinal, body FROM log_queue ORDER BY position DESC")
            .fetch_all(&mut *connection)
            .await
            .map_err(failed(COMPARE))?;
    let mut seen = BTreeSet::new();
    for (kind, subject, ordinal, body) in rows {
        // What something else follows may have been of a row that is gone since.
        let newest = seen.insert((kind.clone(), subject.clone(), ordinal));
        // Without one it is read from its row when the leaf is made.
        let Some(body) = body else { continue };
        let forged = match serde_json::from_str::<Value>(&body) {
            Err(_no_json) => true,
            Ok(body) if is_groundless(&kind, &body) => true,
            Ok(body) => {
                let only_of_a_row = lasts(&kind) && !is_gone(&kind, &body) && newest;
                only_of_a_row && !has_row(connection, &kind, &subject).await?
            }
        };
        if forged {
            found.push(Discrepancy::Forged {
                kind,
                subject,
                ordinal: u64::try_from(ordinal).unwrap_or(u64::MAX),
            });
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(())
}

async fn has_row(
    connection: &mut SqliteConnection,
    kind: &str,
    subject: &str,
) -> Result<bool, StoreError> {
    let there: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM log_facts WHERE kind = ?1 AND subject = ?2)",
    )
    .bind(kind)
    .bind(subject)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    Ok(there != 0)
}

/// A claim that counts as attested was attested.
async fn marks(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    if found.len() >= limit {
        return Ok(());
    }
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT '0x' || lower(hex(policy)), ordinal FROM claims
         WHERE attested = 1 AND NOT EXISTS (SELECT 1 FROM attestations AS a WHERE a.claim = claims.number)
         LIMIT 100",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    for (subject, ordinal) in rows {
        let ordinal = unsigned("ordinal", ordinal)
            .map_err(|flaw: Flaw| flaw.invalid_row("claim", &subject))?;
        found.push(Discrepancy::Unattested { subject, ordinal });
    }
    Ok(())
}

/// Every leaf that is the newest about something which is there has its row; and is filed under what it says.
async fn leaves(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    let misfiled: Vec<i64> = sqlx::query_scalar(
        "SELECT place FROM log_leaves
         WHERE NOT json_valid(entry) OR kind IS NOT entry ->> 'kind' OR subject IS NOT entry ->> 'subject'
            OR ordinal IS NOT entry ->> 'ordinal'
         LIMIT 100",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    for place in misfiled {
        let index =
            unsigned("place", place).map_err(|flaw: Flaw| flaw.invalid_row("leaf", place))?;
        found.push(Discrepancy::Misfiled { index });
    }
    if found.len() >= limit {
        return Ok(());
    }
    let orphans: Vec<(i64, String, String, i64)> = sqlx::query_as(
        "SELECT leaf.place, leaf.kind, leaf.subject, leaf.ordinal FROM log_leaves AS leaf
         WHERE json_valid(leaf.entry) AND leaf.place = (
                 SELECT max(l.place) FROM log_leaves AS l
                 WHERE l.subject = leaf.subject AND l.kind = leaf.kind AND l.ordinal = leaf.ordinal)
           AND NOT EXISTS (SELECT 1 FROM log_queue AS queued WHERE queued.kind = leaf.kind AND queued.subject = leaf.subject
                             AND queued.ordinal = leaf.ordinal AND json_valid(queued.body)
                             AND (queued.body ->> '$.verdict' = 'undone' OR queued.body ->> '$.decision' = 'undone'
                                  OR queued.body ->> '$.cleared' IS NOT NULL OR queued.body ->> '$.gone' IS NOT NULL))
           AND CASE leaf.kind
               WHEN 'cover' THEN NOT EXISTS (SELECT 1 FROM covers WHERE terms_hash = unhex(substr(leaf.subject, 3)))
               WHEN 'risk' THEN NOT EXISTS (SELECT 1 FROM risks WHERE id = unhex(substr(leaf.subject, 3)))
               WHEN 'policy' THEN NOT EXISTS (SELECT 1 FROM policies WHERE id = unhex(substr(leaf.subject, 3)))
               WHEN 'determination' THEN leaf.entry ->> '$.body.verdict' <> 'undone'
                    AND NOT EXISTS (SELECT 1 FROM determinations AS d
                                    WHERE d.risk = unhex(substr(leaf.subject, 3)) AND d.ordinal = leaf.ordinal)
               WHEN 'claim' THEN leaf.entry ->> '$.body.decision' <> 'undone'
                    AND NOT EXISTS (SELECT 1 FROM claims AS c
                                    WHERE c.policy = unhex(substr(leaf.subject, 3)) AND c.ordinal = leaf.ordinal)
               WHEN 'attestation' THEN NOT EXISTS (SELECT 1 FROM statements AS s JOIN attestations AS a ON a.statement = s.position
                                                   WHERE s.attestation_id = unhex(substr(leaf.subject, 3)))
               WHEN 'withdrawal' THEN NOT EXISTS (SELECT 1 FROM withdrawals WHERE id = unhex(substr(leaf.subject, 3)))
               WHEN 'epoch' THEN NOT EXISTS (SELECT 1 FROM epochs AS e
                                   WHERE e.domain_separator = unhex(substr(leaf.subject, 3)) AND e.number = leaf.ordinal)
               WHEN 'standing' THEN NOT EXISTS (SELECT 1 FROM standings AS s
                                      WHERE s.claim_key = unhex(substr(leaf.subject, 3, 64))
                                        AND s.domain_separator = unhex(substr(leaf.subject, 70)))
               WHEN 'halt' THEN leaf.entry ->> '$.body.cleared' IS NULL
                    AND NOT EXISTS (SELECT 1 FROM halts WHERE source = leaf.subject)
               WHEN 'client' THEN NOT EXISTS (SELECT 1 FROM clients WHERE name = leaf.subject)
               WHEN 'declaration' THEN NOT EXISTS (SELECT 1 FROM declarations WHERE terms_hash = unhex(substr(leaf.subject, 3)))
               WHEN 'key' THEN leaf.entry ->> '$.body.gone' IS NULL
                    AND NOT EXISTS (SELECT 1 FROM credentials WHERE id = leaf.subject)
               WHEN 'proposal' THEN leaf.entry ->> '$.body.gone' IS NULL
                    AND NOT EXISTS (SELECT 1 FROM proposals WHERE id = unhex(leaf.subject))
               WHEN 'webhook' THEN leaf.entry ->> '$.body.gone' IS NULL
                    AND NOT EXISTS (SELECT 1 FROM webhook_endpoints WHERE id = unhex(substr(leaf.subject, 4)))
               ELSE 0 END
         LIMIT 100",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    for (place, kind, subject, ordinal) in orphans {
        let decode = || Ok((unsigned("place", place)?, unsigned("ordinal", ordinal)?));
        let (index, ordinal) = decode().map_err(|flaw: Flaw| flaw.invalid_row("leaf", place))?;
        found.push(Discrepancy::NoRow {
            index,
            kind,
            subject,
            ordinal,
        });
    }
    Ok(())
}

/// What leaves say was read since anything was last taken back is in the ledger of what was read, verified in that way.
async fn covered(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    if found.len() >= limit {
        return Ok(());
    }
    let uncovered: Vec<(i64, String)> = sqlx::query_as(
        "SELECT leaf.place, leaf.subject
         FROM log_leaves AS leaf, json_each(leaf.entry, '$.body.ranges') AS said
         WHERE leaf.kind = 'coverage'
           AND NOT EXISTS (SELECT 1 FROM log_leaves AS undone
                           WHERE undone.subject = leaf.subject AND undone.kind = 'coverage' AND undone.place > leaf.place
                             AND undone.entry ->> '$.body.undone_from_block' <= said.value ->> 'last')
           AND NOT EXISTS (SELECT 1 FROM log_queue AS queued
                           WHERE queued.subject = leaf.subject AND queued.kind = 'coverage')
           AND NOT EXISTS (SELECT 1 FROM coverage AS c
                           WHERE c.source = leaf.subject AND c.last >= said.value ->> 'last' AND c.first <= said.value ->> 'first'
                             AND c.proof = said.value ->> 'proof' AND c.agreed = said.value ->> 'agreed'
                             AND json(c.endpoints) = json(said.value ->> 'endpoints'))
         LIMIT 100",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    let unlooked: Vec<(i64, String)> = sqlx::query_as(
        "SELECT leaf.place, leaf.subject FROM log_leaves AS leaf
         WHERE leaf.kind = 'look'
           AND NOT EXISTS (SELECT 1 FROM looks AS l
                           WHERE l.source = leaf.entry ->> '$.body.source' AND l.subject = leaf.entry ->> '$.body.subject'
                             AND (leaf.entry ->> '$.body.seen_until' IS NULL
                                  OR l.watermark >= leaf.entry ->> '$.body.seen_until'))
         LIMIT 100",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    for (place, source) in uncovered.into_iter().chain(unlooked) {
        let index =
            unsigned("place", place).map_err(|flaw: Flaw| flaw.invalid_row("leaf", place))?;
        found.push(Discrepancy::Uncovered { index, source });
    }
    Ok(())
}
