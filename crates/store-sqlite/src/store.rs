//! The connections of a database: one that writes, a few that read.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction};
use tocsin_store::StoreError;
use tocsin_store::attestor::AttestorBooks;
use tocsin_store::credential::KeyBooks;
use tokio::sync::watch::Sender;

use crate::credentials::NonceQueue;
use crate::error::failed;
use crate::neighbour::Neighbour;
use crate::version::Counter;

/// From so many rows on, a transaction of claims has a cache of its own size.
const MANY_ROWS: usize = 4_096;

/// What 100,000 claims change: 256 MiB, taken only as it is used.
const MANY_ROWS_CACHE: &str = "PRAGMA cache_size = -262144";

/// That of every other transaction again.
const FEW_ROWS_CACHE: &str = "PRAGMA cache_size = -16384; PRAGMA shrink_memory";

/// A database file that this process holds alone, or has beside the one that does.
#[derive(Debug)]
pub struct SqliteStore {
    /// One connection, so that writers queue here, in order, instead of failing in SQLite.
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    /// Says whether anything was committed.
    pub(crate) counter: Counter,
    /// How often events were committed.
    pub(crate) published: Sender<u64>,
    /// Nonces that wait for the writer.
    pub(crate) nonces: NonceQueue,
    /// Holds the lock that keeps other processes out; the operating system lets go of it however this one ends. Not there
    /// where the database is opened beside another process.
    pub(crate) _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if there is none, and brings its schema up to date.
    ///
    /// One process at a time has a database; a file next to it, `<path>.lock`, is locked as long as the store lives.
    /// Every failure is [`StoreError::Open`] and says what to do.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        crate::open::open(path).await
    }

    /// Opens the database at `path` beside the process that has it, for its keys alone: what is done to them is one
    /// transaction each and rests on nothing that the other process remembers. The database must be there, with the schema
    /// that this program knows.
    pub async fn open_keys(path: &Path) -> Result<Arc<dyn KeyBooks>, StoreError> {
        Ok(Arc::new(crate::open::beside(path).await?.0))
    }

    /// Opens the database at `path` beside the process that fills it, for one that answers questions: what it writes (keys,
    /// nonces, answers, a delivery's replay) is one transaction each and rests on nothing that the other process remembers. It
    /// must be there, with the schema that this program knows; it is neither made nor changed.
    pub async fn open_beside(path: &Path) -> Result<(Self, Neighbour), StoreError> {
        crate::open::beside(path).await
    }

    /// The same for what is reported of attestors' keys.
    pub async fn open_attestors(path: &Path) -> Result<Arc<dyn AttestorBooks>, StoreError> {
        Ok(Arc::new(crate::open::beside(path).await?.0))
    }

    /// Finishes what is under way and lets the file go. Without it, a dropped store lets go a moment later.
    pub async fn close(self) {
        // The last connection to leave moves the write-ahead log into the file, so it must be the one that may write.
        self.readers.close().await;
        self.counter.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that may write, and holds the write lock from its first moment, so that what it reads cannot
    /// change before it commits. Dropped without a commit, it leaves no trace.
    pub(crate) async fn begin(
        &self,
        attempt: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed(attempt))
    }

    /// The same for a transaction of so many rows. The keys of claims are hashes, so their rows go all over the indices:
    /// in a cache that does not hold these, each row would be written many times.
    pub(crate) async fn begin_many(
        &self,
        attempt: &'static str,
        rows: usize,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let mut transaction = self.begin(attempt).await?;
        if rows >= MANY_ROWS {
            sqlx::query(AssertSqlSafe(MANY_ROWS_CACHE))
                .execute(&mut *transaction)
                .await
                .map_err(failed(attempt))?;
        }
        Ok(transaction)
    }

    /// Commits a transaction of [`Self::begin_many`], and gives the memory back.
    pub(crate) async fn commit_many(
        &self,
        transaction: Transaction<'static, Sqlite>,
        attempt: &'static str,
        rows: usize,
    ) -> Result<(), StoreError> {
        transaction.commit().await.map_err(failed(attempt))?;
        if rows >= MANY_ROWS {
            // It is committed; that memory stays taken for a while is no reason to say otherwise.
            if let Err(error) = sqlx::raw_sql(AssertSqlSafe(FEW_ROWS_CACHE))
                .execute(&self.writer)
                .await
            {
                tracing::warn!(%error, "the cache of a large transaction is still taken");
            }
        }
        Ok(())
    }

    /// Events are committed: whoever waits for some may look.
    pub(crate) fn tell(&self) {
        self.published
            .send_modify(|times| *times = times.wrapping_add(1));
    }

    /// A connection for a single statement that reads, which by itself sees one state.
    pub(crate) async fn reader(
        &self,
        attempt: &'static str,
    ) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(failed(attempt))
    }

    /// Begins a transaction that only reads: all its reads see one state.
    pub(crate) async fn snapshot(
        &self,
        attempt: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(failed(attempt))
    }
}

