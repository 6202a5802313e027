//! Four nodes in this process, over books of their own in which a loss is determined and its claims wait: real stores, keys
//! and HTTP, and a clock that is set by hand, so that what is told, and in which order, is up to the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use secrecy::SecretString;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tocsin::clock::{Clock, SetClock};
use tocsin::pipeline::attest::Issuing;
use tocsin::pipeline::bell::Bell;
use tocsin::pipeline::quorum::AttestTogether;
use tocsin::pipeline::{Stage, Work};
use tocsin::supervisor::Shutdown;
use tocsin_api::chains::Chains;
use tocsin_api::feeds::Feeds;
use tocsin_api::health::Health;
use tocsin_api::metrics::Metrics;
use tocsin_api::quorum::Quorum;
use tocsin_attest::{Attestor, KeySettings, Signer};
use tocsin_domain::attestation::{ClaimAttestation, Epoch};
use tocsin_domain::ids::{EventKey, PolicyId};
use tocsin_domain::quorum::Event;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_quorum::message::Signed;
use tocsin_quorum::{MOST_BYTES, Node, Outcome, Settings, Wish, router, serve};
use tocsin_store::Store;
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::member::{Member, signers};
use tocsin_tests::mortal::Death;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::hostile::DOMAIN;
use super::quartet::Quartet;

pub(crate) const VALID_FOR: Seconds = Seconds(30 * 86_400);

/// How the four talk to each other.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// How long whoever is slow is waited for, once it is not needed.
    pub(crate) patience: Duration,
    /// How long each takes for an answer, beside what it has to do for it.
    pub(crate) late: [Duration; 4],
    /// The most bytes of a message.
    pub(crate) most_bytes: usize,
    /// How many of them there are; the rest of the ports are free.
    pub(crate) present: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            // Nobody is away: whoever is slow is waited for.
            patience: Duration::from_secs(5),
            late: [Duration::ZERO; 4],
            most_bytes: MOST_BYTES,
            present: 4,
        }
    }
}

/// One of four.
pub(crate) struct Peer {
    pub(crate) store: Arc<dyn Store>,
    books: PathBuf,
    pub(crate) node: Arc<Node>,
    clock: SetClock,
    stage: Stage,
    work: AttestTogether,
    _server: AbortOnDropHandle<()>,
}

/// Four of them.
pub(crate) struct Nodes {
    pub(crate) peers: Vec<Peer>,
    _folders: Vec<TempDir>,
}

/// Lets one of a quartet determine a loss of `asset` that begins now, alone, and gives its books as they are then.
pub(crate) async fn determine(quartet: &mut Quartet, index: usize, asset: &str) -> PathBuf {
    quartet.spots[index].set_price(asset, "0.8");
    quartet
        .pass_until("the loss waits for a quorum", async |all| {
            let ready = all.spots[index].ask("health/ready").await;
            ready.text().await.unwrap().contains("no quorum yet")
        })
        .await;
    quartet.kill(index);
    quartet.spots[index].folder().join("tocsin.db")
}

/// The same from the beginning.
pub(crate) async fn begin_and_determine(
    quartet: &mut Quartet,
    index: usize,
    asset: &str,
) -> PathBuf {
    quartet.start(index, &Death::NEVER);
    quartet.spots[index].until_seen(asset).await;
    determine(quartet, index, asset).await
}

impl Nodes {
    /// Each with a copy of the books that are named for it, and with its own idea of what time it is.
    pub(crate) async fn open(members: &[Member], books: [&Path; 4], now: [Timestamp; 4]) -> Self {
        Self::open_as(members, books, now, &Manner::default()).await
    }

    /// The same, talking in a manner.
    pub(crate) async fn open_as(
        members: &[Member],
        books: [&Path; 4],
        now: [Timestamp; 4],
        manner: &Manner,
    ) -> Self {
        let mut folders = Vec::new();
        let mut peers = Vec::new();
        let all = books.into_iter().zip(now).take(manner.present);
        for (index, (books, now)) in all.enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let own = folder.path().join("tocsin.db");
            for end in ["", "-wal"] {
                let with = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
                if with(books).exists() {
                    std::fs::copy(with(books), with(&own)).unwrap();
                }
            }
            peers.push(Peer::open(members, index, &own, SetClock::new(now), manner).await);
            folders.push(folder);
        }
        Self {
            peers,
            _folders: folders,
        }
    }

    /// Sets the clocks of all.
    pub(crate) fn advance_to(&self, now: Timestamp) {
        for peer in &self.peers {
            peer.clock.advance_to(now);
        }
    }

    /// Lets one of them work until `done`. Whatever it was told, no turn of it ends the process.
    pub(crate) async fn work_until(&self, index: usize, done: impl AsyncFn(&Peer) -> bool) {
        let peer = &self.peers[index];
        for _ in 0..200 {
            if let Err(error) = peer.work.turn(&peer.stage).await {
                assert!(error.is_transient(), "the node ends: {error:?}");
            }
            if done(peer).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("node {index} does not get there");
    }
}

