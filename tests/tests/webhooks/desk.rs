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
use tocsin_domain::time::Timestamp;
use tocsin_store::event::{Events, NewEvent};
use tocsin_store::webhook::{EndpointId, Filter, NewEndpoint, Profile, Scheme, Webhooks};
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

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    pub(crate) async fn register(&self, sink: &Sink, filter: Filter) -> EndpointId {
        let port = sink.address.port().to_be_bytes();
        let bytes: [u8; 16] = core::array::from_fn(|n| port[n % 2]);
        let id = EndpointId(bytes.into());
        let endpoint = NewEndpoint {
            id,
            profile: Profile {
                url: format!("http://{}/hook", sink.address),
                description: String::new(),
                filter,
            },
            client: None,
            created_at: self.now(),
        };
        self.store
            .add_endpoint(&endpoint, Scheme::Hmac, 99)
            .await
            .unwrap();
        id
    }

    pub(crate) fn secret(&self, id: EndpointId, generation: u32) -> SecretString {
        teller::keys()
            .hmac(&id.to_string(), generation)
            .for_receiver()
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
