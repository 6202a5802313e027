//! Everything that the traits show of a store, and the same of the model.

use core::ops::RangeInclusive;

use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::coverage::Coverage;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::observation::{Observation, Provenance, SourceId, Subject};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::attestation::AttestationRecord;
use crate::conformance::grounds;
use crate::conformance::looks::feed;
use crate::conformance::model::{EvaluatedRisk, Model};
use crate::cover::{CoverRecord, RiskRecord};
use crate::coverage::Recheck;
use crate::delivery::{Delivery, DeliveryState};
use crate::halt::Halted;
use crate::look::Look;
use crate::step::{RiskSnapshot, SourceProgress};
use crate::unwind::KeptClaim;
use crate::warning::Warning;

/// What is asked for.
pub(in crate::conformance) struct Question {
    pub(in crate::conformance) sources: Vec<SourceId>,
    pub(in crate::conformance) blocks: RangeInclusive<u64>,
    pub(in crate::conformance) streams: Vec<Stream>,
    pub(in crate::conformance) looks: Vec<(SourceId, Subject)>,
    pub(in crate::conformance) window: (Timestamp, Timestamp),
    pub(in crate::conformance) risks: Vec<RiskId>,
    pub(in crate::conformance) policies: Vec<PolicyId>,
    pub(in crate::conformance) chain: u64,
    pub(in crate::conformance) now: Timestamp,
    pub(in crate::conformance) limit: u32,
}

#[derive(PartialEq, Debug)]
pub(in crate::conformance) struct View {
    covers: Vec<CoverRecord>,
    progress: Vec<Option<SourceProgress>>,
    read: Vec<(Vec<Coverage>, Vec<Observation>, Vec<Recheck>)>,
    halts: Vec<Halted>,
    kept: Vec<KeptClaim>,
    standing: Vec<Warning>,
    warnings: Vec<Warning>,
    snapshots: Vec<RiskSnapshot>,
    snapshots_of: Vec<RiskSnapshot>,
    looks: Vec<Option<Look>>,
    due: Vec<Look>,
    history: Vec<Observation>,
    of_risks: Vec<(Option<RiskRecord>, Vec<Policy>, Vec<Determination>)>,
    of_policies: Vec<(Option<Policy>, Vec<Claim>, Vec<AttestationRecord>)>,
    unclaimed: Vec<Determination>,
    unattested: Vec<Claim>,
    recent: Vec<AttestationRecord>,
    unfinished: Vec<Delivery>,
    /// Of the recent attestations.
    deliveries: Vec<Option<Delivery>>,
}

impl View {
    pub(in crate::conformance) async fn of_store<S: Store>(store: &S, question: &Question) -> Self {
        let (after, until) = question.window;
        let mut progress = Vec::new();
        let mut read = Vec::new();
        for source in &question.sources {
            progress.push(store.progress(source).await.unwrap());
            let blocks = question.blocks.clone();
            let start = *blocks.start();
            let coverage = store.coverage(source, Some(start), question.limit).await;
            let observed = store.observed(source, blocks, after..=until).await;
            let rechecks = store.rechecks(source, question.limit).await;
            read.push((coverage.unwrap(), observed.unwrap(), rechecks.unwrap()));
        }
        let mut of_risks = Vec::new();
        for risk in &question.risks {
            of_risks.push((
                store.risk(*risk).await.unwrap(),
                store.policies_on(*risk).await.unwrap(),
                store.determinations_of(*risk).await.unwrap(),
            ));
        }
        let mut of_policies = Vec::new();
        for policy in &question.policies {
            grounds::agree(store, *policy).await;
            of_policies.push((
                store.policy(*policy).await.unwrap(),
                store.claims_of(*policy).await.unwrap(),
                store.attestations_of(*policy).await.unwrap(),
            ));
        }
        let mut looks = Vec::new();
        for (source, subject) in &question.looks {
            looks.push(store.look(source, subject).await.unwrap());
        }
        let due = store.due_looks(&feed(), after, u32::MAX).await.unwrap();
        let recent = store.recent_attestations(question.limit).await.unwrap();
        let mut deliveries = Vec::new();
        for record in &recent {
            deliveries.push(store.delivery(record.id).await.unwrap());
        }
        Self {
            covers: store.covers().await.unwrap(),
            progress,
            read,
            halts: store.halts().await.unwrap(),
            kept: store.kept().await.unwrap(),
            standing: store.standing(None).await.unwrap(),
            warnings: store.warnings(None, question.limit).await.unwrap(),
            snapshots: store.snapshots(&question.sources).await.unwrap(),
            snapshots_of: store.snapshots_of(&question.looks).await.unwrap(),
            looks,
            due: by_subject(due),
            history: store
                .history(&question.streams, after, until)
                .await
                .unwrap(),
            of_risks,
            of_policies,
            unclaimed: store.unclaimed(question.limit).await.unwrap(),
            unattested: store.unattested(question.limit).await.unwrap(),
            recent,
            unfinished: store
                .unfinished(question.chain, question.now, question.limit)
                .await
                .unwrap(),
            deliveries,
        }
    }

