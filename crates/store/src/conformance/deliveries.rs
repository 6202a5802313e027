//! The outbox: legal moves only, each durable.

use std::sync::Arc;

use tocsin_domain::ids::AttestationId;
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::conformance::sample::{
    CHAIN, LATE, address, at, attempt, delivery, hash, store_paid, store_reserved,
};
use crate::conformance::{Fault, assert_fault};
use crate::delivery::{Attempt, Charge, Charged, Delivery, DeliveryState, NewDelivery};

async fn read<S: Store>(store: &S, id: AttestationId) -> Delivery {
    store.delivery(id).await.unwrap().unwrap()
}

/// Every move that needs a delivery which is still under way is refused, and leaves it as it is.
async fn assert_ended<S: Store>(store: &S, id: AttestationId) {
    let before = read(store, id).await;
    assert_fault(
        store.take_nonce(id, address("sender"), 0).await,
        Fault::Refused,
    );
    assert_fault(store.add_attempt(id, &attempt(77)).await, Fault::Refused);
    assert_fault(
        store.put_back(id, "again", at(9), false).await,
        Fault::Refused,
    );
    assert_fault(
        store.put_back(id, "again", at(9), true).await,
        Fault::Refused,
    );
    assert_fault(store.give_up(id, "enough").await, Fault::Refused);
    assert_eq!(read(store, id).await, before);
}

/// With its attestation, and ready at once.
pub async fn begin_queued<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 1).await.remove(0);
    let expected = Delivery {
        attestation: paid.attestation.id,
        claim_key: paid.attestation.claim_key,
        chain_id: CHAIN,
        consumer: address("consumer"),
        calldata: paid.attestation.payload.clone(),
        state: DeliveryState::Queued,
        not_before: paid.attestation.attested_at,
        last_error: None,
        failures: 0,
        superseded: false,
    };
    assert_eq!(
        store.delivery(paid.attestation.id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(store.unfinished(CHAIN, LATE, 1).await.unwrap(), [expected]);
}

/// Signed transactions are kept in the order in which they were signed, each once, and only for a nonce that is held.
pub async fn collect_attempts_in_order<S: Store + 'static>(store: Arc<S>) {
    let id = store_paid(&*store, 1).await.remove(0).attestation.id;
    assert_fault(store.add_attempt(id, &attempt(1)).await, Fault::Refused);
    store.take_nonce(id, address("sender"), 3).await.unwrap();
    let attempts = [attempt(5), attempt(1), attempt(3)];
    for attempt in &attempts {
        store.add_attempt(id, attempt).await.unwrap();
    }
    store.add_attempt(id, &attempts[0]).await.unwrap();
    let changed = Attempt {
        gas_limit: 1,
        ..attempts[1].clone()
    };
    assert_fault(store.add_attempt(id, &changed).await, Fault::Conflict);
    let sending = DeliveryState::Sending {
        sender: address("sender"),
        nonce: 3,
        attempts: attempts.to_vec(),
    };
    assert_eq!(read(&*store, id).await.state, sending);
    assert_eq!(
        store.unfinished(CHAIN, LATE, 1).await.unwrap()[0].state,
        sending
    );
}

/// With or without its nonce; a nonce that was given up takes its transactions along.
pub async fn are_put_back<S: Store + 'static>(store: Arc<S>) {
    let id = store_paid(&*store, 1).await.remove(0).attestation.id;
    let sender = address("sender");
    store
        .put_back(id, "no connection", at(50), false)
        .await
        .unwrap();
    assert_fault(
        store.put_back(id, "nothing to give up", at(60), true).await,
        Fault::Refused,
    );
    let waiting = read(&*store, id).await;
    assert_eq!(waiting.state, DeliveryState::Queued);
    assert_eq!((waiting.not_before, waiting.failures), (at(50), 1));
    assert_eq!(waiting.last_error.as_deref(), Some("no connection"));

    assert_eq!(store.take_nonce(id, sender, 4).await.unwrap(), 4);
    store.add_attempt(id, &attempt(1)).await.unwrap();
    store
        .put_back(id, "dropped\0by the node", at(70), false)
        .await
        .unwrap();
    let sending = read(&*store, id).await;
    let held = DeliveryState::Sending {
        sender,
        nonce: 4,
        attempts: vec![attempt(1)],
    };
    assert_eq!(
        (sending.state, sending.not_before, sending.failures),
        (held, at(70), 2)
    );
    assert!(sending.last_error.unwrap().contains("by the node"));

    store.put_back(id, "reverted", at(40), true).await.unwrap();
    let queued = read(&*store, id).await;
    assert_eq!(
        (queued.state, queued.not_before, queued.failures),
        (DeliveryState::Queued, at(40), 3)
    );
    assert_eq!(store.take_nonce(id, sender, 4).await.unwrap(), 5);
    let fresh = DeliveryState::Sending {
        sender,
        nonce: 5,
        attempts: vec![],
    };
    assert_eq!(read(&*store, id).await.state, fresh);
    store.add_attempt(id, &attempt(2)).await.unwrap();
    let renewed = DeliveryState::Sending {
        sender,
        nonce: 5,
        attempts: vec![attempt(2)],
    };
    assert_eq!(read(&*store, id).await.state, renewed);
}

