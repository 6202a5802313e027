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
pub mod keyring;
mod lane;
mod running;

use std::sync::Arc;
use std::time::Duration;

use tocsin_delivery::webhook::Sender;
use tocsin_delivery::webhook::schedule::Schedule;
use tocsin_domain::time::Seconds;
use tokio::task::JoinSet;

use self::books::Books;
use self::keyring::Keyring;
pub use self::lane::WINDOW;
use self::running::Running;
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
    keys: Keyring,
    schedule: Schedule,
}

impl Teller {
    /// One that sends through `sender`, signs with what `keys` opens, and tries again by `schedule`.
    pub fn new(sender: Sender, keys: Keyring, schedule: Schedule) -> Self {
        Self {
            sender,
            keys,
            schedule,
        }
    }
}

/// Tells endpoints until shutdown, then finishes what is under way.
pub async fn run(teller: Arc<Teller>, stage: Stage, bell: Bell) -> Result<(), StageError> {
    let (books, pen) = Books::new(stage.clone());
    let mut lanes = JoinSet::new();
    let mut running = Running::new(books.stuck());
    let kept = books.keep();
    tokio::pin!(kept);
    while !stage.shutdown.is_requested() {
        match stage.store.due_lanes(stage.clock.now()).await {
            Ok(due) => {
                running.found(&due, &stage);
                for id in due {
                    if running.begins(id) {
                        let told = lane::tell(Arc::clone(&teller), stage.clone(), id, pen.clone());
                        lanes.spawn(async move { (id, told.await) });
                    }
                }
            }
            Err(error) => unwell(&stage, error.into())?,
        }
        tokio::select! {
            Some(ended) = lanes.join_next() => running.ended(ended, &stage)?,
            written = &mut kept => return written,
            () = bell.heard() => {}
            () = tokio::time::sleep(NAP) => {}
            () = stage.shutdown.requested() => {}
        }
    }
    drop(pen);
    let ending = async {
        while let Some(ended) = lanes.join_next().await {
            running.ended(ended, &stage)?;
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
