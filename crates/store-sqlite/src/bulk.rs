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

/// A statement around `VALUES` of any number of rows.
pub(crate) struct Bulk {
    before: String,
    cells: String,
    after: &'static str,
    full: String,
}

/// A statement whose cells are bound row by row, in the order of its columns.
pub(crate) type Binding<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Bulk {
    /// `INSERT INTO table (columns) VALUES …`; `conflict` is what follows the rows.
    pub(crate) fn insert_into(
        table: &'static str,
        columns: &'static str,
        conflict: &'static str,
    ) -> Self {
        Self::around(
            format!("INSERT INTO {table} ({columns})"),
            columns,
            conflict,
        )
    }

    /// `WITH given (columns) AS (VALUES …)`, and then a statement that reads `given`.
    pub(crate) fn given(columns: &'static str, statement: &'static str) -> Self {
        Self::around(format!("WITH given ({columns}) AS ("), columns, statement)
    }

    fn around(before: String, columns: &'static str, after: &'static str) -> Self {
        let cells = vec!["?"; columns.split(',').count()].join(", ");
        let mut bulk = Self {
            before,
            cells: format!("({cells})"),
            after,
            full: String::new(),
        };
        bulk.full = bulk.text(ROWS_PER_STATEMENT);
        bulk
    }

    fn text(&self, rows: usize) -> String {
        let rows = vec![self.cells.as_str(); rows].join(", ");
        format!("{} VALUES {rows} {}", self.before, self.after)
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
