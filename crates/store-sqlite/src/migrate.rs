//! Which version of the schema a database has, and what is to be added to it. Only looks: nothing is changed and nothing is made.

use core::fmt;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tocsin_store::StoreError;

use crate::schema::{Done, MIGRATIONS, done};

/// The schema of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Its version; 0 where it has none yet.
    pub version: i64,
    /// What this program adds to it when it opens it, in this order.
    pub missing: Vec<SchemaStep>,
}

/// A step from one version of the schema to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// The version that it leads to.
    pub version: i64,
    /// What it is about.
    pub about: String,
}

impl fmt::Display for SchemaStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} ({})", self.version, self.about)
    }
}

impl Schema {
    /// The schema of the database at `path`. [`StoreError::Open`] where there is none, where it is not Tocsin's, and where
    /// another program than this one must bring it up to date.
    pub async fn of(path: &Path) -> Result<Self, StoreError> {
        let refused =
            |remedy: String, source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
                place: path.display().to_string(),
                remedy,
                source,
            };
        if let Err(error) = std::fs::metadata(path) {
            let remedy = "there is no database, or it cannot be read; `tocsin run` makes one at its first start";
            return Err(refused(remedy.to_owned(), error.into()));
        }
        let done = read(path).await.map_err(|error| {
            let remedy = "it cannot be read as Tocsin's database; name another file";
            refused(remedy.to_owned(), error.into())
        })?;
        compare(&done).map_err(|remedy| refused(remedy, "its schema is another one".into()))
    }
}

async fn read(path: &Path) -> Result<Vec<Done>, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await?;
    let found = done(&mut connection).await?;
    connection.close().await?;
    Ok(found)
}

/// What is missing, or what to do about a schema that this program must not touch.
fn compare(done: &[Done]) -> Result<Schema, String> {
    for step in done {
        let version = step.version;
        let Some(known) = MIGRATIONS.iter().find(|known| known.version == version) else {
            return Err(format!(
                "a newer tocsin has written it (its schema has version {version}); use that one, or a newer one"
            ));
        };
        if !step.whole || *known.checksum != *step.checksum {
            return Err(format!(
                "version {version} of its schema is not the one that this tocsin knows; use the tocsin that made it"
            ));
        }
    }
    let is_missing = |version| !done.iter().any(|step| step.version == version);
    Ok(Schema {
        version: done.last().map_or(0, |step| step.version),
        missing: MIGRATIONS
            .iter()
            .filter(|known| is_missing(known.version))
            .map(|known| SchemaStep {
                version: known.version,
                about: known.description.to_string(),
            })
            .collect(),
    })
}
