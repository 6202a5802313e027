//! Opening a database: alone and brought up to date, or beside the process that has it and as it is; otherwise with a message
//! that says what to do.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlitePool};
use tocsin_store::StoreError;
use tokio::sync::watch::Sender;

use crate::credentials::NonceQueue;
use crate::error::{code, primary_code};
use crate::neighbour::Neighbour;
use crate::place::{self, Place};
use crate::schema;
use crate::store::SqliteStore;
use crate::version::Counter;

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

/// Opens the database that nobody else has, makes it if there is none, and brings its schema up to date.
pub(crate) async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    let refused = refusing(path);
    let broken = |error: sqlx::Error| refused(remedy(&error), error.into());
    let Place { file, lock } = place::take(path).await?;
    let options = options(&file);
    let owner = check_owner(options.clone().create_if_missing(true)).await;
    owner.map_err(|error| {
        error.told(
            &refused,
            "name a file that does not exist yet, or Tocsin's own",
        )
    })?;
    let writer = writer(options.clone()).await.map_err(broken)?;
    schema::migrate(&writer)
        .await
        .map_err(|error| refused(schema::remedy(&error, remedy), error.into()))?;
    connected(options, writer, Some(lock)).await.map_err(broken)
}

/// Opens the database that another process may have, as it is: SQLite has the writers of both wait for each other. It is neither
/// made nor brought up to date, since neither is safe beside somebody; until it is known to be right, nothing is written to it.
pub(crate) async fn beside(path: &Path) -> Result<(SqliteStore, Neighbour), StoreError> {
    let refused = refusing(path);
    let broken = |error: sqlx::Error| refused(remedy(&error), error.into());
    let file = std::fs::canonicalize(path).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "there is none; start `tocsin run` on it first, which makes it"
            }
            _ => "it cannot be read; give this user permission for the file and its folder",
        };
        refused(remedy.to_owned(), error.into())
    })?;
    let options = options(&file);
    let owner = check_owner(options.clone().read_only(true)).await;
    owner.map_err(|error| error.told(&refused, "name Tocsin's own"))?;
    let looking = pool(1)
        .connect_with(options.clone().read_only(true))
        .await
        .map_err(broken)?;
    let found = schema::look(&looking).await;
    looking.close().await;
    if let Some(other) = found.map_err(broken)? {
        return Err(refused(other.remedy.to_owned(), other.found.into()));
    }
    let writer = writer(options.clone()).await.map_err(broken)?;
    let store = connected(options, writer, None).await.map_err(broken)?;
    let neighbour = Neighbour::new(path, file, store.readers.clone());
    Ok((store, neighbour))
}

fn refusing(path: &Path) -> impl Fn(String, Cause) -> StoreError {
    let place = path.display().to_string();
    move |remedy, source| StoreError::Open {
        place: place.clone(),
        remedy,
        source,
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}

/// The store with its connections.
async fn connected(
    options: SqliteConnectOptions,
    writer: SqlitePool,
    lock: Option<File>,
) -> Result<SqliteStore, sqlx::Error> {
    let reading = options.read_only(true);
    let readers = pool(READERS).connect_with(reading.clone()).await?;
    Ok(SqliteStore {
        writer,
        readers,
        counter: Counter::new(reading),
        published: Sender::default(),
        nonces: NonceQueue::default(),
        _lock: lock,
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

impl OwnerError {
    /// Where it is somebody else's, `instead` says what to name.
    fn told(self, refused: impl Fn(String, Cause) -> StoreError, instead: &str) -> StoreError {
        match self {
            Self::Somebody(why) => refused(
                format!("it is another program's database; {instead}"),
                why.into(),
            ),
            Self::Sqlite(error) => refused(remedy(&error), error.into()),
        }
    }
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
