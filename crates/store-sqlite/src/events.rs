//! Events: published by the transaction that makes them true.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::event::{Event, Events, Kept, NewEvent, Seq};

use crate::bulk::Bulk;
use crate::column::{address, signed, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "event";

#[async_trait]
impl Events for SqliteStore {
    async fn events_after(&self, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError> {
        let attempt = "read events";
        let after = signed(NOUN, after, after.0)?;
        let mut connection = self.snapshot(attempt).await?;
        let rows = sqlx::query_as!(
            EventRow,
            r#"SELECT seq AS "seq!", kind AS "kind!", at AS "at!", terms AS "terms?", holder AS "holder?", body AS "body!"
               FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2"#,
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        rows.into_iter().map(Event::try_from).collect()
    }

    async fn events_kept(&self) -> Result<Kept, StoreError> {
        let attempt = "see which events are kept";
        let mut connection = self.snapshot(attempt).await?;
        let row = sqlx::query!(
            r#"SELECT (SELECT min(seq) FROM events) AS "first?: i64",
                      (SELECT max(seq) FROM events) AS "last?: i64""#
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        let last = row.last.unwrap_or(0);
        let forgotten = row.first.map_or(last, |first| first - 1);
        let seq = |number| {
            let number = unsigned("seq", number);
            number.map_err(|flaw: Flaw| flaw.invalid_row(NOUN, last))
        };
        Ok(Kept {
            forgotten: Seq(seq(forgotten)?),
            last: Seq(seq(last)?),
        })
    }

    async fn published(&self, heard: u64) -> u64 {
        let mut published = self.published.subscribe();
        match published.wait_for(|times| *times != heard).await {
            Ok(times) => *times,
            // Never while the store is there, which has the other end.
            Err(_closed) => heard,
        }
    }

    async fn publish(&self, events: &[NewEvent]) -> Result<Seq, StoreError> {
        let attempt = "publish events";
        let mut transaction = self.begin(attempt).await?;
        publish(&mut transaction, events, attempt).await?;
        let last = sqlx::query_scalar!(r#"SELECT max(seq) AS "seq?: i64" FROM events"#)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))?;
        self.tell();
        let last = unsigned("seq", last.unwrap_or(0));
        Ok(Seq(last.map_err(|flaw| flaw.invalid_row(NOUN, "last"))?))
    }

    async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let attempt = "forget old events";
        let mut transaction = self.begin(attempt).await?;
        // The oldest come first, whatever their times are; the first that must stay ends it.
        let oldest = sqlx::query!(
            r#"SELECT seq AS "seq!", at AS "at!" FROM events ORDER BY seq LIMIT ?1"#,
            limit
        )
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        let told = sqlx::query_scalar!(
            r#"SELECT min(lane.cursor) AS "told?: i64"
               FROM webhook_endpoints AS endpoint JOIN webhook_lanes AS lane ON lane.endpoint = endpoint.id
               WHERE endpoint.id >= x'' AND endpoint.standing = 'active'"#
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        let last = sqlx::query_scalar!(r#"SELECT max(seq) AS "last?: i64" FROM events"#)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed(attempt))?;
        let (told, last) = (told.unwrap_or(i64::MAX), last.unwrap_or(0));
        let goes = |seq: i64, at: i64| at < before.0 && seq <= told && seq < last;
        let old = oldest.iter().take_while(|event| goes(event.seq, event.at));
        let until = old.last().map(|event| event.seq);
        let mut forgotten = 0;
        if let Some(until) = until {
            sqlx::query!("DELETE FROM webhook_dead_letters WHERE seq <= ?1", until)
                .execute(&mut *transaction)
                .await
                .map_err(failed(attempt))?;
            forgotten = sqlx::query!("DELETE FROM events WHERE seq <= ?1", until)
                .execute(&mut *transaction)
                .await
                .map_err(failed(attempt))?
                .rows_affected();
        }
        sqlx::query!(
            "DELETE FROM webhook_records WHERE id IN (SELECT id FROM webhook_records WHERE at < ?1 ORDER BY at LIMIT ?2)",
            before.0,
            limit
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))?;
        Ok(forgotten)
    }
}

/// Publishes within a transaction, in order; [`StoreError::Refused`] where one is not valid in itself.
pub(crate) async fn publish(
    connection: &mut SqliteConnection,
    events: &[NewEvent],
    attempt: &'static str,
) -> Result<(), StoreError> {
    for event in events {
        check::event(event).map_err(|flaw| flaw.refused(NOUN, &event.kind))?;
    }
    let bulk = Bulk::insert_into("events", "kind, at, terms, holder, body", "");
    bulk.insert(connection, events, attempt, |row, event| {
        row.bind(event.kind.as_str())
            .bind(event.at.0)
            .bind(event.terms.as_ref().map(|terms| terms.0.as_slice()))
            .bind(event.holder.as_ref().map(|holder| holder.as_slice()))
            .bind(event.body.as_str())
    })
    .await?;
    Ok(())
}

/// A row of `events`.
pub(crate) struct EventRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) at: i64,
    pub(crate) terms: Option<Vec<u8>>,
    pub(crate) holder: Option<Vec<u8>>,
    pub(crate) body: String,
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let seq = row.seq;
        row.try_decode().map_err(|flaw| flaw.invalid_row(NOUN, seq))
    }
}

impl EventRow {
    fn try_decode(self) -> Result<Event, Flaw> {
        let terms = self.terms.map(|terms| word("terms", &terms)).transpose()?;
        let holder = self.holder.map(|holder| address("holder", &holder));
        let event = NewEvent {
            kind: self.kind,
            at: Timestamp(self.at),
            terms: terms.map(TermsHash),
            holder: holder.transpose()?,
            body: self.body,
        };
        check::event(&event)?;
        Ok(Event {
            seq: Seq(unsigned("seq", self.seq)?),
            event,
        })
    }
}
