//! Under which name and key the log is signed, and whether it is held.

use serde_json::Value;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::log::{Fact, Origin};

use super::queue_fact;
use crate::column::unsigned;
use crate::error::failed;

const READ: &str = "read by which key the eligibility log is signed";
const BEGIN: &str = "record by which key the eligibility log is signed";
const HOLD: &str = "hold the eligibility log";

pub(super) async fn newest(
    connection: &mut SqliteConnection,
) -> Result<Option<Origin>, StoreError> {
    let row: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT verifier, size, begun_at FROM log_origins ORDER BY number DESC LIMIT 1",
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(READ))?;
    row.map(|(verifier, size, begun_at)| {
        let size =
            unsigned("size", size).map_err(|flaw: Flaw| flaw.invalid_row("origin", &verifier))?;
        Ok(Origin {
            verifier,
            size,
            begun_at: Timestamp(begun_at),
        })
    })
    .transpose()
}

pub(super) async fn begin(
    connection: &mut SqliteConnection,
    verifier: &str,
    told: Option<&Value>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let begun = sqlx::query(
        "INSERT INTO log_origins (verifier, size, begun_at) SELECT ?1, size, ?2 FROM log_state WHERE id = 1
         ON CONFLICT (verifier) DO NOTHING",
    )
    .bind(verifier)
    .bind(now.0)
    .execute(&mut *connection)
    .await
    .map_err(failed(BEGIN))?;
    if begun.rows_affected() == 0 {
        return Err(StoreError::Conflict {
            noun: "origin",
            key: verifier.to_owned(),
            reason: "the log was signed by this key before".to_owned(),
        });
    }
    if let Some(told) = told {
        let origin = Fact::new("origin", verifier, 0, now, told.clone()).shown();
        queue_fact(connection, &origin, BEGIN).await?;
    }
    hold(connection, None, now).await
}

pub(super) async fn hold(
    connection: &mut SqliteConnection,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let query = match reason {
        Some(reason) => sqlx::query(
            "INSERT INTO log_held (id, reason, since) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET reason = excluded.reason",
        )
        .bind(reason)
        .bind(now.0),
        None => sqlx::query("DELETE FROM log_held WHERE id = 1"),
    };
    query
        .execute(&mut *connection)
        .await
        .map_err(failed(HOLD))?;
    Ok(())
}
