//! Comparing rows with their leaves: what every row says is made anew, and held against the newest leaf about it.

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::SqliteConnection;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{Discrepancy, Fact};

use crate::column::{from_json, unsigned};
use crate::error::failed;

pub(super) const COMPARE: &str = "compare the books with the eligibility log";

/// A row, what it says, and its newest leaf; whether it waits for another one.
type Compared = (
    String,
    String,
    i64,
    String,
    Option<i64>,
    Option<String>,
    bool,
);

pub(super) async fn compare(
    connection: &mut SqliteConnection,
    limit: u32,
) -> Result<Vec<Discrepancy>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    rows(connection, limit, &mut found).await?;
    leaves(connection, limit, &mut found).await?;
    covered(connection, limit, &mut found).await?;
    found.truncate(limit);
    Ok(found)
}

/// Every row says what its newest leaf says.
async fn rows(
    connection: &mut SqliteConnection,
    limit: usize,
    found: &mut Vec<Discrepancy>,
) -> Result<(), StoreError> {
    let mut rows = sqlx::query_as::<_, Compared>(
        "SELECT made.kind, made.subject, made.ordinal, made.body, leaf.place, leaf.entry,
                EXISTS (SELECT 1 FROM log_queue AS queued WHERE queued.kind = made.kind AND queued.subject = made.subject
                          AND queued.ordinal = made.ordinal)
                OR (made.kind = 'attestation' AND leaf.place IS NULL
                    AND EXISTS (SELECT 1 FROM statements AS s, attestations AS a, log_state AS state
                                WHERE s.attestation_id = unhex(substr(made.subject, 3)) AND a.statement = s.position
                                  AND a.position > state.attestation))
         FROM log_facts AS made
         LEFT JOIN log_leaves AS leaf ON leaf.place = (
             SELECT max(l.place) FROM log_leaves AS l
             WHERE l.subject = made.subject AND l.kind = made.kind AND l.ordinal = made.ordinal)",
    )
    .fetch(&mut *connection);
    while let Some(row) = rows.try_next().await.map_err(failed(COMPARE))? {
        let (kind, subject, ordinal, body, place, entry, waits) = row;
        if waits {
            continue;
        }
        let decode = || {
            let ordinal = unsigned("ordinal", ordinal)?;
            let body: Value = from_json("body", &body)?;
            let place = place.map(|place| unsigned("place", place)).transpose()?;
            Ok((ordinal, body, place))
        };
        let (ordinal, body, place) =
            decode().map_err(|flaw: Flaw| flaw.invalid_row("fact", &subject))?;
        let same = entry
            .as_deref()
            .is_some_and(|entry| says(entry, &kind, &subject, ordinal, &body));
        match place {
            Some(index) if !same => found.push(Discrepancy::Differs {
                index,
                kind,
                subject,
                ordinal,
            }),
            Some(_) => {}
            None => found.push(Discrepancy::NoLeaf {
                kind,
                subject,
                ordinal,
            }),
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(())
}

/// Whether an entry is the fact with this body, to the byte.
fn says(entry: &str, kind: &str, subject: &str, ordinal: u64, body: &Value) -> bool {
    let Ok(written) = serde_json::from_str::<Fact>(entry) else {
        return false;
    };
    let made = Fact {
        v: written.v,
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        ordinal,
        logged_at: written.logged_at,
        body: body.clone(),
    };
    made.entry().is_ok_and(|made| made == entry)
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
                             AND queued.ordinal = leaf.ordinal)
           AND CASE leaf.kind
               WHEN 'cover' THEN NOT EXISTS (SELECT 1 FROM covers WHERE terms_hash = unhex(substr(leaf.subject, 3)))
               WHEN 'declaration' THEN NOT EXISTS (SELECT 1 FROM declarations WHERE terms_hash = unhex(substr(leaf.subject, 3)))
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
