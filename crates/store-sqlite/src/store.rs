//! The connections of a database: one that writes, a few that read.

use std::fs::File;
use std::path::Path;

use sqlx::{Sqlite, SqlitePool, Transaction};
use tocsin_store::StoreError;

use crate::error::failed;

/// A database file that this process holds alone.
#[derive(Debug)]
pub struct SqliteStore {
    /// One connection, so that writers queue here, in order, instead of failing in SQLite.
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    /// Holds the lock that keeps other processes out; the operating system lets go of it however this one ends.
    pub(crate) _lock: File,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it if there is none, and brings its schema up to date.
    ///
    /// One process at a time has a database; a file next to it, `<path>.lock`, is locked as long as the store lives.
    /// Every failure is [`StoreError::Open`] and says what to do.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        crate::open::open(path).await
    }

    /// Finishes what is under way and lets the file go. Without it, a dropped store lets go a moment later.
    pub async fn close(self) {
        // The last connection to leave moves the write-ahead log into the file, so it must be the one that may write.
        self.readers.close().await;
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

    /// Begins a transaction that only reads: all its reads see one state.
    pub(crate) async fn snapshot(
        &self,
        attempt: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(failed(attempt))
    }
}
