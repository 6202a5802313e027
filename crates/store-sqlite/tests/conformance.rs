//! The SQLite backend passes the suite that every backend passes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use tempfile::TempDir;
use tocsin_store::conformance::Backend;
use tocsin_store_sqlite::SqliteStore;

struct Folder(TempDir);

impl Backend for Folder {
    type Store = SqliteStore;

    async fn fresh() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.path().join("tocsin.db"))
            .await
            .unwrap()
    }

    async fn close(&self, store: SqliteStore) {
        store.close().await;
    }
}

tocsin_store::conformance_tests!(Folder);
