//! Whether the rules that queue facts are those that Tocsin made: without its trigger a change is in no leaf.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tocsin_store::StoreError;
use tocsin_store::log::Discrepancy;

use super::compare::COMPARE;
use crate::error::failed;
use crate::schema::MIGRATIONS;

/// The triggers and views that are other than the migrations make them, are missing, or are nobody's; and whether a view is among
/// them, by which nothing can be compared then.
pub(super) async fn altered(
    connection: &mut SqliteConnection,
) -> Result<(Vec<Discrepancy>, bool), StoreError> {
    let found = rules(connection).await?;
    let fresh = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().in_memory(true))
        .await
        .map_err(failed(COMPARE))?;
    MIGRATIONS
        .run(&fresh)
        .await
        .map_err(|error| failed(COMPARE)(sqlx::Error::Migrate(Box::new(error))))?;
    let mut one = fresh.acquire().await.map_err(failed(COMPARE))?;
    let made = rules(&mut one).await?;
    drop(one);
    fresh.close().await;
    let differing: BTreeSet<&(String, String)> = found
        .keys()
        .chain(made.keys())
        .filter(|rule| found.get(*rule) != made.get(*rule))
        .collect();
    let views = differing.iter().any(|(kind, _)| kind == "view");
    let named = differing.into_iter();
    let named = named.map(|(_, name)| Discrepancy::Schema { name: name.clone() });
    Ok((named.collect(), views))
}

/// What makes each of them, by its kind and name.
type Rules = BTreeMap<(String, String), String>;

async fn rules(connection: &mut SqliteConnection) -> Result<Rules, StoreError> {
    let rules: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(COMPARE))?;
    let rules = rules.into_iter();
    Ok(rules.map(|(kind, name, sql)| ((kind, name), sql)).collect())
}
