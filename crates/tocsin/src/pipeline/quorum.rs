//! Attest, where one signature is not enough: an eligible claim is attested together with the other attestors.
//!
//! Guarantee: what is recorded here was checked against this node's own books, down to each signature. Who proposes is a
//! matter of turns: the attestor whose turn it is first begins at once, each further one later, so that a claim waits for
//! nobody who is away. Everything that must not be forgotten is journaled on the way; what is kept here is only who waits
//! since when.

mod greet;
mod group;
mod record;
mod show;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_domain::ids::{ClaimKey, EventKey};
use tocsin_domain::time::Seconds;
use tocsin_quorum::{MOST_CLAIMS, Node, Outcome, Trouble, Wish};
use tokio::time::Instant;

use super::attest::Issuing;
use super::bell::Bell;
use super::{Stage, StageError, Turn, Work};
use group::Group;
use turns::Waiting;

/// The most claims at rest that are passed over; each is read in every turn.
const MOST_RESTING: u32 = 50_000;

/// The longest nap: somebody's turn may come.
const NAP: Duration = Duration::from_secs(1);

/// Attests eligible claims together with others.
pub struct AttestTogether {
    node: Arc<Node>,
    batch_from: Option<NonZeroUsize>,
    fetched_by: BTreeSet<Address>,
    deliver_after: Seconds,
    next: Bell,
    waiting: Mutex<BTreeMap<EventKey, Waiting>>,
    greeted: Mutex<Option<(Instant, usize)>>,
}

impl AttestTogether {
    /// A stage that attests through `node` and rings `next` when it has queued a delivery. Each attestor delivers
    /// `deliver_after` later than the one before it.
    pub fn new(node: Arc<Node>, issuing: &Issuing, deliver_after: Seconds, next: Bell) -> Self {
        Self {
            node,
            batch_from: issuing.batch_from,
            fetched_by: issuing.fetched_by.clone(),
            deliver_after,
            next,
            waiting: Mutex::default(),
            greeted: Mutex::default(),
        }
    }
}

impl Work for AttestTogether {
    fn name(&self) -> &str {
        "attest"
    }

    fn nap(&self) -> Duration {
        NAP.min(self.node.settings().takeover / 2)
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let turn = self.attest(stage).await;
        show::show(stage, &self.node);
        turn
    }
}

impl AttestTogether {
    async fn attest(&self, stage: &Stage) -> Result<Turn, StageError> {
        let claims = stage.store.unattested(self.claims_per_turn()).await?;
        // The log rings when the leaves of the others are in.
        let claims = stage.store.logged(claims).await?;
        // Those that nobody else has found yet, or ever will, do not stand in the way of those that come after them.
        let groups = self.group(stage, claims).await?;
        self.forget_all_but(&groups);
        if groups.is_empty() {
            return self.greet().await;
        }
        if self.record_known(stage, &groups).await? {
            return Ok(Turn::Worked);
        }
        let (fresh, due) = self.whose_turn(&groups)?;
        let keys: Vec<ClaimKey> = groups
            .iter()
            .filter(|(key, _)| fresh.contains(*key) || due.contains(*key))
            .flat_map(|(_, group)| group.claims.values().copied())
            .collect();
        if !keys.is_empty()
            && self.node.catch_up(&keys).await?
            && self.record_known(stage, &groups).await?
        {
            return Ok(Turn::Worked);
        }
        if due.is_empty() {
            return Ok(Turn::Idle);
        }
        self.propose(stage, &groups, &due).await
    }

    async fn propose(
        &self,
        stage: &Stage,
        groups: &BTreeMap<EventKey, Group>,
        due: &BTreeSet<EventKey>,
    ) -> Result<Turn, StageError> {
        let due = groups.iter().filter(|(key, _)| due.contains(*key));
        let wishes: Vec<Wish> = due
            .map(|(_, group)| Wish {
                event: group.event.clone(),
                policies: group.claims.keys().copied().collect(),
            })
            .collect();
        let count: usize = wishes.iter().map(|wish| wish.policies.len()).sum();
        let batched = self.batch_from.is_some_and(|from| count >= from.get());
        let Outcome {
            signed,
            mut troubles,
        } = self.node.attest(&wishes, batched).await?;
        self.rest(groups, &troubles);
        let mut turn = Turn::Idle;
        for signed in signed {
            // What this node has itself had signed it finds as others do: kept, then recorded.
            let kept = match self.node.verify(&signed).await {
                Ok(verified) => self.node.keep(&signed, &verified).await,
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = kept {
                // The others judge for themselves.
                tracing::error!(%refusal, "what was signed does not hold here");
                let event = signed.issue.events.first();
                troubles.extend(event.map(|event| Trouble {
                    event: event.key(),
                    why: format!("what was signed does not hold here: {refusal}"),
                }));
            }
            if self.record_known(stage, groups).await? {
                turn = Turn::Worked;
            }
            self.node.tell(&signed).await?;
        }
        for trouble in &troubles {
            tracing::info!(event = %trouble.event, why = %trouble.why, "no quorum yet");
        }
        let mut stuck: Vec<EventKey> = troubles.iter().map(|trouble| trouble.event).collect();
        stuck.sort_unstable();
        stuck.dedup();
        match stuck.first() {
            None => Ok(turn),
            // In words that stay the same from round to round: what does not change is said once.
            Some(first) => Err(StageError::Quorum(format!(
                "{} event(s) that this node has determined have no quorum yet, {first} among them; see /v1/quorum",
                stuck.len()
            ))),
        }
    }

    fn claims_per_turn(&self) -> u32 {
        let fresh = match self.batch_from {
            None => super::WORK_PER_TURN,
            // A batch is recorded when all of it waits here.
            Some(_) => u32::try_from(5 * MOST_CLAIMS).unwrap_or(u32::MAX),
        };
        let resting = u32::try_from(self.resting()).unwrap_or(u32::MAX);
        fresh.saturating_add(resting.min(MOST_RESTING))
    }
}
