//! Whose turn it is to propose what waits, and what is left alone for a while because nobody would go along.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use tocsin_domain::ids::EventKey;
use tocsin_quorum::{Trouble, rank, turns_begun};
use tokio::time::Instant;

use super::AttestTogether;
use super::group::Group;
use crate::pipeline::StageError;

/// The longest rest of an event that no quorum has been found for.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// An event whose claims wait.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    since: Instant,
    /// Whether the others were asked if they have it.
    asked: bool,
    /// How often it was proposed in vain.
    failures: u32,
    /// How many turns of this node's were used in vain.
    turns: u64,
    /// When it is proposed again, and how many claims wait for that.
    again: Option<(Instant, usize)>,
}

impl AttestTogether {
    /// Lets what was proposed in vain rest, longer each time, and each node a little longer than the one before it.
    pub(super) fn rest(&self, groups: &BTreeMap<EventKey, Group>, troubles: &[Trouble]) {
        let settings = self.node.settings();
        let (index, signers) = self.node.seat().map_or((0, 1), |seat| {
            (seat.index(), seat.signers().signers().len())
        });
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in troubles {
            let Some(waits) = waiting.get_mut(&trouble.event) else {
                continue;
            };
            let longer = settings
                .takeover
                .saturating_mul(1 << waits.failures.min(10));
            let apart = (settings.patience / 4).saturating_mul(u32::from(index));
            let claims = groups
                .get(&trouble.event)
                .map_or(0, |group| group.claims.len());
            waits.failures = waits.failures.saturating_add(1);
            // What goes well goes on; in vain, the turn is used.
            let rank = rank(index, trouble.event, signers);
            waits.turns = turns_begun(waits.since.elapsed(), settings.takeover, rank, signers);
            waits.again = Some((Instant::now() + longer.min(LONGEST_REST) + apart, claims));
        }
    }

    /// How many claims rest.
    pub(super) fn resting(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .values()
            .filter_map(|waits| waits.again.map(|(_, claims)| claims))
            .sum()
    }

    /// The events that have just come, and those whose turn it is here.
    pub(super) fn whose_turn(
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
                turns: 0,
                again: None,
            });
            if !waits.asked {
                waits.asked = true;
                fresh.insert(key);
            }
            let takeover = self.node.settings().takeover;
            let rank = rank(index, key, signers);
            let rests = waits.again.is_some_and(|(again, _)| again > now);
            let begun = turns_begun(now.duration_since(waits.since), takeover, rank, signers);
            if begun > waits.turns && !rests {
                due.insert(key);
            }
        }
        Ok((fresh, due))
    }

    pub(super) fn forget_all_but(&self, groups: &BTreeMap<EventKey, Group>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|key, _| groups.contains_key(key));
    }
}