/// From whatever state, since the chain has the last word; and in one way only.
pub async fn finish_once<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 3).await;
    let [queued, sending, failed] = [0, 1, 2].map(|n: usize| paid[n].attestation.id);
    store
        .take_nonce(sending, address("sender"), 0)
        .await
        .unwrap();
    store.add_attempt(sending, &attempt(1)).await.unwrap();
    store.give_up(failed, "too often").await.unwrap();
    for id in [queued, sending, failed] {
        store.finish(id, hash("transaction"), 12).await.unwrap();
        store.finish(id, hash("transaction"), 12).await.unwrap();
        assert_fault(
            store.finish(id, hash("transaction"), 13).await,
            Fault::Conflict,
        );
        assert_fault(store.finish(id, hash("another"), 12).await, Fault::Conflict);
        let done = DeliveryState::Done {
            transaction: hash("transaction"),
            block: 12,
        };
        assert_eq!(read(&*store, id).await.state, done);
        assert_ended(&*store, id).await;
    }
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
}

/// Queued or being sent; after that a person has to look.
pub async fn are_given_up<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let [queued, sending] = [0, 1].map(|n: usize| paid[n].attestation.id);
    store
        .take_nonce(sending, address("sender"), 0)
        .await
        .unwrap();
    for id in [queued, sending] {
        store.give_up(id, "the consumer refuses").await.unwrap();
        let failed = read(&*store, id).await;
        assert_eq!(failed.state, DeliveryState::Failed);
        assert_eq!(failed.last_error.as_deref(), Some("the consumer refuses"));
        assert_ended(&*store, id).await;
    }
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
}

/// Those that hold a nonce by nonce, then the queue as it was filled, of one chain, and no more than asked for.
pub async fn are_listed_in_order<S: Store + 'static>(store: Arc<S>) {
    let reserved = store_reserved(&*store, 7).await;
    for (n, paid) in reserved.iter().enumerate() {
        let chain_id = if n == 6 { CHAIN + 1 } else { CHAIN };
        let call = NewDelivery {
            chain_id,
            ..delivery(&paid.attestation)
        };
        store
            .add_attestation(&paid.attestation, &[call])
            .await
            .unwrap();
    }
    let ids: Vec<AttestationId> = reserved.iter().map(|paid| paid.attestation.id).collect();
    store
        .take_nonce(ids[4], address("sender"), 8)
        .await
        .unwrap();
    store
        .take_nonce(ids[2], address("sender"), 8)
        .await
        .unwrap();
    store
        .take_nonce(ids[5], address("another sender"), 2)
        .await
        .unwrap();
    store.finish(ids[1], hash("transaction"), 1).await.unwrap();
    // Putting back does not change the place in the queue.
    store
        .put_back(ids[0], "later", at(1_000_000), false)
        .await
        .unwrap();

    let listed = async |chain, limit| {
        let found = store.unfinished(chain, LATE, limit).await.unwrap();
        found
            .into_iter()
            .map(|delivery| delivery.attestation)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        listed(CHAIN, 9).await,
        [ids[5], ids[4], ids[2], ids[0], ids[3]]
    );
    assert_eq!(listed(CHAIN, 4).await, [ids[5], ids[4], ids[2], ids[0]]);
    assert_eq!(listed(CHAIN, 2).await, [ids[5], ids[4]]);
    assert_eq!(listed(CHAIN, 0).await, []);
    assert_eq!(listed(CHAIN + 1, 9).await, [ids[6]]);
    assert_eq!(listed(CHAIN + 2, 9).await, []);
}

