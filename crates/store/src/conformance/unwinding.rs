//! Unwinding: the books of a service that never saw what the chain took back, and nothing that may be signed forgotten.

use std::sync::Arc;

use tocsin_domain::claim::Claim;
use tocsin_domain::determination::Determination;
use tocsin_domain::observation::{ChainPosition, Observation, Provenance};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Seconds;

use crate::Store;
use crate::attestation::Reserved;
use crate::conformance::model::Model;
use crate::conformance::model::view::{Question, View};
use crate::conformance::sample::{
    CHAIN, LATE, advance, at, claim, cover, cursor, determination, halt, hash, observation,
    payload, policy, refused_claim, reservation, risk, source, store_reserved, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::cover::RiskRecord;
use crate::step::{RiskAdvance, Step};
use crate::unwind::{Kept, KeptClaim, Mark, Unwound};

fn mark(number: u64) -> Mark {
    let cursor = cursor(number);
    Mark {
        cursor,
        watermark: cursor.timestamp,
    }
}

/// A risk that listens to sources 0 and 1.
fn the_risk() -> RiskRecord {
    risk(&cover(0), 0, &[stream(0, 0), stream(1, 0)])
}

/// What source `n` said in a block, which comes a second after the one before, on one side of a fork.
fn said(n: usize, block: u64, side: &str) -> Observation {
    let second = i64::try_from(block).unwrap();
    let mut seen = observation(&stream(n, 0), second, block, "1");
    if let Provenance::Chain(place) = seen.provenance {
        seen.provenance = Provenance::Chain(ChainPosition {
            block,
            block_hash: hash(format!("{side} {block}")),
            ..place
        });
    }
    seen
}

/// Loss event `ordinal`, which settles with a block, on one side of a fork.
fn decided(ordinal: u32, block: u64, side: &str) -> Determination {
    let second = i64::try_from(block).unwrap();
    let mut decided = determination(&the_risk().risk, ordinal, second - 2);
    decided.confirmed_at = at(second - 1);
    decided.settled_at = at(second);
    decided.evidence_root = hash(format!("{side} evidence"));
    decided
}

fn evaluated(version: u64, state: u8, block: u64) -> RiskAdvance {
    RiskAdvance {
        risk: the_risk().risk.id,
        version,
        state: vec![state],
        evaluated_to: at(i64::try_from(block).unwrap()),
    }
}

/// Both sources up to block 10, with the first loss event.
fn common() -> Step {
    Step {
        sources: vec![advance(0, None, 10), advance(1, None, 10)],
        observations: (1..=10)
            .flat_map(|block| [said(0, block, "common"), said(1, block, "common")])
            .collect(),
        risks: vec![evaluated(0, 1, 10)],
        determinations: vec![decided(1, 8, "common")],
        ..Step::default()
    }
}

/// Source 0 up to block 20 on one side, with the second loss event.
fn fork(side: &str, version: u64, state: u8) -> Step {
    let mut step = Step {
        sources: vec![advance(0, Some(10), 20), advance(1, Some(10), 20)],
        observations: (11..=20).map(|block| said(0, block, side)).collect(),
        risks: vec![evaluated(version, state, 20)],
        determinations: vec![decided(2, 18, side)],
        ..Step::default()
    };
    if side != "ours" {
        // What source 1 said was never taken back.
        step.sources.pop();
    }
    step
}

fn policies() -> Vec<Policy> {
    (0..3).map(|n| policy(&the_risk().risk, n)).collect()
}

fn claims(decided: &Determination) -> Vec<Claim> {
    let [one, two, three] = &policies()[..] else {
        panic!("there are three")
    };
    vec![
        claim(one, decided),
        claim(two, decided),
        refused_claim(three, decided),
    ]
}

async fn begin<S: Store>(store: &S) -> Model {
    let mut model = Model::default();
    store.add_cover(&cover(0), &[the_risk()]).await.unwrap();
    model.add_cover(&cover(0), &[the_risk()]).unwrap();
    store.add_policies(&policies()).await.unwrap();
    model.add_policies(&policies()).unwrap();
    model
}

fn question() -> Question {
    Question {
        sources: vec![source(0), source(1)],
        blocks: 0..=99,
        looks: Vec::new(),
        streams: vec![stream(0, 0), stream(1, 0)],
        window: (at(-1), at(99)),
        risks: vec![the_risk().risk.id],
        policies: policies().iter().map(|policy| policy.id).collect(),
        chain: CHAIN,
        now: LATE,
        limit: 99,
    }
}

/// Where nothing was reserved, the books are those of a service that read the other side alone, but for the count of the
/// writes of a state. What is determined again is determined as it was.
pub async fn leaves_no_trace_of_what_was_taken_back<S: Store + 'static>(store: Arc<S>) {
    let mut model = begin(&*store).await;
    for step in [common(), fork("ours", 1, 2)] {
        store.commit(&step).await.unwrap();
        for decided in &step.determinations {
            store.add_claims(&claims(decided)).await.unwrap();
        }
    }
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    let unwound = store.unwind(&[source(0)], Some(&mark(10))).await.unwrap();
    let id = the_risk().risk.id;
    let expected = Unwound {
        sources: vec![source(0)],
        observations: 10,
        risks: vec![id],
        determinations: vec![(id, 2)],
        claims: 3,
        kept: vec![],
    };
    assert_eq!(unwound, expected);
    let snapshot = store.snapshots(&[source(0)]).await.unwrap().pop().unwrap();
    assert_eq!(snapshot.state, the_risk().initial_state);
    assert_eq!((snapshot.version, snapshot.evaluated_to), (3, None));
    assert_eq!(snapshot.watermarks, [Some(at(10)), Some(at(20))]);
    assert_eq!(snapshot.pending.len(), 20, "all that is left");
    // Again, and there is nothing to do.
    let again = store.unwind(&[source(0)], Some(&mark(10))).await.unwrap();
    assert_eq!(again, Unwound::default());
    store.clear_halt(&[source(0)]).await.unwrap();

    let mut found_again = fork("theirs", 3, 4);
    let mut first = decided(1, 8, "common");
    first.determined_at = first.determined_at + Seconds(900);
    found_again.determinations.insert(0, first);
    store.commit(&found_again).await.unwrap();

    let mut other_source = fork("ours", 1, 2);
    other_source.sources.remove(0);
    other_source.observations.clear();
    other_source.risks.clear();
    other_source.determinations.clear();
    for step in [common(), other_source, fork("theirs", 1, 4)] {
        model.commit(&step).unwrap();
    }
    let all = [decided(1, 8, "common"), decided(2, 18, "theirs")];
    store.add_claims(&claims(&all[1])).await.unwrap();
    for decided in &all {
        model.add_claims(&claims(decided)).unwrap();
    }
    model.risks.get_mut(&id).unwrap().version = 4;
    assert_eq!(
        View::of_store(&*store, &question()).await,
        View::of_model(&model, &question())
    );
}

