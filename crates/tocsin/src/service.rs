//! `run`: every part of the service, connected and supervised.
//!
//! Everything that can be wrong with the surroundings (database, keys, endpoints, addresses) is found before any stage
//! starts, so that a service that cannot work does not half-work.

mod attestor;
mod books;
mod connect;
mod error;
mod parts;
mod record;
mod signals;
mod start;
mod unwatched;

use std::sync::Arc;

use tocsin_api::chains::Chains;
use tocsin_api::feeds::Feeds;
use tocsin_api::health::Health;
use tocsin_api::metrics::Metrics;
use tocsin_api::quorum::Quorum;
use tocsin_domain::time::Seconds;
use tocsin_store::Store;
use tocsin_store_sqlite::SqliteStore;
use tokio::sync::Mutex;

use self::books::ClientBooks;
pub use self::error::ServiceError;
use self::parts::{Bells, connect};
pub use self::record::record;
pub use self::signals::shutdown_on_signal;
use self::start::start;
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
    run_on(store, config, clock, shutdown).await
}

/// Runs the service on a store that the caller has opened, until `shutdown`; the database that `config` names is not
/// touched.
pub async fn run_on(
    store: Arc<dyn Store>,
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
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
    let parts = connect(&config, &*store, &evaluator, &clock, &bells).await?;
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
    let stage = Stage {
        store,
        clock,
        health: Health::default(),
        chains: Chains::default(),
        feeds: Feeds::default(),
        quorum: Quorum::default(),
        metrics: Metrics::default(),
        shutdown: shutdown.clone(),
    };
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
