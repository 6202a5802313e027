//! Putting away what is over: risks that are evaluated no more, responses that nothing rests on.

use alloy_primitives::B256;
use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_store::StoreError;
use tocsin_store::response::{Archive, Archived, PutAway, Retention};

use crate::column::{hexed, to_json};
use crate::error::failed;
use crate::responses;
use crate::store::SqliteStore;

const PUT_AWAY: &str = "put away what is over";

#[async_trait]
impl Archive for SqliteStore {
    async fn response(&self, hash: B256) -> Result<Option<Archived>, StoreError> {
        let mut connection = self.snapshot("read a response").await?;
        responses::find(&mut connection, hash, "read a response").await
    }

    async fn put_away(&self, retention: &Retention<'_>) -> Result<PutAway, StoreError> {
        // Looked for without keeping writers waiting, and decided again when it is written.
        let deadlines = deadlines(retention)?;
        let risks = self.risks_that_are_over(&deadlines, retention).await?;
        let mut put_away = PutAway::default();
        if !risks.is_empty() {
            put_away.risks = self.archive(&risks, &deadlines, retention).await?;
        }
        for (source, before) in retention.sources {
            put_away.responses += self
                .remove_responses((source.as_str(), before.0), &deadlines, retention)
                .await?;
        }
        Ok(put_away)
    }
}

/// Terms and how long claims can be made under them, as JSON lists.
fn deadlines(retention: &Retention<'_>) -> Result<String, StoreError> {
    let rows: Vec<(String, Option<i64>)> = retention
        .deadlines
        .iter()
        .map(|deadline| (hexed(deadline.terms.0), deadline.claims.map(|span| span.0)))
        .collect();
    to_json("deadline", "batch", &rows)
}

impl SqliteStore {
    async fn risks_that_are_over(
        &self,
        deadlines: &str,
        retention: &Retention<'_>,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut connection = self.snapshot(PUT_AWAY).await?;
        sqlx::query_scalar!(
            r#"SELECT risks.id AS "id!"
               FROM risks
               JOIN json_each(?1) AS terms ON risks.terms_hash = unhex(terms.value ->> 0)
               WHERE risks.archived_at IS NULL AND risks.id >= x''
                 AND NOT EXISTS (
                     SELECT 1 FROM risk_streams AS listening
                     JOIN streams ON streams.id = listening.stream
                     LEFT JOIN looks ON looks.source = streams.source AND looks.subject = streams.subject
                     WHERE listening.risk = risks.id AND (looks.state IS NOT 'over' OR looks.due_at IS NOT NULL))
                 AND EXISTS (SELECT 1 FROM policies WHERE policies.risk = risks.id)
                 AND NOT EXISTS (
                     SELECT 1 FROM policies
                     WHERE policies.risk = risks.id AND policies.expiry + coalesce(terms.value ->> 1, 0) >= ?2)
                 AND NOT EXISTS (
                     SELECT 1 FROM determinations AS d
                     WHERE d.risk = risks.id
                       AND (d.awaiting_claims <> 0 OR d.confirmed_at + coalesce(terms.value ->> 1, 0) >= ?2))
                 AND NOT EXISTS (
                     SELECT 1 FROM risk_streams AS listening
                     JOIN observations AS o ON o.stream = listening.stream
                     WHERE listening.risk = risks.id
                       AND o.observed_at > coalesce(risks.evaluated_to, -9223372036854775808))
               LIMIT ?3"#,
            deadlines,
            retention.now.0,
            retention.limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(PUT_AWAY))
    }

    async fn archive(
        &self,
        risks: &[Vec<u8>],
        deadlines: &str,
        retention: &Retention<'_>,
    ) -> Result<u64, StoreError> {
        let ids: Vec<String> = risks.iter().map(hexed).collect();
        let ids = to_json("risk", "keys", &ids)?;
        let mut transaction = self.begin(PUT_AWAY).await?;
        // A policy, or a question, may have come meanwhile.
        let archived = sqlx::query!(
            "UPDATE risks SET archived_at = ?3
             FROM json_each(?1) AS given, json_each(?2) AS terms
             WHERE risks.id = unhex(given.value) AND risks.terms_hash = unhex(terms.value ->> 0)
               AND NOT EXISTS (
                   SELECT 1 FROM risk_streams AS listening
                   JOIN streams ON streams.id = listening.stream
                   LEFT JOIN looks ON looks.source = streams.source AND looks.subject = streams.subject
                   WHERE listening.risk = risks.id AND (looks.state IS NOT 'over' OR looks.due_at IS NOT NULL))
               AND NOT EXISTS (
                   SELECT 1 FROM policies
                   WHERE policies.risk = risks.id AND policies.expiry + coalesce(terms.value ->> 1, 0) >= ?3)
               AND NOT EXISTS (
                   SELECT 1 FROM determinations AS d
                   WHERE d.risk = risks.id AND d.awaiting_claims <> 0)",
            ids,
            deadlines,
            retention.now.0
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(PUT_AWAY))?
        .rows_affected();
        transaction.commit().await.map_err(failed(PUT_AWAY))?;
        Ok(archived)
    }

