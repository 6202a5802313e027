//! `tocsin migrate`: brings the database of a stopped service up to date, and says from which version to which.

use std::io::Write;

use tocsin_store_sqlite::{Schema, SqliteStore};

use crate::cli::Migrate;
use crate::config::Config;
use crate::report::Report;

/// Whether the schema is up to date when this returns.
pub async fn run(asked: &Migrate, out: &mut dyn Write) -> Result<bool, Report> {
    let database = Config::load(&asked.config)?.database;
    let name = database.display();
    let unknown = |error: tocsin_store::StoreError| Report::unknown(&error);
    let schema = Schema::of(&database).await.map_err(unknown)?;
    if schema.missing.is_empty() {
        writeln!(
            out,
            "{name}: its schema has version {}, the newest that this tocsin knows: there is nothing to do",
            schema.version
        )?;
        return Ok(true);
    }
    writeln!(out, "{name}: its schema has version {}", schema.version)?;
    for step in &schema.missing {
        let verb = if asked.check { "would be" } else { "is" };
        writeln!(out, "  {step} {verb} added")?;
    }
    if asked.check {
        writeln!(
            out,
            "Nothing was changed. Stop the service, copy the database, then: tocsin migrate"
        )?;
        return Ok(false);
    }
    // Alone, so that no service works on it meanwhile.
    SqliteStore::open(&database).await?.close().await;
    let schema = Schema::of(&database).await.map_err(unknown)?;
    writeln!(out, "{name}: its schema has version {}", schema.version)?;
    Ok(schema.missing.is_empty())
}
