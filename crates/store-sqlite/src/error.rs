//! What SQLite says, in the store's words.

use sqlx::error::{DatabaseError, ErrorKind};
use tocsin_store::StoreError;

/// Primary result codes (sqlite.org/rescode.html); extended codes carry them in their low byte.
pub(crate) mod code {
    pub(crate) const BUSY: u32 = 5;
    pub(crate) const LOCKED: u32 = 6;
    pub(crate) const READONLY: u32 = 8;
    pub(crate) const CORRUPT: u32 = 11;
    pub(crate) const FULL: u32 = 13;
    pub(crate) const CANTOPEN: u32 = 14;
    pub(crate) const NOTADB: u32 = 26;
}

/// The primary result code, where SQLite itself gave the error.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(DatabaseError::code)?;
    // sqlx writes the number that SQLite returned; no number means that the error is sqlx's own.
    code.parse::<u32>().map_or(None, |code| Some(code & 0xff))
}

/// Says that SQLite failed to do `attempt`, which follows "asked to".
pub(crate) fn failed(attempt: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        match primary_code(&error) {
            Some(code::BUSY | code::LOCKED) => {
                return StoreError::Busy {
                    attempt,
                    source: error.into(),
                };
            }
            Some(code::FULL) => {
                return StoreError::Full {
                    attempt,
                    source: error.into(),
                };
            }
            Some(_) | None => {}
        }
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return StoreError::Busy {
                attempt,
                source: error.into(),
            };
        }
        // The rules of the schema stand behind the checks that every write makes; to hit one is a bug, and the schema has
        // kept it from doing harm.
        match error
            .as_database_error()
            .map(|database| (database.kind(), database.message().to_owned()))
        {
            Some((ErrorKind::UniqueViolation, reason)) => StoreError::Conflict {
                noun: "record",
                key: attempt.to_owned(),
                reason,
            },
            Some((ErrorKind::ForeignKeyViolation, _reason)) => StoreError::Missing {
                noun: "record that this needs",
                key: attempt.to_owned(),
            },
            Some((ErrorKind::NotNullViolation | ErrorKind::CheckViolation, reason)) => {
                StoreError::Refused {
                    noun: "record",
                    key: attempt.to_owned(),
                    reason,
                }
            }
            _ => StoreError::Failed {
                attempt,
                source: error.into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    async fn error_of(statement: &'static str) -> StoreError {
        let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:")
            .await
            .unwrap();
        let schema = "CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> '')) STRICT;
                      CREATE TABLE children (parent INTEGER REFERENCES parents (id)) STRICT;
                      INSERT INTO parents VALUES (1, 'one');";
        sqlx::raw_sql(schema)
            .execute(&mut connection)
            .await
            .unwrap();
        let error = sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap_err();
        failed("try it")(error)
    }

    #[tokio::test]
    async fn a_broken_rule_of_the_schema_is_named() {
        let unique = error_of("INSERT INTO parents VALUES (1, 'two')").await;
        assert!(matches!(unique, StoreError::Conflict { .. }), "{unique}");
        assert!(unique.to_string().contains("parents.id"), "{unique}");
        let foreign = error_of("INSERT INTO children VALUES (2)").await;
        assert!(matches!(foreign, StoreError::Missing { .. }), "{foreign}");
        let check = error_of("INSERT INTO parents VALUES (2, '')").await;
        assert!(matches!(check, StoreError::Refused { .. }), "{check}");
        let null = error_of("INSERT INTO parents VALUES (2, NULL)").await;
        assert!(matches!(null, StoreError::Refused { .. }), "{null}");
        let other = error_of("INSERT INTO strangers VALUES (2)").await;
        assert!(matches!(other, StoreError::Failed { .. }), "{other}");
        let full =
            error_of("PRAGMA max_page_count = 1; CREATE TABLE more (id INTEGER) STRICT;").await;
        assert!(matches!(full, StoreError::Full { .. }), "{full}");
        assert!(
            [unique, foreign, check, null, other, full]
                .iter()
                .all(|error| !error.is_transient())
        );
    }
}
