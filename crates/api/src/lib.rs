//! The only crate that speaks HTTP to clients.
//!
//! For now: health, and public reads of what was decided and why. Reads need no key; everything is bounded.

mod access;
pub mod auth;
pub mod chains;
mod covers;
mod eligibility;
mod epochs;
pub mod feeds;
pub mod health;
mod log;
pub mod metrics;
pub mod mirrors;
mod openapi;
mod page;
mod policies;
mod problem;
pub mod quorum;
mod route;
mod routes;
mod watching;
pub mod webhooks;

use std::net::SocketAddr;
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
    /// What verifies the signed states of the eligibility log, as `name+hash+base64`; `None` where none is kept.
    pub log_key: Option<String>,
    /// Who may call.
    pub auth: auth::Auth,
    /// Whether anybody may write, as on a developer's machine.
    pub open_writes: bool,
    /// Who sends webhooks; `None` where none are sent.
    pub webhooks: Option<Arc<dyn webhooks::Desk>>,
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
    // The address of the peer says from which networks a key is used.
    let service = routes::router(api).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(shutdown)
        .await?;
    Ok(())
}
