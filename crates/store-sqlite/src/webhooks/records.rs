//! What happened at endpoints: runs of what they took, what failed, and dead letters.
//!
//! Runs that follow each other within a minute are one row, so that a busy endpoint does not fill the database.

use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::event::Seq;
use tocsin_store::webhook::EndpointId;
use tocsin_store::webhook::lane::{DeadLetter, Record, RecordId, Settlement};

use crate::column::{present, signed, to_json, unsigned};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "webhook record";
const ATTEMPT: &str = "write down what happened at webhook endpoints";

/// A run is continued for so long.
const RUN_SECONDS: i64 = 60;

/// Writes down what a settlement says has happened.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let endpoint = settlement.endpoint;
    for record in &settlement.records {
        insert(connection, endpoint, record).await?;
    }
    let bytes = endpoint.0.as_slice();
    if !settlement.revived.is_empty() {
        let revived: Vec<u64> = settlement.revived.iter().map(|seq| seq.0).collect();
        let revived = to_json(NOUN, endpoint, &revived)?;
        sqlx::query!(
            "DELETE FROM webhook_dead_letters WHERE endpoint = ?1 AND seq IN (SELECT value FROM json_each(?2))",
            bytes,
            revived
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(ATTEMPT))?;
    }
    for dead in &settlement.dead {
        let seq = signed(NOUN, endpoint, dead.seq.0)?;
        sqlx::query!(
            "INSERT INTO webhook_dead_letters (endpoint, seq, attempts, at, reason) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (endpoint, seq) DO UPDATE SET attempts = attempts + excluded.attempts, at = excluded.at,
                                                       reason = excluded.reason",
            bytes,
            seq,
            dead.attempts,
            dead.at.0,
            dead.reason
        )
        .execute(&mut *connection)
        .await
        .map_err(failed(ATTEMPT))?;
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    record: &Record,
) -> Result<(), StoreError> {
    let bytes = endpoint.0.as_slice();
    match record {
        Record::Delivered {
            first,
            last,
            count,
            at,
            replayed,
        } => {
            let (first, last) = (
                signed(NOUN, endpoint, first.0)?,
                signed(NOUN, endpoint, last.0)?,
            );
            let count = signed(NOUN, endpoint, *count)?;
            let begun_after = at.0.saturating_sub(RUN_SECONDS);
            let continued = sqlx::query!(
                "UPDATE webhook_records SET last = ?2, count = count + ?3, at = ?4
                 WHERE id = (SELECT max(newest.id) FROM webhook_records AS newest WHERE newest.endpoint = ?1)
                   AND attempt IS NULL AND replayed = ?5 AND began_at > ?6 AND last < ?7",
                bytes,
                last,
                count,
                at.0,
                replayed,
                begun_after,
                first
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(ATTEMPT))?;
            if continued.rows_affected() > 0 {
                return Ok(());
            }
            sqlx::query!(
                "INSERT INTO webhook_records (endpoint, replayed, first, last, count, began_at, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                bytes,
                replayed,
                first,
                last,
                count,
                at.0
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(ATTEMPT))?;
        }
        Record::Failed {
            seq,
            attempt,
            at,
            status,
            reason,
            replayed,
        } => {
            let seq = signed(NOUN, endpoint, seq.0)?;
            sqlx::query!(
                "INSERT INTO webhook_records (endpoint, replayed, first, last, count, began_at, at, attempt, status, reason)
                 VALUES (?1, ?2, ?3, ?3, 1, ?4, ?4, ?5, ?6, ?7)",
                bytes,
                replayed,
                seq,
                at.0,
                attempt,
                status,
                reason
            )
            .execute(&mut *connection)
            .await
            .map_err(failed(ATTEMPT))?;
        }
    }
    Ok(())
}

pub(super) async fn of(
    store: &SqliteStore,
    id: EndpointId,
    before: Option<RecordId>,
    limit: u32,
) -> Result<Vec<(RecordId, Record)>, StoreError> {
    let attempt = "read what happened at a webhook endpoint";
    let before = before.map_or(Ok(i64::MAX), |before| signed(NOUN, id, before.0))?;
    let bytes = id.0.as_slice();
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query_as!(
        RecordRow,
        r#"SELECT id AS "id!", replayed AS "replayed!", first AS "first!", last AS "last!", count AS "count!", at AS "at!",
                  attempt AS "attempt?", status AS "status?", reason AS "reason?"
           FROM webhook_records WHERE endpoint = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"#,
        bytes,
        before,
        limit
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let decoded = rows.into_iter().map(RecordRow::try_decode);
    let decoded: Result<Vec<_>, Flaw> = decoded.collect();
    decoded.map_err(|flaw| flaw.invalid_row(NOUN, id))
}

struct RecordRow {
    id: i64,
    replayed: i64,
    first: i64,
    last: i64,
    count: i64,
    at: i64,
    attempt: Option<i64>,
    status: Option<i64>,
    reason: Option<String>,
}

impl RecordRow {
    fn try_decode(self) -> Result<(RecordId, Record), Flaw> {
        let id = RecordId(unsigned("id", self.id)?);
        let first = Seq(unsigned("first", self.first)?);
        let (at, replayed) = (Timestamp(self.at), self.replayed == 1);
        let record = match self.attempt {
            None => Record::Delivered {
                first,
                last: Seq(unsigned("last", self.last)?),
                count: unsigned("count", self.count)?,
                at,
                replayed,
            },
            Some(attempt) => Record::Failed {
                seq: first,
                attempt: unsigned("attempt", attempt)?,
                at,
                status: self
                    .status
                    .map(|status| unsigned("status", status))
                    .transpose()?,
                reason: present("reason", self.reason)?,
                replayed,
            },
        };
        Ok((id, record))
    }
}

pub(super) async fn dead(
    store: &SqliteStore,
    id: EndpointId,
    after: Seq,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let attempt = "read the dead letters of a webhook endpoint";
    let after = signed(NOUN, id, after.0)?;
    let bytes = id.0.as_slice();
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query!(
        r#"SELECT dead.seq AS "seq!", events.kind AS "kind!", dead.attempts AS "attempts!", dead.at AS "at!",
                  dead.reason AS "reason!"
           FROM webhook_dead_letters AS dead JOIN events ON events.seq = dead.seq
           WHERE dead.endpoint = ?1 AND dead.seq > ?2 ORDER BY dead.seq LIMIT ?3"#,
        bytes,
        after,
        limit
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let decoded = rows.into_iter().map(|row| {
        Ok(DeadLetter {
            seq: Seq(unsigned("seq", row.seq)?),
            kind: row.kind,
            attempts: unsigned("attempts", row.attempts)?,
            at: Timestamp(row.at),
            reason: row.reason,
        })
    });
    let decoded: Result<Vec<_>, Flaw> = decoded.collect();
    decoded.map_err(|flaw| flaw.invalid_row(NOUN, id))
}
