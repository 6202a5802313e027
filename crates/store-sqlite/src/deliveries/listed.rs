//! Deliveries as a list, the last queued first.

use sqlx::SqliteConnection;
use tocsin_domain::ids::AttestationId;
use tocsin_store::StoreError;
use tocsin_store::browse::DeliveryFilter;
use tocsin_store::delivery::Delivery;

use crate::deliveries::NOUN;
use crate::deliveries::rows::{DeliveryRow, add_attempts};
use crate::error::failed;

/// Those that something holds of, which names an index.
macro_rules! those {
    ($holds:literal, $($bound:expr),*) => {
        sqlx::query_as!(
            DeliveryRow,
            r#"SELECT attestation AS "attestation!", claim_key AS "claim_key!", chain_id AS "chain_id!", consumer AS "consumer!",
                      calldata AS "calldata!", state AS "state!", sender AS "sender?", nonce AS "nonce?",
                      done_hash AS "done_hash?", done_block AS "done_block?", not_before AS "not_before!",
                      last_error AS "last_error?", failures AS "failures!", superseded AS "superseded!: bool"
               FROM deliveries WHERE "# + $holds,
            $($bound),*
        )
    };
}

/// A page of them.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    filter: DeliveryFilter,
    before: Option<AttestationId>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let attempt = "list deliveries";
    let before = match before {
        None => i64::MAX,
        Some(id) => position(connection, id, attempt).await?,
    };
    let rows = match filter {
        DeliveryFilter::All => {
            those!(
                "position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        DeliveryFilter::Queued => {
            those!(
                "state = 'queued' AND position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        DeliveryFilter::Sending => {
            those!(
                "state = 'sending' AND position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        DeliveryFilter::Done => {
            those!(
                "state = 'done' AND position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        DeliveryFilter::Failed => {
            those!(
                "state = 'failed' AND position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
        DeliveryFilter::Superseded => {
            those!(
                "state = 'superseded' AND position < ?1 ORDER BY position DESC LIMIT ?2",
                before,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        }
    };
    let rows = rows.map_err(failed(attempt))?;
    let mut found: Vec<Delivery> = rows
        .into_iter()
        .map(Delivery::try_from)
        .collect::<Result<_, _>>()?;
    add_attempts(connection, &mut found, attempt).await?;
    Ok(found)
}

async fn position(
    connection: &mut SqliteConnection,
    attestation: AttestationId,
    attempt: &'static str,
) -> Result<i64, StoreError> {
    let id = attestation.0.as_slice();
    let position = sqlx::query_scalar!(
        r#"SELECT position AS "position!" FROM deliveries WHERE attestation = ?1"#,
        id
    )
    .fetch_optional(connection)
    .await
    .map_err(failed(attempt))?;
    position.ok_or_else(|| StoreError::Missing {
        noun: NOUN,
        key: attestation.to_string(),
    })
}
