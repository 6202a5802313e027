//! Attestations: recorded on top of what they rest on.

use std::sync::Arc;

use tocsin_domain::ids::{AttestationId, PolicyId};

use crate::Store;
use crate::attestation::{AttestationRecord, Signed};
use crate::conformance::sample::{
    CHAIN, LATE, attestation, delivery, determination, hash, payload, policy, refused_claim,
    reservation, store_paid, store_reserved, store_risk,
};
use crate::conformance::{Fault, assert_fault};
use crate::delivery::DeliveryState;
use crate::step::Step;

/// A reservation of just this payload and an eligible claim; without them nothing is written.
pub async fn need_what_they_rest_on<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let (paid, refused) = (policy(&risk, 1), policy(&risk, 2));
    store
        .add_policies(&[paid.clone(), refused.clone()])
        .await
        .unwrap();
    let decided = determination(&risk, 1, 100);
    let step = Step {
        determinations: vec![decided.clone()],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let reserved = reservation(0, &payload(&paid, &decided));
    let record = attestation(&reserved, &paid, &decided);
    let call = [delivery(&record)];

    assert_fault(store.add_attestation(&record, &call).await, Fault::Missing);
    store.reserve(&reserved).await.unwrap();
    assert_fault(store.add_attestation(&record, &call).await, Fault::Missing);
    store
        .add_claims(&[crate::conformance::sample::claim(&paid, &decided)])
        .await
        .unwrap();

    let mut reissued = payload(&paid, &decided);
    reissued.issuedAt += 1;
    let unreserved = attestation(&reservation(0, &reissued), &paid, &decided);
    assert_fault(
        store.add_attestation(&unreserved, &call).await,
        Fault::Conflict,
    );
    let mut forged = record.clone();
    forged.policy = refused.id;
    assert_fault(store.add_attestation(&forged, &call).await, Fault::Refused);
    let twice = [delivery(&record), delivery(&record)];
    assert_fault(store.add_attestation(&record, &twice).await, Fault::Refused);

    store
        .add_claims(&[refused_claim(&refused, &decided)])
        .await
        .unwrap();
    let hopeless = reservation(0, &payload(&refused, &decided));
    store.reserve(&hopeless).await.unwrap();
    let unpaid = attestation(&hopeless, &refused, &decided);
    assert_fault(store.add_attestation(&unpaid, &call).await, Fault::Refused);

    assert_eq!(store.recent_attestations(9).await.unwrap(), []);
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
    assert_eq!(store.unattested(9).await.unwrap().len(), 1);
    store.add_attestation(&record, &call).await.unwrap();
    assert_eq!(store.attestation(record.id).await.unwrap(), Some(record));
    assert_eq!(store.unattested(9).await.unwrap(), []);
}

/// The same again is no error and queues nothing again, not even when its delivery is long done.
pub async fn are_recorded_once<S: Store + 'static>(store: Arc<S>) {
    let record = store_paid(&*store, 1).await.remove(0).attestation;
    store
        .add_attestation(&record, &[delivery(&record)])
        .await
        .unwrap();
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap().len(), 1);
    store
        .finish(record.id, hash("transaction"), 7)
        .await
        .unwrap();
    store
        .add_attestation(&record, &[delivery(&record)])
        .await
        .unwrap();
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
    let done = store.delivery(record.id).await.unwrap().unwrap().state;
    assert_eq!(
        done,
        DeliveryState::Done {
            transaction: hash("transaction"),
            block: 7
        }
    );

    let resigned = AttestationRecord {
        signed: Signed::Alone(vec![8; 97]),
        ..record.clone()
    };
    assert_fault(store.add_attestation(&resigned, &[]).await, Fault::Conflict);
    assert_eq!(store.recent_attestations(9).await.unwrap(), [record]);
}

/// By id, by policy oldest first, and newest first.
pub async fn are_listed<S: Store + 'static>(store: Arc<S>) {
    let mut reserved = store_reserved(&*store, 5).await;
    reserved.reverse();
    let mut records: Vec<AttestationRecord> = Vec::new();
    for paid in &reserved {
        store.add_attestation(&paid.attestation, &[]).await.unwrap();
        records.push(paid.attestation.clone());
    }
    // A second one for the same claim, at another verifier.
    let paid = &reserved[0];
    let elsewhere = reservation(1, &payload(&paid.policy, &paid.determination));
    store.reserve(&elsewhere).await.unwrap();
    let second = attestation(&elsewhere, &paid.policy, &paid.determination);
    store.add_attestation(&second, &[]).await.unwrap();
    records.push(second);

    for record in &records {
        assert_eq!(
            store.attestation(record.id).await.unwrap().as_ref(),
            Some(record)
        );
    }
    let of = store.attestations_of(reserved[0].policy.id).await.unwrap();
    assert_eq!(of, [records[0].clone(), records[5].clone()]);
    records.reverse();
    assert_eq!(store.recent_attestations(3).await.unwrap(), records[..3]);
    assert_eq!(store.recent_attestations(99).await.unwrap(), records);
    assert_eq!(store.recent_attestations(0).await.unwrap(), []);
    assert_eq!(
        store
            .attestation(AttestationId(hash("nothing")))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .attestations_of(PolicyId(hash("nothing")))
            .await
            .unwrap(),
        []
    );
    assert_eq!(store.delivery(records[0].id).await.unwrap(), None);
}
