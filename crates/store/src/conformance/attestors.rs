//! The life of attestors' keys: moved by who has read it, noticed once, counted by what is recorded.

use std::sync::Arc;

use serde_json::{Value, json};
use tocsin_auth::{LifeCycle, UnixTime};
use tocsin_domain::attestation::EpochNotice;
use tocsin_domain::time::Seconds;

use crate::Store;
use crate::attestor::{AttestorChange, EpochMove, NewNotice, Place, PlaceUse, SignerFailures};
use crate::conformance::sample::{address, at, batch, domain, hash, store_paid, store_reserved};
use crate::conformance::{Fault, assert_fault};
use crate::log::Appending;

const END: UnixTime = UnixTime(1_000);

fn change(moves: Vec<EpochMove>, notices: Vec<NewNotice>) -> AttestorChange {
    AttestorChange {
        domain_separator: hash("here"),
        at: at(7),
        moves,
        notices,
        failures: Vec::new(),
    }
}

fn moved(from: Option<LifeCycle>, to: LifeCycle) -> EpochMove {
    EpochMove {
        epoch: 3,
        signers: vec![address("one"), address("another")],
        from,
        to,
    }
}

fn notice(notice: EpochNotice) -> NewNotice {
    NewNotice {
        epoch: 3,
        notice,
        detail: json!({"sign_until": "900"}),
    }
}

/// Everything that the log says of attestors, as kind, subject, epoch and body.
async fn said<S: Store>(store: &S) -> Vec<(String, String, u64, Value)> {
    let appending = Appending {
        now: at(9),
        limit: 100,
        coverage_every: Seconds(300),
        slack: &[],
    };
    store.append(&appending).await.unwrap();
    let leaves = store.leaves(0, 100).await.unwrap();
    let of_them = leaves
        .into_iter()
        .filter(|leaf| leaf.kind.starts_with("attestor."));
    let said = of_them.map(|leaf| {
        let entry: Value = serde_json::from_str(&leaf.entry).unwrap();
        (leaf.kind, leaf.subject, leaf.ordinal, entry["body"].clone())
    });
    said.collect()
}

/// By who has read where it was; each signer has a leaf of it.
pub async fn move_from_where_they_are<S: Store + 'static>(store: Arc<S>) {
    let here = hash("here");
    let pending = LifeCycle::pending(END);
    let active = pending.activate(UnixTime(5)).unwrap();
    let retiring = active.retire(UnixTime(6), 20).unwrap();
    assert!(store.epoch_lives(here).await.unwrap().is_empty());
    for (from, to) in [
        (None, pending),
        (Some(pending), active),
        (Some(active), retiring),
        (Some(retiring), retiring.roll_back(UnixTime(8)).unwrap()),
    ] {
        let step = change(vec![moved(from, to)], Vec::new());
        store.change_attestors(&step).await.unwrap();
        assert_eq!(store.epoch_lives(here).await.unwrap(), [(3, to)].into());
        assert!(store.epoch_lives(hash("there")).await.unwrap().is_empty());
    }
    let stale = change(
        vec![moved(Some(active), active.revoke(UnixTime(9)))],
        vec![notice(EpochNotice::Ending)],
    );
    assert_fault(store.change_attestors(&stale).await, Fault::Stale);
    assert!(store.epoch_notices(here).await.unwrap().is_empty());

    let said = said(&*store).await;
    assert_eq!(said.len(), 8);
    let retired: Vec<_> = said
        .iter()
        .filter(|(.., body)| body["state"] == "retiring")
        .collect();
    let subjects: Vec<_> = retired
        .iter()
        .map(|(_, subject, ..)| subject.clone())
        .collect();
    assert_eq!(
        subjects,
        [address("one"), address("another")].map(|who| format!("{who:#x}"))
    );
    let (kind, _, epoch, body) = retired[0];
    assert_eq!((kind.as_str(), *epoch), ("attestor.state", 3));
    assert_eq!(
        *body,
        json!({"domain_separator": here, "was": "active", "state": "retiring", "since": 6, "until": 26, "expires_at": 1_000})
    );
}

