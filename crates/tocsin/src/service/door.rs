//! The door: the API on its address, and whoever looks after the keys of those who call.

use std::sync::Arc;

use tocsin_api::Api;
use tocsin_api::auth::{Auth, AuthSettings};
use tocsin_api::books::Books;
use tocsin_api::webhooks::Desk;
use tocsin_auth::UnixTime;
use tokio::net::TcpListener;

use super::start::begin;
use super::status::Identity;
use crate::config::ApiConfig;
use crate::pipeline::Stage;
use crate::pipeline::bell::Bell;
use crate::pipeline::keys::KeyKeeper;
use crate::supervisor::{Shutdown, Supervisor};

/// What is served, where, to whom.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) settings: AuthSettings,
    pub(super) served: ApiConfig,
    pub(super) identity: Identity,
    /// Whether another process fills the database.
    pub(super) beside: bool,
    pub(super) books: Option<Arc<dyn Books>>,
    pub(super) webhooks: Option<Arc<dyn Desk>>,
}

impl Door {
    /// Opens it.
    pub(super) fn open(self, tasks: &mut Supervisor, stage: Stage, shutdown: Shutdown) {
        let (clock, store) = (Arc::clone(&stage.clock), Arc::clone(&stage.store));
        let now = Arc::new(move || UnixTime(clock.now().0));
        let auth = Auth::new(self.settings, store, now, stage.metrics.clone());
        begin(tasks, KeyKeeper::new(auth.clone()), &stage, Bell::default());
        if let Ok(address) = self.listener.local_addr() {
            tracing::info!(%address, "the API listens");
        }
        let api = Api {
            store: stage.store,
            health: stage.health,
            chains: stage.chains,
            feeds: stage.feeds,
            quorum: stage.quorum,
            metrics: stage.metrics,
            auth: auth.clone(),
            beside: self.beside,
            books: self.books,
            open_reads: self.served.open_reads,
            open_writes: self.served.open_writes,
            requests_per_second: self.served.requests_per_second,
            webhooks: self.webhooks,
            mirrors: self.identity.mirrors,
            attestor: self.identity.attestor,
            log_key: Some(self.identity.log_key),
        };
        let listener = self.listener;
        tasks.start("api", async move {
            let ended = async move { shutdown.requested().await };
            let served = tocsin_api::serve(listener, api, ended).await;
            auth.settle().await;
            served
        });
    }
}
