//! Writing down how far lanes have come.

use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::event::NewEvent;
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::EndpointId;
use tocsin_store::webhook::lane::Settlement;

use super::lanes::NOUN;
use super::records;
use crate::column::{signed, to_json};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{events, log};

const SETTLE: &str = "write down how far webhooks have come";

pub(super) async fn all(store: &SqliteStore, settlements: &[Settlement]) -> Result<(), StoreError> {
    let mut transaction = store.begin(SETTLE).await?;
    let mut published = false;
    for settlement in settlements {
        if !move_lane(&mut transaction, settlement).await? {
            continue;
        }
        records::write(&mut transaction, settlement).await?;
        if let Some((since, reason)) = &settlement.disabled {
            disable(&mut transaction, settlement.endpoint, *since, reason).await?;
            published = true;
        }
    }
    transaction.commit().await.map_err(failed(SETTLE))?;
    if published {
        store.tell();
    }
    Ok(())
}

/// Whether the lane is still there.
async fn move_lane(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Result<bool, StoreError> {
    let id = settlement.lane;
    let number = signed(NOUN, id, id.0)?;
    let cursor = signed(NOUN, id, settlement.cursor.0)?;
    let ended = sqlx::query!(
        "DELETE FROM webhook_lanes WHERE id = ?1 AND until <= ?2",
        number,
        cursor
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(SETTLE))?;
    if ended.rows_affected() > 0 {
        return Ok(true);
    }
    let trouble = settlement.trouble.as_ref();
    let failing = trouble
        .map(|trouble| signed(NOUN, id, trouble.seq.0))
        .transpose()?;
    let attempts = trouble.map(|trouble| trouble.attempts);
    let since = trouble.map(|trouble| trouble.since.0);
    let next_at = trouble.map(|trouble| trouble.next_at.0);
    let reason = trouble.map(|trouble| trouble.reason.as_str());
    let moved = sqlx::query!(
        "UPDATE webhook_lanes SET cursor = max(cursor, ?2), failing = ?3, attempts = ?4, failing_since = ?5, next_at = ?6,
                reason = ?7, dead_in_a_row = ?8
         WHERE id = ?1",
        number,
        cursor,
        failing,
        attempts,
        since,
        next_at,
        reason,
        settlement.dead_in_a_row
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(SETTLE))?;
    Ok(moved.rows_affected() > 0)
}

/// Tells the endpoint nothing more, and everybody else that it is so. Why is for its owner: the log is public.
async fn disable(
    connection: &mut SqliteConnection,
    id: EndpointId,
    since: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    let bytes = id.0.as_slice();
    let disabled = sqlx::query!(
        "UPDATE webhook_endpoints SET standing = 'disabled', since = ?2, reason = ?3 WHERE id = ?1 AND standing = 'active'",
        bytes,
        since.0,
        reason
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(SETTLE))?;
    if disabled.rows_affected() == 0 {
        return Ok(());
    }
    let said = serde_json::json!({ "endpoint": id.to_string(), "reason": reason });
    let event = NewEvent {
        kind: "webhook.disabled".to_owned(),
        at: since,
        terms: None,
        holder: None,
        body: to_json(NOUN, id, &said)?,
    };
    events::publish(connection, &[event], SETTLE).await?;
    let audit = AuditEntry {
        at: since,
        action: "webhook-disabled".to_owned(),
        actor: None,
        subject: id.to_string(),
        detail: serde_json::json!({}),
    };
    log::queue(connection, &audit, SETTLE).await
}