impl Peer {
    async fn open(
        members: &[Member],
        index: usize,
        books: &Path,
        clock: SetClock,
        manner: &Manner,
    ) -> Self {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(books).await.unwrap());
        let key = SecretString::from(members[index].secret());
        let key = Signer::open(&KeySettings::Raw { key }).unwrap();
        let epochs = vec![Epoch::unbounded(signers(members, 1))];
        let others = members.iter().enumerate().filter(|(one, _)| *one != index);
        let url = |one: &Member| format!("http://127.0.0.1:{}/", one.port).parse().unwrap();
        let settings = Settings {
            peers: others.map(|(_, one)| (one.address(), url(one))).collect(),
            hold: Seconds(0),
            valid_for: VALID_FOR,
            request_timeout: Duration::from_secs(10),
            patience: manner.patience,
            takeover: Duration::from_millis(50),
            clock_tolerance: Seconds(7200),
            most_bytes: manner.most_bytes,
        };
        let told: Arc<dyn Clock> = Arc::new(clock.clone());
        let dated = Arc::clone(&told);
        let attestor = Arc::new(Attestor::with_keys(DOMAIN, vec![key], epochs));
        let now = Arc::new(move || dated.now());
        let node = Node::new(Arc::clone(&store), attestor, settings, now, Arc::new(|| {}));
        let node = Arc::new(node.unwrap());
        let address = ("127.0.0.1", members[index].port);
        let listener = TcpListener::bind(address).await.unwrap();
        let (serving, late) = (Arc::clone(&node), manner.late[index]);
        #[expect(clippy::disallowed_methods, reason = "it ends with its handle")]
        let server = tokio::spawn(async move {
            if late.is_zero() {
                let served = serve(listener, serving, std::future::pending());
                return served.await.unwrap();
            }
            let late = from_fn(move |request: Request, next: Next| async move {
                tokio::time::sleep(late).await;
                next.run(request).await
            });
            axum::serve(listener, router(serving).layer(late))
                .await
                .unwrap();
        });
        let issuing = Issuing {
            hold: Seconds(0),
            valid_for: VALID_FOR,
            batch_from: None,
            fetched_by: std::collections::BTreeSet::new(),
        };
        Self {
            work: AttestTogether::new(Arc::clone(&node), &issuing, Seconds(0), Bell::default()),
            stage: Stage {
                store: Arc::clone(&store),
                clock: told,
                health: Health::default(),
                chains: Chains::default(),
                feeds: Feeds::default(),
                quorum: Quorum::default(),
                metrics: Metrics::default(),
                shutdown: Shutdown::default(),
            },
            store,
            books: books.to_owned(),
            node,
            clock,
            _server: AbortOnDropHandle::new(server),
        }
    }

    /// Takes something out of its books that it reads for everything that it says, as a damaged disk would.
    pub(crate) async fn damage(&self) {
        let url = format!("sqlite://{}", self.books.display());
        let mut beside = SqliteConnection::connect(&url).await.unwrap();
        let damage = sqlx::query("DROP TABLE halts");
        damage.execute(&mut beside).await.unwrap();
        beside.close().await.unwrap();
    }

    /// The event whose claims wait, and whose they are.
    pub(crate) async fn waiting(&self) -> (Event, Vec<PolicyId>) {
        let claims = self.store.unattested(10).await.unwrap();
        let risk = self.store.risk(claims[0].risk).await.unwrap().unwrap();
        let event = Event::of(&risk.risk, claims[0].ordinal);
        (event, claims.iter().map(|claim| claim.policy).collect())
    }

    /// The same of each of several events.
    pub(crate) async fn wishes(&self) -> Vec<Wish> {
        let mut wishes: BTreeMap<EventKey, Wish> = BTreeMap::new();
        for claim in self.store.unattested(10_000).await.unwrap() {
            let risk = self.store.risk(claim.risk).await.unwrap().unwrap();
            let event = Event::of(&risk.risk, claim.ordinal);
            let wish = wishes.entry(event.key()).or_insert_with(|| Wish {
                event,
                policies: Vec::new(),
            });
            wish.policies.push(claim.policy);
        }
        wishes.into_values().collect()
    }

    /// Proposes these claims.
    pub(crate) async fn propose(
        &self,
        event: &Event,
        policies: &[PolicyId],
        batched: bool,
    ) -> Outcome {
        let wish = Wish {
            event: event.clone(),
            policies: policies.to_vec(),
        };
        self.node.attest(&[wish], batched).await.unwrap()
    }

    /// The same; it must go well.
    pub(crate) async fn attest(
        &self,
        event: &Event,
        policies: &[PolicyId],
        batched: bool,
    ) -> Signed {
        let mut outcome = self.propose(event, policies, batched).await;
        assert_eq!(outcome.troubles, []);
        assert_eq!(outcome.signed.len(), 1);
        outcome.signed.remove(0)
    }

    /// What is recorded of a policy, oldest first.
    pub(crate) async fn recorded(&self, policy: PolicyId) -> Vec<ClaimAttestation> {
        let records = self.store.attestations_of(policy).await.unwrap();
        records
            .iter()
            .map(|record| ClaimAttestation::from_bytes(&record.payload).unwrap())
            .collect()
    }
}