/// Who read a state before the unwinding does not write after it, not even through another source.
pub async fn makes_what_was_read_before_stale<S: Store + 'static>(store: Arc<S>) {
    begin(&*store).await;
    let mut unevaluated = common();
    unevaluated.risks.clear();
    store.commit(&unevaluated).await.unwrap();
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    store.unwind(&[source(0)], Some(&mark(4))).await.unwrap();
    let stale = Step {
        sources: vec![advance(1, Some(10), 11)],
        risks: vec![evaluated(0, 1, 10)],
        ..Step::default()
    };
    assert_fault(store.commit(&stale).await, Fault::Stale);
    store.clear_halt(&[source(0)]).await.unwrap();
    let stale = Step {
        sources: vec![advance(0, Some(10), 11)],
        ..Step::default()
    };
    assert_fault(store.commit(&stale).await, Fault::Stale);
    let next = Step {
        sources: vec![advance(0, Some(4), 11)],
        risks: vec![evaluated(1, 1, 3)],
        ..Step::default()
    };
    store.commit(&next).await.unwrap();
    let read = store.coverage(&source(0), None, 9).await.unwrap();
    assert_eq!((read.len(), read[0].first, read[0].last), (1, 1, 11));
}

/// Sources that were not read so far stay, and those that began later begin again.
pub async fn moves_each_source_as_far_as_it_was_read<S: Store + 'static>(store: Arc<S>) {
    let mut later = advance(2, None, 20);
    if let Some(coverage) = &mut later.coverage {
        coverage.first = 12;
    }
    let step = Step {
        sources: vec![advance(0, None, 20), advance(1, None, 8), later],
        observations: vec![said(0, 10, "ours"), said(1, 8, "ours"), said(2, 12, "ours")],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let all = [source(0), source(1), source(2), source(3)];
    store.halt(&all, &halt(1)).await.unwrap();
    let unwound = store.unwind(&all, Some(&mark(10))).await.unwrap();
    assert_eq!(unwound.sources, [source(0), source(2)]);
    assert_eq!(unwound.observations, 1);
    let numbers = async || {
        let mut numbers = Vec::new();
        for source in &all {
            let progress = store.progress(source).await.unwrap();
            numbers.push(progress.map(|progress| progress.cursor.number));
        }
        numbers
    };
    assert_eq!(numbers().await, [Some(10), Some(8), None, None]);
    assert_eq!(store.coverage(&source(2), None, 9).await.unwrap(), []);
    let unwound = store.unwind(&all, None).await.unwrap();
    assert_eq!(unwound.sources, [source(0), source(1)]);
    assert_eq!(unwound.observations, 2);
    assert_eq!(numbers().await, [None, None, None, None]);
    store.clear_halt(&all).await.unwrap();
    store.commit(&step).await.unwrap();
}

