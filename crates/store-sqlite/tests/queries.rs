//! Every query of the crate, as sqlx recorded it in `.sqlx`: it is still in the source, it still means the same to today's
//! schema, and it finds its rows by an index.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqlSafeStr, SqliteConnection};
use tempfile::TempDir;
use tocsin_store_sqlite::SqliteStore;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The text of each recorded query, and what sqlx found out about it.
fn recorded() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new(CRATE).join(".sqlx")).unwrap() {
        let file = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut record: Value = serde_json::from_str(&file).unwrap();
        let Value::String(query) = record["query"].take() else {
            panic!("{file}")
        };
        found.push((query, record["describe"].take()));
    }
    assert!(found.len() > 50, "only {} queries", found.len());
    found
}

/// All Rust files of the crate.
fn source(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &source(&path);
        } else {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

async fn schema() -> (TempDir, SqliteConnection) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("schema.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let connection = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    (folder, connection)
}

/// That none is missing, the compiler sees to.
#[test]
fn no_record_is_left_over() {
    let source = source(&Path::new(CRATE).join("src"));
    for (query, _) in recorded() {
        // Where several queries of a file share their columns, what holds of the rows is written apart.
        let shared = query.rsplit_once("WHERE ").is_some_and(|(columns, holds)| {
            source.contains(&format!("{columns}WHERE \"# + $holds"))
                && source.contains(&format!("\"{holds}\""))
        });
        assert!(
            shared || source.contains(&query),
            "this query is no longer in the source; run `cargo xtask sql`:\n{query}"
        );
    }
}

#[tokio::test]
async fn every_record_describes_the_schema_of_today() {
    let (_folder, mut connection) = schema().await;
    for (query, recorded) in recorded() {
        let sql = AssertSqlSafe(query.clone()).into_sql_str();
        let described = connection
            .describe(sql)
            .await
            .unwrap_or_else(|error| panic!("{error}:\n{query}"));
        let described = serde_json::to_value(described).unwrap();
        assert_eq!(
            described, recorded,
            "the record is out of date; run `cargo xtask sql`:\n{query}"
        );
    }
}

async fn plan(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
        .fetch_all(connection)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.get::<String, _>("detail"))
        .collect()
}

/// No query reads a whole table, except where all of it is wanted.
#[tokio::test]
async fn every_query_uses_an_index() {
    let (_folder, mut connection) = schema().await;
    for (query, _) in recorded() {
        let plan = plan(&mut connection, &query).await;
        for line in &plan {
            // The rows that a statement is given.
            let given = line.contains("VIRTUAL TABLE") || line.contains("CONSTANT ROW");
            let indexed = line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
            // The newest attestations, by row number, up to a limit; the tables of the schema; a subquery's own rows.
            let wanted = line == "SCAN attestations"
                && query.contains("ORDER BY position DESC LIMIT")
                || line.contains("sqlite_schema")
                // The oldest events, by number, up to a limit.
                || line == "SCAN events" && query.contains("ORDER BY seq LIMIT ?1")
                // All of them are counted: one row for each attestor, kind and event.
                || line == "SCAN disagreements" && query.contains("sum(count)")
                // A lane for each endpoint that an operator allows, and for each of its replays that go on.
                || line == "SCAN lane" && query.contains("FROM webhook_endpoints")
                // Whether there is any row.
                || line == "SCAN halts" && query.contains("EXISTS (SELECT 1 FROM halts)")
                // What waits for a second person, and is gone after a while.
                || line == "SCAN proposals"
                || ["SCAN listening", "SCAN (subquery", "SCAN remembered", "SCAN waiting"]
                    .iter()
                    .any(|start| line.starts_with(start));
            let scans = line.starts_with("SCAN ") && !given && !indexed && !wanted;
            assert!(
                !scans && !line.contains("AUTOMATIC"),
                "{line}:\n{query}\n{plan:#?}"
            );
        }
    }
}

/// What is listed by how far it has come is a range of an index, however much has come elsewhere.
#[tokio::test]
async fn every_list_of_a_state_is_an_index() {
    let (_folder, mut connection) = schema().await;
    let claims = "(c.policy, c.ordinal) > (?1, ?2) ORDER BY c.policy";
    let waiting = "(+c.policy, c.ordinal) > (?1, ?2) ORDER BY +c.policy";
    let deliveries = "position < ?1 ORDER BY position DESC";
    for (holds, then, index) in [
        ("WHERE c.eligible = 0 AND ", claims, "claims_refused"),
        ("c.barred = 0 AND ", waiting, "claims_unattested"),
        ("WHERE c.attested = 1", claims, "claims_unredeemed"),
        ("c.barred = 1 AND ", claims, "claims_barred"),
        ("c.redeemed = 1 AND ", claims, "claims_paid"),
        ("state = 'queued' AND ", deliveries, "deliveries_waiting"),
        ("state = 'sending' AND ", deliveries, "deliveries_sending"),
        ("state = 'done' AND ", deliveries, "deliveries_done"),
        ("state = 'failed' AND ", deliveries, "deliveries_failed"),
        (
            "state = 'superseded' AND ",
            deliveries,
            "deliveries_superseded",
        ),
    ] {
        let queries: Vec<String> = recorded()
            .into_iter()
            .map(|(query, _)| query)
            .filter(|query| query.contains(holds) && query.contains(then))
            .collect();
        let [query] = &queries[..] else {
            panic!("{} queries have `{holds}` and `{then}`", queries.len())
        };
        let plan = plan(&mut connection, query).await;
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
        // What waits is sorted; it is a queue, and short but for moments.
        let sorted = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        assert_eq!(sorted, then == waiting, "{plan:#?}");
    }
}

/// Unfinished work is read off an index in order, however much is finished.
#[tokio::test]
async fn every_queue_is_an_index() {
    let (_folder, mut connection) = schema().await;
    let queues = [
        ("awaiting_claims > 0", "determinations_unclaimed"),
        ("eligible = 1 AND attested = 0", "claims_unattested"),
        ("state = 'sending' AND not_before", "deliveries_nonce"),
        ("state = 'queued' AND not_before", "deliveries_queued"),
        ("due_at <= ?2", "looks_due"),
        ("due_at IS NOT NULL ORDER BY", "looks_due"),
    ];
    for (condition, index) in queues {
        let queries: Vec<String> = recorded()
            .into_iter()
            .map(|(query, _)| query)
            // What counts a queue is in no order.
            .filter(|query| query.contains(condition) && !query.contains("count(*)"))
            .collect();
        let [query] = &queries[..] else {
            panic!("{} queries have `{condition}`", queries.len())
        };
        let plan = plan(&mut connection, query).await;
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
        assert!(
            !plan.iter().any(|line| line.contains("TEMP B-TREE")),
            "{plan:#?}"
        );
    }
}
