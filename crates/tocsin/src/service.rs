//! `run`: every part of the service, connected and supervised.
//!
//! Everything that can be wrong with the surroundings (database, keys, endpoints, addresses) is found before any stage
//! starts, so that a service that cannot work does not half-work.

mod attestor;
mod books;
mod connect;
mod record;

use std::net::SocketAddr;
use std::sync::Arc;

use tocsin_api::Api;
use tocsin_api::auth::{Auth, AuthSettings};
use tocsin_api::chains::Chains;
use tocsin_api::feeds::Feeds;
use tocsin_api::health::Health;
use tocsin_api::metrics::Metrics;
use tocsin_api::mirrors::Mirrors;
use tocsin_api::quorum::Quorum;
use tocsin_attest::{AttestError, Attestor};
use tocsin_auth::UnixTime;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::Submitter;
use tocsin_delivery::webhook::{Sender, SystemLookup};
use tocsin_domain::attestation::SigningDomain;
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_quorum::{Node, NodeError, Settings};
use tocsin_sources::SourceError;
use tocsin_store::warning::{WarningChange, WarningId};
use tocsin_store::{Store, StoreError};
use tocsin_store_sqlite::SqliteStore;
use tokio::net::TcpListener;

use self::books::ClientBooks;
use self::connect::{Watch, patiently};
pub use self::record::record;
use crate::clock::Clock;
use crate::config::{ApiConfig, Chain, Config, Network, WebhooksConfig};
use crate::insure::csv::CsvError;
use crate::log_key::{self, LogKeyError};
use crate::pipeline::attest::{AttestClaims, Issuing};
use crate::pipeline::bell::Bell;
use crate::pipeline::claim::Claimer;
use crate::pipeline::deliver::Deliverer;
use crate::pipeline::epochs::EpochWatch;
use crate::pipeline::evaluate::Evaluator;
use crate::pipeline::keys::KeyKeeper;
use crate::pipeline::log::Logger;
use crate::pipeline::mirror::MirrorAttestations;
use crate::pipeline::observe::Observer;
use crate::pipeline::poll::Poller;
use crate::pipeline::put_away::Archivist;
use crate::pipeline::quorum::AttestTogether;
use crate::pipeline::recheck::Rechecker;
use crate::pipeline::renew::Renewer;
use crate::pipeline::standings::StandingWatch;
use crate::pipeline::warn::Forewarner;
use crate::pipeline::webhooks::desk::TellersDesk;
use crate::pipeline::webhooks::{self, Forgetter, Teller};
use crate::pipeline::{self, Stage, StageError, Work};
use crate::supervisor::{Shutdown, Supervisor, TaskFailure};

/// How long events are kept where nothing is said.
const KEEP_EVENTS: Seconds = Seconds(30 * 86_400);

