//! Connecting to the chains that are watched, with some patience, and the stages that watch them.

use std::sync::Arc;
use std::time::Duration;

use tocsin_sources::chain::ChainReader;
use tocsin_sources::solana::SolanaReader;
use tocsin_sources::{BlockSource, SourceError};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::{Chain, FeedConfig, Network};
use crate::pipeline::bell::Bell;
use crate::pipeline::evaluate::Evaluator;
use crate::pipeline::observe::{Observer, Pace};
use crate::pipeline::poll::Poller;
use crate::pipeline::recheck::Rechecker;
use crate::pipeline::warn::Forewarner;

/// How long connecting waits between its attempts.
const CONNECT_PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Tries again what may succeed a little later, a few times: one answer that fails is no reason not to start.
pub(super) async fn patiently<T, E: std::error::Error>(
    may_pass: impl Fn(&E) -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pauses = CONNECT_PAUSES.iter();
    loop {
        match (attempt().await, pauses.next()) {
            (Err(error), Some(pause)) if may_pass(&error) => {
                tracing::warn!(error = %crate::report::chain(&error), "cannot connect yet, will try again");
                tokio::time::sleep(*pause).await;
            }
            (outcome, _) => return outcome,
        }
    }
}

/// The stages that watch chains, as they are made.
pub(super) struct Watch<'a> {
    evaluator: &'a Arc<Evaluator>,
    step: Arc<Mutex<()>>,
    decided: &'a Bell,
    pub(super) observers: Vec<Observer>,
    pub(super) forewarners: Vec<Forewarner>,
    pub(super) recheckers: Vec<Rechecker>,
    pub(super) pollers: Vec<Poller>,
}

impl<'a> Watch<'a> {
    /// No chains yet. The observers evaluate with `evaluator`, and ring `decided` when something was.
    pub(super) fn new(evaluator: &'a Arc<Evaluator>, decided: &'a Bell) -> Self {
        Self {
            evaluator,
            step: Arc::new(Mutex::new(())),
            decided,
            observers: Vec::new(),
            forewarners: Vec::new(),
            recheckers: Vec::new(),
            pollers: Vec::new(),
        }
    }

    /// Connects to a chain, and adds the stages that watch it.
    pub(super) async fn add(&mut self, chain: &Chain) -> Result<(), SourceError> {
        match &chain.network {
            Network::Evm {
                settings,
                warnings,
                recheck_every,
                sources,
                ..
            } => {
                let reader =
                    Arc::new(ChainReader::connect(settings.clone(), sources.clone()).await?);
                self.observe(chain, Arc::clone(&reader) as Arc<dyn BlockSource>);
                if *warnings {
                    self.forewarners.push(Forewarner::new(
                        Arc::clone(&reader),
                        chain.poll_interval,
                        Arc::clone(self.evaluator),
                        Arc::clone(&self.step),
                    ));
                }
                if let Some(every) = recheck_every {
                    self.recheckers.push(Rechecker::new(reader, *every));
                }
            }
            Network::Solana { settings, sources } => {
                let reader = SolanaReader::connect(settings.clone(), sources.clone()).await?;
                self.observe(chain, Arc::new(reader));
            }
        }
        Ok(())
    }

    /// Adds the stage that polls a feed.
    pub(super) fn poll(&mut self, configured: &FeedConfig, clock: &Arc<dyn Clock>) {
        self.pollers.push(Poller::new(
            configured,
            Arc::clone(clock),
            Arc::clone(self.evaluator),
            Arc::clone(&self.step),
            self.decided.clone(),
        ));
    }

    fn observe(&mut self, chain: &Chain, reader: Arc<dyn BlockSource>) {
        let pace = Pace {
            poll_interval: chain.poll_interval,
            stalled_after: chain.stalled_after,
        };
        self.observers.push(Observer::new(
            reader,
            pace,
            Arc::clone(self.evaluator),
            Arc::clone(&self.step),
            self.decided.clone(),
        ));
    }
}
