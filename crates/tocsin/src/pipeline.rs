//! How a fact becomes a payout: six stages, each of which asks the store for unfinished work, writes its result and what
//! comes next in one transaction, and rings the next one.
//!
//! ```text
//! observe ─► evaluate ─► claim ─► log ─► attest ─► deliver
//!    poll ─┘
//! ```
//!
//! `observe` and `evaluate` share one transaction: cursors, observations, trigger states and determinations commit
//! together. A ring is only a wake-up call; a timer covers a lost one, so that a restart and normal running are the same
//! path.

pub mod attest;
pub mod attestors;
pub mod bell;
pub mod claim;
pub mod deliver;
pub mod epochs;
pub mod evaluate;
mod halt;
pub mod keys;
pub mod log;
pub mod mirror;
pub mod observe;
pub mod poll;
pub mod polled_news;
pub mod put_away;
pub mod quorum;
pub mod recheck;
pub mod renew;
pub mod standings;
pub mod warn;
pub mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin_api::metrics::TurnOutcome;
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tracing::Instrument;

use crate::clock::Clock;
use crate::supervisor::Shutdown;

/// How many pieces of work one turn of a stage takes.
const WORK_PER_TURN: u32 = 256;

/// How long a stage that failed waits before it tries again.
const RETRY: Duration = Duration::from_secs(2);

/// How long a stage sleeps when nobody rings.
const NAP: Duration = Duration::from_secs(5);

/// What every stage is given.
#[derive(Clone)]
pub struct Stage {
    /// The queue.
    pub store: Arc<dyn Store>,
    /// Dates determinations and signatures.
    pub clock: Arc<dyn Clock>,
    /// Tells the outside how the stage is doing.
    pub health: tocsin_api::health::Health,
    /// Tells the outside how the chains are doing.
    pub chains: tocsin_api::chains::Chains,
    /// Tells the outside how the feeds are doing.
    pub feeds: tocsin_api::feeds::Feeds,
    /// Tells the outside how the other attestors are doing.
    pub quorum: tocsin_api::quorum::Quorum,
    /// Counts what happens.
    pub metrics: tocsin_api::metrics::Metrics,
    /// Ends the stage.
    pub shutdown: Shutdown,
}

impl Stage {
    /// What a service begins with: nothing is known yet of how anything is doing.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, shutdown: Shutdown) -> Self {
        Self {
            store,
            clock,
            health: tocsin_api::health::Health::default(),
            chains: tocsin_api::chains::Chains::default(),
            feeds: tocsin_api::feeds::Feeds::default(),
            quorum: tocsin_api::quorum::Quorum::default(),
            metrics: tocsin_api::metrics::Metrics::default(),
            shutdown,
        }
    }
}

/// Whether a stage has found work, and so may find more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// There was something to do.
    Worked,
    /// There was nothing to do.
    Idle,
}

