//! Batches: all of the attestations under one signature, or none.

use std::sync::Arc;

use alloy_primitives::B256;
use tocsin_domain::ids::BatchId;

use crate::Store;
use crate::attestation::{AttestationRecord, BatchMember, BatchRecord, Signed};
use crate::conformance::sample::{
    CHAIN, LATE, address, attestation, batch, hash, payload, reservation, store_reserved,
};
use crate::conformance::{Fault, assert_fault};

fn records(members: &[BatchMember]) -> Vec<AttestationRecord> {
    members
        .iter()
        .map(|member| member.attestation.clone())
        .collect()
}

async fn reserved<S: Store>(store: &S, count: u64) -> (BatchRecord, Vec<BatchMember>) {
    let paid = store_reserved(store, count).await;
    let attestations: Vec<AttestationRecord> =
        paid.into_iter().map(|paid| paid.attestation).collect();
    batch(&attestations)
}

/// The batch, its attestations with their proofs, and their deliveries; no claim waits any more.
pub async fn are_recorded_whole<S: Store + 'static>(store: Arc<S>) {
    let (signed, mut members) = reserved(&*store, 2_500).await;
    members[7].delivery = None;
    store.add_batch(&signed, &members).await.unwrap();
    assert_eq!(store.batch(signed.id).await.unwrap(), Some(signed));
    for member in members.iter().step_by(83) {
        let stored = store.attestation(member.attestation.id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&member.attestation));
        let delivery = store
            .delivery(member.attestation.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(delivery.claim_key, member.attestation.claim_key);
        assert_eq!(delivery.consumer, address("consumer"));
        assert_eq!(delivery.not_before, member.attestation.attested_at);
        let call = member.delivery.clone().unwrap();
        assert_eq!(delivery.calldata, call.calldata);
    }
    assert_eq!(
        store.delivery(members[7].attestation.id).await.unwrap(),
        None
    );
    assert_eq!(store.unattested(9).await.unwrap(), []);
    let queue = store.unfinished(CHAIN, LATE, 5_000).await.unwrap();
    assert_eq!(queue.len(), 2_499);
    let mut newest = store.recent_attestations(5_000).await.unwrap();
    newest.reverse();
    assert_eq!(newest, records(&members));
    assert_eq!(store.batch(BatchId(hash("nothing"))).await.unwrap(), None);
}

/// The same again is no error and queues nothing again; other signatures of it are a conflict.
pub async fn are_recorded_once<S: Store + 'static>(store: Arc<S>) {
    let (signed, members) = reserved(&*store, 3).await;
    store.add_batch(&signed, &members).await.unwrap();
    let done = members[0].attestation.id;
    store.finish(done, hash("transaction"), 7).await.unwrap();
    store.add_batch(&signed, &members).await.unwrap();
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap().len(), 2);
    assert_eq!(store.recent_attestations(9).await.unwrap().len(), 3);

    let resigned = BatchRecord {
        signatures: vec![8; 97],
        ..signed.clone()
    };
    assert_fault(store.add_batch(&resigned, &members).await, Fault::Conflict);
    // One of them again, in a batch of its own.
    let (again, alone) = batch(&records(&members[..1]));
    assert_fault(store.add_batch(&again, &alone).await, Fault::Conflict);
    assert_eq!(store.batch(again.id).await.unwrap(), None);
    assert_fault(
        store.add_attestation(&members[0].attestation, &[]).await,
        Fault::Refused,
    );
    let single = AttestationRecord {
        signed: Signed::Alone(vec![7; 97]),
        ..members[1].attestation.clone()
    };
    assert_fault(store.add_attestation(&single, &[]).await, Fault::Conflict);
}

/// Another id, count, place, proof or batch.
pub async fn that_do_not_hold_together_are_refused<S: Store + 'static>(store: Arc<S>) {
    type Change = fn(&mut BatchRecord, &mut Vec<BatchMember>);
    fn in_batch(member: &mut BatchMember) -> (&mut BatchId, &mut u32, &mut Vec<B256>) {
        match &mut member.attestation.signed {
            Signed::InBatch {
                batch,
                place,
                proof,
            } => (batch, place, proof),
            Signed::Alone(_) => panic!("it is in a batch"),
        }
    }
    let (signed, members) = reserved(&*store, 5).await;
    let changes: [Change; 9] = [
        |signed, _| signed.id = BatchId(hash("another")),
        |signed, _| signed.batch.root = hash("another"),
        |signed, _| signed.domain_separator = hash("another"),
        |_, members| drop(members.pop()),
        |_, members| members.swap(1, 2),
        |_, members| *in_batch(&mut members[1]).0 = BatchId(hash("another")),
        |_, members| *in_batch(&mut members[1]).1 = 2,
        |_, members| in_batch(&mut members[1]).2[0] = hash("another"),
        |_, members| members[1].attestation.signed = Signed::Alone(vec![7; 97]),
    ];
    for change in changes {
        let (mut signed, mut members) = (signed.clone(), members.clone());
        change(&mut signed, &mut members);
        assert_fault(store.add_batch(&signed, &members).await, Fault::Refused);
    }
    assert_eq!(store.recent_attestations(9).await.unwrap(), []);
    store.add_batch(&signed, &members).await.unwrap();
}

/// A reservation of just this payload for each; where one has none, none is recorded.
pub async fn need_what_each_rests_on<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 3).await;
    let mut attestations: Vec<AttestationRecord> =
        paid.iter().map(|paid| paid.attestation.clone()).collect();
    let elsewhere = &paid[1];
    let mut reissued = payload(&elsewhere.policy, &elsewhere.determination);
    reissued.issuedAt += 1;
    let reserved = reservation(0, &reissued);
    attestations[1] = attestation(&reserved, &elsewhere.policy, &elsewhere.determination);
    let (signed, members) = batch(&attestations);
    assert_fault(store.add_batch(&signed, &members).await, Fault::Conflict);
    attestations[1].ordinal = 2;
    let (signed, members) = batch(&attestations);
    let result = store.add_batch(&signed, &members).await;
    assert!(matches!(
        result.map_err(|error| Fault::of(&error)),
        Err(Fault::Missing | Fault::Conflict)
    ));
    assert_eq!(store.recent_attestations(9).await.unwrap(), []);
    assert_eq!(store.unattested(9).await.unwrap().len(), 3);
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
}
