//! Opening a database: alone, up to date, or with a message that says what to do.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlitePool};
use tocsin_store::StoreError;
use tokio::sync::watch::Sender;

use crate::credentials::NonceQueue;
use crate::error::{code, primary_code};
use crate::place::{self, Place};
use crate::store::SqliteStore;
use crate::version::Counter;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// `Tocs`, as the first migration writes it.
const APPLICATION_ID: i64 = 0x546f_6373;

/// How long SQLite waits for another process's lock before it says that it is busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

/// Of a new database, in bytes. A backfill writes every page twice, with a system call each; a small commit writes a handful.
const PAGE_SIZE: u32 = 8_192;
/// What a step changes fits, so that no page is written before it is full: 16 MiB, in the way of the pragma.
const WRITER_CACHE: &str = "-16384";

pub(crate) async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    let refused = |remedy: String, source: Cause| StoreError::Open {
        place: path.display().to_string(),
        remedy,
        source,
    };
    let broken = |error: sqlx::Error| refused(remedy(&error), error.into());
    let Place { file, lock } = place::take(path)?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    check_owner(options.clone().create_if_missing(true)).await.map_err(|error| match error {
        OwnerError::Somebody(why) => refused(
            "it is another program's database; name a file that does not exist yet, or Tocsin's own".to_owned(),
            why.into(),
        ),
        OwnerError::Sqlite(error) => broken(error),
    })?;
    let writer = writer(options.clone()).await.map_err(broken)?;
    MIGRATIONS
        .run(&writer)
        .await
        .map_err(|error| refused(migration_remedy(&error), error.into()))?;
    let readers = pool(READERS)
        .connect_with(options.clone().read_only(true))
        .await
        .map_err(broken)?;
    Ok(SqliteStore {
        writer,
        readers,
        counter: Counter::new(options.read_only(true)),
        published: Sender::default(),
        nonces: NonceQueue::default(),
        _lock: Some(lock),
    })
}

/// Opens the database that another process may have, for what is safe to do beside it: SQLite has the writers of both wait for
/// each other. The schema must be the one that this program knows, since changing it beside somebody is not safe.
pub(crate) async fn beside(path: &Path) -> Result<SqliteStore, StoreError> {
    let refused = |remedy: String, source: Cause| StoreError::Open {
        place: path.display().to_string(),
        remedy,
        source,
    };
    let broken = |error: sqlx::Error| refused(remedy(&error), error.into());
    let file = std::fs::canonicalize(path).map_err(|error| {
        refused(
            "there is none yet, or it cannot be read; name the database of a service that has run"
                .to_owned(),
            error.into(),
        )
    })?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    check_owner(options.clone())
        .await
        .map_err(|error| match error {
            OwnerError::Somebody(why) => refused(
                "it is another program's database; name Tocsin's own".to_owned(),
                why.into(),
            ),
            OwnerError::Sqlite(error) => broken(error),
        })?;
    let writer = writer(options.clone()).await.map_err(broken)?;
    let done: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success")
        .fetch_one(&writer)
        .await
        .map_err(broken)?;
    let known = i64::try_from(MIGRATIONS.iter().count()).unwrap_or(i64::MAX);
    if done != known {
        return Err(refused(
            "its schema is not the one that this tocsin knows; run the tocsin that runs the service".to_owned(),
            format!("{done} migrations are done, and {known} are known").into(),
        ));
    }
    let readers = pool(READERS)
        .connect_with(options.clone().read_only(true))
        .await
        .map_err(broken)?;
    Ok(SqliteStore {
        writer,
        readers,
        counter: Counter::new(options.read_only(true)),
        published: Sender::default(),
        nonces: NonceQueue::default(),
        _lock: None,
    })
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Connections that stay.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The pool of the one writing connection.
async fn writer(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let options = options
        .page_size(PAGE_SIZE)
        .pragma("cache_size", WRITER_CACHE)
        // What a statement of many rows needs to take itself back goes here; in a file it costs a sixth of a large batch.
        .pragma("temp_store", "MEMORY")
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    pool(1)
        // After some failures (a full disk) SQLite has rolled back by itself, and sqlx, which does not know, would think
        // itself in a transaction for ever. Such a connection is replaced.
        .after_release(|connection, _meta| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
}

enum OwnerError {
    Somebody(String),
    Sqlite(sqlx::Error),
}

/// The file is new, or Tocsin's. Looked at by a connection that changes nothing, not even how the file is journaled.
async fn check_owner(options: SqliteConnectOptions) -> Result<(), OwnerError> {
    let mut connection = options.connect().await.map_err(OwnerError::Sqlite)?;
    let found = sqlx::query!(
        r#"SELECT (SELECT CAST(application_id AS INTEGER) FROM pragma_application_id) AS "application_id!: i64",
                  (SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations') AS "objects!: i64""#
    )
    .fetch_one(&mut connection)
    .await
    .map_err(OwnerError::Sqlite)?;
    connection.close().await.map_err(OwnerError::Sqlite)?;
    // An interrupted first start leaves nothing but the table of migrations.
    let fresh = found.application_id == 0 && found.objects == 0;
    if fresh || found.application_id == APPLICATION_ID {
        Ok(())
    } else {
        Err(OwnerError::Somebody(format!(
            "it holds {} tables and indexes, and its application id is {:#x}, not {APPLICATION_ID:#x}",
            found.objects, found.application_id
        )))
    }
}

fn remedy(error: &sqlx::Error) -> String {
    match primary_code(error) {
        Some(code::BUSY | code::LOCKED) => {
            "another program has locked it (a backup, or the sqlite3 shell); close that first"
        }
        Some(code::READONLY | code::CANTOPEN) => {
            "it cannot be written; give the user that runs tocsin write permission for the file, its folder, and the files \
             next to it that end in -wal and -shm"
        }
        Some(code::NOTADB) => "it is not a database; name a file that does not exist yet, or Tocsin's own",
        Some(code::CORRUPT) => "it is damaged; restore it from a backup",
        Some(code::FULL) => "the disk is full; make room",
        _ => "see the cause",
    }
    .to_owned()
}

fn migration_remedy(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "a newer tocsin has written it (its schema has version {version}); run that one, or a newer one"
        ),
        MigrateError::VersionMismatch(version) => format!(
            "version {version} of its schema is not the one that this tocsin knows; run the tocsin that made it"
        ),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            let advice = remedy(error);
            format!("its schema cannot be brought up to date; {advice}")
        }
        _ => "its schema cannot be brought up to date; see the cause".to_owned(),
    }
}
