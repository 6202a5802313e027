//! Steps: sources, observations, states and determinations in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::{Observation, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;
use tocsin_store::step::{RiskAdvance, RiskSnapshot, SourceProgress, Step, Steps};

use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{determinations, looks, observations, responses, snapshots, sources};

#[async_trait]
impl Steps for SqliteStore {
    async fn progress(&self, source: &SourceId) -> Result<Option<SourceProgress>, StoreError> {
        let attempt = "read how far a source was read";
        let mut connection = self.reader(attempt).await?;
        let mut found = sources::find(&mut connection, [source].into_iter(), attempt).await?;
        Ok(found.remove(source))
    }

    async fn snapshots(&self, sources: &[SourceId]) -> Result<Vec<RiskSnapshot>, StoreError> {
        let mut connection = self.snapshot("read the risks of sources").await?;
        snapshots::of_sources(&mut connection, sources).await
    }

    async fn snapshots_of(
        &self,
        subjects: &[(SourceId, Subject)],
    ) -> Result<Vec<RiskSnapshot>, StoreError> {
        let mut connection = self.snapshot("read the risks of subjects").await?;
        snapshots::of_subjects(&mut connection, subjects).await
    }

    async fn history(
        &self,
        streams: &[Stream],
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Observation>, StoreError> {
        let attempt = "read past observations";
        let mut connection = self.snapshot(attempt).await?;
        observations::history(&mut connection, streams, after, until, attempt).await
    }

    async fn commit(&self, step: &Step) -> Result<(), StoreError> {
        let attempt = "commit a step";
        let mut transaction = self.begin(attempt).await?;
        sources::advance(&mut transaction, &step.sources, attempt).await?;
        looks::advance(&mut transaction, step, attempt).await?;
        advance_risks(&mut transaction, &step.risks, attempt).await?;
        observations::add(&mut transaction, &step.observations, attempt).await?;
        responses::add(&mut transaction, &step.polled.responses, attempt).await?;
        determinations::add(&mut transaction, &step.determinations, attempt).await?;
        transaction.commit().await.map_err(failed(attempt))?;
        // Of warnings that they confirm.
        if !step.determinations.is_empty() {
            self.tell();
        }
        Ok(())
    }
}

/// Replaces the states of risks, each of the version that was read.
async fn advance_risks(
    connection: &mut SqliteConnection,
    advances: &[RiskAdvance],
    attempt: &'static str,
) -> Result<(), StoreError> {
    if advances.is_empty() {
        return Ok(());
    }
    let rows: Vec<(String, String, i64)> = advances
        .iter()
        .map(|advance| {
            (
                hexed(advance.risk.0),
                hexed(&advance.state),
                advance.evaluated_to.0,
            )
        })
        .collect();
    let rows = to_json("risk", "batch", &rows)?;
    let stored = sqlx::query!(
        r#"SELECT risks.id AS "id!", risks.version AS "version!", risks.evaluated_to AS "evaluated_to?"
           FROM json_each(?1) AS given JOIN risks ON risks.id = unhex(given.value ->> 0)"#,
        rows
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut versions = BTreeMap::new();
    for row in stored {
        let risk = word("id", &row.id).map_err(|flaw| flaw.invalid_row("risk", hexed(&row.id)))?;
        let version: u64 =
            unsigned("version", row.version).map_err(|flaw| flaw.invalid_row("risk", risk))?;
        versions.insert(RiskId(risk), (version, row.evaluated_to.map(Timestamp)));
    }
    let mut seen = BTreeSet::new();
    for advance in advances {
        let key = advance.risk.to_string();
        let Some((version, reached)) = versions.get(&advance.risk) else {
            return Err(StoreError::Missing { noun: "risk", key });
        };
        // A version is replaced once, so a risk that comes twice is stale the second time.
        if *version != advance.version || !seen.insert(advance.risk) {
            return Err(StoreError::Stale { noun: "risk", key });
        }
        if let Some(reached) = reached.filter(|reached| advance.evaluated_to < *reached) {
            let reason = format!(
                "its evaluation would go back from {reached} to {}",
                advance.evaluated_to
            );
            return Err(Flaw(reason).refused("risk", key));
        }
    }
    sqlx::query!(
        "UPDATE risks
         SET state = unhex(given.value ->> 1), version = version + 1, evaluated_to = given.value ->> 2
         FROM json_each(?1) AS given
         WHERE risks.id = unhex(given.value ->> 0)",
        rows
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
