//! Everything that the traits show of a store, and the same of the model.

use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::attestation::AttestationRecord;
use crate::conformance::model::{EvaluatedRisk, Model};
use crate::cover::{CoverRecord, RiskRecord};
use crate::delivery::{Delivery, DeliveryState};
use crate::step::{RiskSnapshot, SourceProgress};

/// What is asked for.
pub(in crate::conformance) struct Question {
    pub(in crate::conformance) sources: Vec<SourceId>,
    pub(in crate::conformance) streams: Vec<Stream>,
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
    snapshots: Vec<RiskSnapshot>,
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
        let mut progress = Vec::new();
        for source in &question.sources {
            progress.push(store.progress(source).await.unwrap());
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
            of_policies.push((
                store.policy(*policy).await.unwrap(),
                store.claims_of(*policy).await.unwrap(),
                store.attestations_of(*policy).await.unwrap(),
            ));
        }
        let recent = store.recent_attestations(question.limit).await.unwrap();
        let mut deliveries = Vec::new();
        for record in &recent {
            deliveries.push(store.delivery(record.id).await.unwrap());
        }
        let (after, until) = question.window;
        Self {
            covers: store.covers().await.unwrap(),
            progress,
            snapshots: store.snapshots(&question.sources).await.unwrap(),
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
            snapshots: snapshots(model, &question.sources),
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

fn snapshots(model: &Model, sources: &[SourceId]) -> Vec<RiskSnapshot> {
    let listens = |risk: &&EvaluatedRisk| {
        risk.record
            .streams
            .iter()
            .any(|stream| sources.contains(&stream.source))
    };
    let snapshot = |risk: &EvaluatedRisk| {
        let streams = risk.record.streams.clone();
        let watermark = |stream: &Stream| Some(model.progress.get(&stream.source)?.watermark);
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
            model.policies.values().any(|policy| {
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
            matches!(claim.eligibility, Eligibility::Eligible { .. }) && !attested(claim)
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
        DeliveryState::Queued | DeliveryState::Done { .. } | DeliveryState::Failed => None,
    };
    let mut found: Vec<Delivery> = on_chain()
        .filter(|delivery| held(delivery).is_some())
        .cloned()
        .collect();
    found.sort_by_key(held);
    found.extend(
        on_chain()
            .filter(|delivery| delivery.state == DeliveryState::Queued)
            .cloned(),
    );
    found
}
