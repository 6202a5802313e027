//! The stage that tells webhook endpoints, on receivers of this machine.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tocsin::clock::SystemClock;
use tocsin::pipeline::Stage;
use tocsin::pipeline::webhooks::Teller;
use tocsin::supervisor::Shutdown;
use tocsin_delivery::webhook::guard::Allowed;
use tocsin_delivery::webhook::schedule::Schedule;
use tocsin_delivery::webhook::secret::MasterKey;
use tocsin_delivery::webhook::{Sender, SenderSettings, SystemLookup};
use tocsin_domain::time::Seconds;
use tocsin_store::Store;

/// Derives secrets of no worth.
pub fn keys() -> MasterKey {
    let text = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    MasterKey::new(&SecretString::from(text)).unwrap()
}

/// Sends to this machine, with so many seconds between attempts.
pub fn teller(waits: &[i64]) -> Arc<Teller> {
    let settings = SenderSettings {
        allowed: Allowed::new(vec!["127.0.0.0/8".parse().unwrap()]),
        plain_http: true,
        connect_timeout: Duration::from_secs(1),
        total_timeout: Duration::from_secs(2),
    };
    let sender = Sender::new(settings, Arc::new(SystemLookup)).unwrap();
    let schedule = Schedule::new(waits.iter().copied().map(Seconds).collect());
    Arc::new(Teller::new(sender, keys(), schedule))
}

/// What a stage is given, on the machine's clock.
pub fn stage(store: Arc<dyn Store>, shutdown: &Shutdown) -> Stage {
    Stage {
        store,
        clock: Arc::new(SystemClock),
        health: tocsin_api::health::Health::default(),
        chains: tocsin_api::chains::Chains::default(),
        feeds: tocsin_api::feeds::Feeds::default(),
        quorum: tocsin_api::quorum::Quorum::default(),
        metrics: tocsin_api::metrics::Metrics::default(),
        shutdown: shutdown.clone(),
    }
}
