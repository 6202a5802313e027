//! A store that is obviously right: everything in lists and maps in memory, every write done on a copy that only replaces
//! the original when nothing was wrong with it.

pub(super) mod outbox;
pub(super) mod polled;
pub(super) mod unwinding;
pub(super) mod view;
pub(super) mod warned;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tocsin_domain::attestation::{BatchLeaf, ClaimAttestation};
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::coverage::Coverage;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{ClaimKey, PolicyId, RiskId};
use tocsin_domain::observation::{Observation, SourceId, Subject};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::Timestamp;

use crate::attestation::{AttestationRecord, BatchMember, BatchRecord, Reservation, Reserved};
use crate::check;
use crate::conformance::Fault;
use crate::cover::{CoverRecord, RiskRecord};
use crate::coverage::Recheck;
use crate::delivery::{Delivery, NewDelivery};
use crate::halt::Halt;
use crate::look::Look;
use crate::step::{SourceAdvance, SourceProgress, Step};
use crate::unwind::Kept;
use crate::warning::Warning;

/// Everything that is wrong with a write; a backend reports one of them.
pub(super) type Faults = BTreeSet<Fault>;

#[derive(Clone, Debug)]
pub(super) struct EvaluatedRisk {
    pub(super) record: RiskRecord,
    pub(super) state: Vec<u8>,
    pub(super) version: u64,
    pub(super) evaluated_to: Option<Timestamp>,
}

#[derive(Clone, Default, Debug)]
pub(super) struct Model {
    pub(super) covers: Vec<CoverRecord>,
    pub(super) risks: BTreeMap<RiskId, EvaluatedRisk>,
    pub(super) policies: BTreeMap<PolicyId, Policy>,
    pub(super) progress: BTreeMap<SourceId, SourceProgress>,
    /// In the order of the blocks.
    pub(super) coverage: BTreeMap<SourceId, Vec<Coverage>>,
    /// In the order in which they were recorded.
    pub(super) rechecks: Vec<Recheck>,
    pub(super) halts: BTreeMap<SourceId, Halt>,
    /// With the time of their acknowledgement.
    pub(super) kept: BTreeMap<Kept, Option<Timestamp>>,
    /// In the order in which they were raised.
    pub(super) warnings: Vec<Warning>,
    pub(super) observations: Vec<Observation>,
    pub(super) looks: BTreeMap<(SourceId, Subject), Look>,
    pub(super) determinations: BTreeMap<(RiskId, u32), Determination>,
    pub(super) claims: BTreeMap<(PolicyId, u32), Claim>,
    /// The statements of each key, the newest last.
    pub(super) reservations: BTreeMap<(B256, ClaimKey), Vec<Reservation>>,
    /// In the order in which they were added.
    pub(super) attestations: Vec<AttestationRecord>,
    pub(super) batches: Vec<BatchRecord>,
    /// In the order in which they were queued.
    pub(super) deliveries: Vec<Delivery>,
    pub(super) next_nonces: BTreeMap<(u64, Address), u64>,
    pub(super) signed: BTreeSet<B256>,
}

impl Model {
    /// Does `write` to a copy, and keeps the copy if there was no fault.
    fn atomically(&mut self, write: impl FnOnce(&mut Self, &mut Faults)) -> Result<(), Faults> {
        let mut copy = self.clone();
        let mut faults = Faults::new();
        write(&mut copy, &mut faults);
        if faults.is_empty() {
            *self = copy;
            Ok(())
        } else {
            Err(faults)
        }
    }

    pub(super) fn add_cover(
        &mut self,
        cover: &CoverRecord,
        risks: &[RiskRecord],
    ) -> Result<(), Faults> {
        self.atomically(|model, faults| {
            let same_terms = |stored: &&CoverRecord| stored.terms_hash == cover.terms_hash;
            let same_name = |stored: &&CoverRecord| {
                stored.name == cover.name && stored.version == cover.version
            };
            let others = model
                .covers
                .iter()
                .filter(|stored| same_terms(stored) || same_name(stored));
            match others.collect::<Vec<_>>()[..] {
                [] => model.covers.push(cover.clone()),
                [stored] if stored == cover => {}
                _ => {
                    faults.insert(Fault::Conflict);
                }
            }
            let mut woken = BTreeSet::new();
            for record in risks {
                match model.risks.get(&record.risk.id) {
                    None => {
                        woken.extend(record.streams.iter().cloned());
                        let (record, state) = (record.clone(), record.initial_state.clone());
                        let id = record.risk.id;
                        let risk = EvaluatedRisk {
                            record,
                            state,
                            version: 0,
                            evaluated_to: None,
                        };
                        model.risks.insert(id, risk);
                    }
                    Some(stored) if stored.record == *record => {}
                    Some(_) => {
                        faults.insert(Fault::Conflict);
                    }
                }
            }
            model.wake(&woken);
        })
    }

