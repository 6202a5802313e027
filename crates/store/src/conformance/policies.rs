//! Policies.

use std::sync::Arc;

use alloy_primitives::U256;
use tocsin_domain::ids::{PolicyId, RiskId};
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;

use crate::Store;
use crate::conformance::sample::{
    address, at, cover, determination, hash, policy, risk, store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::step::Step;

/// By id, and all of a risk by id, with amounts that fill 256 bits.
pub async fn are_found_again<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let mut policies: Vec<Policy> = (0..20).map(|number| policy(&risk, number)).collect();
    policies[3].sum_insured = U256::MAX;
    policies[4].sum_insured = U256::ZERO;
    policies[5].number = U256::MAX;
    policies[5].id = PolicyId::derive(
        policies[5].consumer.chain_id,
        policies[5].consumer.address,
        U256::MAX,
    );
    store.add_policies(&policies).await.unwrap();

    for policy in &policies {
        assert_eq!(
            store.policy(policy.id).await.unwrap().as_ref(),
            Some(policy)
        );
    }
    let many = [policies[7].id, PolicyId(hash("nothing")), policies[2].id];
    let found = store.policies(&many).await.unwrap();
    let expected = [2, 7].map(|place| (policies[place].id, policies[place].clone()));
    assert_eq!(found, expected.into());
    policies.sort_by_key(|policy| policy.id);
    assert_eq!(store.policies_on(risk.id).await.unwrap(), policies);
    assert_eq!(
        store.policies_on(RiskId(hash("nothing"))).await.unwrap(),
        []
    );
    assert_eq!(store.policy(PolicyId(hash("nothing"))).await.unwrap(), None);
}

/// One that cannot be added keeps the others out.
pub async fn are_added_all_or_none<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let stored = policy(&risk, 1);
    store
        .add_policies(std::slice::from_ref(&stored))
        .await
        .unwrap();
    let new = policy(&risk, 2);
    let richer = Policy {
        sum_insured: U256::MAX,
        ..stored.clone()
    };
    let homeless = Policy {
        risk: RiskId(hash("nothing")),
        ..policy(&risk, 3)
    };
    let forged = Policy {
        id: PolicyId(hash("another policy")),
        ..policy(&risk, 4)
    };
    let other_holder = Policy {
        holder: address("thief"),
        ..new.clone()
    };

    for (bad, fault) in [
        (richer, Fault::Conflict),
        (other_holder, Fault::Conflict),
        (homeless, Fault::Missing),
        (forged, Fault::Refused),
    ] {
        assert_fault(store.add_policies(&[new.clone(), bad]).await, fault);
        assert_eq!(
            store.policies_on(risk.id).await.unwrap(),
            std::slice::from_ref(&stored)
        );
        assert_eq!(store.policy(new.id).await.unwrap(), None);
    }
}

/// The same again changes nothing, also twice in one call.
pub async fn are_added_once<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let (one, two) = (policy(&risk, 1), policy(&risk, 2));
    store.add_policies(&[]).await.unwrap();
    store
        .add_policies(std::slice::from_ref(&one))
        .await
        .unwrap();
    store
        .add_policies(&[one.clone(), two.clone(), two.clone(), one.clone()])
        .await
        .unwrap();
    assert_eq!(store.policies_on(risk.id).await.unwrap().len(), 2);
    let longer = Policy {
        expiry: at(99_000_000),
        ..one
    };
    assert_fault(store.add_policies(&[longer]).await, Fault::Conflict);
}

/// A policy is on the risk of its inception, where the risk has one.
pub async fn begin_with_their_risk<S: Store + 'static>(store: Arc<S>) {
    let (any, cover) = (store_risk(&*store).await.risk, cover(0));
    let [early, late] = [at(0), at(1)].map(|inception| {
        let mut record = risk(&cover, 1, &[stream(0, 0)]);
        let subject = record.risk.subject;
        record.risk = Risk::new(cover.terms_hash, subject, Some(inception), at(0));
        record
    });
    let risks = [early.clone(), late.clone()];
    store.add_cover(&cover, &risks).await.unwrap();
    for stored in risks {
        let id = stored.risk.id;
        assert_eq!(store.risk(id).await.unwrap(), Some(stored));
    }

    let begins_late = |number, risk: &Risk| Policy {
        inception: at(1),
        ..policy(risk, number)
    };
    let fitting = [
        policy(&any, 1),
        begins_late(2, &any),
        policy(&early.risk, 3),
        begins_late(4, &late.risk),
    ];
    store.add_policies(&fitting).await.unwrap();
    for misplaced in [begins_late(5, &early.risk), policy(&late.risk, 6)] {
        assert_fault(store.add_policies(&[misplaced]).await, Fault::Refused);
    }
    assert_eq!(
        store.policies_on(late.risk.id).await.unwrap(),
        [fitting[3].clone()]
    );
    // Their loss events are told apart by the risk alone.
    let determinations = vec![
        determination(&early.risk, 1, 100),
        determination(&late.risk, 1, 200),
    ];
    let step = Step {
        determinations: determinations.clone(),
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    assert_eq!(store.unclaimed(9).await.unwrap(), determinations);
}
