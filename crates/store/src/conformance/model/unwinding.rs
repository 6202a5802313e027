//! Re-checks, halts and unwinding, as the model does them.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_domain::ids::{ClaimKey, PolicyId, RiskId};
use tocsin_domain::observation::{Observation, Provenance, SourceId};
use tocsin_domain::time::Timestamp;

use super::{Faults, Model};
use crate::conformance::Fault;
use crate::coverage::Recheck;
use crate::halt::Halt;
use crate::unwind::{Kept, Mark, Unwound};

impl Model {
    pub(in crate::conformance) fn add_recheck(&mut self, recheck: &Recheck) -> Result<(), Fault> {
        let ranges = self.coverage.get(&recheck.source);
        let read = ranges.is_some_and(|ranges| {
            let (first, last) = (ranges.first().unwrap(), ranges.last().unwrap());
            (first.first..=last.last).contains(&recheck.first) && recheck.last <= last.last
        });
        if !read {
            return Err(Fault::Refused);
        }
        self.rechecks.push(recheck.clone());
        Ok(())
    }

    pub(in crate::conformance) fn halt(&mut self, sources: &[SourceId], halt: &Halt) {
        for source in sources {
            self.halts
                .entry(source.clone())
                .or_insert_with(|| halt.clone());
        }
    }

    fn listens(&self, risk: RiskId, to: impl Fn(&SourceId) -> bool) -> bool {
        let stored = self.risks.get(&risk);
        stored.is_some_and(|stored| stored.record.streams.iter().any(|s| to(&s.source)))
    }

    pub(in crate::conformance) fn is_halted(&self, risk: RiskId) -> bool {
        self.listens(risk, |source| self.halts.contains_key(source))
    }

    pub(in crate::conformance) fn clear_halt(&mut self, sources: &[SourceId]) -> Result<(), Fault> {
        let open = self.kept.iter().any(|(kept, acknowledged)| {
            acknowledged.is_none() && self.listens(kept.risk, |source| sources.contains(source))
        });
        if open {
            return Err(Fault::Refused);
        }
        self.halts.retain(|source, _| !sources.contains(source));
        Ok(())
    }

    pub(in crate::conformance) fn acknowledge(
        &mut self,
        kept: &[Kept],
        at: Timestamp,
    ) -> Result<(), Fault> {
        if kept.iter().any(|kept| !self.kept.contains_key(kept)) {
            return Err(Fault::Missing);
        }
        for kept in kept {
            self.kept.get_mut(kept).unwrap().get_or_insert(at);
        }
        Ok(())
    }

    pub(in crate::conformance) fn unwind(
        &mut self,
        sources: &[SourceId],
        to: Option<&Mark>,
    ) -> Result<Unwound, Faults> {
        let moving = self.moving(sources, to)?;
        let mut limits: BTreeMap<RiskId, Option<Timestamp>> = BTreeMap::new();
        let removed = self.remove_observations(&moving);
        let earliest = removed.iter().map(|o| o.observed_at).min();
        for (source, to) in &moving {
            let limit = to.map(|mark| match earliest {
                Some(Timestamp(at)) => mark.watermark.min(Timestamp(at - 1)),
                None => mark.watermark,
            });
            for risk in self.risks.keys() {
                if self.listens(*risk, |listened| listened == source) {
                    let stands = limits.entry(*risk).or_insert(limit);
                    *stands = (*stands).min(limit);
                }
            }
            self.take_back(source, *to);
        }
        for risk in limits.keys() {
            let risk = self.risks.get_mut(risk).unwrap();
            risk.state.clone_from(&risk.record.initial_state);
            risk.version += 1;
            risk.evaluated_to = None;
        }
        let (determinations, claims, kept) = self.undo(&limits);
        Ok(Unwound {
            sources: moving.into_keys().collect(),
            observations: u64::try_from(removed.len()).unwrap(),
            risks: limits.into_keys().collect(),
            determinations,
            claims,
            kept,
        })
    }

