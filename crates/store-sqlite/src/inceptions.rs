//! The inceptions of stored risks: with them, what is recorded of a risk can be held against its id.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tocsin_domain::ids::RiskId;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;

use crate::column::{hexed, to_json, word};
use crate::error::failed;

/// The inception of each of `risks`, `None` where it has none; [`StoreError::Missing`] where one is not stored.
pub(crate) async fn of(
    connection: &mut SqliteConnection,
    risks: BTreeSet<RiskId>,
    attempt: &'static str,
) -> Result<BTreeMap<RiskId, Option<Timestamp>>, StoreError> {
    let wanted: Vec<String> = risks.iter().map(|risk| hexed(risk.0)).collect();
    let wanted = to_json("risk", "keys", &wanted)?;
    let rows = sqlx::query!(
        r#"SELECT risks.id AS "id!", risks.inception AS "inception?"
           FROM json_each(?1) AS wanted JOIN risks ON risks.id = unhex(wanted.value)"#,
        wanted
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    let mut found = BTreeMap::new();
    for row in rows {
        let id = word("id", &row.id).map_err(|flaw| flaw.invalid_row("risk", hexed(&row.id)))?;
        found.insert(RiskId(id), row.inception.map(Timestamp));
    }
    match risks.into_iter().find(|risk| !found.contains_key(risk)) {
        None => Ok(found),
        Some(risk) => Err(StoreError::Missing {
            noun: "risk",
            key: risk.to_string(),
        }),
    }
}
