//! Covers and risks.

use std::sync::Arc;

use tocsin_domain::ids::{RiskId, TermsHash};

use crate::Store;
use crate::conformance::sample::{at, cover, cover_version, hash, risk, stream};
use crate::conformance::{Fault, assert_fault};
use crate::step::{RiskAdvance, Step};

/// Covers come back by name and version, risks by id.
pub async fn are_found_again<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.covers().await.unwrap(), []);
    let (first, second, third) = (cover(1), cover_version(1, 2, "new"), cover(0));
    let one = risk(&first, 1, &[stream(0, 0)]);
    let two = risk(&first, 2, &[stream(1, 1), stream(0, 0), stream(1, 1)]);
    store.add_cover(&second, &[]).await.unwrap();
    store
        .add_cover(&first, &[two.clone(), one.clone()])
        .await
        .unwrap();
    store.add_cover(&third, &[]).await.unwrap();

    assert_eq!(
        store.covers().await.unwrap(),
        [third, first.clone(), second]
    );
    assert_eq!(store.cover(first.terms_hash).await.unwrap(), Some(first));
    assert_eq!(store.cover(TermsHash(hash("nothing"))).await.unwrap(), None);
    assert_eq!(store.risk(one.risk.id).await.unwrap(), Some(one));
    assert_eq!(store.risk(two.risk.id).await.unwrap(), Some(two));
    assert_eq!(store.risk(RiskId(hash("nothing"))).await.unwrap(), None);
}

/// What is there already stays as it is, states included; what is new is added.
pub async fn are_added_once<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let first = risk(&cover, 1, &[stream(0, 0)]);
    store
        .add_cover(&cover, std::slice::from_ref(&first))
        .await
        .unwrap();
    let advance = RiskAdvance {
        risk: first.risk.id,
        version: 0,
        state: vec![9],
        evaluated_to: at(5),
    };
    store
        .commit(&Step {
            risks: vec![advance],
            ..Step::default()
        })
        .await
        .unwrap();

    let second = risk(&cover, 2, &[stream(0, 0)]);
    let again = [first.clone(), second.clone(), second.clone(), first.clone()];
    store.add_cover(&cover, &again).await.unwrap();

    assert_eq!(store.covers().await.unwrap(), [cover]);
    let snapshots = store.snapshots(&[stream(0, 0).source]).await.unwrap();
    let of = |risk: RiskId| {
        snapshots
            .iter()
            .find(|snapshot| snapshot.risk.id == risk)
            .unwrap()
    };
    assert_eq!(snapshots.len(), 2);
    assert_eq!(
        (of(first.risk.id).state.clone(), of(first.risk.id).version),
        (vec![9], 1)
    );
    assert_eq!(
        (of(second.risk.id).state.clone(), of(second.risk.id).version),
        (second.initial_state, 0)
    );
    assert_eq!(store.risk(first.risk.id).await.unwrap(), Some(first));
}

/// One name and version has one document, for ever; one document has one name and version.
pub async fn terms_never_change<S: Store + 'static>(store: Arc<S>) {
    let stored = cover(0);
    store.add_cover(&stored, &[]).await.unwrap();
    let changed = cover_version(0, 1, "changed");
    let under_changed = risk(&changed, 1, &[stream(0, 0)]);
    let result = store
        .add_cover(&changed, std::slice::from_ref(&under_changed))
        .await;
    assert_fault(result, Fault::Conflict);
    let mut renamed = stored.clone();
    renamed.name = "another name".to_owned();
    assert_fault(store.add_cover(&renamed, &[]).await, Fault::Conflict);

    assert_eq!(store.covers().await.unwrap(), [stored]);
    assert_eq!(store.risk(under_changed.risk.id).await.unwrap(), None);
}

/// A risk that is evaluated from another instant or listens to something else is another risk; nothing is written.
pub async fn a_changed_risk_conflicts<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let stored = risk(&cover, 1, &[stream(0, 0), stream(1, 0)]);
    store
        .add_cover(&cover, std::slice::from_ref(&stored))
        .await
        .unwrap();
    let mut later = stored.clone();
    later.risk.evaluate_from = at(1);
    let mut reordered = stored.clone();
    reordered.streams.reverse();
    let mut deaf = stored.clone();
    deaf.streams.truncate(1);
    let new = risk(&cover, 2, &[stream(0, 0)]);
    for changed in [later, reordered, deaf] {
        assert_fault(
            store.add_cover(&cover, &[new.clone(), changed]).await,
            Fault::Conflict,
        );
    }
    assert_eq!(store.risk(stored.risk.id).await.unwrap(), Some(stored));
    assert_eq!(store.risk(new.risk.id).await.unwrap(), None);
}

/// Ids follow from what they identify, and a risk lies under the cover that it is added with.
pub async fn forged_ids_are_refused<S: Store + 'static>(store: Arc<S>) {
    let mut forged = cover(0);
    forged.terms_hash = TermsHash(hash("other terms"));
    assert_fault(store.add_cover(&forged, &[]).await, Fault::Refused);

    let cover = cover(0);
    let mut forged = risk(&cover, 1, &[stream(0, 0)]);
    forged.risk.id = RiskId(hash("another risk"));
    assert_fault(store.add_cover(&cover, &[forged]).await, Fault::Refused);
    // Another inception is another risk.
    let mut moved = risk(&cover, 1, &[stream(0, 0)]);
    moved.risk.inception = Some(at(1));
    assert_fault(store.add_cover(&cover, &[moved]).await, Fault::Refused);
    let foreign = risk(&cover_version(0, 2, ""), 1, &[stream(0, 0)]);
    assert_fault(store.add_cover(&cover, &[foreign]).await, Fault::Refused);
    let deaf = risk(&cover, 1, &[]);
    assert_fault(store.add_cover(&cover, &[deaf]).await, Fault::Refused);
    assert_eq!(store.covers().await.unwrap(), []);
}
