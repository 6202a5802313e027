//! Whether anything was committed, as SQLite tells the processes that share a database: by the header of the index of its
//! write-ahead log (<https://www.sqlite.org/walformat.html>, "The WAL-Index Header"), which every commit changes at the moment
//! in which readers begin to see it.
//!
//! The header is read from the file, which costs a system call; `PRAGMA data_version` would have to be put to a connection,
//! on a thread of its own. The file is there as long as a connection is open, so one is kept, and never used again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tocsin_store::StoreError;
use tocsin_store::version::{Version, Versions};
use tokio::sync::OnceCell;

use crate::error::failed;
use crate::store::SqliteStore;

const ASK: &str = "ask whether anything was committed";

/// The header is there twice, one after the other. SQLite writes the second first and reads the first first: a reader who finds them
/// equal has read one that was whole.
const HEADER: usize = 48;

/// So often a header that is being written is read again: it is written in less than a microsecond.
const LOOKS: u32 = 100;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Counter {
    options: SqliteConnectOptions,
    index: OnceCell<Index>,
    /// Marks that were given where no header could be read: each is another.
    unread: AtomicU64,
}

#[derive(Debug)]
struct Index {
    file: File,
    /// Keeps the file.
    connection: Mutex<SqliteConnection>,
}

impl Counter {
    /// One that opens its connection when it is first asked. `options` are those of readers.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            options,
            index: OnceCell::new(),
            unread: AtomicU64::new(0),
        }
    }

    /// Lets the connection go.
    pub(crate) async fn close(self) {
        let Some(index) = self.index.into_inner() else {
            return;
        };
        let connection = index.connection.into_inner();
        let connection = connection.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "a connection was closed by force");
        }
    }

    async fn version(&self) -> Result<Version, sqlx::Error> {
        let index = self.index.get_or_try_init(|| self.open()).await?;
        for _ in 0..LOOKS {
            let mut read = [0; 2 * HEADER];
            index.file.read_exact_at(&mut read, 0)?;
            let (first, second) = read.split_at(HEADER);
            if first == second {
                return Ok(Version(first.try_into().map_err(io::Error::other)?));
            }
        }
        // A mark that is equal to none: whoever asked reads anew.
        let mut mark = [u8::MAX; HEADER];
        let unread = self.unread.fetch_add(1, Ordering::Relaxed);
        mark[..8].copy_from_slice(&unread.to_ne_bytes());
        Ok(Version(mark))
    }

    async fn open(&self) -> Result<Index, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        // The index is made or mapped by the first read.
        sqlx::query("SELECT 1 FROM sqlite_schema")
            .fetch_optional(&mut connection)
            .await?;
        let mut path = self.options.get_filename().as_os_str().to_owned();
        path.push("-shm");
        Ok(Index {
            file: File::open(PathBuf::from(path))?,
            connection: Mutex::new(connection),
        })
    }
}

#[async_trait]
impl Versions for SqliteStore {
    async fn version(&self) -> Result<Version, StoreError> {
        self.counter.version().await.map_err(failed(ASK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with a table to write to.
    async fn marked() -> (tempfile::TempDir, PathBuf, SqliteStore) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("tocsin.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let table = "CREATE TABLE marks (n INTEGER)";
        sqlx::query(table).execute(&store.writer).await.unwrap();
        (folder, path, store)
    }

    async fn mark(store: &SqliteStore, n: i64) -> Version {
        let mark = sqlx::query("INSERT INTO marks VALUES (?1)").bind(n);
        mark.execute(&store.writer).await.unwrap();
        store.version().await.unwrap()
    }

    #[tokio::test]
    async fn every_commit_changes_the_mark_and_nothing_else_does() {
        let (_folder, path, store) = marked().await;
        let first = store.version().await.unwrap();
        drop(store.begin("look").await.unwrap());
        assert_eq!(store.version().await.unwrap(), first);

        let mut last = first;
        for n in 0..3 {
            let next = mark(&store, n).await;
            assert_ne!(next, last);
            last = next;
        }

        // As a command beside the service writes.
        let mut other = SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        sqlx::query("DELETE FROM marks")
            .execute(&mut other)
            .await
            .unwrap();
        assert_ne!(store.version().await.unwrap(), last);
        other.close().await.unwrap();
        store.close().await;
    }

    /// The log is moved into the file, and begins anew.
    #[tokio::test]
    async fn a_checkpoint_hides_no_commit() {
        let (_folder, _path, store) = marked().await;
        let mut seen = vec![store.version().await.unwrap()];
        for n in 0..50 {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&store.writer)
                .await
                .unwrap();
            let mark = mark(&store, n).await;
            assert!(!seen.contains(&mark), "{n}");
            seen.push(mark);
        }
        store.close().await;
    }
}
