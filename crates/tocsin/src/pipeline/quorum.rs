//! Attest, where one signature is not enough: an eligible claim is attested together with the other attestors.
//!
//! Guarantee: what is recorded here was checked against this node's own books, down to each signature. Who proposes is a
//! matter of turns: the attestor whose turn it is first begins at once, each further one later, so that a claim waits for
//! nobody who is away. Everything that must not be forgotten is journaled on the way; what is kept here is only who waits
//! since when.

mod record;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::Address;
use tocsin_domain::claim::Claim;
use tocsin_domain::ids::{ClaimKey, EventKey, PolicyId};
use tocsin_domain::quorum::Event;
use tocsin_domain::time::Seconds;
use tocsin_quorum::{MOST_CLAIMS, Node, Outcome, Trouble, Wish, rank};
use tocsin_store::StoreError;
use tokio::time::Instant;

use super::attest::Issuing;
use super::bell::Bell;
use super::{Stage, StageError, Turn, Work};

/// How often the other attestors are greeted where there is nothing to do, so that it is known who is there.
const GREET: Duration = Duration::from_secs(15);

/// The longest rest of an event that no quorum has been found for.
const LONGEST_REST: Duration = Duration::from_secs(300);

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

/// An event whose claims wait.
#[derive(Clone, Copy)]
struct Waiting {
    since: Instant,
    /// Whether the others were asked if they have it.
    asked: bool,
    /// How often it was proposed in vain.
    failures: u32,
    /// When it is proposed again, and how many claims wait for that.
    again: Option<(Instant, usize)>,
}

/// The claims on one event.
struct Group {
    event: Event,
    claims: BTreeMap<PolicyId, ClaimKey>,
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

    /// Lets what was proposed in vain rest, longer each time, and each node a little longer than the one before it.
    fn rest(&self, groups: &BTreeMap<EventKey, Group>, troubles: &[Trouble]) {
        let settings = self.node.settings();
        let index = self.node.seat().map_or(0, |seat| u32::from(seat.index()));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in troubles {
            let Some(waits) = waiting.get_mut(&trouble.event) else {
                continue;
            };
            let longer = settings
                .takeover
                .saturating_mul(1 << waits.failures.min(10));
            let apart = (settings.patience / 4).saturating_mul(index);
            let claims = groups
                .get(&trouble.event)
                .map_or(0, |group| group.claims.len());
            waits.failures = waits.failures.saturating_add(1);
            waits.again = Some((Instant::now() + longer.min(LONGEST_REST) + apart, claims));
        }
    }

    /// How many claims rest.
    fn resting(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .values()
            .filter_map(|waits| waits.again.map(|(_, claims)| claims))
            .sum()
    }

    /// The events that have just come, and those whose turn it is here.
    fn whose_turn(
        &self,
        groups: &BTreeMap<EventKey, Group>,
    ) -> Result<(BTreeSet<EventKey>, BTreeSet<EventKey>), StageError> {
        let seat = self.node.seat()?;
        let (index, signers) = (seat.index(), seat.signers().signers().len());
        let now = Instant::now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut fresh, mut due) = (BTreeSet::new(), BTreeSet::new());
        for &key in groups.keys() {
            let waits = waiting.entry(key).or_insert(Waiting {
                since: now,
                asked: false,
                failures: 0,
                again: None,
            });
            if !waits.asked {
                waits.asked = true;
                fresh.insert(key);
            }
            let takeover = self.node.settings().takeover;
            let patience = takeover.saturating_mul(rank(index, key, signers));
            let rests = waits.again.is_some_and(|(again, _)| again > now);
            if now.duration_since(waits.since) >= patience && !rests {
                due.insert(key);
            }
        }
        Ok((fresh, due))
    }

    fn forget_all_but(&self, groups: &BTreeMap<EventKey, Group>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|key, _| groups.contains_key(key));
    }

    /// Finds out who is there, now and then. Too few are told before a claim needs them.
    async fn greet(&self) -> Result<Turn, StageError> {
        let greeted = *self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, threshold) = (
            Instant::now(),
            usize::from(self.node.seat()?.signers().threshold()),
        );
        let there = match greeted {
            Some((at, there)) if now.duration_since(at) < GREET && there >= threshold => there,
            _ => {
                let there = self.node.greet().await?;
                let mut greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner);
                *greeted = Some((now, there));
                there
            }
        };
        if there < threshold {
            return Err(StageError::Quorum(format!(
                "{there} attestor(s) answer, this one included, and {threshold} must sign; see /v1/quorum"
            )));
        }
        Ok(Turn::Idle)
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

impl AttestTogether {
    /// By events.
    async fn group(
        &self,
        stage: &Stage,
        claims: Vec<Claim>,
    ) -> Result<BTreeMap<EventKey, Group>, StageError> {
        if claims.is_empty() {
            return Ok(BTreeMap::new());
        }
        let stopped = stage
            .store
            .stopped(self.node.domain().domain_separator())
            .await?;
        let mut groups: BTreeMap<EventKey, Group> = BTreeMap::new();
        for claim in claims {
            let missing = |noun: &'static str| StoreError::Missing {
                noun,
                key: claim.policy.to_string(),
            };
            let key = EventKey::derive(claim.risk, claim.ordinal);
            let policy = stage.store.policy(claim.policy).await?;
            let policy = policy.ok_or_else(|| missing("policy"))?;
            let group = match groups.entry(key) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    let risk = stage.store.risk(claim.risk).await?;
                    let risk = risk.ok_or_else(|| missing("risk for policy"))?;
                    new.insert(Group {
                        event: Event::of(&risk.risk, claim.ordinal),
                        claims: BTreeMap::new(),
                    })
                }
            };
            let claim_key = ClaimKey::derive(
                policy.consumer.address,
                policy.id,
                policy.terms_hash,
                group.event.event_id(),
            );
            let mut standings = stopped.iter();
            let standing = standings.find(|standing| standing.news.claim_key == claim_key);
            if standing.is_some_and(|standing| standing.revision().is_none()) {
                // What could be said of it is revoked.
                stage.store.bar(claim.policy, claim.ordinal).await?;
            } else {
                group.claims.insert(policy.id, claim_key);
            }
        }
        groups.retain(|_, group| !group.claims.is_empty());
        Ok(groups)
    }
}