    pub(in crate::conformance) fn of_model(model: &Model, question: &Question) -> Self {
        let limit = usize::try_from(question.limit).unwrap();
        let mut covers = model.covers.clone();
        covers.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
        let recent: Vec<_> = model
            .attestations
            .iter()
            .rev()
            .take(limit)
            .cloned()
            .collect();
        let delivery = |record: &AttestationRecord| {
            model
                .deliveries
                .iter()
                .find(|delivery| delivery.attestation == record.id)
                .cloned()
        };
        Self {
            covers,
            progress: question
                .sources
                .iter()
                .map(|s| model.progress.get(s).cloned())
                .collect(),
            read: question
                .sources
                .iter()
                .map(|source| read(model, question, source))
                .collect(),
            halts: model
                .halts
                .iter()
                .map(|(source, halt)| Halted {
                    source: source.clone(),
                    halt: halt.clone(),
                })
                .collect(),
            kept: model
                .kept
                .iter()
                .map(|(kept, acknowledged_at)| KeptClaim {
                    kept: *kept,
                    acknowledged_at: *acknowledged_at,
                })
                .collect(),
            standing: standing(model),
            warnings: model.warnings.iter().rev().take(limit).cloned().collect(),
            snapshots: snapshots(model, |stream| question.sources.contains(&stream.source)),
            snapshots_of: snapshots(model, |stream| {
                let subject = (stream.source.clone(), stream.subject.clone());
                question.looks.contains(&subject)
            }),
            looks: question
                .looks
                .iter()
                .map(|key| model.looks.get(key).cloned())
                .collect(),
            due: by_subject(
                model
                    .looks
                    .values()
                    .filter(|look| look.due_at.is_some_and(|due| due <= question.window.0))
                    .cloned()
                    .collect(),
            ),
            history: history(model, question),
            of_risks: question
                .risks
                .iter()
                .map(|risk| of_risk(model, *risk))
                .collect(),
            of_policies: question
                .policies
                .iter()
                .map(|policy| of_policy(model, *policy))
                .collect(),
            unclaimed: unclaimed(model).into_iter().take(limit).collect(),
            unattested: unattested(model).into_iter().take(limit).collect(),
            deliveries: recent.iter().map(delivery).collect(),
            recent,
            unfinished: unfinished(model, question.chain, question.now)
                .into_iter()
                .take(limit)
                .collect(),
        }
    }
}

/// What was read of a source, what it said there, and what looking again found.
fn read(
    model: &Model,
    question: &Question,
    source: &SourceId,
) -> (Vec<Coverage>, Vec<Observation>, Vec<Recheck>) {
    let limit = usize::try_from(question.limit).unwrap();
    let ranges = model.coverage.get(source).into_iter().flatten();
    let beyond = ranges.filter(|range| range.last > *question.blocks.start());
    let (after, until) = question.window;
    let mut observed: Vec<(_, Observation)> = Vec::new();
    for o in model.observations.iter().filter(|o| o.source == *source) {
        if let Provenance::Chain(place) = &o.provenance
            && question.blocks.contains(&place.block)
            && (after..=until).contains(&o.observed_at)
        {
            let log = (place.log_index.is_none(), place.log_index);
            let what = (o.subject.clone(), o.metric.clone(), o.sequence);
            observed.push(((place.block, log, o.observed_at, what), o.clone()));
        }
    }
    observed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rechecks = model.rechecks.iter().rev().filter(|r| r.source == *source);
    (
        beyond.take(limit).cloned().collect(),
        observed.into_iter().map(|(_, o)| o).collect(),
        rechecks.take(limit).cloned().collect(),
    )
}

fn standing(model: &Model) -> Vec<Warning> {
    let mut found: Vec<Warning> = model
        .warnings
        .iter()
        .filter(|stored| stored.ended.is_none())
        .cloned()
        .collect();
    found.sort_by_key(|stored| (stored.warning.risk, stored.warning.ordinal));
    found
}

fn is_kept(model: &Model, event: (RiskId, u32)) -> bool {
    model.kept.keys().any(|k| (k.risk, k.ordinal) == event)
}

fn of_risk(model: &Model, risk: RiskId) -> (Option<RiskRecord>, Vec<Policy>, Vec<Determination>) {
    (
        model.risks.get(&risk).map(|stored| stored.record.clone()),
        model
            .policies
            .values()
            .filter(|policy| policy.risk == risk)
            .cloned()
            .collect(),
        model
            .determinations
            .values()
            .filter(|decided| decided.risk == risk)
            .cloned()
            .collect(),
    )
}

fn of_policy(
    model: &Model,
    policy: PolicyId,
) -> (Option<Policy>, Vec<Claim>, Vec<AttestationRecord>) {
    (
        model.policies.get(&policy).cloned(),
        model
            .claims
            .values()
            .filter(|claim| claim.policy == policy)
            .cloned()
            .collect(),
        model
            .attestations
            .iter()
            .filter(|record| record.policy == policy)
            .cloned()
            .collect(),
    )
}