/// Why the service did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source chain.
    #[error("cannot watch {chain}; check [chains.\"{chain}\"] and the endpoints that it names")]
    Source {
        /// The chain.
        chain: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The other attestors.
    #[error(transparent)]
    Quorum(#[from] NodeError),
    /// The attestation key.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// An epoch of a programme off-chain that the configuration forgets.
    #[error(
        "epoch {number} of {domain} was configured, is still accepted, and is not in the configuration any more: write it into \
         [[attestor.epochs]], with the end that it has (`sign_until`, `accept_until`), or with `revoked = true`"
    )]
    ForgottenEpoch {
        /// Its number.
        number: u32,
        /// The programme.
        domain: SigningDomain,
    },
    /// A settlement chain.
    #[error(
        "cannot deliver to eip155:{chain_id}; check [delivery.\"eip155:{chain_id}\"] and what it names"
    )]
    Delivery {
        /// The chain.
        chain_id: u64,
        /// Why.
        #[source]
        source: DeliveryError,
    },
    /// Webhooks.
    #[error("cannot send webhooks; check [webhooks]")]
    Webhooks(#[source] DeliveryError),
    /// A cover.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The key of the eligibility log.
    #[error(transparent)]
    LogKey(#[from] LogKeyError),
    /// A file of policies.
    #[error(transparent)]
    Policies(#[from] CsvError),
    /// An address to listen on.
    #[error("cannot listen on {address}: choose another [{section}] listen")]
    Listen {
        /// The section of the configuration.
        section: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The signals of the operating system.
    #[error("cannot listen for the signals that end the service")]
    Signals(#[source] std::io::Error),
    /// A part of the service ended.
    #[error(transparent)]
    Task(#[from] TaskFailure),
}

/// The parts, connected to the outside and not yet running.
struct Parts {
    observers: Vec<Observer>,
    forewarners: Vec<Forewarner>,
    recheckers: Vec<Rechecker>,
    pollers: Vec<Poller>,
    archivist: Option<Archivist>,
    attestor: Option<(Arc<Attestor>, Issuing)>,
    quorum: Option<TcpListener>,
    epochs: Vec<EpochWatch>,
    standings: Vec<StandingWatch>,
    renewer: Option<Renewer>,
    mirrors: Option<EasContract>,
    /// Who sends webhooks, and how many endpoints there may be.
    webhooks: Option<(Arc<Teller>, u32)>,
    /// How long events are kept.
    keep_events: Seconds,
    deliverers: Vec<Deliverer>,
    logger: Logger,
    log_key: String,
    listener: Option<(TcpListener, AuthSettings, ApiConfig)>,
}

/// The wake-up calls between the stages.
#[derive(Clone, Default)]
struct Bells {
    claim: Bell,
    log: Bell,
    attest: Bell,
    renew: Bell,
    mirror: Bell,
    deliver: Bell,
    webhooks: Bell,
}

/// Opens the database that `config` names and runs the service on it until `shutdown`.
pub async fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let store = Arc::new(SqliteStore::open(&config.database).await?);
    run_on(store, config, clock, shutdown).await
}

/// Runs the service on a store that the caller has opened, until `shutdown`; the database that `config` names is not
/// touched.
pub async fn run_on(
    store: Arc<dyn Store>,
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let evaluator = Arc::new(Evaluator::new(
        config.covers.iter().map(|insured| insured.cover.clone()),
    ));
    record(&*store, &evaluator, &config, clock.now()).await?;
    withdraw_unwatched(&*store, &config, clock.now()).await?;
    let bells = Bells::default();
    let together = config.quorum.as_ref();
    let together = together.map(|quorum| (quorum.settings.clone(), quorum.deliver_after));
    let parts = connect(&config, &*store, &evaluator, &clock, &bells).await?;
    let books = Arc::new(ClientBooks {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        evaluator: Arc::clone(&evaluator),
        settlement: config.insurer(clock.now()).settlement,
        covers: config.covers.clone(),
        feeds: config.feeds.clone(),
        claim: bells.claim.clone(),
    });
    let stage = Stage {
        store,
        clock,
        health: Health::default(),
        chains: Chains::default(),
        feeds: Feeds::default(),
        quorum: Quorum::default(),
        metrics: Metrics::default(),
        shutdown: shutdown.clone(),
    };
    tracing::info!(
        covers = config.covers.len(),
        policies = config.policies.len(),
        chains = config.chains.len(),
        feeds = config.feeds.all().count(),
        "the service starts"
    );
    let supervised = start(parts, together, books, stage, evaluator, bells, shutdown)?
        .run()
        .await;
    Ok(supervised?)
}

/// Takes back the warnings of chains whose newest blocks nobody looks at any more: they would stand for ever.
async fn withdraw_unwatched(
    store: &dyn Store,
    config: &Config,
    at: Timestamp,
) -> Result<(), StoreError> {
    let looked_at = |chain: &Chain| match &chain.network {
        Network::Evm { warnings, .. } => *warnings && chain.is_watched(),
        Network::Solana { .. } => false,
    };
    let looked_at = config.chains.iter().filter(|chain| looked_at(chain));
    let names: Vec<&str> = looked_at.map(|chain| chain.name.as_str()).collect();
    let standing = store.standing(None).await?;
    let withdraw: Vec<WarningId> = standing
        .iter()
        .filter(|stands| !names.contains(&stands.warning.chain.as_str()))
        .map(|stands| stands.id)
        .collect();
    if withdraw.is_empty() {
        return Ok(());
    }
    tracing::info!(
        count = withdraw.len(),
        "warnings withdrawn: nobody looks at the newest blocks of their chains"
    );
    let change = WarningChange {
        withdraw,
        raise: Vec::new(),
        at,
    };
    store.change_warnings(&change).await?;
    Ok(())
}

async fn connect(
    config: &Config,
    store: &dyn Store,
    evaluator: &Arc<Evaluator>,
    clock: &Arc<dyn Clock>,
    bells: &Bells,
) -> Result<Parts, ServiceError> {
    let keys = match &config.attestor {
        Some(attestor) => attestor::open_keys(attestor).await?,
        None => Vec::new(),
    };
    let mut watch = Watch::new(evaluator, &bells.claim);
    for chain in config.chains.iter().filter(|chain| chain.is_watched()) {
        patiently(SourceError::is_transient, async || watch.add(chain).await)
            .await
            .map_err(|source| ServiceError::Source {
                chain: chain.name.clone(),
                source,
            })?;
    }
    for configured in config.feeds.all() {
        watch.poll(configured, clock);
    }
    let Watch {
        observers,
        forewarners,
        recheckers,
        pollers,
        ..
    } = watch;
    let kept = config.feeds.all();
    let kept: Vec<_> = kept
        .map(|configured| (configured.feed.id().clone(), configured.archive_for))
        .collect();
    let archivist = (!kept.is_empty()).then(|| Archivist::new(evaluator, kept));
    let mut submitters = Vec::new();
    for delivery in &config.deliveries {
        let refused = |source| ServiceError::Delivery {
            chain_id: delivery.settings.chain_id,
            source,
        };
        let submitter = patiently(DeliveryError::is_transient, async || {
            let key = delivery.key.clone();
            let submitter = Submitter::connect(delivery.settings.clone(), key).await?;
            for epoch in config.attestor.iter().flat_map(|attestor| &attestor.epochs) {
                submitter.check_signers(&epoch.signers).await?;
            }
            Ok(submitter)
        })
        .await
        .map_err(refused)?;
        tracing::info!(sender = %submitter.sender(), chain = delivery.settings.chain_id, "claims are submitted");
        submitters.push((Arc::new(submitter), delivery.poll_interval));
    }
    let attestor = match &config.attestor {
        Some(configured) => {
            Some(attestor::seat(configured, keys, store, &submitters, clock.now()).await?)
        }
        None => None,
    };
    let (mut epochs, mut standings, mut renewer) = (Vec::new(), Vec::new(), None);
    if let Some((attestor, issuing)) = &attestor {
        for (submitter, poll_interval) in &submitters {
            let (submitter, domain) = (Arc::clone(submitter), attestor.domain());
            standings.push(StandingWatch::new(
                Arc::clone(&submitter),
                domain,
                *poll_interval,
            ));
            let rung = [bells.attest.clone(), bells.renew.clone()];
            epochs.push(EpochWatch::new(
                submitter,
                Arc::clone(attestor),
                *poll_interval,
                rung,
            ));
        }
        let asked = submitters
            .first()
            .map(|(submitter, _)| Arc::clone(submitter));
        let (attestor, valid_for) = (Arc::clone(attestor), issuing.valid_for);
        renewer = Some(Renewer::new(
            attestor,
            asked,
            valid_for,
            bells.attest.clone(),
        ));
    }
    let deliverers = submitters.into_iter();
    let deliverers = deliverers.map(|(submitter, every)| Deliverer::new(submitter, every));
    let quorum = match &config.quorum {
        Some(quorum) => Some(listen("quorum", quorum.listen).await?),
        None => None,
    };
    let webhooks = config.webhooks.as_ref().map(teller).transpose()?;
    let log_key = log_key::open(&config.log.key_file, config.log.origin.as_ref())?;
    let shown_key = log_key.verifier().to_string();
    tracing::info!(key = %shown_key, "the eligibility log is signed with this key");
    let every = config.log.coverage_every;
    let next = bells.attest.clone().with(&bells.webhooks);
    let logger = Logger::new(Arc::new(log_key), every, evaluator, next);
    let listener = match config.api {
        Some(api) => Some((listen("api", api.listen).await?, config.auth.clone(), api)),
        None => None,
    };
    Ok(Parts {
        observers,
        forewarners,
        recheckers,
        pollers,
        archivist,
        attestor,
        quorum,
        epochs,
        standings,
        renewer,
        mirrors: config
            .attestor
            .as_ref()
            .and_then(|attestor| attestor.eas.clone()),
        deliverers: deliverers.collect(),
        webhooks,
        keep_events: config
            .webhooks
            .as_ref()
            .map_or(KEEP_EVENTS, |webhooks| webhooks.keep),
        logger,
        log_key: shown_key,
        listener,
    })
}

/// Who sends webhooks.
fn teller(config: &WebhooksConfig) -> Result<(Arc<Teller>, u32), ServiceError> {
    let sender = Sender::new(config.sender.clone(), Arc::new(SystemLookup));
    let sender = sender.map_err(ServiceError::Webhooks)?;
    let teller = Teller::new(sender, config.keys.clone(), config.schedule.clone());
    Ok((Arc::new(teller), config.max_endpoints))
}

async fn listen(section: &'static str, address: SocketAddr) -> Result<TcpListener, ServiceError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServiceError::Listen {
        section,
        address,
        source,
    })
}

fn start(
    parts: Parts,
    together: Option<(Settings, Seconds)>,
    books: Arc<ClientBooks>,
    stage: Stage,
    evaluator: Arc<Evaluator>,
    bells: Bells,
    shutdown: Shutdown,
) -> Result<Supervisor, ServiceError> {
    let mut tasks = Supervisor::new(shutdown.clone());
    let attestor = parts.attestor.as_ref();
    let attestor = attestor.map(|(attestor, _)| attestor.domain());
    let mirrors = parts.attestor.as_ref().zip(parts.mirrors);
    let mirrors = mirrors.map(|((attestor, _), contract)| {
        let mirror = MirrorAttestations::new(Arc::clone(attestor), contract.clone());
        begin(&mut tasks, mirror, &stage, bells.mirror.clone());
        let keys = attestor.addresses().collect();
        Mirrors { contract, keys }
    });
    for observer in parts.observers {
        begin(&mut tasks, observer, &stage, Bell::default());
    }
    for forewarner in parts.forewarners {
        begin(&mut tasks, forewarner, &stage, Bell::default());
    }
    for rechecker in parts.recheckers {
        begin(&mut tasks, rechecker, &stage, Bell::default());
    }
    for poller in parts.pollers {
        begin(&mut tasks, poller, &stage, Bell::default());
    }
    if let Some(archivist) = parts.archivist {
        begin(&mut tasks, archivist, &stage, Bell::default());
    }
    begin(
        &mut tasks,
        Claimer::new(Arc::clone(&evaluator), bells.log.clone()),
        &stage,
        bells.claim,
    );
    begin(&mut tasks, parts.logger, &stage, bells.log);
    if let Some((attestor, issuing)) = parts.attestor {
        let next = bells.deliver.clone().with(&bells.mirror);
        if let (Some((settings, deliver_after)), Some(listener)) = (together, parts.quorum) {
            let (clock, ring) = (Arc::clone(&stage.clock), bells.attest.clone());
            let now = Arc::new(move || clock.now());
            let ring = Arc::new(move || ring.ring());
            let store = Arc::clone(&stage.store);
            let node = Arc::new(Node::new(store, attestor, settings, now, ring)?);
            let ended = shutdown.clone();
            tasks.start(
                "quorum",
                tocsin_quorum::serve(listener, Arc::clone(&node), async move {
                    ended.requested().await;
                }),
            );
            let attest = AttestTogether::new(node, &issuing, deliver_after, next);
            begin(&mut tasks, attest, &stage, bells.attest);
        } else {
            let attest = AttestClaims::new(evaluator, attestor, issuing, next);
            begin(&mut tasks, attest, &stage, bells.attest);
        }
    }
    for epochs in parts.epochs {
        begin(&mut tasks, epochs, &stage, Bell::default());
    }
    for standings in parts.standings {
        begin(&mut tasks, standings, &stage, Bell::default());
    }
    if let Some(renewer) = parts.renewer {
        begin(&mut tasks, renewer, &stage, bells.renew);
    }
    for deliverer in parts.deliverers {
        begin(&mut tasks, deliverer, &stage, bells.deliver.clone());
    }
    begin(
        &mut tasks,
        Forgetter::new(parts.keep_events),
        &stage,
        Bell::default(),
    );
    let desk = parts.webhooks.map(|(teller, most)| {
        stage.health.expect("webhooks");
        let told = webhooks::run(Arc::clone(&teller), stage.clone(), bells.webhooks.clone());
        tasks.start("webhooks", told);
        let desk = TellersDesk::new(teller, stage.clone(), bells.webhooks.clone(), most);
        Arc::new(desk) as Arc<dyn tocsin_api::webhooks::Desk>
    });
    if let Some((listener, settings, served)) = parts.listener {
        let (clock, store) = (Arc::clone(&stage.clock), Arc::clone(&stage.store));
        let now = Arc::new(move || UnixTime(clock.now().0));
        let auth = Auth::new(settings, store, now, stage.metrics.clone());
        begin(
            &mut tasks,
            KeyKeeper::new(auth.clone()),
            &stage,
            Bell::default(),
        );
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "the API listens");
        }
        let api = Api {
            store: stage.store,
            health: stage.health,
            chains: stage.chains,
            feeds: stage.feeds,
            quorum: stage.quorum,
            metrics: stage.metrics,
            auth,
            books: Some(books),
            open_reads: served.open_reads,
            open_writes: served.open_writes,
            webhooks: desk,
            mirrors,
            attestor,
            log_key: Some(parts.log_key),
        };
        tasks.start(
            "api",
            tocsin_api::serve(listener, api, async move { shutdown.requested().await }),
        );
    }
    Ok(tasks)
}

fn begin(tasks: &mut Supervisor, work: impl Work, stage: &Stage, bell: Bell) {
    let name = work.name().to_owned();
    stage.health.expect(&name);
    tasks.start(name, pipeline::run(work, stage.clone(), bell));
}

/// A shutdown that the operating system's signals request:.
pub fn shutdown_on_signal() -> Result<Shutdown, ServiceError> {
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = Shutdown::default();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Signals)?;
    let asked = shutdown.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "signals outlive the supervisor, which they end"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("asked to end; a stage in the middle of its work finishes it first");
        asked.request();
    });
    Ok(shutdown)
}
