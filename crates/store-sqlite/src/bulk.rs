//! Many rows in one statement, every cell bound as it is stored.
//!
//! A full statement is prepared once and kept; what does not fill one is prepared for its number of rows and not kept.

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};
use tocsin_store::StoreError;

use crate::error::failed;

/// SQLite binds at most 32766 values, and more rows bring nothing.
pub(crate) const ROWS_PER_STATEMENT: usize = 250;

/// `INSERT INTO … VALUES` for any number of rows.
pub(crate) struct Bulk {
    table: &'static str,
    columns: &'static str,
    conflict: &'static str,
    full: String,
}

/// A statement whose cells are bound row by row, in the order of its columns.
pub(crate) type Binding<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Bulk {
    /// `conflict` is what follows the rows.
    pub(crate) fn insert_into(
        table: &'static str,
        columns: &'static str,
        conflict: &'static str,
    ) -> Self {
        let mut bulk = Self {
            table,
            columns,
            conflict,
            full: String::new(),
        };
        bulk.full = bulk.text(ROWS_PER_STATEMENT);
        bulk
    }

    fn text(&self, rows: usize) -> String {
        let cells = vec!["?"; self.columns.split(',').count()].join(", ");
        let rows = vec![format!("({cells})"); rows].join(", ");
        let (table, columns, conflict) = (self.table, self.columns, self.conflict);
        format!("INSERT INTO {table} ({columns}) VALUES {rows} {conflict}")
    }

    /// Inserts all rows, and says how many rows that changed.
    pub(crate) async fn insert<R>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[R],
        attempt: &'static str,
        bind: impl for<'q> Fn(Binding<'q>, &'q R) -> Binding<'q>,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for chunk in rows.chunks(ROWS_PER_STATEMENT) {
            let some;
            // The text is this crate's own; only the cells come from elsewhere.
            let statement = if chunk.len() == ROWS_PER_STATEMENT {
                sqlx::query(AssertSqlSafe(self.full.as_str()))
            } else {
                some = self.text(chunk.len());
                sqlx::query(AssertSqlSafe(some.as_str())).persistent(false)
            };
            let bound = chunk.iter().fold(statement, &bind);
            let done = bound.execute(&mut *connection).await;
            changed += done.map_err(failed(attempt))?.rows_affected();
        }
        Ok(changed)
    }
}
