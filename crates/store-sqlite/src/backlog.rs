//! What waits for the stages.

use async_trait::async_trait;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::backlog::{Backlog, Backlogs, Waiting};
use tocsin_store::check::Flaw;

use crate::column::unsigned;
use crate::error::failed;
use crate::store::SqliteStore;

const READ: &str = "count what waits";

#[async_trait]
impl Backlogs for SqliteStore {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let determinations = sqlx::query!(
            r#"SELECT count(*) AS "count!", min(confirmed_at) AS "oldest: i64" FROM determinations WHERE awaiting_claims > 0"#
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(READ))?;
        let claims = sqlx::query!(
            r#"SELECT count(*) AS "count!", min(confirmed_at) AS "oldest: i64" FROM claims
               WHERE eligible = 1 AND attested = 0 AND redeemed = 0 AND barred = 0"#
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(READ))?;
        let deliveries = sqlx::query!(
            r#"SELECT count(*) AS "count!", min(made.attested_at) AS "oldest: i64"
               FROM (SELECT attestation FROM deliveries WHERE state = 'queued'
                     UNION ALL SELECT attestation FROM deliveries WHERE state = 'sending') AS waiting
               JOIN attested AS made ON made.id = waiting.attestation"#
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(failed(READ))?;
        Ok(Backlog {
            determinations: waiting(determinations.count, determinations.oldest)?,
            claims: waiting(claims.count, claims.oldest)?,
            deliveries: waiting(deliveries.count, deliveries.oldest)?,
        })
    }
}

fn waiting(count: i64, oldest: Option<i64>) -> Result<Waiting, StoreError> {
    let count =
        unsigned("count", count).map_err(|flaw: Flaw| flaw.invalid_row("backlog", count))?;
    Ok(Waiting {
        count,
        oldest: oldest.map(Timestamp),
    })
}
