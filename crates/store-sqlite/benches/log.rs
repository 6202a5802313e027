//! Durable leaves a second, next to what SQLite itself does with the same entries.
//!
//! Facts are queued as the triggers queue them; measured is appending them in groups of 4,096: reading them, making their
//! canonical JSON, hashing, growing the tiles, storing the leaves and clearing the queue, one durable commit a group. The
//! bound is one `INSERT` of as many entries into a bare table, in as many durable commits. Both write to a real file.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has failed")]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::log::{Appending, Audit, AuditEntry, Log};
use tocsin_store_sqlite::SqliteStore;
use tokio::runtime::Runtime;

const GROUP: u32 = 4_096;

/// The folder of the benchmark's files, on the disk of the build.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn entry(n: u64) -> AuditEntry {
    AuditEntry {
        at: Timestamp(1_700_000_000),
        action: "claim".to_owned(),
        actor: None,
        subject: format!("0x{n:064x}"),
        detail: serde_json::json!({
            "risk": "0x0202020202020202020202020202020202020202020202020202020202020202",
            "decision": "accepted",
            "fraction": "0.0247",
            "amount": "0x000000000000000000000000000000000000000000000000000000000eb8f8c0",
        }),
    }
}

async fn append(store: &SqliteStore, iterations: u64, next: &mut u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    for _ in 0..iterations {
        let entries: Vec<AuditEntry> = (0..u64::from(GROUP)).map(|n| entry(*next + n)).collect();
        *next += u64::from(GROUP);
        store.record(&entries).await.unwrap();
        let appending = Appending {
            now: Timestamp(1_700_000_001),
            limit: GROUP,
            coverage_every: Seconds(300),
            slack: &[],
        };
        let begun = Instant::now();
        let appended = store.append(&appending).await.unwrap();
        elapsed += begun.elapsed();
        assert_eq!(appended.leaves, u64::from(GROUP));
    }
    elapsed
}

/// A bare table of entries.
async fn bare(folder: &TempDir) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.path().join("bound.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .unwrap();
    let table = "CREATE TABLE leaves (place INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT";
    sqlx::raw_sql(table).execute(&mut connection).await.unwrap();
    connection
}

async fn insert(connection: &mut SqliteConnection, iterations: u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    let values = vec!["(?)"; 512].join(", ");
    let sql = format!("INSERT INTO leaves (entry) VALUES {values}");
    for _ in 0..iterations {
        let entries: Vec<String> = (0..u64::from(GROUP))
            .map(|n| format!("{}{}", entry(n).body(), entry(n).subject))
            .collect();
        let begun = Instant::now();
        let mut transaction = connection.begin().await.unwrap();
        for chunk in entries.chunks(512) {
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for entry in chunk {
                query = query.bind(entry);
            }
            query.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        elapsed += begun.elapsed();
    }
    elapsed
}

fn leaves(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("log");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(5))
        .throughput(Throughput::Elements(u64::from(GROUP)));
    group.bench_function("append", |bencher| {
        let folder = folder();
        let path = folder.path().join("tocsin.db");
        let store = runtime.block_on(SqliteStore::open(&path)).unwrap();
        let mut next = 0;
        bencher.iter_custom(|iterations| runtime.block_on(append(&store, iterations, &mut next)));
    });
    group.bench_function("bound", |bencher| {
        let folder = folder();
        let mut connection = runtime.block_on(bare(&folder));
        bencher.iter_custom(|iterations| runtime.block_on(insert(&mut connection, iterations)));
    });
    group.finish();
}

criterion_group!(benches, leaves);
criterion_main!(benches);
