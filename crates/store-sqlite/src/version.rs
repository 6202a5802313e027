//! Whether anything was committed, as SQLite knows it: `PRAGMA data_version` on a connection that never writes.
//!
//! Its numbers can be compared only with others of the same connection; so the connection is kept, and one that has failed is
//! replaced together with the counter's name.

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tocsin_store::StoreError;
use tocsin_store::version::{Version, Versions};
use tokio::sync::Mutex;

use crate::error::failed;
use crate::store::SqliteStore;

const ASK: &str = "ask whether anything was committed";

/// The connection that is asked.
#[derive(Debug)]
pub(crate) struct Counter {
    options: SqliteConnectOptions,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    counter: u64,
    connection: Option<SqliteConnection>,
}

impl Counter {
    /// One that opens its connection when it is first asked. `options` are those of readers.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let open = Open {
            counter: 0,
            connection: None,
        };
        Self {
            options,
            open: Mutex::new(open),
        }
    }

    /// Lets the connection go.
    pub(crate) async fn close(self) {
        if let Some(connection) = self.open.into_inner().connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection was closed by force");
        }
    }

    async fn version(&self) -> Result<Version, sqlx::Error> {
        let mut open = self.open.lock().await;
        // Taken out while it is asked: one that fails, or whose answer nobody waited for, is not asked again.
        let mut connection = match open.connection.take() {
            Some(connection) => connection,
            None => {
                open.counter += 1;
                self.options.connect().await?
            }
        };
        let count = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await?;
        open.connection = Some(connection);
        Ok(Version {
            counter: open.counter,
            count,
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

    #[tokio::test]
    async fn every_commit_changes_the_mark_and_nothing_else_does() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("tocsin.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let first = store.version().await.unwrap();
        drop(store.begin("look").await.unwrap());
        assert_eq!(store.version().await.unwrap(), first);

        let mut last = first;
        for n in 0..3 {
            sqlx::query("CREATE TABLE IF NOT EXISTS marks (n INTEGER)")
                .execute(&store.writer)
                .await
                .unwrap();
            sqlx::query("INSERT INTO marks VALUES (?1)")
                .bind(n)
                .execute(&store.writer)
                .await
                .unwrap();
            let next = store.version().await.unwrap();
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

    #[tokio::test]
    async fn a_mark_whose_connection_is_gone_is_no_mark_any_more() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("tocsin.db"))
            .await
            .unwrap();
        let first = store.version().await.unwrap();
        let connection = store.counter.open.lock().await.connection.take();
        drop(connection);
        assert_ne!(store.version().await.unwrap(), first);
    }
}