/// However often they are given, and by whom.
pub async fn are_noticed_once<S: Store + 'static>(store: Arc<S>) {
    use EpochNotice::{Ending, Unsucceeded};
    let first = change(Vec::new(), vec![notice(Ending)]);
    let given = store.change_attestors(&first).await.unwrap();
    assert_eq!(given, [(3, Ending)]);
    let both = change(Vec::new(), vec![notice(Ending), notice(Unsucceeded)]);
    let (one, two) = tokio::join!(store.change_attestors(&both), store.change_attestors(&both));
    assert_eq!([one.unwrap(), two.unwrap()].concat(), [(3, Unsucceeded)]);
    let elsewhere = AttestorChange {
        domain_separator: hash("there"),
        ..first
    };
    assert_eq!(
        store.change_attestors(&elsewhere).await.unwrap(),
        [(3, Ending)]
    );
    let known = store.epoch_notices(hash("here")).await.unwrap();
    assert_eq!(
        known,
        [((3, Ending), at(7)), ((3, Unsucceeded), at(7))].into()
    );

    let said = said(&*store).await;
    let kinds: Vec<_> = said.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["attestor.ending", "attestor.unsucceeded", "attestor.ending"]
    );
    assert_eq!(said[0].1, hash("here").to_string());
    assert_eq!(said[0].3, json!({"sign_until": "900"}));
}

/// What could not be signed adds up.
pub async fn are_counted_where_they_fail<S: Store + 'static>(store: Arc<S>) {
    let here = hash("here");
    assert!(store.signer_failures(here).await.unwrap().is_empty());
    for times in [1, 4] {
        let failed = AttestorChange {
            failures: vec![(address("one"), times)],
            ..change(Vec::new(), Vec::new())
        };
        store.change_attestors(&failed).await.unwrap();
    }
    let failures = SignerFailures {
        count: 5,
        last_at: at(7),
    };
    let expected = [(address("one"), failures)].into();
    assert_eq!(store.signer_failures(here).await.unwrap(), expected);
    assert!(
        store
            .signer_failures(hash("there"))
            .await
            .unwrap()
            .is_empty()
    );
}

/// Of a statement that is recorded alone each signer has one; of a batch, too, for many claims.
pub async fn are_counted_by_what_they_sign<S: Store + 'static>(store: Arc<S>) {
    let here = domain(0).domain_separator();
    assert!(store.attestor_uses(here).await.unwrap().is_empty());
    let paid = store_paid(&*store, 3).await;
    let epoch = 1;
    let one = |signatures, claims| PlaceUse {
        signatures,
        claims,
        last_signed_at: Some(paid[0].attestation.attested_at),
    };
    // The samples' bitmap has the lowest three bits of each byte.
    let uses = store.attestor_uses(here).await.unwrap();
    assert_eq!(uses.get(&Place { epoch, index: 2 }), Some(&one(3, 3)));
    assert_eq!(uses.get(&Place { epoch, index: 3 }), None);
    // The same again is the same.
    store
        .add_attestation(&paid[0].attestation, &[])
        .await
        .unwrap();
    assert_eq!(store.attestor_uses(here).await.unwrap(), uses);
    assert!(store.attestor_uses(hash("there")).await.unwrap().is_empty());
}

/// A batch is one signature of each, for many claims.
pub async fn are_counted_by_batch<S: Store + 'static>(store: Arc<S>) {
    let reserved = store_reserved(&*store, 4).await;
    let records: Vec<_> = reserved
        .iter()
        .map(|paid| paid.attestation.clone())
        .collect();
    let (record, members) = batch(&records);
    for _ in 0..2 {
        store.add_batch(&record, &members).await.unwrap();
    }
    let uses = store.attestor_uses(record.domain_separator).await.unwrap();
    let place = Place { epoch: 1, index: 3 };
    let used = PlaceUse {
        signatures: 1,
        claims: 4,
        last_signed_at: Some(record.attested_at),
    };
    assert_eq!(uses.get(&place), Some(&used));
    assert_eq!(uses.get(&Place { index: 1, ..place }), None);
}
