//! Durable steps a second, by their number of observations, next to what SQLite itself does with the same rows.
//!
//! A step moves its source, stores its observations and replaces the state of one risk, durably. The bound is one prepared
//! `INSERT` of the same columns with as many bound rows, in one transaction of an equal table under the same settings: no
//! checks, no derived rows. Both write to a real file; `synchronous=FULL` waits for the disk in each.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has failed")]

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin_domain::observation::Observation;
use tocsin_store::conformance::sample::{advance, at, observation, position, store_risk, stream};
use tocsin_store::step::{RiskAdvance, Step, Steps};
use tocsin_store_sqlite::SqliteStore;
use tokio::runtime::Runtime;

const SIZES: [u64; 4] = [1, 100, 1_000, 10_000];

/// Rows of the bound that one statement takes; SQLite binds at most 32766 values.
const ROWS_PER_STATEMENT: usize = 2_000;

/// The observations of the `n`-th step.
fn observations(n: u64, count: u64) -> Vec<Observation> {
    let second = i64::try_from(n).unwrap();
    (0..count)
        .map(|k| observation(&stream(0, 0), second, k, "0.99123456"))
        .collect()
}

/// The folder of the benchmark's files, on the disk of the build.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A store and how many steps it holds.
struct Stepped {
    store: SqliteStore,
    risk: tocsin_domain::ids::RiskId,
    steps: u64,
}

impl Stepped {
    async fn new(folder: &TempDir) -> Self {
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let risk = store_risk(&store).await.risk.id;
        Self {
            store,
            risk,
            steps: 0,
        }
    }

    fn next(&mut self, count: u64) -> Step {
        let n = self.steps;
        self.steps += 1;
        Step {
            sources: vec![advance(0, (n > 0).then_some(n), n + 1)],
            observations: observations(n, count),
            risks: vec![RiskAdvance {
                risk: self.risk,
                version: n,
                state: vec![7; 64],
                evaluated_to: at(i64::try_from(n).unwrap()),
            }],
            ..Step::default()
        }
    }

    async fn commit(&mut self, iterations: u64, count: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        for _ in 0..iterations {
            let step = self.next(count);
            let begun = Instant::now();
            self.store.commit(&step).await.unwrap();
            elapsed += begun.elapsed();
        }
        elapsed
    }
}

/// A bare table of the same columns.
struct Bound {
    connection: SqliteConnection,
    steps: u64,
}

impl Bound {
    async fn new(folder: &TempDir) -> Self {
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("bound.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await
            .unwrap();
        let table = "CREATE TABLE observations (stream INTEGER NOT NULL, observed_at INTEGER NOT NULL, sequence BLOB NOT NULL,
                         value_kind TEXT, value TEXT, chain_id INTEGER, block INTEGER, block_hash BLOB, log_index INTEGER,
                         raw_hash BLOB NOT NULL, PRIMARY KEY (stream, observed_at, sequence)) STRICT, WITHOUT ROWID";
        sqlx::raw_sql(table).execute(&mut connection).await.unwrap();
        Self {
            connection,
            steps: 0,
        }
    }

    async fn insert(&mut self, iterations: u64, count: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        for _ in 0..iterations {
            let rows = observations(self.steps, count);
            self.steps += 1;
            let statements: Vec<(String, &[Observation])> = rows
                .chunks(ROWS_PER_STATEMENT)
                .map(|chunk| {
                    let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
                    let values = vec![row; chunk.len()].join(", ");
                    (format!("INSERT INTO observations VALUES {values}"), chunk)
                })
                .collect();
            let begun = Instant::now();
            let mut transaction = self.connection.begin().await.unwrap();
            for (sql, chunk) in statements {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for row in chunk {
                    query = bind(query, row);
                }
                query.execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
            elapsed += begun.elapsed();
        }
        elapsed
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind<'q>(query: Query<'q>, row: &Observation) -> Query<'q> {
    let place = position(row.sequence.0.to::<u64>());
    let sequence: [u8; 32] = U256::to_be_bytes(&row.sequence.0);
    query
        .bind(1_i64)
        .bind(row.observed_at.0)
        .bind(sequence.to_vec())
        .bind("decimal")
        .bind("0.99123456")
        .bind(i64::try_from(place.chain_id).unwrap())
        .bind(i64::try_from(place.block).unwrap())
        .bind(place.block_hash.to_vec())
        .bind(place.log_index.map(|index| i64::try_from(index).unwrap()))
        .bind(place.raw_hash.to_vec())
}

fn steps(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("step");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(6));
    for count in SIZES {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("commit", count), |bencher| {
            let folder = folder();
            let mut stepped = runtime.block_on(Stepped::new(&folder));
            bencher.iter_custom(|iterations| runtime.block_on(stepped.commit(iterations, count)));
        });
        group.bench_function(BenchmarkId::new("bound", count), |bencher| {
            let folder = folder();
            let mut bound = runtime.block_on(Bound::new(&folder));
            bencher.iter_custom(|iterations| runtime.block_on(bound.insert(iterations, count)));
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
