//! Answers to writes.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::answer::{Answer, Answers};
use tocsin_store::check::Flaw;

use crate::column::{unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;

const NOUN: &str = "answer";

/// Forgotten at once at the most.
const FORGOTTEN_MAX: i64 = 1_000;

#[async_trait]
impl Answers for SqliteStore {
    async fn answer(&self, caller: &str, key: &str) -> Result<Option<Answer>, StoreError> {
        let attempt = "read an answer";
        let mut connection = self.snapshot(attempt).await?;
        find(&mut connection, caller, key, attempt).await
    }

    async fn add_answer(&self, answer: &Answer) -> Result<(), StoreError> {
        let attempt = "keep an answer";
        let mut transaction = self.begin(attempt).await?;
        add(&mut transaction, answer, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))
    }

    async fn forget_answers(&self, before: Timestamp) -> Result<u64, StoreError> {
        let attempt = "forget answers";
        let mut transaction = self.begin(attempt).await?;
        let forgotten = sqlx::query!(
            "DELETE FROM answers WHERE (caller, key) IN (SELECT caller, key FROM answers WHERE at < ?1 ORDER BY at LIMIT ?2)",
            before.0,
            FORGOTTEN_MAX
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(attempt))?;
        transaction.commit().await.map_err(failed(attempt))?;
        Ok(forgotten.rows_affected())
    }
}

async fn find(
    connection: &mut SqliteConnection,
    caller: &str,
    key: &str,
    attempt: &'static str,
) -> Result<Option<Answer>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT request AS "request!", status AS "status!", body AS "body!", at AS "at!"
           FROM answers WHERE caller = ?1 AND key = ?2"#,
        caller,
        key
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let Some(row) = row else {
        return Ok(None);
    };
    let decode = || {
        Ok(Answer {
            caller: caller.to_owned(),
            key: key.to_owned(),
            request: word("request", &row.request)?,
            status: unsigned("status", row.status)?,
            body: row.body,
            at: Timestamp(row.at),
        })
    };
    decode()
        .map(Some)
        .map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))
}

/// Adds an answer in the transaction of its effect; [`StoreError::Conflict`] where its key has one.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    answer: &Answer,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let request = answer.request.as_slice();
    let added = sqlx::query!(
        "INSERT INTO answers (caller, key, request, status, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (caller, key) DO NOTHING",
        answer.caller,
        answer.key,
        request,
        answer.status,
        answer.body,
        answer.at.0
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Conflict {
            noun: NOUN,
            key: answer.key.clone(),
            reason: "the key has an answer already".to_owned(),
        });
    }
    Ok(())
}
