//! Transaction nonces: unique and without gaps, or the sender's queue stands still.

use std::sync::Arc;

use tocsin_domain::ids::AttestationId;
use tokio::task::JoinSet;

use crate::Store;
use crate::conformance::sample::{
    CHAIN, LATE, address, at, delivery, hash, store_paid, store_reserved,
};
use crate::conformance::{Fault, assert_fault};
use crate::delivery::{DeliveryState, NewDelivery};

/// Of the chain's count and the store's the greater, by chain and sender.
pub async fn are_taken_from_the_greater_count<S: Store + 'static>(store: Arc<S>) {
    let reserved = store_reserved(&*store, 8).await;
    for (n, paid) in reserved.iter().enumerate() {
        let chain_id = if n == 7 { CHAIN + 1 } else { CHAIN };
        let call = NewDelivery {
            chain_id,
            ..delivery(&paid.attestation)
        };
        store
            .add_attestation(&paid.attestation, &[call])
            .await
            .unwrap();
    }
    let take = async |n: usize, sender: &str, chain_nonce| {
        store
            .take_nonce(reserved[n].attestation.id, address(sender), chain_nonce)
            .await
            .unwrap()
    };
    assert_eq!(take(0, "sender", 5).await, 5);
    // A node that lags behind does not take us back.
    assert_eq!(take(1, "sender", 0).await, 6);
    assert_eq!(take(2, "sender", 7).await, 7);
    // Somebody else has used the account.
    assert_eq!(take(3, "sender", 20).await, 20);
    assert_eq!(take(4, "sender", 20).await, 21);
    assert_eq!(take(5, "another sender", 2).await, 2);
    assert_eq!(take(7, "sender", 1).await, 1);
    // A nonce that was given up was used by a transaction that did nothing.
    store
        .put_back(reserved[4].attestation.id, "reverted", at(1), true)
        .await
        .unwrap();
    assert_eq!(take(6, "sender", 0).await, 22);
    assert_eq!(take(4, "sender", 22).await, 23);
}

/// Asked again, it says the same; nobody else can send what is being sent.
pub async fn stay_with_their_delivery<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let (id, next) = (paid[0].attestation.id, paid[1].attestation.id);
    assert_eq!(store.take_nonce(id, address("sender"), 3).await.unwrap(), 3);
    assert_eq!(store.take_nonce(id, address("sender"), 9).await.unwrap(), 3);
    assert_fault(
        store.take_nonce(id, address("another sender"), 0).await,
        Fault::Refused,
    );
    let sending = DeliveryState::Sending {
        sender: address("sender"),
        nonce: 3,
        attempts: vec![],
    };
    assert_eq!(store.delivery(id).await.unwrap().unwrap().state, sending);
    assert_eq!(
        store.take_nonce(next, address("sender"), 0).await.unwrap(),
        4
    );
}

/// Many deliveries at once, each asked for by several callers.
pub async fn have_no_gaps_under_concurrency<S: Store + 'static>(store: Arc<S>) {
    let ids: Vec<AttestationId> = store_paid(&*store, 32)
        .await
        .into_iter()
        .map(|paid| paid.attestation.id)
        .collect();
    let start = Arc::new(tokio::sync::Barrier::new(ids.len() * 3));
    let mut callers = JoinSet::new();
    for id in ids.iter().cycle().take(ids.len() * 3).copied() {
        let (store, start) = (Arc::clone(&store), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            (
                id,
                store.take_nonce(id, address("sender"), 7).await.unwrap(),
            )
        });
    }
    let mut taken = callers.join_all().await;
    taken.sort_unstable();
    taken.dedup();
    // One nonce per delivery, whoever asked.
    assert_eq!(taken.len(), ids.len());
    let mut nonces: Vec<u64> = taken.into_iter().map(|(_, nonce)| nonce).collect();
    nonces.sort_unstable();
    assert_eq!(nonces, (7..7 + 32).collect::<Vec<u64>>());
    let listed = store
        .unfinished(CHAIN, LATE, 99)
        .await
        .unwrap()
        .into_iter()
        .map(|delivery| {
            let DeliveryState::Sending { nonce, .. } = delivery.state else {
                panic!("{delivery:?}")
            };
            nonce
        });
    assert!(listed.eq(7..7 + 32));
    assert_eq!(
        store
            .delivery(AttestationId(hash("nothing")))
            .await
            .unwrap(),
        None
    );
}
