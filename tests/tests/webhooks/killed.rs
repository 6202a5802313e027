//! A service that is a process of its own and is killed (SIGKILL) while it tells endpoints, wherever it is, and just before and
//! just after it writes down what they took.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use tempfile::TempDir;
use tocsin::clock::{Clock, SystemClock};
use tocsin_store::event::Seq;
use tocsin_store::webhook::{EndpointId, Filter, Profile, Webhooks};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::life::Life;
use tocsin_tests::mortal::{Death, Side};
use tocsin_tests::random::Random;
use tocsin_tests::teller;
use tokio::net::TcpListener;
use url::Url;

use super::desk::{PATIENCE, publish, until};
use super::sink::{Mood, Sink};

const EVENTS: u64 = 1_200;
const KILLS: usize = 8;
const WINDOW: usize = tocsin::pipeline::webhooks::WINDOW;

struct Place {
    folder: TempDir,
    clock: Url,
}

impl Place {
    async fn make() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("master.key"), "03".repeat(32)).unwrap();
        let config = "database = \"tocsin.db\"\n[api]\nlisten = \"127.0.0.1:0\"\n[auth]\nenvironment = \"test\"\n\
                      master_key = \"file:master.key\"\n[webhooks]\nallow = [\"127.0.0.0/8\"]\nplain_http = true\n\
                      retries = [\"1s\", \"1s\"]\n";
        std::fs::write(folder.path().join("tocsin.toml"), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/clock", get(async || SystemClock.now().0.to_string()));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = format!("http://{address}/clock").parse().unwrap();
        Self { folder, clock }
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.path().join("tocsin.db"))
            .await
            .unwrap()
    }

    fn live(&self, death: Option<Death>) -> Life {
        let program = Path::new(env!("CARGO_BIN_EXE_node"));
        let (folder, config) = (self.folder.path(), self.folder.path().join("tocsin.toml"));
        match death {
            None => Life::of(program, &config, &self.clock, folder),
            Some(death) => Life::of_mortal(program, &config, &self.clock, folder, &death),
        }
    }
}

async fn register(store: &SqliteStore, sink: &Sink, n: u8) -> EndpointId {
    let id = EndpointId([n; 16].into());
    let profile = Profile {
        url: format!("http://{}/hook", sink.address),
        description: String::new(),
        filter: Filter {
            kinds: vec!["claim.accepted".to_owned()],
            ..Filter::default()
        },
    };
    let (registration, shown) = teller::registration(id, profile);
    store.add_endpoint(&registration, 9).await.unwrap();
    sink.install(&shown);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_loses_nothing_and_keeps_the_order() {
    let place = Place::make().await;
    let store = Arc::new(place.store().await);
    let sinks = [
        Sink::open(Mood::Verifying).await,
        Sink::open(Mood::Verifying).await,
    ];
    let mut ids = Vec::new();
    for (sink, n) in sinks.iter().zip(1..) {
        ids.push(register(&store, sink, n).await);
    }
    publish(&store, 1, EVENTS).await;
    Arc::into_inner(store).unwrap().close().await;
    let mut random = Random::new();
    let taken = || sinks.iter().map(|sink| sink.taken().len()).sum::<usize>();

    // On both sides of a write of the books, with messages taken and not written down.
    let mut lives = 0;
    for side in [Side::Before, Side::After] {
        let mut life = place.live(Some(Death::at_first(side, "settle")));
        let begun = Instant::now();
        while life.is_running() {
            assert!(begun.elapsed() < PATIENCE, "nothing was written down");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        lives += 1;
    }
    assert!(taken() > 0);
    // And wherever it is.
    for _ in 0..KILLS {
        let (before, mut life) = (taken(), place.live(None));
        let more = usize::try_from(random.below(200)).unwrap() + 1;
        let all = 2 * usize::try_from(EVENTS).unwrap();
        until(async || taken() >= (before + more).min(all)).await;
        assert!(life.is_running(), "the service ended by itself ({random})");
        life.kill();
        lives += 1;
    }
    let mut life = place.live(None);
    let last = |sink: &Sink| sink.taken().last().map_or(0, |seen| seen.seq);
    until(async || sinks.iter().all(|sink| last(sink) == EVENTS)).await;
    // What it took last may not be written down yet.
    tokio::time::sleep(Duration::from_millis(500)).await;
    life.kill();

    for (sink, id) in sinks.iter().zip(&ids) {
        assert_eq!(sink.seen().len(), sink.taken().len(), "all are verified");
        let mut highest = 0;
        for seen in sink.taken() {
            assert!(
                seen.seq <= highest + 1,
                "{} after {highest} ({random})",
                seen.seq
            );
            highest = highest.max(seen.seq);
            assert_eq!(seen.id, format!("{id}_{}", seen.seq));
        }
        assert_eq!(highest, EVENTS);
        let repeated = sink.taken().len() - usize::try_from(EVENTS).unwrap();
        assert!(repeated <= lives * (WINDOW + 1), "{repeated} ({random})");
    }
    let store = place.store().await;
    for id in ids {
        let lane = store.lanes(id).await.unwrap().remove(0);
        assert!(lane.cursor >= Seq(EVENTS), "{lane:?}");
    }
}
