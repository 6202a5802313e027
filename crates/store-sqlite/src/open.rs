//! Opening a database: alone, up to date, or with a message that says what to do.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlitePool};
use tocsin_store::StoreError;

use crate::error::{code, primary_code};
use crate::store::SqliteStore;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// `Tocs`, as the first migration writes it.
const APPLICATION_ID: i64 = 0x546f_6373;

/// How long SQLite waits for another process's lock before it says that it is busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

pub(crate) async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    let refused =
        |remedy: String, source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            place: path.display().to_string(),
            remedy,
            source,
        };
    let file = check_place(path).map_err(|error| refused(io_remedy(path, &error), error.into()))?;
    let lock = lock(&file)?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let writer = writer(options.clone())
        .await
        .map_err(|error| refused(remedy(&error), error.into()))?;
    check_owner(&writer).await.map_err(|error| match error {
        OwnerError::Somebody(why) => refused(
            "it is another program's database; name a file that does not exist yet, or Tocsin's own".to_owned(),
            why.into(),
        ),
        OwnerError::Sqlite(error) => refused(remedy(&error), error.into()),
    })?;
    MIGRATIONS
        .run(&writer)
        .await
        .map_err(|error| refused(migration_remedy(&error), error.into()))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options.create_if_missing(false).read_only(true));
    Ok(SqliteStore {
        writer,
        readers,
        _lock: lock,
    })
}

/// The pool of the one writing connection.
async fn writer(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
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

/// The file that `path` means, without links, so that it has one lock file whatever it is called.
///
/// Asks first whether it can be written, for a clear answer, and because the superuser, whom the operating system lets
/// through, means it too when he marks a file as read-only.
fn check_place(path: &Path) -> io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if fs::metadata(folder)?.permissions().readonly() {
        return Err(io::Error::new(
            io::ErrorKind::ReadOnlyFilesystem,
            "the folder is read-only",
        ));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.permissions().readonly() => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        )),
        Ok(_) => fs::canonicalize(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
        Err(error) => Err(error),
    }
}

/// Takes the lock file. It is never removed: to remove it while somebody waits for it would give two processes a lock.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let refused = |remedy: String, error: io::Error| StoreError::Open {
        place: path.display().to_string(),
        remedy,
        source: error.into(),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| refused(io_remedy(&lock_path, &error), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(refused(
            "another tocsin runs on it; stop that one first, or give this one a database of its own".to_owned(),
            io::Error::new(io::ErrorKind::WouldBlock, format!("{} is locked", lock_path.display())),
        )),
        Err(TryLockError::Error(error)) => Err(refused(
            "its lock file cannot be locked; put the database on a local disk".to_owned(),
            error,
        )),
    }
}

enum OwnerError {
    Somebody(String),
    Sqlite(sqlx::Error),
}

/// The file is new, or Tocsin's.
async fn check_owner(pool: &SqlitePool) -> Result<(), OwnerError> {
    let found = sqlx::query!(
        r#"SELECT (SELECT CAST(application_id AS INTEGER) FROM pragma_application_id) AS "application_id!: i64",
                  (SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations') AS "objects!: i64""#
    )
    .fetch_one(pool)
    .await
    .map_err(OwnerError::Sqlite)?;
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

fn io_remedy(path: &Path, error: &io::Error) -> String {
    let place = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the folder of {place} does not exist; create it, or correct the path")
        }
        io::ErrorKind::IsADirectory => "it is a folder; name a file in it".to_owned(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => format!(
            "{place} cannot be written; give the user that runs tocsin write permission for the file and its folder"
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; make room".to_owned()
        }
        _ => format!("{place} cannot be written; see the cause"),
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
