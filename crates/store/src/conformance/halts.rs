//! Halts: nothing moves and nothing is signed until somebody clears them.

use std::sync::Arc;

use tocsin_domain::observation::SourceId;

use crate::Store;
use crate::attestation::Reserved;
use crate::conformance::sample::{
    advance, attestation, cover, delivery, determination, halt, payload, policy, reservation, risk,
    source, store_reserved, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::halt::{Halt, Halted};
use crate::step::Step;

/// The first reason stays.
pub async fn keep_their_first_reason<S: Store + 'static>(store: Arc<S>) {
    let halted = |source: SourceId, halt: &Halt| Halted {
        source,
        halt: halt.clone(),
    };
    let (first, second) = (halt(1), halt(2));
    store.halt(&[source(1)], &first).await.unwrap();
    store.halt(&[source(0), source(1)], &second).await.unwrap();
    store.halt(&[], &second).await.unwrap();
    let both = [halted(source(0), &second), halted(source(1), &first)];
    assert_eq!(store.halts().await.unwrap(), both);

    let mut agreeing = first.clone();
    agreeing.theirs = agreeing.ours;
    assert_fault(store.halt(&[source(2)], &agreeing).await, Fault::Refused);

    store.clear_halt(&[source(1), source(2)]).await.unwrap();
    assert_eq!(store.halts().await.unwrap(), both[..1]);
    store.halt(&[source(1)], &second).await.unwrap();
    assert_eq!(store.halts().await.unwrap()[1].halt, second);
}

/// A step that moves a halted source has no effect at all; others go on.
pub async fn stop_what_they_concern<S: Store + 'static>(store: Arc<S>) {
    let step = |sources| Step {
        sources,
        ..Step::default()
    };
    store.halt(&[source(0)], &halt(1)).await.unwrap();
    let both = step(vec![advance(1, None, 5), advance(0, None, 5)]);
    assert_fault(store.commit(&both).await, Fault::Halted);
    assert_eq!(store.progress(&source(1)).await.unwrap(), None);
    let other = step(vec![advance(1, None, 5)]);
    store.commit(&other).await.unwrap();
    store.clear_halt(&[source(0)]).await.unwrap();
    let stopped = step(vec![advance(0, None, 5)]);
    store.commit(&stopped).await.unwrap();
}

/// Claims on halted risks are not handed out and not reserved; what was signed before is recorded.
pub async fn keep_claims_from_being_signed<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 2).await;
    // One more risk, which listens to another source.
    let cover = cover(0);
    let elsewhere = risk(&cover, 2, &[stream(1, 0)]);
    store
        .add_cover(&cover, std::slice::from_ref(&elsewhere))
        .await
        .unwrap();
    let (holding, decided) = (
        policy(&elsewhere.risk, 7),
        determination(&elsewhere.risk, 1, 100),
    );
    store
        .add_policies(std::slice::from_ref(&holding))
        .await
        .unwrap();
    let step = Step {
        determinations: vec![decided.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let other = crate::conformance::sample::claim(&holding, &decided);
    store
        .add_claims(std::slice::from_ref(&other))
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap().len(), 3);

    store.halt(&[source(0)], &halt(1)).await.unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), [other]);
    assert_fault(store.reserve(&paid[0].reservation).await, Fault::Halted);
    let free = reservation(0, &payload(&holding, &decided));
    assert_eq!(store.reserve(&free).await.unwrap(), Reserved::New);
    let signed = &paid[1];
    let record = attestation(&signed.reservation, &signed.policy, &signed.determination);
    store
        .add_attestation(&record, &[delivery(&record)])
        .await
        .unwrap();
    assert!(store.delivery(record.id).await.unwrap().is_some());

    store.clear_halt(&[source(0)]).await.unwrap();
    let waiting = store.unattested(9).await.unwrap();
    assert!(waiting.contains(&paid[0].claim) && waiting.len() == 2);
    let again = store.reserve(&paid[0].reservation).await.unwrap();
    assert_eq!(again, Reserved::Identical(paid[0].reservation.clone()));
}