    /// Removes responses of one source that came last before a time, where nobody can claim anything that rests on them.
    async fn remove_responses(
        &self,
        (source, before): (&str, i64),
        deadlines: &str,
        retention: &Retention<'_>,
    ) -> Result<u64, StoreError> {
        let mut connection = self.snapshot(PUT_AWAY).await?;
        let found = sqlx::query_scalar!(
            r#"WITH remembered AS MATERIALIZED (
                   SELECT DISTINCT unhex(substr(part.value, 3)) AS hash
                   FROM looks, json_tree(looks.memory) AS part
                   WHERE looks.source = ?1 AND looks.state = 'open' AND looks.memory IS NOT NULL
                     AND part.type = 'text' AND length(part.value) = 66 AND substr(part.value, 1, 2) = '0x')
               SELECT json_group_array(hex(hash)) AS "hashes!: String" FROM (
                   SELECT DISTINCT fetches.hash AS hash FROM fetches
                   WHERE fetches.source = ?1 AND fetches.last_at < ?2
                     AND fetches.hash NOT IN (SELECT hash FROM remembered WHERE hash IS NOT NULL)
                     AND NOT EXISTS (
                         SELECT 1 FROM observations AS o
                         JOIN risk_streams AS listening ON listening.stream = o.stream
                         JOIN risks ON risks.id = listening.risk
                         LEFT JOIN (SELECT unhex(value ->> 0) AS terms, value ->> 1 AS claims FROM json_each(?3)) AS known
                           ON known.terms = risks.terms_hash
                         WHERE o.raw_hash = fetches.hash AND o.chain_id IS NULL
                           AND (risks.archived_at IS NULL OR known.claims IS NULL
                                OR EXISTS (SELECT 1 FROM determinations AS d
                                           WHERE d.risk = risks.id AND d.confirmed_at + known.claims >= ?4)))
                   LIMIT ?5)"#,
            source,
            before,
            deadlines,
            retention.now.0,
            retention.limit
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(PUT_AWAY))?;
        drop(connection);
        if found == "[]" {
            return Ok(0);
        }
        let mut transaction = self.begin(PUT_AWAY).await?;
        let hashes = still_unneeded(&mut transaction, &found, (source, before)).await?;
        sqlx::query!(
            "DELETE FROM fetches WHERE hash IN (SELECT unhex(value) FROM json_each(?1))",
            hashes
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(PUT_AWAY))?;
        let removed = sqlx::query!(
            "DELETE FROM responses WHERE hash IN (SELECT unhex(value) FROM json_each(?1))",
            hashes
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(PUT_AWAY))?
        .rows_affected();
        transaction.commit().await.map_err(failed(PUT_AWAY))?;
        Ok(removed)
    }
}

/// Those that nobody has sent since, also no other source, and on which no risk has come to rest that is evaluated.
async fn still_unneeded(
    connection: &mut SqliteConnection,
    hashes: &str,
    (source, before): (&str, i64),
) -> Result<String, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT json_group_array(given.value) AS "hashes!: String" FROM json_each(?1) AS given
           WHERE NOT EXISTS (
                   SELECT 1 FROM fetches AS f
                   WHERE f.hash = unhex(given.value) AND (f.source <> ?2 OR f.last_at >= ?3))
             AND NOT EXISTS (
                   SELECT 1 FROM observations AS o
                   JOIN risk_streams AS listening ON listening.stream = o.stream
                   JOIN risks ON risks.id = listening.risk
                   WHERE o.raw_hash = unhex(given.value) AND o.chain_id IS NULL AND risks.archived_at IS NULL)"#,
        hashes,
        source,
        before
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed(PUT_AWAY))
}
