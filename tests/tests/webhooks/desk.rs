//! The stage that tells endpoints, on a database of its own.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use tocsin::clock::{Clock, SystemClock};
use tocsin::pipeline::StageError;
use tocsin::pipeline::bell::Bell;
use tocsin::pipeline::webhooks;
use tocsin::supervisor::Shutdown;
use tocsin_auth::UnixTime;
use tocsin_store::credential::{CredentialChange, Credentials, LifeChange};
use tocsin_store::event::{Events, NewEvent};
use tocsin_store::webhook::{EndpointId, Filter, Profile, Webhooks};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::teller;
use tokio::task::JoinHandle;

use super::sink::Sink;

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Telling {
    folder: Arc<TempDir>,
    waits: Vec<i64>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) bell: Bell,
    shutdown: Shutdown,
    running: JoinHandle<Result<(), StageError>>,
}

impl Telling {
    /// Begins, with so many seconds between attempts.
    pub(crate) async fn begin(waits: &[i64]) -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), waits.to_vec()).await
    }

    async fn on(folder: Arc<TempDir>, waits: Vec<i64>) -> Self {
        let store = SqliteStore::open(&folder.path().join("tocsin.db")).await;
        let store = Arc::new(store.unwrap());
        let teller = teller::teller(&waits);
        let (bell, shutdown) = (Bell::default(), Shutdown::default());
        let stage = teller::stage(Arc::clone(&store) as _, &shutdown);
        #[expect(
            clippy::disallowed_methods,
            reason = "its end is awaited, or it is cut off"
        )]
        let running = tokio::spawn(webhooks::run(teller, stage, bell.clone()));
        Self {
            folder,
            waits,
            store,
            bell,
            shutdown,
            running,
        }
    }

    pub(crate) async fn register(&self, sink: &Sink, filter: Filter) -> EndpointId {
        self.register_shown(sink, filter).await.0
    }

    /// The same, with the secret that its owner is shown.
    pub(crate) async fn register_shown(
        &self,
        sink: &Sink,
        filter: Filter,
    ) -> (EndpointId, SecretString) {
        let port = sink.address.port().to_be_bytes();
        let bytes: [u8; 16] = core::array::from_fn(|n| port[n % 2]);
        let id = EndpointId(bytes.into());
        let profile = Profile {
            url: format!("http://{}/hook", sink.address),
            description: String::new(),
            filter,
        };
        let (registration, shown) = teller::registration(id, profile);
        self.store.add_endpoint(&registration, 99).await.unwrap();
        (id, shown)
    }

    /// Ends all secrets of an endpoint.
    pub(crate) async fn revoke(&self, id: EndpointId) {
        let known = self.store.credentials_of(&id.owner()).await.unwrap();
        let now = UnixTime(SystemClock.now().0);
        let change = CredentialChange {
            change: known
                .into_iter()
                .map(|known| LifeChange {
                    to: known.life.revoke(now),
                    from: known.life,
                    id: known.id,
                })
                .collect(),
            ..CredentialChange::default()
        };
        self.store.change_credentials(&change).await.unwrap();
    }

    /// Where the database is.
    pub(crate) fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// Ends as the service does.
    pub(crate) async fn end(self) {
        self.shutdown.request();
        self.running.await.unwrap().unwrap();
    }

    /// Cut off wherever it is, and begun anew on what is stored.
    pub(crate) async fn crash(self) -> Self {
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
        let store = self.store;
        loop {
            // Tasks that were cut off let go of it in their own time.
            if Arc::strong_count(&store) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Arc::into_inner(store).unwrap().close().await;
        Self::on(self.folder, self.waits).await
    }
}

/// Publishes `count` events, of which the first has the number `first`.
pub(crate) async fn publish(store: &SqliteStore, first: u64, count: u64) {
    let event = |n: u64| NewEvent {
        kind: "claim.accepted".to_owned(),
        at: SystemClock.now(),
        terms: None,
        holder: None,
        body: format!(r#"{{"n":{n}}}"#),
    };
    let events: Vec<NewEvent> = (first..first + count).map(event).collect();
    store.publish(&events).await.unwrap();
}

/// Waits until something is so.
pub(crate) async fn until(so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("it did not come to be");
    }
}