    pub(super) fn add_policies(&mut self, policies: &[Policy]) -> Result<(), Faults> {
        self.atomically(|model, faults| {
            for policy in policies {
                match model.risks.get(&policy.risk) {
                    None => {
                        faults.insert(Fault::Missing);
                    }
                    Some(stored) => {
                        let inception = stored.record.risk.inception;
                        if inception.is_some_and(|inception| inception != policy.inception) {
                            faults.insert(Fault::Refused);
                        }
                    }
                }
                let stored = model
                    .policies
                    .entry(policy.id)
                    .or_insert_with(|| policy.clone());
                if stored != policy {
                    faults.insert(Fault::Conflict);
                }
            }
        })
    }

    pub(super) fn commit(&mut self, step: &Step) -> Result<(), Faults> {
        self.atomically(|model, faults| {
            let mut moved = BTreeSet::new();
            for advance in &step.sources {
                if !moved.insert(&advance.to.source) {
                    faults.insert(Fault::Stale);
                }
                model.advance_source(advance, faults);
            }
            model.move_looks(step, faults);
            let mut advanced = BTreeSet::new();
            for advance in &step.risks {
                match model.risks.get_mut(&advance.risk) {
                    None => {
                        faults.insert(Fault::Missing);
                    }
                    Some(risk) => {
                        if risk.version != advance.version || !advanced.insert(advance.risk) {
                            faults.insert(Fault::Stale);
                        }
                        if risk
                            .evaluated_to
                            .is_some_and(|reached| advance.evaluated_to < reached)
                        {
                            faults.insert(Fault::Refused);
                        }
                        risk.version += 1;
                        risk.state.clone_from(&advance.state);
                        risk.evaluated_to = Some(advance.evaluated_to);
                    }
                }
            }
            for observation in &step.observations {
                let place = |o: &Observation| {
                    (
                        o.source.clone(),
                        o.subject.clone(),
                        o.metric.clone(),
                        o.observed_at,
                        o.sequence,
                    )
                };
                match model
                    .observations
                    .iter()
                    .find(|stored| place(stored) == place(observation))
                {
                    None => model.observations.push(observation.clone()),
                    Some(stored) if stored == observation => {}
                    Some(_) => {
                        faults.insert(Fault::Conflict);
                    }
                }
            }
            for decided in &step.determinations {
                if !model.risks.contains_key(&decided.risk) {
                    faults.insert(Fault::Missing);
                }
                model.decide(decided, faults);
                model.confirm_warning(decided);
            }
        })
    }

    fn advance_source(&mut self, advance: &SourceAdvance, faults: &mut Faults) {
        let SourceAdvance { from, to, coverage } = advance;
        let current = self.progress.get(&to.source);
        if current.map(|progress| progress.cursor) != *from {
            faults.insert(Fault::Stale);
        }
        if self.halts.contains_key(&to.source) {
            faults.insert(Fault::Halted);
        }
        if let Some(current) = current {
            let backwards = to.cursor.number < current.cursor.number
                || (to.cursor.number == current.cursor.number && to.cursor != current.cursor)
                || to.watermark < current.watermark;
            if backwards {
                faults.insert(Fault::Refused);
            }
        }
        if check::coverage(from.as_ref(), &to.cursor, coverage.as_ref()).is_err() {
            faults.insert(Fault::Refused);
        }
        self.progress.insert(to.source.clone(), to.clone());
        let ranges = self.coverage.entry(to.source.clone()).or_default();
        if let Some(read) = coverage {
            match ranges.last_mut() {
                Some(before)
                    if (before.proof, before.agreed, &before.endpoints)
                        == (read.proof, read.agreed, &read.endpoints) =>
                {
                    before.last = read.last;
                }
                _ => ranges.push(read.clone()),
            }
        }
    }

    /// A kept determination is in force again where it is found again, and gives way to another one if it was acknowledged.
    fn decide(&mut self, decided: &Determination, faults: &mut Faults) {
        let key = (decided.risk, decided.ordinal);
        let on_it = |kept: &Kept| (kept.risk, kept.ordinal) == key;
        let known = self.kept.iter().filter(|(kept, _)| on_it(kept));
        let gives_way = {
            let acknowledged: Vec<bool> = known.map(|(_, at)| at.is_some()).collect();
            !acknowledged.is_empty() && acknowledged.iter().all(|at| *at)
        };
        match self.determinations.get(&key) {
            Some(stored) if check::same_decision(stored, decided) => {}
            Some(_) if !gives_way => {
                faults.insert(Fault::Conflict);
            }
            Some(_) => {
                self.determinations.insert(key, decided.clone());
                let attestations = &self.attestations;
                self.claims.retain(|(policy, ordinal), claim| {
                    (claim.risk, *ordinal) != key
                        || attestations
                            .iter()
                            .any(|record| (record.policy, record.ordinal) == (*policy, *ordinal))
                });
            }
            None => {
                self.determinations.insert(key, decided.clone());
            }
        }
        self.kept.retain(|kept, _| !on_it(kept));
    }

