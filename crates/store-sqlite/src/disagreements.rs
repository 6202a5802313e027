//! Disagreements: counted, not piled up, because who disagrees may do so for ever.

use alloy_primitives::Address;
use serde::Serialize;
use tocsin_domain::ids::EventKey;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::quorum::{Disagreement, MAX_DETAIL};

use crate::column::{address, hexed, signed, to_json, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "disagreement";

/// A disagreement as it travels to SQLite: peer, kind, event, detail, count, first and last time.
#[derive(Serialize)]
struct Written<'a>(String, &'a str, String, String, i64, i64, i64);

pub(crate) async fn note(store: &SqliteStore, noted: &[Disagreement]) -> Result<(), StoreError> {
    let attempt = "record a disagreement";
    let mut rows = Vec::with_capacity(noted.len());
    for disagreement in noted {
        rows.push(Written(
            disagreement.peer.map_or_else(String::new, hexed),
            &disagreement.kind,
            disagreement
                .event
                .map_or_else(String::new, |event| hexed(event.0)),
            shortened(&disagreement.detail),
            signed(NOUN, &disagreement.kind, disagreement.count)?,
            disagreement.first_at.0,
            disagreement.last_at.0,
        ));
    }
    let rows = to_json(NOUN, "list", &rows)?;
    let mut transaction = store.begin(attempt).await?;
    sqlx::query!(
        "INSERT INTO disagreements (peer, kind, event, detail, count, first_at, last_at)
         SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, value ->> 5, value ->> 6
         FROM json_each(?1) WHERE true
         ON CONFLICT (peer, kind, event) DO UPDATE SET
             detail = excluded.detail, count = count + excluded.count, first_at = min(first_at, excluded.first_at),
             last_at = max(last_at, excluded.last_at)",
        rows
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed(attempt))?;
    transaction.commit().await.map_err(failed(attempt))
}

/// Without what databases cannot keep in a text, and not longer than is kept.
fn shortened(detail: &str) -> String {
    let mut text = detail.replace('\0', "\u{fffd}");
    if text.len() > MAX_DETAIL {
        let end = (0..=MAX_DETAIL)
            .rev()
            .find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
    }
    text
}

struct Row {
    peer: Vec<u8>,
    kind: String,
    event: Vec<u8>,
    detail: String,
    count: i64,
    first_at: i64,
    last_at: i64,
}

impl TryFrom<Row> for Disagreement {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let decode = || {
            Ok(Self {
                peer: peer(&row.peer)?,
                kind: row.kind.clone(),
                event: (!row.event.is_empty())
                    .then(|| word("event", &row.event).map(EventKey))
                    .transpose()?,
                detail: row.detail,
                count: unsigned("count", row.count)?,
                first_at: Timestamp(row.first_at),
                last_at: Timestamp(row.last_at),
            })
        };
        decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, row.kind))
    }
}

fn peer(bytes: &[u8]) -> Result<Option<Address>, Flaw> {
    (!bytes.is_empty())
        .then(|| address("peer", bytes))
        .transpose()
}

pub(crate) async fn newest(
    store: &SqliteStore,
    limit: u32,
) -> Result<Vec<Disagreement>, StoreError> {
    let attempt = "read the disagreements";
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT peer AS "peer!", kind AS "kind!", event AS "event!", detail AS "detail!", count AS "count!",
                  first_at AS "first_at!", last_at AS "last_at!"
           FROM disagreements ORDER BY last_at DESC, peer, kind, event LIMIT ?1"#,
        limit
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter().map(Disagreement::try_from).collect()
}

pub(crate) async fn count(
    store: &SqliteStore,
) -> Result<Vec<(Option<Address>, String, u64)>, StoreError> {
    let attempt = "count the disagreements";
    let mut connection = store.snapshot(attempt).await?;
    let rows = sqlx::query!(
        r#"SELECT peer AS "peer!", kind AS "kind!", sum(count) AS "count!: i64"
           FROM disagreements GROUP BY peer, kind ORDER BY peer, kind"#
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    rows.into_iter()
        .map(|row| {
            let decode = || {
                Ok((
                    peer(&row.peer)?,
                    row.kind.clone(),
                    unsigned("count", row.count)?,
                ))
            };
            decode().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, &row.kind))
        })
        .collect()
}