#[cfg(test)]
mod tests {
    use tocsin_store::conformance::sample::{advance, observation, source, stream};
    use tocsin_store::step::{Step, Steps};

    use super::*;

    fn step(from: Option<u64>, to: u64, observations: u64) -> Step {
        Step {
            sources: vec![advance(0, from, to)],
            observations: (0..observations)
                .map(|n| observation(&stream(0, 0), 1, to * 100_000 + n, "1"))
                .collect(),
            ..Step::default()
        }
    }

    async fn writer_pragma(store: &SqliteStore, pragma: &'static str) -> i64 {
        sqlx::query_scalar(pragma)
            .fetch_one(&store.writer)
            .await
            .unwrap()
    }

    /// After some failures (of the disk, of memory) SQLite rolls back by itself, behind sqlx's back; a trigger that does the
    /// same stands in for them. The connection must not stay in a transaction that it only believes in.
    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_is_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let trigger = "CREATE TEMP TRIGGER failure BEFORE INSERT ON observations
                       BEGIN SELECT RAISE(ROLLBACK, 'the disk failed'); END";
        sqlx::raw_sql(trigger).execute(&store.writer).await.unwrap();
        let error = store.commit(&step(None, 1, 10)).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        // The trigger went with its connection.
        store.commit(&step(None, 1, 10)).await.unwrap();
        assert_eq!(
            store.progress(&source(0)).await.unwrap(),
            Some(advance(0, None, 1).to)
        );
    }

    /// Nothing of a step that has no room is stored, and the next one is, once there is room.
    #[tokio::test]
    async fn a_full_disk_loses_nothing_and_passes() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        store.commit(&step(None, 1, 10)).await.unwrap();
        let pages = writer_pragma(&store, "PRAGMA page_count").await;
        let limited = writer_pragma(&store, "PRAGMA max_page_count = 1").await;
        assert_eq!(limited, pages);

        for _ in 0..3 {
            let error = store.commit(&step(Some(1), 2, 3_000)).await.unwrap_err();
            if !matches!(error, StoreError::Full { .. }) {
                panic!("{error}");
            }
            writer_pragma(&store, "PRAGMA max_page_count = 1").await;
        }
        writer_pragma(&store, "PRAGMA max_page_count = 1000000").await;
        let progress = store.progress(&source(0)).await.unwrap();
        assert_eq!(progress, Some(advance(0, None, 1).to));
        store.commit(&step(Some(1), 2, 3_000)).await.unwrap();
        assert_eq!(
            store.progress(&source(0)).await.unwrap(),
            Some(advance(0, None, 2).to)
        );
    }

    /// A caller that stops waiting leaves no half transaction behind.
    #[tokio::test]
    async fn an_abandoned_write_leaves_the_store_usable() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let mut reached = None;
        for to in 1..=20 {
            let step = step(reached, to, 200);
            let patience = core::time::Duration::from_micros(to * 200);
            // Whether it was committed at the moment when patience ended, only the database knows.
            let _outcome = tokio::time::timeout(patience, store.commit(&step)).await;
            // The writer is busy until it has rolled back or committed.
            drop(store.begin("look").await.unwrap());
            let stored = store.progress(&source(0)).await.unwrap();
            let observed = store
                .history(
                    &[stream(0, 0)],
                    tocsin_domain::time::Timestamp(0),
                    advance(0, None, 99).to.watermark,
                )
                .await
                .unwrap();
            assert_eq!(observed.len() % 200, 0);
            reached = stored.map(|progress| progress.cursor.number);
        }
        store.commit(&step(reached, 99, 1)).await.unwrap();
    }

    /// What a commit promises is set on the connection that commits.
    #[tokio::test]
    async fn the_writer_is_durable() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&store.writer)
            .await
            .unwrap();
        assert_eq!(journal, "wal");
        assert_eq!(writer_pragma(&store, "PRAGMA synchronous").await, 2, "FULL");
        assert_eq!(writer_pragma(&store, "PRAGMA foreign_keys").await, 1);
        let reading = sqlx::query("DELETE FROM streams")
            .execute(&store.readers)
            .await;
        assert!(reading.unwrap_err().to_string().contains("readonly"));
    }
}