/// Not before the instant that it is queued for.
pub async fn that_are_for_later_wait<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 1).await.remove(0);
    let later = Timestamp(paid.attestation.attested_at.0 + 60);
    let call = NewDelivery {
        not_before: Some(later),
        ..delivery(&paid.attestation)
    };
    store
        .add_attestation(&paid.attestation, &[call])
        .await
        .unwrap();
    let too_early = Timestamp(later.0 - 1);
    assert_eq!(store.unfinished(CHAIN, too_early, 1).await.unwrap(), []);
    let due = store.unfinished(CHAIN, later, 1).await.unwrap();
    assert_eq!(due[0].not_before, later);
}

/// What backs off is not to be seen before its time, and takes no room from what can be done.
pub async fn that_back_off_are_not_listed<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 4).await;
    let ids = [0, 1, 2, 3].map(|n: usize| paid[n].attestation.id);
    let sender = address("sender");
    store.take_nonce(ids[0], sender, 1).await.unwrap();
    store.take_nonce(ids[1], sender, 1).await.unwrap();
    let time = at(1_000_000);
    store.put_back(ids[0], "later", time, false).await.unwrap();
    store.put_back(ids[2], "later", time, false).await.unwrap();
    let listed = async |now, limit| {
        let found = store.unfinished(CHAIN, now, limit).await.unwrap();
        found
            .into_iter()
            .map(|delivery| delivery.attestation)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(at(999_999), 2).await, [ids[1], ids[3]]);
    assert_eq!(listed(time, 4).await, [ids[0], ids[1], ids[2], ids[3]]);
    // Nor is anything that is queued from later on.
    assert_eq!(listed(at(0), 4).await, []);
}

/// What mined transactions cost is written down once, also of a nonce that was given up and of a delivery that has ended.
pub async fn write_down_what_was_paid<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let [id, other] = [0, 1].map(|n: usize| paid[n].attestation.id);
    let sender = address("sender");
    let charge = |block, gas_price| Charge {
        block,
        succeeded: block > 8,
        gas_used: 21_000,
        gas_price,
    };
    store.take_nonce(id, sender, 3).await.unwrap();
    for n in [1, 2] {
        store.add_attempt(id, &attempt(n)).await.unwrap();
    }
    assert_eq!(store.charges(id).await.unwrap(), []);
    let reverted = charge(7, u128::MAX);
    let write = async |id, n, charge: Charge| store.charge(id, attempt(n).hash, &charge).await;
    assert!(write(id, 2, reverted).await.unwrap());
    assert!(!write(id, 2, reverted).await.unwrap());
    assert_fault(write(id, 2, charge(8, 5)).await, Fault::Conflict);
    assert_fault(write(other, 2, reverted).await, Fault::Missing);
    assert_fault(write(id, 9, reverted).await, Fault::Missing);

    store.put_back(id, "reverted", at(40), true).await.unwrap();
    assert_eq!(store.take_nonce(id, sender, 4).await.unwrap(), 4);
    store.add_attempt(id, &attempt(3)).await.unwrap();
    store.finish(id, attempt(3).hash, 9).await.unwrap();
    let paid = charge(9, 5);
    assert!(write(id, 3, paid).await.unwrap());
    let charged = |n, nonce, charge| Charged {
        hash: attempt(n).hash,
        sender,
        nonce,
        charge,
    };
    let expected = [charged(2, 3, reverted), charged(3, 4, paid)];
    assert_eq!(store.charges(id).await.unwrap(), expected);
    assert_eq!(store.charges(other).await.unwrap(), []);
    assert_eq!(paid.wei().to_string(), "105000");
}

/// No move creates a delivery.
pub async fn that_are_unknown_are_missing<S: Store + 'static>(store: Arc<S>) {
    let id = AttestationId(hash("nothing"));
    assert_fault(
        store.take_nonce(id, address("sender"), 0).await,
        Fault::Missing,
    );
    assert_fault(store.add_attempt(id, &attempt(1)).await, Fault::Missing);
    assert_fault(store.put_back(id, "", at(1), false).await, Fault::Missing);
    assert_fault(
        store.finish(id, hash("transaction"), 1).await,
        Fault::Missing,
    );
    assert_fault(store.give_up(id, "").await, Fault::Missing);
    assert_eq!(store.delivery(id).await.unwrap(), None);
}