    /// The sources that move, and where to.
    fn moving<'a>(
        &self,
        sources: &[SourceId],
        to: Option<&'a Mark>,
    ) -> Result<BTreeMap<SourceId, Option<&'a Mark>>, Faults> {
        let mut moving = BTreeMap::new();
        for source in sources {
            let Some(progress) = self.progress.get(source) else {
                continue;
            };
            let mut place = None;
            if let Some(mark) = to {
                let (there, here) = (mark.cursor, progress.cursor);
                if here.number == there.number && here != there {
                    return Err(Faults::from([Fault::Refused]));
                }
                if here.number <= there.number {
                    continue;
                }
                if mark.watermark > progress.watermark {
                    return Err(Faults::from([Fault::Refused]));
                }
                place = (self.coverage[source][0].first <= there.number).then_some(mark);
            }
            if !self.halts.contains_key(source) {
                return Err(Faults::from([Fault::Refused]));
            }
            moving.insert(source.clone(), place);
        }
        Ok(moving)
    }

    fn remove_observations(
        &mut self,
        moving: &BTreeMap<SourceId, Option<&Mark>>,
    ) -> Vec<Observation> {
        let gone = |o: &Observation| match (moving.get(&o.source), &o.provenance) {
            (None, _) => false,
            (Some(None), _) => true,
            (Some(Some(mark)), Provenance::Chain(place)) => place.block > mark.cursor.number,
            (Some(Some(mark)), Provenance::Raw { .. }) => o.observed_at > mark.watermark,
        };
        let (removed, left) = self.observations.drain(..).partition(gone);
        self.observations = left;
        removed
    }

    fn take_back(&mut self, source: &SourceId, to: Option<&Mark>) {
        let number = to.map(|mark| mark.cursor.number);
        self.rechecks
            .retain(|r| r.source != *source || number.is_some_and(|n| r.last <= n));
        let Some(mark) = to else {
            self.progress.remove(source);
            self.coverage.remove(source);
            return;
        };
        let progress = self.progress.get_mut(source).unwrap();
        progress.cursor = mark.cursor;
        progress.watermark = mark.watermark;
        let ranges = self.coverage.get_mut(source).unwrap();
        ranges.retain(|range| range.first <= mark.cursor.number);
        let last = ranges.last_mut().unwrap();
        last.last = last.last.min(mark.cursor.number);
    }

    /// Removes what was decided after the limits, and returns it.
    fn undo(
        &mut self,
        limits: &BTreeMap<RiskId, Option<Timestamp>>,
    ) -> (Vec<(RiskId, u32)>, u64, Vec<Kept>) {
        let mut fallen: BTreeSet<(RiskId, u32)> = self
            .determinations
            .iter()
            .filter(|((risk, _), decided)| {
                limits
                    .get(risk)
                    .is_some_and(|limit| limit.is_none_or(|limit| decided.settled_at > limit))
            })
            .map(|(key, _)| *key)
            .collect();
        let mut kept = BTreeSet::new();
        let mut removed = Vec::new();
        for ((policy, ordinal), claim) in &self.claims {
            if !fallen.contains(&(claim.risk, *ordinal)) {
                continue;
            }
            if self.is_reserved(*policy, (claim.risk, *ordinal)) {
                kept.insert(Kept {
                    risk: claim.risk,
                    ordinal: *ordinal,
                    policy: *policy,
                });
            } else {
                removed.push((*policy, *ordinal));
            }
        }
        for claim in &removed {
            self.claims.remove(claim);
        }
        for kept in &kept {
            self.kept.entry(*kept).or_insert(None);
            fallen.remove(&(kept.risk, kept.ordinal));
        }
        self.determinations.retain(|key, _| !fallen.contains(key));
        let claims = u64::try_from(removed.len()).unwrap();
        (
            fallen.into_iter().collect(),
            claims,
            kept.into_iter().collect(),
        )
    }

    fn is_reserved(&self, policy: PolicyId, decided: (RiskId, u32)) -> bool {
        let decided = &self.determinations[&decided];
        let key = ClaimKey::derive(
            self.policies[&policy].consumer.address,
            policy,
            decided.terms_hash,
            decided.event_id,
        );
        self.reservations
            .keys()
            .any(|(_, reserved)| *reserved == key)
    }
}
