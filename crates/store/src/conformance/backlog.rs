//! What waits is counted where it waits, and dated by the oldest of it.

use std::sync::Arc;

use crate::Store;
use crate::backlog::{Backlog, Waiting};
use crate::conformance::sample::{
    claim, determination, policy, refused_claim, store_paid, store_risk,
};
use crate::step::Step;

fn waiting(count: u64, oldest: tocsin_domain::time::Timestamp) -> Waiting {
    Waiting {
        count,
        oldest: Some(oldest),
    }
}

/// From a determination over its claims to what is delivered.
pub async fn moves_from_stage_to_stage<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());

    let risk = store_risk(&*store).await.risk;
    let policies = [policy(&risk, 11), policy(&risk, 12), policy(&risk, 13)];
    store.add_policies(&policies).await.unwrap();
    let (late, early) = (determination(&risk, 1, 500), determination(&risk, 2, 400));
    let determinations = vec![late.clone(), early.clone()];
    let step = Step {
        determinations,
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let expected = Backlog {
        determinations: waiting(2, early.confirmed_at),
        ..Backlog::default()
    };
    assert_eq!(store.backlog().await.unwrap(), expected);

    let decided = [
        claim(&policies[0], &late),
        claim(&policies[1], &late),
        refused_claim(&policies[2], &late),
    ];
    store.add_claims(&decided).await.unwrap();
    let expected = Backlog {
        determinations: waiting(1, early.confirmed_at),
        claims: waiting(2, late.confirmed_at),
        ..Backlog::default()
    };
    assert_eq!(store.backlog().await.unwrap(), expected);
}

/// An attestation waits until its delivery has ended.
pub async fn holds_what_is_not_delivered<S: Store + 'static>(store: Arc<S>) {
    let paid = store_paid(&*store, 2).await;
    let made = paid[0]
        .attestation
        .attested_at
        .min(paid[1].attestation.attested_at);
    assert_eq!(store.backlog().await.unwrap().deliveries, waiting(2, made));

    let (first, second) = (paid[0].attestation.id, paid[1].attestation.id);
    store.give_up(first, "enough").await.unwrap();
    let deliveries = store.backlog().await.unwrap().deliveries;
    assert_eq!(deliveries, waiting(1, paid[1].attestation.attested_at));
    store.give_up(second, "enough").await.unwrap();
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
}
