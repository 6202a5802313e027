//! How fast policies are taken from a file of 100,000 rows, against SQLite's own copying of the same rows in the same run, and
//! against the same without the triggers that queue facts for the eligibility log: what the log costs.
//!
//! `cargo bench -p tocsin --bench import`; ends with a failure where fewer than 10,000 rows a second are taken.
#![expect(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "a benchmark measures rates, and fails as tests do"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tocsin::clock::SetClock;
use tocsin::command::policies;
use tocsin::config::load_cover;
use tocsin::insure::csv::COLUMNS;
use tocsin_domain::time::Timestamp;
use tocsin_store_sqlite::SqliteStore;

const ROWS: u32 = 100_000;

/// Rows a second that must be taken.
const BOUND: f64 = 10_000.0;

/// Rounds in which both sides take turns; the medians count.
const ROUNDS: usize = 3;

/// What queues facts of what is imported.
const WITHOUT_LOG: &str = "DROP TRIGGER log_cover; DROP TRIGGER log_risk; DROP TRIGGER log_policy;";

fn main() -> ExitCode {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("cover.toml", COVER);
    write("spot.toml", FEED);
    write("tocsin.toml", CONFIG);
    let terms = load_cover(&folder.path().join("cover.toml"))
        .unwrap()
        .terms_hash;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut slowest = f64::INFINITY;
    for (subjects, what) in [
        (ROWS, "a risk for each policy"),
        (1_000, "100 policies on each risk"),
    ] {
        let mut rows = COLUMNS.join(",") + "\n";
        for number in 0..ROWS {
            writeln!(
                rows,
                "{number},fall,{terms},eip155:1:0x0000000000000000000000000000000000000003,0x{number:040x},1000,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,price:T{}-USD",
                number % subjects
            )
            .unwrap();
        }
        write("policies.csv", &rows);
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(runtime.block_on(take(folder.path(), WITHOUT_LOG)));
            with.push(runtime.block_on(take(folder.path(), "")));
        }
        let (without, rate) = (median(&mut without), median(&mut with));
        let bare = runtime.block_on(bare(folder.path()));
        let cost = 100.0 - 100.0 * rate / without;
        println!(
            "{what}: {rate:.0} rows/s; {without:.0} rows/s without the log's triggers, which cost {cost:.0} %; SQLite copies the \
             same rows at {bare:.0} rows/s"
        );
        slowest = slowest.min(rate);
    }
    if slowest < BOUND {
        println!("too slow: at least {BOUND:.0} rows/s are to be taken");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn remove(folder: &Path, database: &str) {
    for suffix in ["", "-wal", "-shm"] {
        let file = folder.join(format!("{database}{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
}

/// The rate at which the rows are taken into a new database, on which `sql` was run.
async fn take(folder: &Path, sql: &str) -> f64 {
    remove(folder, "tocsin.db");
    let database = folder.join("tocsin.db");
    SqliteStore::open(&database).await.unwrap().close().await;
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (file, config) = (folder.join("policies.csv"), folder.join("tocsin.toml"));
    let clock = SetClock::new(Timestamp(1_772_000_000));
    let mut out = std::io::sink();
    let begun = Instant::now();
    policies::import(&file, &config, &clock, &mut out)
        .await
        .unwrap();
    f64::from(ROWS) / begun.elapsed().as_secs_f64()
}

/// The rate at which SQLite copies the same rows into a new database by itself, in one transaction: no text, no checks.
async fn bare(folder: &Path) -> f64 {
    let path = folder.join("bare.db");
    remove(folder, "bare.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await.unwrap();
    let attach = format!(
        "ATTACH DATABASE '{}' AS taken",
        folder.join("tocsin.db").display()
    );
    let copy = [
        "covers",
        "streams",
        "looks",
        "risks",
        "risk_streams",
        "policies",
    ]
    .map(|table| format!("INSERT INTO main.{table} SELECT * FROM taken.{table};"));
    sqlx::raw_sql(AssertSqlSafe(attach))
        .execute(&mut connection)
        .await
        .unwrap();
    let begun = Instant::now();
    let statements = format!("BEGIN IMMEDIATE; {} COMMIT;", copy.concat());
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
    let rate = f64::from(ROWS) / begun.elapsed().as_secs_f64();
    connection.close().await.unwrap();
    rate
}

const COVER: &str = include_str!("../../../tests/samples/fall/cover.toml");

const FEED: &str = include_str!("../../../tests/samples/fall/feed.toml");

const CONFIG: &str = r#"database = "tocsin.db"

[[covers]]
file = "cover.toml"
evaluate_from = "2026-03-01T00:00:00Z"

[feeds."feed:spot"]
definition = "spot.toml"
"#;