/// Only what is halted moves, and only to a place that it has been at.
pub async fn needs_a_halt_and_a_true_mark<S: Store + 'static>(store: Arc<S>) {
    begin(&*store).await;
    store.commit(&common()).await.unwrap();
    let both = [source(0), source(1)];
    store.halt(&both[..1], &halt(1)).await.unwrap();
    let mut forked = mark(10);
    forked.cursor.hash = hash("another block 10");
    let mut later = mark(9);
    later.watermark = at(11);
    for (sources, to) in [
        (&both[..], Some(mark(5))),
        (&both[1..], None),
        (&both[..1], Some(forked)),
        (&both[..1], Some(later)),
    ] {
        let refused = store.unwind(sources, to.as_ref()).await;
        assert_fault(refused, Fault::Refused);
    }
    let progress = store.progress(&source(0)).await.unwrap();
    assert_eq!(progress, Some(advance(0, None, 10).to));
}

/// The first of three claims is reserved; then everything is taken back.
async fn keep_one<S: Store>(store: &S) -> (Risk, Determination, Vec<Claim>, Kept) {
    begin(store).await;
    let decided = decided(1, 8, "common");
    store.commit(&common()).await.unwrap();
    let claims = claims(&decided);
    store.add_claims(&claims).await.unwrap();
    let reserved = reservation(0, &payload(&policies()[0], &decided));
    store.reserve(&reserved).await.unwrap();
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    let unwound = store.unwind(&[source(0)], Some(&mark(5))).await.unwrap();
    let risk = the_risk().risk;
    let kept = Kept {
        risk: risk.id,
        ordinal: 1,
        policy: policies()[0].id,
    };
    assert_eq!(unwound.kept, [kept]);
    assert_eq!((unwound.determinations.len(), unwound.claims), (0, 2));
    (risk, decided, claims, kept)
}

