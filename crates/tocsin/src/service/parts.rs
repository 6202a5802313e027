//! The parts of the service, connected to the outside and not yet running.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tocsin_api::auth::AuthSettings;
use tocsin_attest::Attestor;
use tocsin_delivery::DeliveryError;
use tocsin_delivery::onchain::Submitter;
use tocsin_delivery::webhook::{Sender, SystemLookup};
use tocsin_domain::attestation::eas::EasContract;
use tocsin_domain::time::Seconds;
use tocsin_sources::SourceError;
use tocsin_store::Store;
use tokio::net::TcpListener;

use super::ServiceError;
use super::attestor;
use super::connect::{Watch, patiently};
use crate::anchor::Anchor;
use crate::clock::Clock;
use crate::config::{ApiConfig, Config, WebhooksConfig};
use crate::log_key;
use crate::pipeline::attest::Issuing;
use crate::pipeline::bell::Bell;
use crate::pipeline::deliver::Deliverer;
use crate::pipeline::epochs::EpochWatch;
use crate::pipeline::evaluate::Evaluator;
use crate::pipeline::log::Logger;
use crate::pipeline::observe::Observer;
use crate::pipeline::poll::Poller;
use crate::pipeline::put_away::Archivist;
use crate::pipeline::recheck::Rechecker;
use crate::pipeline::renew::Renewer;
use crate::pipeline::standings::StandingWatch;
use crate::pipeline::warn::Forewarner;
use crate::pipeline::webhooks::Teller;

/// How long events are kept where nothing is said.
const KEEP_EVENTS: Seconds = Seconds(30 * 86_400);

/// The parts, connected to the outside and not yet running.
pub(super) struct Parts {
    pub(super) observers: Vec<Observer>,
    pub(super) forewarners: Vec<Forewarner>,
    pub(super) recheckers: Vec<Rechecker>,
    pub(super) pollers: Vec<Poller>,
    pub(super) archivist: Option<Archivist>,
    pub(super) attestor: Option<(Arc<Attestor>, Issuing)>,
    pub(super) quorum: Option<TcpListener>,
    pub(super) epochs: Vec<EpochWatch>,
    pub(super) standings: Vec<StandingWatch>,
    pub(super) renewer: Option<Renewer>,
    pub(super) mirrors: Option<EasContract>,
    /// Who sends webhooks, and how many endpoints there may be.
    pub(super) webhooks: Option<(Arc<Teller>, u32)>,
    /// How long events are kept.
    pub(super) keep_events: Seconds,
    pub(super) deliverers: Vec<Deliverer>,
    pub(super) logger: Logger,
    pub(super) log_key: String,
    pub(super) listener: Option<(TcpListener, AuthSettings, ApiConfig)>,
    /// Where other processes read how this one is doing; nowhere where the database is the caller's.
    pub(super) status: Option<PathBuf>,
}

/// The wake-up calls between the stages.
#[derive(Clone, Default)]
pub(super) struct Bells {
    pub(super) claim: Bell,
    pub(super) log: Bell,
    pub(super) attest: Bell,
    pub(super) renew: Bell,
    pub(super) attestors: Bell,
    pub(super) mirror: Bell,
    pub(super) deliver: Bell,
    pub(super) webhooks: Bell,
}

/// Connects to everything that the configuration names.
pub(super) async fn connect(
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
    let archivist = (!kept.is_empty()).then(|| Archivist::new(Arc::clone(evaluator), kept));
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
            let rung = [&bells.attest, &bells.renew, &bells.attestors].map(Bell::clone);
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
    let log_key = log_key::of_service(&config.log, store, clock.now()).await?;
    let shown_key = log_key.verifier().to_string();
    tracing::info!(key = %shown_key, "the eligibility log is signed with this key");
    let every = config.log.coverage_every;
    let next = bells.attest.clone().with(&bells.webhooks);
    let anchor = Anchor::at(&config.log.state_file);
    let logger = Logger::new(
        Arc::new(log_key),
        anchor,
        every,
        Arc::clone(evaluator),
        next,
    );
    logger.look(store, clock.now()).await?;
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
        status: None,
    })
}

/// Who sends webhooks.
fn teller(config: &WebhooksConfig) -> Result<(Arc<Teller>, u32), ServiceError> {
    let sender = Sender::new(config.sender.clone(), Arc::new(SystemLookup));
    let sender = sender.map_err(ServiceError::Webhooks)?;
    let teller = Teller::new(sender, config.keys.clone(), config.schedule.clone());
    Ok((Arc::new(teller), config.max_endpoints))
}

/// Takes an address that a section of the configuration names.
pub(super) async fn listen(
    section: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, ServiceError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServiceError::Listen {
        section,
        address,
        source,
    })
}