/// Why a stage's turn had no effect.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The store.
    #[error(transparent)]
    Store(#[from] tocsin_store::StoreError),
    /// A source.
    #[error(transparent)]
    Source(#[from] tocsin_sources::SourceError),
    /// A chain answers, and has nothing new that is final.
    #[error(
        "{chain} has had nothing new that is final since {seen_until}: its newest block is {latest}, its newest final block {final_head}",
        latest = heads.latest, final_head = heads.final_head.map_or_else(|| "none".to_owned(), |number| number.to_string())
    )]
    Stalled {
        /// The chain.
        chain: String,
        /// Up to here everything was seen.
        seen_until: Timestamp,
        /// How far the chain has come, as its endpoints say.
        heads: tocsin_sources::Heads,
    },
    /// A chain answers, and none of its blocks is final.
    #[error("{chain} has no final block yet, its newest block is {latest}: nothing of it can be read", latest = heads.latest)]
    NothingFinal {
        /// The chain.
        chain: String,
        /// How far the chain has come, as its endpoints say.
        heads: tocsin_sources::Heads,
    },
    /// A chain took back a final block.
    #[error(
        "{chain} is halted since {since}, at block {number}: {endpoint} {cause}. Nothing that rests on it is read or signed. \
         Compare with independent nodes, stop the service, and let it go on with `tocsin chain resume {chain}`",
        chain = .0.chain, since = .0.since, number = .0.number, endpoint = .0.endpoint, cause = .0.cause
    )]
    Halted(Box<tocsin_store::halt::Halt>),
    /// A source is configured to be read in another way than it was read so far.
    #[error(
        "source `{0}` was read with other settings so far (its contract, event, fields or from_block have changed): put \
         them back, or begin anew with another database"
    )]
    OtherReading(tocsin_domain::observation::SourceId),
    /// Evaluation was given something that it must refuse.
    #[error("cannot evaluate risk {risk}: {problem}")]
    Evaluation {
        /// Which risk.
        risk: tocsin_domain::ids::RiskId,
        /// What is wrong.
        problem: String,
    },
    /// A claim that cannot be said in an attestation.
    #[error("cannot state a claim")]
    Payload(#[from] tocsin_domain::attestation::PayloadError),
    /// Attesting.
    #[error(transparent)]
    Attest(#[from] tocsin_attest::AttestError),
    /// Some claims were attested, and this one was not.
    #[error("the claim of policy {policy} is not attested, a person has to look: {reason}")]
    Unattested {
        /// Whose claim.
        policy: tocsin_domain::ids::PolicyId,
        /// Why.
        reason: String,
    },
    /// Attesting together.
    #[error("claims wait for a quorum: {0}")]
    Quorum(String),
    /// The endpoints of a settlement chain say less of a claim than they said of an earlier final block.
    #[error(
        "the settlement endpoints contradict what they said was final; nothing of it is written down: compare them with \
         independent nodes, and replace the one that is wrong or lags"
    )]
    TakenBack(#[source] tocsin_store::StoreError),
    /// Delivery.
    #[error(transparent)]
    Delivery(#[from] tocsin_delivery::DeliveryError),
    /// Deliveries that may wait for long, each of which would look like nothing happened.
    #[error("attestation {attestation} is not delivered yet, and {others} others: {waiting}")]
    Undelivered {
        /// The first of them.
        attestation: tocsin_domain::ids::AttestationId,
        /// What it waits for.
        waiting: Box<tocsin_delivery::onchain::Waiting>,
        /// How many others wait like this.
        others: usize,
    },
    /// The secret of a webhook endpoint.
    #[error("webhooks wait until their secrets can be used")]
    Keyring(#[from] webhooks::keyring::KeyringError),
    /// Signing a state of the log.
    #[error("cannot sign the state of the eligibility log")]
    Log(#[from] tocsin_log::LogError),
    /// The last signed state of the log cannot be kept outside the database.
    #[error(transparent)]
    Anchor(#[from] crate::anchor::AnchorError),
    /// The log does not begin with what was signed, or that is not known.
    #[error("the eligibility log is held, nothing is signed and nothing is attested: {0}")]
    LogHeld(String),
    /// Nothing can be appended to the log.
    #[error("the eligibility log cannot go on, and nothing new is attested")]
    LogStopped(#[source] tocsin_store::StoreError),
    /// Something contradicts the log.
    #[error(
        "{kind} {subject} is in doubt, and {others} others: {reason}. Somebody has changed the books by hand, and nothing of it is \
         attested. Stop the service, look with `tocsin log audit`, put the rows right, and say so with `tocsin log settle`",
        kind = first.kind, subject = first.subject, reason = first.reason
    )]
    InDoubt {
        /// The oldest one.
        first: Box<tocsin_store::log::Doubt>,
        /// How many others there are, as far as they are counted.
        others: usize,
    },
    /// An attestation that has no mirror, and gets none by waiting.
    #[error("the attestation {attestation} is not mirrored, a person has to look: {reason}")]
    Unmirrored {
        /// Which.
        attestation: tocsin_domain::ids::AttestationId,
        /// Why.
        reason: String,
    },
    /// How this process, or the one that fills the database, is doing cannot be said.
    #[error(transparent)]
    Status(#[from] crate::service::StatusError),
    /// Nobody fills the database that this process answers from.
    #[error("{0}")]
    Unfilled(String),
    /// Somebody else fills it now.
    #[error(
        "the process that fills the database signs for another verifier, or its log with another key, than when this one started: \
         start this one again"
    )]
    AnotherService,
    /// What is stored refers to terms that are not loaded.
    #[error("there are no terms {0}: put the cover back into the configuration")]
    UnknownTerms(tocsin_domain::ids::TermsHash),
}

impl StageError {
    /// Whether trying again can help; otherwise the process stops, loudly.
    pub fn is_transient(&self) -> bool {
        match self {
            // Another stage has halted the source meanwhile: the next turn says so.
            Self::Store(tocsin_store::StoreError::Halted { .. }) => true,
            Self::Store(error) => error.is_transient(),
            Self::Source(error) => error.is_transient(),
            Self::Delivery(error) => error.is_transient(),
            Self::Attest(error) => error.is_transient(),
            // The stage goes on with the others, and is not ready until somebody has looked.
            Self::Unattested { .. }
            | Self::Unmirrored { .. }
            | Self::Undelivered { .. }
            | Self::Stalled { .. }
            | Self::NothingFinal { .. }
            | Self::Quorum(_)
            | Self::Keyring(_)
            | Self::Status(_)
            | Self::Unfilled(_)
            | Self::TakenBack(_)
            | Self::Anchor(_)
            | Self::LogHeld(_)
            | Self::LogStopped(_)
            | Self::InDoubt { .. }
            | Self::Halted(_) => true,
            Self::Evaluation { .. }
            | Self::OtherReading(_)
            | Self::Payload(_)
            | Self::Log(_)
            | Self::AnotherService
            | Self::UnknownTerms(_) => false,
        }
    }
}

/// What a stage does, one turn at a time.
pub trait Work: Send + Sync + 'static {
    /// The name of the stage, in logs and health.
    fn name(&self) -> &str;

    /// How long it sleeps when nobody rings.
    fn nap(&self) -> Duration {
        NAP
    }

    /// Returns when there may be work that nobody rings for.
    fn stirred(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Does what there is to do now. A turn that fails has had no effect beyond what it has committed.
    fn turn(&self, stage: &Stage) -> impl Future<Output = Result<Turn, StageError>> + Send;
}

/// Runs turns of a stage until shutdown: again at once while there is work, after a ring or a nap when there is none,
/// after a pause when one failed and may succeed later. Any other failure ends the stage, and with it the process.
///
/// A trouble that stays the same is logged once; readiness shows it as long as it lasts.
pub async fn run<W: Work>(work: W, stage: Stage, bell: bell::Bell) -> Result<(), StageError> {
    let mut known_trouble = None;
    while !stage.shutdown.is_requested() {
        let begun = Instant::now();
        let span = tracing::info_span!("turn", stage = work.name());
        let turn = work.turn(&stage).instrument(span).await;
        let outcome = match turn {
            Ok(Turn::Worked) => TurnOutcome::Worked,
            Ok(Turn::Idle) => TurnOutcome::Idle,
            Err(_) => TurnOutcome::Failed,
        };
        let name = work.name();
        stage.metrics.stage_turned(name, outcome, begun.elapsed());
        let pause = match turn {
            Ok(turn) => {
                stage.health.well(work.name());
                known_trouble = None;
                if turn == Turn::Worked {
                    continue;
                }
                work.nap()
            }
            Err(error) if error.is_transient() => {
                let reason = crate::report::chain(&error);
                if known_trouble.as_ref() != Some(&reason) {
                    tracing::warn!(stage = work.name(), error = %reason, "will try again");
                    known_trouble = Some(reason.clone());
                }
                stage.health.unwell(work.name(), reason);
                RETRY.min(work.nap())
            }
            Err(error) => return Err(error),
        };
        tokio::select! {
            () = bell.heard() => {}
            () = work.stirred() => {}
            () = tokio::time::sleep(pause) => {}
            () = stage.shutdown.requested() => {}
        }
    }
    Ok(())
}