fn by_subject(mut looks: Vec<Look>) -> Vec<Look> {
    looks.sort_by(|one, other| one.subject.cmp(&other.subject));
    looks
}

fn snapshots(model: &Model, heard: impl Fn(&Stream) -> bool) -> Vec<RiskSnapshot> {
    let listens = |risk: &&EvaluatedRisk| risk.record.streams.iter().any(&heard);
    let snapshot = |risk: &EvaluatedRisk| {
        let streams = risk.record.streams.clone();
        let watermark = |stream: &Stream| match model.progress.get(&stream.source) {
            Some(progress) => Some(progress.watermark),
            None => model
                .looks
                .get(&(stream.source.clone(), stream.subject.clone()))?
                .known_until(),
        };
        let new = |o: &Observation| {
            risk.evaluated_to
                .is_none_or(|reached| o.observed_at > reached)
        };
        RiskSnapshot {
            risk: risk.record.risk.clone(),
            state: risk.state.clone(),
            version: risk.version,
            evaluated_to: risk.evaluated_to,
            watermarks: streams.iter().map(watermark).collect(),
            pending: ordered(model, &streams, new),
            streams,
        }
    };
    model.risks.values().filter(listens).map(snapshot).collect()
}

/// The observations of `streams` that are `wanted`, by time, first place of their stream, and sequence.
fn ordered(
    model: &Model,
    streams: &[Stream],
    wanted: impl Fn(&Observation) -> bool,
) -> Vec<Observation> {
    let place = |o: &Observation| streams.iter().position(|stream| *stream == Stream::of(o));
    let mut found: Vec<Observation> = model
        .observations
        .iter()
        .filter(|o| place(o).is_some() && wanted(o))
        .cloned()
        .collect();
    found.sort_by_key(|o| (o.observed_at, place(o), o.sequence));
    found
}

fn history(model: &Model, question: &Question) -> Vec<Observation> {
    let (after, until) = question.window;
    let carried: Vec<Observation> = question
        .streams
        .iter()
        .filter_map(|stream| {
            let earlier = |o: &&Observation| Stream::of(o) == *stream && o.observed_at <= after;
            let last = model.observations.iter().filter(earlier);
            last.max_by_key(|o| (o.observed_at, o.sequence)).cloned()
        })
        .collect();
    ordered(model, &question.streams, |o| {
        (o.observed_at > after && o.observed_at <= until) || carried.contains(o)
    })
}

fn unclaimed(model: &Model) -> Vec<Determination> {
    let mut found: Vec<Determination> = model
        .determinations
        .values()
        .filter(|decided| {
            !is_kept(model, (decided.risk, decided.ordinal))
                && model.policies.values().any(|policy| {
                    policy.risk == decided.risk
                        && !model.claims.contains_key(&(policy.id, decided.ordinal))
                })
        })
        .cloned()
        .collect();
    found.sort_by_key(|decided| (decided.confirmed_at, decided.risk, decided.ordinal));
    found
}

fn unattested(model: &Model) -> Vec<Claim> {
    let attested = |claim: &Claim| {
        model
            .attestations
            .iter()
            .any(|r| (r.policy, r.ordinal) == (claim.policy, claim.ordinal))
    };
    let mut found: Vec<Claim> = model
        .claims
        .values()
        .filter(|claim| {
            matches!(claim.eligibility, Eligibility::Eligible { .. })
                && !attested(claim)
                && !model.is_halted(claim.risk)
                && !is_kept(model, (claim.risk, claim.ordinal))
        })
        .cloned()
        .collect();
    found.sort_by_key(|claim| {
        let decided = &model.determinations[&(claim.risk, claim.ordinal)];
        (
            decided.confirmed_at,
            claim.risk,
            claim.ordinal,
            claim.policy,
        )
    });
    found
}

fn unfinished(model: &Model, chain: u64, now: Timestamp) -> Vec<Delivery> {
    let on_chain = || {
        model
            .deliveries
            .iter()
            .filter(|delivery| delivery.chain_id == chain && delivery.not_before <= now)
    };
    let held = |delivery: &Delivery| match delivery.state {
        DeliveryState::Sending { nonce, sender, .. } => Some((nonce, sender)),
        DeliveryState::Queued
        | DeliveryState::Done { .. }
        | DeliveryState::Failed
        | DeliveryState::Superseded => None,
    };
    let claim_is_held = |delivery: &Delivery| {
        let mut others = model.deliveries.iter();
        others.any(|other| {
            other.claim_key == delivery.claim_key
                && other.chain_id == chain
                && held(other).is_some()
        })
    };
    let mut found: Vec<Delivery> = on_chain()
        .filter(|delivery| held(delivery).is_some())
        .cloned()
        .collect();
    found.sort_by_key(held);
    found.extend(
        on_chain()
            .filter(|delivery| delivery.state == DeliveryState::Queued)
            .filter(|delivery| !claim_is_held(delivery))
            .cloned(),
    );
    found
}
