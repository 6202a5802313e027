//! The only crate that speaks HTTP to clients.
//!
//! For now: health, and public reads of what was decided and why. Reads need no key; everything is bounded.

pub mod chains;
mod eligibility;
mod epochs;
pub mod feeds;
pub mod health;
pub mod metrics;
pub mod mirrors;
mod policies;
mod problem;
pub mod quorum;
mod routes;
mod watching;

use std::sync::Arc;

use tocsin_domain::attestation::SigningDomain;
use tocsin_store::Store;
use tokio::net::TcpListener;

/// What the API serves from.
#[derive(Clone)]
pub struct Api {
    /// What was recorded.
    pub store: Arc<dyn Store>,
    /// How the service is doing.
    pub health: health::Health,
    /// How the chains are doing.
    pub chains: chains::Chains,
    /// How the feeds are doing.
    pub feeds: feeds::Feeds,
    /// The other attestors.
    pub quorum: quorum::Quorum,
    /// What happened.
    pub metrics: metrics::Metrics,
    /// For whom attestations are mirrored; `None` where they are not.
    pub mirrors: Option<mirrors::Mirrors>,
    /// For whom it signs; `None` where nothing is attested.
    pub attestor: Option<SigningDomain>,
}

/// The API ended.
#[derive(Debug, thiserror::Error)]
#[error("the API failed to serve")]
pub struct ServeError(#[from] std::io::Error);

/// Serves until `shutdown`, then finishes the requests that have begun.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    axum::serve(listener, routes::router(api))
        .with_graceful_shutdown(shutdown)
        .await?;
    Ok(())
}
