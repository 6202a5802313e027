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
        if matches!(error, sqlx::Error::PoolTimedOut)
            || matches!(primary_code(&error), Some(code::BUSY | code::LOCKED))
        {
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