    pub(super) fn add_claims(&mut self, claims: &[Claim]) -> Result<(), Faults> {
        self.atomically(|model, faults| {
            for claim in claims {
                match model.policies.get(&claim.policy) {
                    None => {
                        faults.insert(Fault::Missing);
                    }
                    Some(policy) if policy.risk != claim.risk => {
                        faults.insert(Fault::Refused);
                    }
                    Some(_) => {}
                }
                if !model
                    .determinations
                    .contains_key(&(claim.risk, claim.ordinal))
                {
                    faults.insert(Fault::Missing);
                }
                let key = (claim.policy, claim.ordinal);
                let event = (claim.risk, claim.ordinal);
                let is_kept = model.kept.keys().any(|k| (k.risk, k.ordinal) == event);
                if is_kept && !model.claims.contains_key(&key) {
                    faults.insert(Fault::Stale);
                }
                if model.claims.entry(key).or_insert_with(|| claim.clone()) != claim {
                    faults.insert(Fault::Conflict);
                }
            }
        })
    }

    pub(super) fn reserve(
        &mut self,
        wanted: &Reservation,
        restate: bool,
    ) -> Result<Reserved, Faults> {
        let policy = PolicyId(
            ClaimAttestation::from_bytes(&wanted.payload)
                .unwrap()
                .policyId,
        );
        let risk = self.policies.get(&policy).map(|policy| policy.risk);
        if risk.is_some_and(|risk| self.is_halted(risk)) {
            return Err(Faults::from([Fault::Halted]));
        }
        let key = (wanted.domain_separator, wanted.claim_key);
        let statements = self.reservations.entry(key).or_default();
        Ok(match statements.last() {
            Some(newest) if statement(newest) != statement(wanted) => {
                Reserved::Conflict(newest.clone())
            }
            Some(newest) if !restate => Reserved::Identical(newest.clone()),
            Some(_) if statements.contains(wanted) => Reserved::Identical(wanted.clone()),
            _ => {
                statements.push(wanted.clone());
                Reserved::New
            }
        })
    }

    pub(super) fn add_attestation(
        &mut self,
        record: &AttestationRecord,
        deliveries: &[NewDelivery],
    ) -> Result<(), Faults> {
        if self.attestations.contains(record) {
            return Ok(());
        }
        self.atomically(|model, faults| model.attest(record, deliveries, faults))
    }

    pub(super) fn add_batch(
        &mut self,
        record: &BatchRecord,
        members: &[BatchMember],
    ) -> Result<(), Faults> {
        if self.batches.contains(record) {
            return Ok(());
        }
        self.atomically(|model, faults| {
            let leaves = members.iter().map(|one| BatchLeaf::of(one.attestation.id));
            let sound = check::tree_over(record, members, leaves.collect()).and_then(|tree| {
                let mut placed = (0..).zip(members);
                placed.try_for_each(|(place, one)| {
                    check::member(record, &tree, place, &one.attestation)
                })
            });
            if sound.is_err() {
                faults.insert(Fault::Refused);
            }
            model.batches.push(record.clone());
            for member in members {
                model.attest(&member.attestation, member.delivery.as_slice(), faults);
            }
        })
    }

    fn attest(
        &mut self,
        record: &AttestationRecord,
        deliveries: &[NewDelivery],
        faults: &mut Faults,
    ) {
        let is_stored = |stored: &AttestationRecord| stored.id == record.id;
        if self.attestations.iter().any(is_stored) {
            faults.insert(Fault::Conflict);
        }
        match self
            .reservations
            .get(&(record.domain_separator, record.claim_key))
        {
            None => {
                faults.insert(Fault::Missing);
            }
            Some(statements) if !statements.iter().any(|one| one.attestation_id == record.id) => {
                faults.insert(Fault::Conflict);
            }
            Some(_) => {}
        }
        let claim = self.claims.get(&(record.policy, record.ordinal));
        match claim
            .filter(|claim| claim.risk == record.risk)
            .map(|claim| &claim.eligibility)
        {
            None => {
                faults.insert(Fault::Missing);
            }
            Some(Eligibility::Refused(_)) => {
                faults.insert(Fault::Refused);
            }
            Some(Eligibility::Eligible { .. }) => {}
        }
        self.attestations.push(record.clone());
        self.deliveries
            .extend(deliveries.iter().map(|call| outbox::queued(record, call)));
    }
}

/// What a payload says, without what a re-issue may change.
fn statement(reservation: &Reservation) -> ClaimAttestation {
    ClaimAttestation {
        issuedAt: 0,
        validAfter: 0,
        validUntil: 0,
        signerEpoch: 0,
        revision: 0,
        supersedes: B256::ZERO,
        ..ClaimAttestation::from_bytes(&reservation.payload).unwrap()
    }
}
