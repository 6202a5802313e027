//! Claims: found as unfinished work, written once, passed on in order.

use std::sync::Arc;

use tocsin_domain::determination::Determination;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::risk::Risk;

use crate::Store;
use crate::conformance::sample::{
    attestation, claim, cover, determination, hash, payload, policy, refused_claim, reservation,
    risk, store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::step::Step;

async fn determine<S: Store>(store: &S, determinations: &[Determination]) {
    let determinations = determinations.to_vec();
    store
        .commit(&Step {
            determinations,
            ..Step::default()
        })
        .await
        .unwrap();
}

async fn second_risk<S: Store>(store: &S) -> Risk {
    let cover = cover(0);
    let second = risk(&cover, 1, &[stream(0, 1)]);
    store
        .add_cover(&cover, std::slice::from_ref(&second))
        .await
        .unwrap();
    second.risk
}

/// A determination is work as long as a policy on its risk has no claim on it; the oldest confirmation comes first.
pub async fn are_awaited_while_a_policy_has_none<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let other = second_risk(&*store).await;
    let policies = [policy(&risk, 1), policy(&risk, 2), policy(&other, 3)];
    store.add_policies(&policies).await.unwrap();
    let (late, early) = (determination(&risk, 1, 500), determination(&risk, 2, 400));
    let earliest = determination(&other, 1, 300);
    determine(&*store, &[late.clone(), early.clone(), earliest.clone()]).await;
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        [earliest.clone(), early.clone(), late.clone()]
    );
    assert_eq!(
        store.unclaimed(2).await.unwrap(),
        [earliest.clone(), early.clone()]
    );
    assert_eq!(store.unclaimed(0).await.unwrap(), []);

    store
        .add_claims(&[claim(&policies[0], &early)])
        .await
        .unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        [earliest.clone(), early.clone(), late.clone()]
    );
    // Again, and one more: the repeat counts for nothing.
    store
        .add_claims(&[
            claim(&policies[0], &early),
            refused_claim(&policies[2], &earliest),
        ])
        .await
        .unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        [early.clone(), late.clone()]
    );
    store
        .add_claims(&[refused_claim(&policies[1], &early)])
        .await
        .unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        std::slice::from_ref(&late)
    );
    store
        .add_claims(&[claim(&policies[0], &late), claim(&policies[1], &late)])
        .await
        .unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);

    // As they were recorded, of many policies in one read, of one that is not stored none.
    let [first, second, _] = &policies;
    let wanted = [second.id, PolicyId(hash("nothing")), first.id];
    let found = store.claims_of_each(&wanted).await.unwrap();
    let of_first = vec![claim(first, &late), claim(first, &early)];
    let of_second = vec![claim(second, &late), refused_claim(second, &early)];
    assert_eq!(found, [(first.id, of_first), (second.id, of_second)].into());
}

/// A policy that is added after the determinations of its risk is matched with each of them.
pub async fn a_late_policy_makes_work_again<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let (first, second) = (
        determination(&risk, 1, 100),
        determination(&risk, 2, 900_000),
    );
    determine(&*store, &[first.clone(), second.clone()]).await;
    assert_eq!(store.unclaimed(9).await.unwrap(), []);

    let (early, late) = (policy(&risk, 1), policy(&risk, 2));
    store
        .add_policies(std::slice::from_ref(&early))
        .await
        .unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        [first.clone(), second.clone()]
    );
    store
        .add_claims(&[claim(&early, &first), claim(&early, &second)])
        .await
        .unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);

    store
        .add_policies(&[early.clone(), late.clone()])
        .await
        .unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        [first.clone(), second.clone()]
    );
    store.add_claims(&[claim(&late, &second)]).await.unwrap();
    assert_eq!(
        store.unclaimed(9).await.unwrap(),
        std::slice::from_ref(&first)
    );
    store
        .add_claims(&[refused_claim(&late, &first)])
        .await
        .unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);
    // The same policy again is nothing new.
    store.add_policies(&[early, late]).await.unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), []);
}

/// One that cannot be added keeps the others out, and the work is still to be done.
pub async fn are_added_all_or_none<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let other = second_risk(&*store).await;
    let (one, two, elsewhere) = (policy(&risk, 1), policy(&risk, 2), policy(&other, 3));
    store
        .add_policies(&[one.clone(), two.clone(), elsewhere.clone()])
        .await
        .unwrap();
    let decided = determination(&risk, 1, 100);
    determine(&*store, std::slice::from_ref(&decided)).await;
    let stored = claim(&one, &decided);
    store.add_claims(&[]).await.unwrap();
    store
        .add_claims(&[stored.clone(), stored.clone()])
        .await
        .unwrap();

    let good = claim(&two, &decided);
    let mut no_policy = claim(&one, &decided);
    no_policy.policy = PolicyId(hash("nothing"));
    let mut no_event = claim(&two, &decided);
    no_event.ordinal = 2;
    let mut no_risk = claim(&elsewhere, &decided);
    no_risk.risk = RiskId(hash("nothing"));
    let mut other_risk = claim(&elsewhere, &decided);
    other_risk.risk = risk.id;
    for (bad, fault) in [
        (refused_claim(&one, &decided), Fault::Conflict),
        (refused_claim(&two, &decided), Fault::Conflict),
        (no_policy, Fault::Missing),
        (no_event, Fault::Missing),
        (no_risk, Fault::Refused),
        (other_risk, Fault::Refused),
    ] {
        assert_fault(store.add_claims(&[good.clone(), bad]).await, fault);
        assert_eq!(store.claims_of(two.id).await.unwrap(), []);
        assert_eq!(
            store.unclaimed(9).await.unwrap(),
            std::slice::from_ref(&decided)
        );
    }
    assert_eq!(store.claims_of(one.id).await.unwrap(), [stored]);
}

/// Eligible claims wait by confirmation until they are attested; refused ones do not.
pub async fn wait_for_attestation_in_order<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let (one, two) = (policy(&risk, 1), policy(&risk, 2));
    store
        .add_policies(&[one.clone(), two.clone()])
        .await
        .unwrap();
    let (late, early) = (determination(&risk, 1, 500), determination(&risk, 2, 400));
    determine(&*store, &[late.clone(), early.clone()]).await;
    let (first, second) = (claim(&one, &early), claim(&one, &late));
    let refused = refused_claim(&two, &early);
    store
        .add_claims(&[second.clone(), refused.clone(), first.clone()])
        .await
        .unwrap();
    assert_eq!(
        store.unattested(9).await.unwrap(),
        [first.clone(), second.clone()]
    );
    assert_eq!(
        store.unattested(1).await.unwrap(),
        std::slice::from_ref(&first)
    );
    assert_eq!(
        store.claims_of(one.id).await.unwrap(),
        [second.clone(), first.clone()]
    );
    assert_eq!(store.claims_of(two.id).await.unwrap(), [refused]);

    let reserved = reservation(0, &payload(&one, &early));
    store.reserve(&reserved).await.unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), [first, second.clone()]);
    store
        .add_attestation(&attestation(&reserved, &one, &early), &[])
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), [second]);
}
