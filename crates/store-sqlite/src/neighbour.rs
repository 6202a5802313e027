//! The process that has a database, as one that has opened the same file beside it sees it.

use std::path::{Path, PathBuf};

use sqlx::SqlitePool;
use tocsin_store::StoreError;

use crate::error::failed;
use crate::{place, schema};

/// Whoever fills a database, seen from beside.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// The database as it was named.
    named: PathBuf,
    /// The same without links.
    file: PathBuf,
    readers: SqlitePool,
}

impl Neighbour {
    pub(crate) fn new(named: &Path, file: PathBuf, readers: SqlitePool) -> Self {
        Self {
            named: named.to_owned(),
            file,
            readers,
        }
    }

    /// The database, by its name without links.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there is such a process: it holds the lock of the database as long as it lives, however it ends.
    pub fn is_there(&self) -> Result<bool, StoreError> {
        place::is_taken(&self.file).map_err(|error| {
            let remedy = "its lock cannot be read; give this user read permission for the file next to it that ends in .lock";
            self.refused(remedy, error.into())
        })
    }

    /// The schema is still the one that this program knows. Whoever has the database brings it up to date when it starts, without
    /// asking who has opened it besides; then this fails, with what to do, and nothing more may be read or written here.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let found = schema::look(&self.readers).await;
        match found.map_err(failed("look at the schema"))? {
            None => Ok(()),
            Some(other) => Err(self.refused(other.remedy, other.found.into())),
        }
    }

    fn refused(
        &self,
        remedy: &str,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> StoreError {
        StoreError::Open {
            place: self.named.display().to_string(),
            remedy: remedy.to_owned(),
            source,
        }
    }
}
