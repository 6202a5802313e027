//! `run`: every part of the service, connected and supervised; and [`serve`], its API alone beside it.
//!
//! Everything that can be wrong with the surroundings (database, keys, endpoints, addresses) is found before any stage
//! starts, so that a service that cannot work does not half-work.

mod announce;
mod attestor;
mod books;
mod connect;
mod door;
mod error;
mod follow;
mod parts;
mod record;
mod serve;
mod signals;
mod start;
mod status;
mod unwatched;

use std::path::PathBuf;
use std::sync::Arc;

use tocsin_domain::time::Seconds;
use tocsin_store::Store;
use tocsin_store_sqlite::SqliteStore;
use tokio::sync::Mutex;

use self::books::ClientBooks;
pub use self::error::ServiceError;
use self::parts::{Bells, connect};
pub use self::record::record;
pub use self::serve::serve;
pub use self::signals::shutdown_on_signal;
use self::start::start;
pub use self::status::StatusError;
use self::status::file_of;
use self::unwatched::withdraw_unwatched;
use crate::clock::Clock;
use crate::config::Config;
use crate::insure::catalogue::Catalogue;
use crate::pipeline::Stage;
use crate::pipeline::evaluate::Evaluator;
use crate::supervisor::Shutdown;

/// Opens the database that `config` names and runs the service on it until `shutdown`.
pub async fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let store = Arc::new(SqliteStore::open(&config.database).await?);
    let database = std::fs::canonicalize(&config.database);
    let database = database.map_err(|source| StatusError::Write {
        path: file_of(&config.database),
        source,
    })?;
    let status = Some(file_of(&database));
    let ended = run_with(Arc::clone(&store) as _, config, clock, shutdown, status).await;
    // What the write-ahead log has moves into the file, so that a copy of the file is whole.
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    ended
}

/// Runs the service on a store that the caller has opened, until `shutdown`; the database that `config` names is not
/// touched.
pub async fn run_on(
    store: Arc<dyn Store>,
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    run_with(store, config, clock, shutdown, None).await
}

/// The same, and says in the file `status` how it is doing.
async fn run_with(
    store: Arc<dyn Store>,
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    status: Option<PathBuf>,
) -> Result<(), ServiceError> {
    let evaluator = Arc::new(Evaluator::new(
        config.covers.iter().map(|insured| insured.cover.clone()),
    ));
    let catalogue = Arc::new(Catalogue::new(config.offers(), config.covers.clone()));
    catalogue.restore(&*store, &evaluator).await?;
    record(&*store, &evaluator, &config, clock.now()).await?;
    withdraw_unwatched(&*store, &config, clock.now()).await?;
    let bells = Bells::default();
    let together = config.quorum.as_ref();
    let together = together.map(|quorum| (quorum.settings.clone(), quorum.deliver_after));
    let mut parts = connect(&config, &*store, &evaluator, &clock, &bells).await?;
    parts.status = status;
    let books = Arc::new(ClientBooks {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        evaluator: Arc::clone(&evaluator),
        settlement: config.settlement(),
        late: config.api.map_or(Seconds(0), |api| api.late_policies),
        catalogue: Arc::clone(&catalogue),
        in_quorum: config.quorum.is_some(),
        declaring: Mutex::default(),
        claim: bells.claim.clone(),
    });
    let stage = Stage::new(store, clock, shutdown.clone());
    tracing::info!(
        covers = catalogue.covers().len(),
        policies = config.policies.len(),
        chains = config.chains.len(),
        feeds = config.feeds.all().count(),
        "the service starts"
    );
    let supervised = start(parts, together, books, stage, evaluator, bells, shutdown)?
        .run()
        .await;
    Ok(supervised?)
}
