//! Webhooks: endpoints are told of events, each in the order of events, none delayed by another.
//!
//! Every lane of an endpoint that has something to do is told by a task of its own, which reads where the lane stands,
//! sends one message after the other, and hands what came of each to the books. The books write down many lanes in one
//! transaction. A crash repeats, with the same ids, what was sent and not yet written down: per lane at most
//! [`lane::WINDOW`] messages; it loses nothing, because a lane moves on only by what is written.
//!
//! A message that fails through its whole schedule becomes a dead letter and its lane goes on, so that one event which a
//! receiver chokes on does not keep all others from it. Several in a row, though, are no matter of events: the endpoint is
//! disabled, and what follows waits for it, as long as events are kept.

mod books;
pub mod desk;
mod lane;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tocsin_delivery::DeliveryError;
use tocsin_delivery::webhook::Sender;
use tocsin_delivery::webhook::schedule::Schedule;
use tocsin_delivery::webhook::secret::{MasterKey, Secret};
use tocsin_domain::time::Seconds;
use tocsin_store::webhook::lane::LaneId;
use tocsin_store::webhook::{EndpointId, Scheme, SecretRecord};
use tokio::task::JoinSet;

use self::books::Books;
pub use self::lane::WINDOW;
use super::bell::Bell;
use super::{Stage, StageError, Turn, Work};

/// The name of the stage, in logs and health.
const NAME: &str = "webhooks";

/// How often there is a look for what is due when nobody rings.
const NAP: Duration = Duration::from_millis(500);

/// How long messages that are under way may take to end once the service was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Sends, signs and knows when to try again.
pub struct Teller {
    sender: Sender,
    keys: MasterKey,
    schedule: Schedule,
}

impl Teller {
    /// One that sends through `sender`, signs with what is derived from `keys`, and tries again by `schedule`.
    pub fn new(sender: Sender, keys: MasterKey, schedule: Schedule) -> Self {
        Self {
            sender,
            keys,
            schedule,
        }
    }

    /// A secret that a record names.
    fn secret(&self, endpoint: EndpointId, record: &SecretRecord) -> Result<Secret, DeliveryError> {
        let name = endpoint.to_string();
        match record.scheme {
            Scheme::Hmac => Ok(self.keys.hmac(&name, record.generation)),
            Scheme::Ed25519 => self.keys.ed25519(&name, record.generation),
        }
    }

    /// The secrets that sign now.
    async fn secrets(
        &self,
        stage: &Stage,
        endpoint: EndpointId,
    ) -> Result<Vec<Secret>, StageError> {
        let records = stage.store.secrets(endpoint, stage.clock.now()).await?;
        let secrets = records.iter().map(|record| self.secret(endpoint, record));
        Ok(secrets.collect::<Result<_, _>>()?)
    }
}

/// Tells endpoints until shutdown, then finishes what is under way.
pub async fn run(teller: Arc<Teller>, stage: Stage, bell: Bell) -> Result<(), StageError> {
    let (books, pen) = Books::new(Arc::clone(&stage.store));
    let mut lanes = JoinSet::new();
    let mut running = BTreeSet::new();
    let kept = books.keep();
    tokio::pin!(kept);
    while !stage.shutdown.is_requested() {
        match stage.store.due_lanes(stage.clock.now()).await {
            Ok(due) => {
                stage.health.well(NAME);
                for id in due {
                    if running.insert(id) {
                        let told = lane::tell(Arc::clone(&teller), stage.clone(), id, pen.clone());
                        lanes.spawn(async move { (id, told.await) });
                    }
                }
            }
            Err(error) => unwell(&stage, error.into())?,
        }
        tokio::select! {
            Some(ended) = lanes.join_next() => note(ended, &mut running, &stage)?,
            written = &mut kept => return written,
            () = bell.heard() => {}
            () = tokio::time::sleep(NAP) => {}
            () = stage.shutdown.requested() => {}
        }
    }
    drop(pen);
    let ending = async {
        while let Some(ended) = lanes.join_next().await {
            note(ended, &mut running, &stage)?;
        }
        Ok::<(), StageError>(())
    };
    // The books are kept meanwhile: a lane ends when its last message is written down.
    tokio::select! {
        ended = ending => ended?,
        written = &mut kept => return written,
        () = tokio::time::sleep(GRACE) => {
            tracing::info!("some webhooks were cut off; they are sent again, with the same ids, after the next start");
        }
    }
    lanes.shutdown().await;
    kept.await
}

type Ended = Result<(LaneId, Result<(), StageError>), tokio::task::JoinError>;

fn note(ended: Ended, running: &mut BTreeSet<LaneId>, stage: &Stage) -> Result<(), StageError> {
    match ended {
        Ok((id, told)) => {
            running.remove(&id);
            told.or_else(|error| unwell(stage, error))
        }
        Err(broken) if broken.is_panic() => std::panic::resume_unwind(broken.into_panic()),
        Err(_cancelled) => Ok(()),
    }
}

/// Shows a trouble that may pass, and hands on any other.
fn unwell(stage: &Stage, error: StageError) -> Result<(), StageError> {
    if !error.is_transient() {
        return Err(error);
    }
    let reason = crate::report::chain(&error);
    tracing::warn!(stage = NAME, error = %reason, "will try again");
    stage.health.unwell(NAME, reason);
    Ok(())
}

/// Forgets old events, and answers to writes of long ago.
pub struct Forgetter {
    keep: Seconds,
}

impl Forgetter {
    /// One that keeps events for so long.
    pub fn new(keep: Seconds) -> Self {
        Self { keep }
    }
}

/// How long a write that is repeated with its key gets the first answer.
const ANSWERS_KEPT: Seconds = Seconds(7 * 86_400);

/// Events that one turn forgets.
const FORGOTTEN_PER_TURN: u32 = 5_000;

impl Work for Forgetter {
    fn name(&self) -> &str {
        "forget events"
    }

    fn nap(&self) -> Duration {
        Duration::from_secs(600)
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        // Whoever repeats a write does so within days.
        let answers = stage.clock.now() - ANSWERS_KEPT;
        let unanswered = stage.store.forget_answers(answers).await?;
        let before = stage.clock.now() - self.keep;
        let forgotten = stage
            .store
            .forget_events(before, FORGOTTEN_PER_TURN)
            .await?;
        if forgotten == 0 && unanswered == 0 {
            return Ok(Turn::Idle);
        }
        tracing::info!(forgotten, "old events are forgotten");
        Ok(Turn::Worked)
    }
}
