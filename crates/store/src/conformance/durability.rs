//! What was written is there when the database is opened again.

use crate::Store;
use crate::attestation::{Reservations as _, Reserved};
use crate::conformance::Backend;
use crate::conformance::sample::{
    CHAIN, LATE, Paid, address, advance, at, attempt, cover, cursor, halt, hash, observation,
    source, store_paid, stream, warning,
};
use crate::coverage::{Coverages as _, Finding, Recheck};
use crate::delivery::Deliveries as _;
use crate::halt::Halts as _;
use crate::step::{RiskAdvance, Step, Steps as _};
use crate::unwind::{Mark, Unwinds as _};
use crate::warning::{WarningChange, Warnings as _};

/// One of everything is written; the database is closed and opened; everything reads as before, and work goes on.
pub async fn everything_is_there_after_reopening<B: Backend>() {
    let place = B::fresh().await;
    let store = place.open().await;
    let paid = store_paid(&store, 5).await;
    let risk = paid[0].determination.risk;
    let ids = [0, 1, 2, 3, 4].map(|n: usize| paid[n].attestation.id);
    let step = Step {
        sources: vec![advance(0, None, 12)],
        observations: (1..=9)
            .map(|n| observation(&stream(0, 0), 9, n, "0.97"))
            .collect(),
        risks: vec![RiskAdvance {
            risk,
            version: 0,
            state: vec![4, 2],
            evaluated_to: at(8),
        }],
        determinations: vec![],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let recheck = Recheck {
        source: source(0),
        first: 3,
        last: 9,
        endpoint: "https://three.example".to_owned(),
        finding: Finding::Same,
        at: at(13),
    };
    store.add_recheck(&recheck).await.unwrap();
    let the_risk = crate::conformance::sample::risk(&cover(0), 0, &[stream(0, 0)]).risk;
    let change = WarningChange {
        withdraw: vec![],
        raise: vec![warning(&the_risk, 2)],
        at: at(13),
    };
    store.change_warnings(&change).await.unwrap();
    let behind = Step {
        sources: vec![advance(1, None, 12)],
        ..Step::default()
    };
    store.commit(&behind).await.unwrap();
    store.halt(&[source(1)], &halt(1)).await.unwrap();
    let mark = Mark {
        cursor: cursor(7),
        watermark: at(7),
    };
    store.unwind(&[source(1)], Some(&mark)).await.unwrap();
    let sender = address("sender");
    store.take_nonce(ids[1], sender, 5).await.unwrap();
    store.add_attempt(ids[1], &attempt(1)).await.unwrap();
    store.add_attempt(ids[1], &attempt(2)).await.unwrap();
    store.take_nonce(ids[2], sender, 5).await.unwrap();
    store.finish(ids[2], hash("transaction"), 3).await.unwrap();
    store.give_up(ids[3], "why").await.unwrap();
    store.put_back(ids[4], "why", at(3), false).await.unwrap();
    let before = read(&store, &paid).await;
    place.close(store).await;

    let store = place.open().await;
    assert_eq!(read(&store, &paid).await, before);
    assert_eq!(
        store.snapshots(&[source(0)]).await.unwrap()[0].pending,
        step.observations
    );
    let first = &paid[0].reservation;
    assert_eq!(
        store.reserve(first).await.unwrap(),
        Reserved::Identical(first.clone())
    );
    assert_eq!(store.take_nonce(ids[1], sender, 0).await.unwrap(), 5);
    assert_eq!(store.take_nonce(ids[0], sender, 0).await.unwrap(), 7);
    store
        .commit(&Step {
            sources: vec![advance(0, Some(12), 13)],
            ..Step::default()
        })
        .await
        .unwrap();
    place.close(store).await;
}

/// Everything that the traits show of a life, as text, so that it compares.
async fn read<S: Store>(store: &S, paid: &[Paid]) -> Vec<String> {
    let risk = paid[0].determination.risk;
    let mut seen = vec![
        format!("{:?}", store.covers().await.unwrap()),
        format!("{:?}", store.cover(cover(0).terms_hash).await.unwrap()),
        format!("{:?}", store.risk(risk).await.unwrap()),
        format!("{:?}", store.policies_on(risk).await.unwrap()),
        format!("{:?}", store.progress(&source(0)).await.unwrap()),
        format!("{:?}", store.progress(&source(1)).await.unwrap()),
        format!("{:?}", store.coverage(&source(1), None, 9).await.unwrap()),
        format!("{:?}", store.rechecks(&source(0), 9).await.unwrap()),
        format!("{:?}", store.halts().await.unwrap()),
        format!("{:?}", store.warnings(None, 9).await.unwrap()),
        format!("{:?}", store.snapshots(&[source(0)]).await.unwrap()),
        format!(
            "{:?}",
            store.history(&[stream(0, 0)], at(0), at(99)).await.unwrap()
        ),
        format!("{:?}", store.determinations_of(risk).await.unwrap()),
        format!("{:?}", store.recent_attestations(9).await.unwrap()),
        format!("{:?}", store.unfinished(CHAIN, LATE, 9).await.unwrap()),
    ];
    for paid in paid {
        seen.push(format!(
            "{:?}",
            store.claims_of(paid.policy.id).await.unwrap()
        ));
        seen.push(format!(
            "{:?}",
            store.delivery(paid.attestation.id).await.unwrap()
        ));
    }
    seen
}
