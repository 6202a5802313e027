//! Epochs: announced once, revoked once.

use std::sync::Arc;

use tocsin_domain::attestation::{Epoch, SignerSet};

use crate::Store;
use crate::conformance::sample::{address, hash};
use crate::conformance::{Fault, assert_fault};
use crate::epoch::EpochOrigin::{Announced, Configured};

fn signers(number: u32, name: &str) -> SignerSet {
    SignerSet::new(number, 1, vec![address(name)]).unwrap()
}

fn announced(number: u32) -> Epoch {
    Epoch {
        active_from: 5,
        sign_until: u64::MAX - 1,
        accept_until: u64::MAX,
        ..Epoch::unbounded(signers(number, "attestor"))
    }
}

/// What the verifier announced replaces what was configured of the same signers, and stays.
pub async fn are_announced_once<S: Store + 'static>(store: Arc<S>) {
    let (here, there) = (hash("here"), hash("there"));
    assert_eq!(store.epochs(here).await.unwrap(), []);
    let configured = Epoch::unbounded(signers(2, "attestor"));
    for _ in 0..2 {
        let one = [configured.clone()];
        store.put_epochs(here, Configured, &one).await.unwrap();
    }
    assert_eq!(
        store.epoch(here, 2).await.unwrap(),
        Some(configured.clone())
    );
    let both = [announced(1), announced(2)];
    for _ in 0..2 {
        store.put_epochs(here, Announced, &both).await.unwrap();
        // What is configured knows no times.
        let one = [configured.clone()];
        store.put_epochs(here, Configured, &one).await.unwrap();
    }
    assert_eq!(store.epochs(here).await.unwrap(), both);
    assert_eq!(store.epoch(here, 3).await.unwrap(), None);
    assert_eq!(store.epochs(there).await.unwrap(), []);
    store
        .put_epochs(there, Announced, &both[..1])
        .await
        .unwrap();
    assert_eq!(store.epochs(there).await.unwrap(), both[..1]);
}

/// Other signers, other times: nothing of the whole is recorded.
pub async fn do_not_change<S: Store + 'static>(store: Arc<S>) {
    let here = hash("here");
    store
        .put_epochs(here, Announced, &[announced(1)])
        .await
        .unwrap();
    let other_signers = Epoch {
        signers: signers(1, "somebody else"),
        ..announced(1)
    };
    let other_times = Epoch {
        sign_until: 9,
        ..announced(1)
    };
    for (origin, wrong) in [
        (Configured, other_signers.clone()),
        (Announced, other_signers),
        (Announced, other_times),
    ] {
        let both = [announced(2), wrong];
        assert_fault(store.put_epochs(here, origin, &both).await, Fault::Conflict);
    }
    assert_eq!(store.epochs(here).await.unwrap(), [announced(1)]);
}

/// A revocation is for good.
pub async fn are_revoked_once<S: Store + 'static>(store: Arc<S>) {
    let here = hash("here");
    let revoked = Epoch {
        revoked: true,
        ..announced(1)
    };
    store
        .put_epochs(here, Announced, &[announced(1), announced(2)])
        .await
        .unwrap();
    for _ in 0..2 {
        let one = [revoked.clone()];
        store.put_epochs(here, Announced, &one).await.unwrap();
    }
    assert_fault(
        store.put_epochs(here, Announced, &[announced(1)]).await,
        Fault::Conflict,
    );
    assert_eq!(
        store.epochs(here).await.unwrap(),
        [revoked.clone(), announced(2)]
    );

    // Where no verifier announces them, too; their ends may come to be known later than their beginnings.
    let there = hash("there");
    let configured = Epoch::unbounded(signers(1, "attestor"));
    for epoch in [configured, announced(1), revoked.clone()] {
        let put = store.put_epochs(there, Configured, std::slice::from_ref(&epoch));
        put.await.unwrap();
        assert_eq!(store.epochs(there).await.unwrap(), [epoch]);
    }
    assert_fault(
        store.put_epochs(there, Configured, &[announced(1)]).await,
        Fault::Conflict,
    );
    assert_eq!(store.epochs(there).await.unwrap(), [revoked]);
}
