//! `tocsin policies import`: a file of policies into the books of a stopped service.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use tocsin_store_sqlite::SqliteStore;

use crate::clock::Clock;
use crate::config::Config;
use crate::insure::catalogue::Catalogue;
use crate::insure::{Insurer, csv, import};
use crate::pipeline::evaluate::Evaluator;
use crate::report::Report;
use crate::service::{self, ServiceError};

/// Takes all policies of `file`, or none and says what is wrong with which rows.
pub async fn import(
    file: &Path,
    config: &Path,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let mut config = Config::load(config)?;
    // Those of the configuration are taken when the service starts.
    config.policy_files.clear();
    let rows = csv::open(file)?;
    let begun = Instant::now();
    let store = SqliteStore::open(&config.database).await?;
    let covers = config.covers.iter().map(|insured| insured.cover.clone());
    let evaluator = Evaluator::new(covers);
    let catalogue = Catalogue::new(config.offers(), config.covers.clone());
    catalogue
        .restore(&store, &evaluator)
        .await
        .map_err(ServiceError::from)?;
    service::record(&store, &evaluator, &config, clock.now()).await?;
    // Also on covers that clients declared.
    let covers = catalogue.covers();
    let insurer = Insurer {
        covers: &covers,
        ..config.insurer(clock.now())
    };
    let outcome = import::import(&store, insurer, &evaluator, rows)
        .await
        .map_err(ServiceError::from)?;
    let outcome = csv::taken(file, outcome)?;
    store.close().await;
    writeln!(
        out,
        "{}: {} policies in {:.1} s; {} of them are new, on {} new risks",
        file.display(),
        outcome.rows,
        begun.elapsed().as_secs_f64(),
        outcome.imported.policies,
        outcome.imported.risks
    )?;
    Ok(())
}
