//! Holds and revocations: what the verifier says, and what follows.

use std::sync::Arc;

use tocsin_domain::attestation::ClaimAttestation;

use crate::Store;
use crate::attestation::Reserved;
use crate::conformance::sample::{
    CHAIN, LATE, Paid, at, attestation, hash, reservation, store_paid, store_reserved,
};
use crate::conformance::{Fault, assert_fault};
use crate::revocation::{ClaimNews, NewWithdrawal, Standing, Withdrawal};

fn news(paid: &Paid, min_revision: u32) -> ClaimNews {
    ClaimNews {
        claim_key: paid.reservation.claim_key,
        consumed: false,
        hold: None,
        min_revision,
    }
}

/// The last word counts, revocations only rise, and the search goes on where it was.
pub async fn follow_the_verifier<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let domain = paid[0].reservation.domain_separator;
    assert_eq!(store.standing_cursor(domain).await.unwrap(), None);
    let held = ClaimNews {
        hold: Some(2),
        ..news(&paid[0], 0)
    };
    let both = [held, news(&paid[1], 3)];
    store.put_standings(domain, Some(70), &both).await.unwrap();
    assert_eq!(store.standing_cursor(domain).await.unwrap(), Some(70));
    store.put_standings(domain, Some(60), &[]).await.unwrap();
    assert_eq!(store.standing_cursor(domain).await.unwrap(), Some(70));
    let stands = |news: ClaimNews| Standing {
        news,
        corrected: None,
    };
    assert_eq!(
        store.claim_standing(domain, held.claim_key).await.unwrap(),
        Some(stands(held))
    );
    assert_eq!(
        store
            .claim_standing(hash("other"), held.claim_key)
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.stopped(domain).await.unwrap().len(), 2);
    assert_fault(
        store
            .put_standings(domain, Some(80), &[news(&paid[0], 0), news(&paid[1], 2)])
            .await,
        Fault::Conflict,
    );
    assert_eq!(store.standing_cursor(domain).await.unwrap(), Some(70));
    store
        .put_standings(domain, None, &[news(&paid[0], 0)])
        .await
        .unwrap();
    assert_eq!(
        store.stopped(domain).await.unwrap(),
        [stands(news(&paid[1], 3))]
    );
}

/// Nothing that is revoked is said again, delivered, or renewed; a corrected statement is, once a person has allowed it.
pub async fn make_room_for_a_correction<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 1).await.remove(0);
    let (domain, key) = (
        paid.reservation.domain_separator,
        paid.reservation.claim_key,
    );
    let said = ClaimAttestation::from_bytes(&paid.reservation.payload).unwrap();
    let (policy, ordinal) = (paid.policy.id, paid.determination.ordinal);
    let refused = store.allow_correction(domain, key, policy, ordinal).await;
    assert_fault(refused, Fault::Refused);
    store
        .put_standings(domain, None, &[news(&paid, 1)])
        .await
        .unwrap();
    assert_eq!(store.unfinished(CHAIN, LATE, 9).await.unwrap(), []);
    assert_eq!(store.unattested(9).await.unwrap(), []);
    let revoked = Reserved::Revoked { min_revision: 1 };
    assert_eq!(store.reserve(&paid.reservation).await.unwrap(), revoked);
    let again = [paid.reservation.clone()];
    assert_eq!(store.restate_all(&again).await.unwrap(), [revoked]);

    let correct = |fraction: u64, revision: u32| {
        let payload = ClaimAttestation {
            payoutFraction: fraction,
            revision,
            supersedes: paid.attestation.id.0,
            ..said.clone()
        };
        reservation(0, &payload)
    };
    store
        .allow_correction(domain, key, policy, ordinal)
        .await
        .unwrap();
    let standing = store.claim_standing(domain, key).await.unwrap().unwrap();
    assert_eq!(standing.revision(), Some(1));
    let waiting = store.unattested(9).await.unwrap();
    assert_eq!(waiting, core::slice::from_ref(&paid.claim));
    let corrected = correct(5, 1);
    assert_eq!(store.reserve(&corrected).await.unwrap(), Reserved::New);
    assert_eq!(
        store.reserve(&correct(5, 1)).await.unwrap(),
        Reserved::Identical(corrected.clone())
    );
    // From here on it is this content, in whatever revision.
    for other in [correct(6, 1), correct(6, 2)] {
        let answer = store.reserve(&other).await.unwrap();
        assert_eq!(answer, Reserved::Conflict(corrected.clone()));
    }
    let record = attestation(&corrected, &paid.policy, &paid.determination);
    store.add_attestation(&record, &[]).await.unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), []);

    // A correction is revoked as the first statement was.
    store
        .put_standings(domain, None, &[news(&paid, 2)])
        .await
        .unwrap();
    let standing = store.claim_standing(domain, key).await.unwrap().unwrap();
    assert_eq!(standing.revision(), None);
    assert_eq!(
        store.reserve(&corrected).await.unwrap(),
        Reserved::Revoked { min_revision: 2 }
    );
}

/// A key that was revoked before anything was said of it.
pub async fn stop_what_was_not_said_yet<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 1).await.remove(0);
    let domain = paid.reservation.domain_separator;
    store
        .put_standings(domain, None, &[news(&paid, 1)])
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap().len(), 1);
    assert_eq!(
        store.reserve(&paid.reservation).await.unwrap(),
        Reserved::Revoked { min_revision: 1 }
    );
    store
        .bar(paid.policy.id, paid.determination.ordinal)
        .await
        .unwrap();
    assert_eq!(store.unattested(9).await.unwrap(), []);
}

/// One reason for one revision of a claim, whatever its times; releases have none.
pub async fn are_journaled_before_they_are_signed<S: Store + 'static>(store: Arc<S>) {
    let paid = store_reserved(&*store, 1).await.remove(0);
    let withdrawal = |id: &str, says| NewWithdrawal {
        domain_separator: paid.reservation.domain_separator,
        claim_key: paid.reservation.claim_key,
        id: hash(id),
        says,
        said_at: at(9),
    };
    let revocation = |id: &str, min_revision, reason: &str| {
        let reason = reason.to_owned();
        withdrawal(
            id,
            Withdrawal::Revocation {
                min_revision,
                reason,
            },
        )
    };
    for said in [
        revocation("first", 1, "the feed was wrong"),
        revocation("first", 1, "the feed was wrong"),
        revocation("the same later", 1, "the feed was wrong"),
        revocation("the next", 2, "the correction was wrong"),
        withdrawal("a release", Withdrawal::Release { hold: 1 }),
        withdrawal("again", Withdrawal::Release { hold: 1 }),
    ] {
        store.withdraw(&said).await.unwrap();
    }
    let other = revocation("another", 1, "just so");
    assert_fault(store.withdraw(&other).await, Fault::Conflict);
}
