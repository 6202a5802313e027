//! The only crate that speaks HTTP to clients.
//!
//! One file per resource; [`route`] says who may use a route and describes it, [`limits`] and [`serve`] bound what a client can
//! cost. What is public needs no key.

mod access;
mod addresses;
mod attestations;
mod attestors;
pub mod auth;
pub mod books;
mod bucket;
pub mod chains;
mod claims;
mod covers;
mod deliveries;
mod determinations;
mod eligibility;
mod epochs;
mod etag;
mod events;
mod extract;
pub mod feeds;
pub mod health;
#[cfg(test)]
mod hostile;
mod idempotency;
mod kept;
mod limits;
mod log;
pub mod metrics;
pub mod mirrors;
mod observations;
pub mod openapi;
mod page;
mod pages;
mod policies;
mod problem;
pub mod quorum;
mod requests;
mod responses;
mod risks;
mod route;
mod routes;
mod serve;
mod served;
mod sources;
mod strict;
mod views;
mod warnings;
mod way;
pub mod webhooks;

pub use self::serve::{ServeError, serve};

use std::sync::Arc;

use tocsin_domain::attestation::SigningDomain;
use tocsin_store::Store;

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
    /// Whether anybody may read how sources, feeds, attestors and deliveries are doing.
    pub open_reads: bool,
    /// Requests a second of each address; where nothing is said, some hundreds, and of this machine's own any number.
    pub requests_per_second: Option<u32>,
    /// Whether anybody may write, as on a developer's machine.
    pub open_writes: bool,
    /// Whether another process watches, decides and sends over the same database: what only that one does is refused here, in
    /// words that name it.
    pub beside: bool,
    /// Who takes covers and policies from clients; `None` where nobody does.
    pub books: Option<Arc<dyn books::Books>>,
    /// Who sends webhooks; `None` where none are sent.
    pub webhooks: Option<Arc<dyn webhooks::Desk>>,
    /// For whom attestations are mirrored; `None` where they are not.
    pub mirrors: Option<mirrors::Mirrors>,
    /// For whom it signs; `None` where nothing is attested.
    pub attestor: Option<SigningDomain>,
}
