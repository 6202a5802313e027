//! The stage that tells webhook endpoints, on receivers of this machine.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tocsin::clock::{Clock, SystemClock};
use tocsin::pipeline::Stage;
use tocsin::pipeline::webhooks::Teller;
use tocsin::pipeline::webhooks::keyring::Keyring;
use tocsin::supervisor::Shutdown;
use tocsin_auth::seal::{MasterKey, Seal};
use tocsin_auth::{Algorithm, Environment, UnixTime};
use tocsin_delivery::webhook::guard::Allowed;
use tocsin_delivery::webhook::schedule::Schedule;
use tocsin_delivery::webhook::{Sender, SenderSettings, SystemLookup};
use tocsin_domain::time::Seconds;
use tocsin_store::Store;
use tocsin_store::credential::{CredentialChange, Credentials, LifeChange};
use tocsin_store::log::AuditEntry;
use tocsin_store::webhook::{EndpointId, NewEndpoint, Profile, Registration};
use tocsin_store_sqlite::SqliteStore;

/// The key that seals secrets of no worth.
pub const MASTER: [u8; 32] = [3; 32];

/// What seals with it.
pub fn seal() -> Seal {
    Seal::new(MasterKey::new(&MASTER).unwrap(), Vec::new())
}

fn keys() -> Keyring {
    Keyring::new(seal(), Environment::Test)
}

/// A registration, and the secret that its owner is shown.
pub fn registration(id: EndpointId, profile: Profile) -> (Registration, SecretString) {
    let now = SystemClock.now();
    let (mut secret, shown) = keys().make(id, Algorithm::HmacSha256, now).unwrap();
    secret.life = secret.life.activate(UnixTime(now.0)).unwrap();
    let endpoint = NewEndpoint {
        id,
        profile,
        client: None,
        created_at: now,
    };
    let registration = Registration {
        endpoint,
        secret,
        audit: said(id, "webhook-registered"),
        answer: None,
    };
    (registration, shown)
}

/// A second secret of an endpoint beside the first, and what its owner is shown.
pub async fn rotate(store: &SqliteStore, id: EndpointId, overlap: i64) -> SecretString {
    let (mut secret, shown) = keys()
        .make(id, Algorithm::HmacSha256, SystemClock.now())
        .unwrap();
    let now = secret.created_at;
    secret.life = secret.life.activate(now).unwrap();
    let known = store.credentials_of(&id.owner()).await.unwrap();
    let active = known.iter().filter(|known| known.life.signs(now));
    let change = CredentialChange {
        change: active
            .map(|known| LifeChange {
                id: known.id.clone(),
                from: known.life,
                to: known.life.retire(now, overlap).unwrap(),
            })
            .collect(),
        add: vec![secret],
        ..CredentialChange::default()
    };
    store.change_credentials(&change).await.unwrap();
    shown
}

/// That nobody in particular does something to an endpoint.
pub fn said(id: EndpointId, action: &str) -> AuditEntry {
    AuditEntry {
        at: SystemClock.now(),
        action: action.to_owned(),
        actor: None,
        subject: id.to_string(),
        detail: serde_json::json!({}),
    }
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
    Stage::new(store, Arc::new(SystemClock), shutdown.clone())
}