/// A claim whose key is reserved stays with its determination, makes no work, and a person has to look.
pub async fn keeps_what_is_reserved<S: Store + 'static>(store: Arc<S>) {
    let (risk, decided, claims, kept) = keep_one(&*store).await;
    let open = KeptClaim {
        kept,
        acknowledged_at: None,
    };
    assert_eq!(store.kept().await.unwrap(), [open]);
    let stored = store.determinations_of(risk.id).await.unwrap();
    assert_eq!(stored, [decided]);
    for (policy, left) in policies().iter().zip([&claims[..1], &[], &[]]) {
        assert_eq!(store.claims_of(policy.id).await.unwrap(), left);
    }

    // Made of what was read before.
    assert_fault(store.add_claims(&claims).await, Fault::Stale);
    store.add_claims(&claims[..1]).await.unwrap();

    assert_fault(store.clear_halt(&[source(1)]).await, Fault::Refused);
    assert_fault(store.clear_halt(&[source(0)]).await, Fault::Refused);
    store.clear_halt(&[source(2)]).await.unwrap();
    let nobody = Kept { ordinal: 2, ..kept };
    assert_fault(
        store.acknowledge(&[kept, nobody], at(50)).await,
        Fault::Missing,
    );
    assert_eq!(store.kept().await.unwrap(), [open]);
    store.acknowledge(&[kept], at(60)).await.unwrap();
    store.acknowledge(&[kept], at(70)).await.unwrap();
    let acknowledged = store.kept().await.unwrap()[0].acknowledged_at;
    assert_eq!(acknowledged, Some(at(60)));
    store.clear_halt(&[source(0)]).await.unwrap();
    assert_eq!(store.halts().await.unwrap(), []);
    // The chain does not say that there was a loss.
    assert_eq!(store.unclaimed(9).await.unwrap(), []);
    assert_eq!(store.unattested(9).await.unwrap(), []);
}

/// What was kept and is found again is as it was, and the other claims on it are made again.
pub async fn restores_what_is_found_again<S: Store + 'static>(store: Arc<S>) {
    let (_, decided, claims, kept) = keep_one(&*store).await;
    let mut again = decided.clone();
    again.determined_at = again.determined_at + Seconds(60);
    let step = Step {
        determinations: vec![again],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    assert_eq!(store.kept().await.unwrap(), []);
    assert_fault(store.acknowledge(&[kept], at(1)).await, Fault::Missing);
    store.clear_halt(&[source(0)]).await.unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), [decided]);
    assert_eq!(store.unattested(9).await.unwrap(), claims[..1]);
    store.add_claims(&claims).await.unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);
    assert_eq!(store.unattested(9).await.unwrap().len(), 2);
}

/// What the chain says now takes the place of what was kept, once somebody has acknowledged that.
pub async fn gives_way_when_acknowledged<S: Store + 'static>(store: Arc<S>) {
    let (risk, _, _, kept) = keep_one(&*store).await;
    let mut other = decided(1, 9, "theirs");
    other.inputs.clear();
    other.guards.pop();
    let step = Step {
        determinations: vec![other.clone()],
        ..Step::default()
    };
    assert_fault(store.commit(&step).await, Fault::Conflict);
    store.acknowledge(&[kept], at(60)).await.unwrap();
    store.clear_halt(&[source(0)]).await.unwrap();
    store.commit(&step).await.unwrap();
    let stored = store.determinations_of(risk.id).await.unwrap();
    assert_eq!(stored, [other.clone()]);
    assert_eq!(store.kept().await.unwrap(), []);
    assert_eq!(store.unclaimed(9).await.unwrap(), [other.clone()]);
    // Its claims follow from it; what is reserved for another one stays in the way.
    assert_eq!(store.claims_of(policies()[0].id).await.unwrap(), []);
    let anew = claim(&policies()[0], &other);
    store.add_claims(std::slice::from_ref(&anew)).await.unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), [anew]);
    let wanted = reservation(0, &payload(&policies()[0], &other));
    let reserved = store.reserve(&wanted).await.unwrap();
    assert!(matches!(reserved, Reserved::Conflict(_)), "{reserved:?}");
    store.commit(&step).await.unwrap();
    let third = Step {
        determinations: vec![decided(1, 8, "common")],
        ..Step::default()
    };
    assert_fault(store.commit(&third).await, Fault::Conflict);
}

/// Attested claims stay, with their attestations and deliveries.
pub async fn leaves_attestations_alone<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 2).await;
    let signed = &paid[0].attestation;
    store.add_attestation(signed, &[]).await.unwrap();
    let step = Step {
        sources: vec![advance(0, None, 10)],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    let unwound = store.unwind(&[source(0)], None).await.unwrap();
    assert_eq!(unwound.kept.len(), 2);
    let found = store.attestation(signed.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(signed));
}
