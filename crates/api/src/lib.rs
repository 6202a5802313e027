//! The only crate that speaks HTTP to clients.
//!
//! For now: health, and public reads of what was decided and why. Reads need no key; everything is bounded.

pub mod chains;
mod eligibility;
mod epochs;
pub mod feeds;
pub mod health;
mod log;
pub mod metrics;
mod policies;
mod problem;
pub mod quorum;
mod routes;
mod watching;

use std::sync::Arc;

use tocsin_domain::attestation::AttestationDomain;
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
    /// For which verifier it signs; `None` where nothing is attested.
    pub attestor: Option<AttestationDomain>,
    /// What verifies the signed states of the eligibility log, as `name+hash+base64`; `None` where none is kept.
    pub log_key: Option<String>,
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
