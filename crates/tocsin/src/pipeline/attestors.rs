//! Attestors: where the keys of each epoch are in their life is written down, and what is to be known ahead of time is said.
//!
//! Guarantee: nothing waits for this stage. Who may sign follows from the epochs themselves, at the instant of signing; here
//! it is recorded when that changed, once for each change and each notice, in one transaction with its leaf of the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tocsin_attest::Attestor;
use tocsin_auth::life::NOTICE;
use tocsin_auth::{LifeCycle, State, UnixTime};
use tocsin_domain::attestation::{Epoch, EpochNotice, succession};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestor::{AttestorChange, EpochMove, NewNotice, life};

use super::{Stage, StageError, Turn, Work};

/// How often there is a look; news of epochs ring.
const NAP: Duration = Duration::from_secs(2);

/// Writes down what becomes of attestors' keys.
pub struct AttestorKeeper {
    attestor: Arc<Attestor>,
}

impl AttestorKeeper {
    /// Of those in the epochs of `attestor`.
    pub fn new(attestor: Arc<Attestor>) -> Self {
        Self { attestor }
    }

    /// What is to be said and was not said before.
    async fn due(
        &self,
        stage: &Stage,
        epochs: &[Epoch],
        at: Timestamp,
    ) -> Result<Vec<NewNotice>, StageError> {
        let domain = self.attestor.domain().domain_separator();
        let given = stage.store.epoch_notices(domain).await?;
        let (now, ahead) = (at.to_u64().unwrap_or(0), NOTICE.unsigned_abs());
        let due = |waiting: &dyn Fn(u32) -> u64| {
            let mut due = succession::notices(epochs, now, ahead, waiting);
            due.retain(|due| !given.contains_key(due));
            due
        };
        // What waits is counted only where that may be worth a word.
        if due(&|_| 1).is_empty() {
            return Ok(Vec::new());
        }
        let waiting = stage.store.unredeemed(domain).await?;
        let waiting: BTreeMap<u32, u64> = waiting.into_iter().collect();
        let waiting = |epoch| waiting.get(&epoch).copied().unwrap_or(0);
        let notices = due(&waiting).into_iter().filter_map(|(number, notice)| {
            let epoch = epochs.iter().find(|epoch| epoch.number() == number)?;
            Some(NewNotice {
                epoch: number,
                notice,
                detail: detail(epochs, epoch, waiting(number)),
            })
        });
        Ok(notices.collect())
    }
}

impl Work for AttestorKeeper {
    fn name(&self) -> &str {
        "attestors"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let at = stage.clock.now();
        let domain = self.attestor.domain().domain_separator();
        let epochs = stage.store.epochs(domain).await?;
        let known = stage.store.epoch_lives(domain).await?;
        // Without a place in any epoch this node has no successor to anything either.
        let serving = self.attestor.seat(at).ok();
        let serving = serving.map(|seat| seat.epoch().number());
        let moves = moves(&epochs, &known, serving, UnixTime(at.0));
        let notices = self.due(stage, &epochs, at).await?;
        let failures = self.attestor.take_failures();
        if moves.is_empty() && notices.is_empty() && failures.is_empty() {
            return Ok(Turn::Idle);
        }
        let change = AttestorChange {
            domain_separator: domain,
            at,
            moves,
            notices,
            failures,
        };
        match stage.store.change_attestors(&change).await {
            Ok(given) => {
                tell(&change, &given);
                Ok(Turn::Worked)
            }
            // Somebody has written it down meanwhile: the next turn sees what is left.
            Err(StoreError::Stale { .. }) => {
                self.attestor.put_back(&change.failures);
                Ok(Turn::Idle)
            }
            Err(error) => {
                self.attestor.put_back(&change.failures);
                Err(error.into())
            }
        }
    }
}

/// What is not as it is written down.
fn moves(
    epochs: &[Epoch],
    known: &BTreeMap<u32, LifeCycle>,
    serving: Option<u32>,
    now: UnixTime,
) -> Vec<EpochMove> {
    let moved = epochs.iter().filter_map(|epoch| {
        let from = known.get(&epoch.number()).copied();
        let to = life(epoch, from, serving, now);
        (from != Some(to)).then(|| EpochMove {
            epoch: epoch.number(),
            signers: epoch.signers.signers().to_vec(),
            from,
            to,
        })
    });
    moved.collect()
}

/// What is known of an epoch that is about to end. Times can be as late as the end of time, so they are text.
fn detail(epochs: &[Epoch], epoch: &Epoch, waiting: u64) -> Value {
    json!({
        "sign_until": epoch.sign_until.to_string(),
        "accept_until": epoch.accept_until.to_string(),
        "successor": succession::successor(epochs, epoch).map(Epoch::number),
        "leaving": succession::leaving(epochs, epoch),
        "unredeemed_claims": waiting,
    })
}

fn tell(change: &AttestorChange, given: &[(u32, EpochNotice)]) {
    for moved in &change.moves {
        let (epoch, state) = (moved.epoch, moved.to.state());
        let was = moved.from.map(LifeCycle::state).map(State::name);
        tracing::info!(epoch, was, %state, "the keys of an epoch are in another state");
    }
    for (epoch, notice) in given {
        let what = match notice {
            EpochNotice::Ending => "an epoch will soon sign nothing new",
            EpochNotice::Unsucceeded => {
                "an epoch will soon sign nothing new, and nobody signs after it: announce the next one with `tocsin keys rotate`"
            }
            EpochNotice::Lagging => {
                "what an epoch signed will soon not be accepted any more, and claims wait under it: /v1/attestors names them"
            }
        };
        tracing::warn!(epoch, "{what}");
    }
}
