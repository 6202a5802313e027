//! Which schema a database has: brought up to date by the process that has it alone, only looked at by any other.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Row, SqliteExecutor, SqlitePool};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Brings it up to date.
pub(crate) async fn migrate(writer: &SqlitePool) -> Result<(), MigrateError> {
    MIGRATIONS.run(writer).await
}

/// Another schema than the one that this program knows.
pub(crate) struct Other {
    /// What to do.
    pub(crate) remedy: &'static str,
    /// What was found.
    pub(crate) found: String,
}

/// What keeps a program that must not change the schema from using it; `None` where it is the one that it knows.
pub(crate) async fn look<'c, E>(database: E) -> Result<Option<Other>, sqlx::Error>
where
    E: SqliteExecutor<'c> + Copy,
{
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(database)
            .await?;
    if tables == 0 {
        return Ok(Some(Other {
            remedy: "nothing has ever run on it; start `tocsin run` on it first, which makes its schema",
            found: "it has no schema".to_owned(),
        }));
    }
    Ok(compare(&done(database).await?))
}

/// What was done to it; there has to be a schema.
pub(crate) async fn done<'c>(database: impl SqliteExecutor<'c>) -> Result<Vec<Done>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(database)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Done {
                version: row.try_get("version")?,
                checksum: row.try_get("checksum")?,
                whole: row.try_get("success")?,
            })
        })
        .collect()
}

/// A migration that was done.
pub(crate) struct Done {
    pub(crate) version: i64,
    pub(crate) checksum: Vec<u8>,
    pub(crate) whole: bool,
}

fn compare(done: &[Done]) -> Option<Other> {
    let known = MIGRATIONS.iter().count();
    for (done, known) in done.iter().zip(MIGRATIONS.iter()) {
        let same =
            done.version == known.version && Cow::Borrowed(&*done.checksum) == known.checksum;
        if !same || !done.whole {
            return Some(Other {
                remedy: "its schema is not the one that this tocsin knows; use the tocsin that runs the service",
                found: format!("version {} of it is another one", done.version),
            });
        }
    }
    let remedy = match done.len().cmp(&known) {
        core::cmp::Ordering::Equal => return None,
        core::cmp::Ordering::Less => {
            "its schema is older than this tocsin; start this one's `tocsin run` on it first, which brings it up to date"
        }
        core::cmp::Ordering::Greater => {
            "a newer tocsin has brought its schema up to date; use that one, or a newer one"
        }
    };
    Some(Other {
        remedy,
        found: format!("{} migrations are done, and {known} are known", done.len()),
    })
}

/// What to do where it cannot be brought up to date; `advice` is what to do about SQLite's own error.
pub(crate) fn remedy(error: &MigrateError, advice: impl Fn(&sqlx::Error) -> String) -> String {
    match error {
        MigrateError::VersionMissing(version) => format!(
            "a newer tocsin has written it (its schema has version {version}); run that one, or a newer one"
        ),
        MigrateError::VersionMismatch(version) => format!(
            "version {version} of its schema is not the one that this tocsin knows; run the tocsin that made it"
        ),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            format!("its schema cannot be brought up to date; {}", advice(error))
        }
        _ => "its schema cannot be brought up to date; see the cause".to_owned(),
    }
}
