//! Renewal: unpaid claims are said again, paid, held and revoked ones are not.

use std::sync::Arc;

use tocsin_domain::attestation::ClaimAttestation;

use crate::Store;
use crate::conformance::sample::{
    CHAIN, LATE, Paid, address, at, attempt, attestation, delivery, hash, reservation, store_paid,
};
use crate::conformance::{Fault, assert_fault};
use crate::delivery::DeliveryState;
use crate::renewal::{Cutoff, Unredeemed};
use crate::revocation::ClaimNews;

fn said(paid: &Paid) -> ClaimAttestation {
    ClaimAttestation::from_bytes(&paid.reservation.payload).unwrap()
}

/// Everything of the sample's epoch.
fn all(paid: &Paid) -> Cutoff {
    Cutoff {
        epoch: said(paid).signerEpoch,
        valid_until: u64::MAX,
    }
}

fn unredeemed(paid: &Paid) -> Unredeemed {
    Unredeemed {
        policy: paid.policy.id,
        ordinal: paid.determination.ordinal,
        claim_key: paid.reservation.claim_key,
        attestation: paid.attestation.id,
    }
}

/// It waits for attestation again, its delivery is over, and the next statement of it is recorded as the first was.
pub async fn makes_claims_wait_again<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 3).await;
    let domain = paid[0].reservation.domain_separator;
    let epoch = said(&paid[0]).signerEpoch;
    assert_eq!(store.unredeemed(domain).await.unwrap(), [(epoch, 3)]);
    assert_eq!(store.renewable(domain, &[], 9).await.unwrap(), []);
    let other_epoch = Cutoff {
        epoch: epoch + 1,
        ..all(&paid[0])
    };
    let earlier = Cutoff {
        valid_until: said(&paid[0]).validUntil - 1,
        ..all(&paid[0])
    };
    let cutoffs = [other_epoch, earlier];
    assert_eq!(store.renewable(domain, &cutoffs, 9).await.unwrap(), []);
    assert_eq!(
        store
            .renewable(hash("other"), &[all(&paid[0])], 9)
            .await
            .unwrap(),
        []
    );
    let due = [Cutoff {
        valid_until: said(&paid[0]).validUntil,
        ..all(&paid[0])
    }];
    let found = store.renewable(domain, &due, 9).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(store.renewable(domain, &due, 2).await.unwrap(), found[..2]);

    let one = unredeemed(&paid[1]);
    assert!(found.contains(&one));
    assert_eq!(store.renew(&[one]).await.unwrap(), 1);
    assert_eq!(store.renew(&[one]).await.unwrap(), 0);
    assert_eq!(store.unattested(9).await.unwrap(), [paid[1].claim.clone()]);
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap().len(), 2);
    assert_eq!(store.renewable(domain, &due, 9).await.unwrap().len(), 2);

    let first = said(&paid[1]);
    let next = reservation(
        0,
        &ClaimAttestation {
            signerEpoch: epoch + 1,
            ..first
        },
    );
    store
        .restate_all(core::slice::from_ref(&next))
        .await
        .unwrap();
    let record = attestation(&next, &paid[1].policy, &paid[1].determination);
    store
        .add_attestation(&record, &[delivery(&record)])
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), []);
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap().len(), 3);
    assert_eq!(
        store.unredeemed(domain).await.unwrap(),
        [(epoch, 2), (epoch + 1, 1)]
    );
    // Read before it was said again.
    assert_eq!(store.renew(&[one]).await.unwrap(), 0);
    assert_eq!(store.unattested(9).await.unwrap(), []);
}

/// A nonce that the old delivery holds is settled before the new one may take any, and then the old one is over.
pub async fn settles_the_nonce_of_the_old_delivery<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 1).await.remove(0);
    let old = paid.attestation.id;
    store.take_nonce(old, address("sender"), 3).await.unwrap();
    store.add_attempt(old, &attempt(1)).await.unwrap();
    assert_eq!(store.renew(&[unredeemed(&paid)]).await.unwrap(), 1);
    let first = said(&paid);
    let next = reservation(
        0,
        &ClaimAttestation {
            signerEpoch: first.signerEpoch + 1,
            ..first
        },
    );
    store
        .restate_all(core::slice::from_ref(&next))
        .await
        .unwrap();
    let record = attestation(&next, &paid.policy, &paid.determination);
    store
        .add_attestation(&record, &[delivery(&record)])
        .await
        .unwrap();
    let listed = async || {
        let found = store.unfinished(CHAIN, LATE, 9).await.unwrap();
        let found = found.into_iter();
        found
            .map(|delivery| delivery.attestation)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [old]);

    store.put_back(old, "reverted", at(40), true).await.unwrap();
    assert_eq!(listed().await, [record.id]);
    let over = store.delivery(old).await.unwrap().unwrap();
    assert_eq!(over.state, DeliveryState::Superseded);
    assert_fault(
        store.take_nonce(old, address("sender"), 4).await,
        Fault::Refused,
    );
    let nonce = store.take_nonce(record.id, address("sender"), 3).await;
    assert_eq!(nonce.unwrap(), 4);
}

/// A delivery that is done, a consumption that was seen, a hold: each keeps a claim from being said again.
pub async fn leaves_out_what_is_paid_or_held<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 3).await;
    let domain = paid[0].reservation.domain_separator;
    let due = [all(&paid[0])];
    store
        .finish(paid[0].attestation.id, hash("transaction"), 7)
        .await
        .unwrap();
    let news = |paid: &Paid, consumed, hold| ClaimNews {
        claim_key: paid.reservation.claim_key,
        consumed,
        hold,
        min_revision: 0,
    };
    let both = [news(&paid[1], true, None), news(&paid[2], false, Some(1))];
    store.put_standings(domain, None, &both).await.unwrap();
    assert_eq!(store.renewable(domain, &due, 9).await.unwrap(), []);
    for paid in &paid[..2] {
        assert_eq!(store.renew(&[unredeemed(paid)]).await.unwrap(), 0);
    }
    let released = [news(&paid[2], false, None)];
    store.put_standings(domain, None, &released).await.unwrap();
    let found = store.renewable(domain, &due, 9).await.unwrap();
    assert_eq!(found, [unredeemed(&paid[2])]);
}

/// One that is paid through an old statement after it was renewed is not said again.
pub async fn ends_with_the_payment<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 1).await.remove(0);
    store.renew(&[unredeemed(&paid)]).await.unwrap();
    assert_eq!(store.unattested(9).await.unwrap().len(), 1);
    store
        .finish(paid.attestation.id, hash("transaction"), 7)
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), []);
}
