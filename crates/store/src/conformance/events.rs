//! Events: in one order, once, until they are old.

use std::sync::Arc;

use crate::Store;
use crate::conformance::sample::{address, at, cover, endpoint, event, registration, said};
use crate::conformance::{Fault, assert_fault};
use crate::event::{Kept, NewEvent, Seq};
use crate::webhook::Standing;
use crate::webhook::lane::Settlement;

/// They follow each other without gaps, and come back as they were.
pub async fn have_one_order<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.events_kept().await.unwrap(), Kept::default());
    let mut about = event(2);
    about.terms = Some(cover(0).terms_hash);
    about.holder = Some(address("holder"));
    assert_eq!(
        store.publish(&[event(1), about.clone()]).await.unwrap(),
        Seq(2)
    );
    assert_eq!(store.publish(&[event(3)]).await.unwrap(), Seq(3));
    assert_eq!(store.publish(&[]).await.unwrap(), Seq(3));
    let all = store.events_after(Seq(0), 9).await.unwrap();
    let seqs: Vec<u64> = all.iter().map(|event| event.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(all[1].event, about);
    let page = store.events_after(Seq(1), 1).await.unwrap();
    assert_eq!(page, all[1..2]);
    assert_eq!(store.events_after(Seq(3), 9).await.unwrap(), []);

    // Whoever waits hears of them, also of those that came before it waited.
    let heard = store.published(0).await;
    let more = [event(4)];
    let (published, next) = tokio::join!(store.publish(&more), store.published(heard));
    assert_eq!(published.unwrap(), Seq(4));
    assert_ne!(next, heard);
}

/// All or none are published, and none that cannot be written into a header or read as JSON.
pub async fn are_valid_in_themselves<S: Store + 'static>(store: Arc<S>) {
    let wrong = |change: fn(&mut NewEvent)| {
        let mut event = event(1);
        change(&mut event);
        event
    };
    for bad in [
        wrong(|event| event.kind = String::new()),
        wrong(|event| event.kind = "claim..accepted".to_owned()),
        wrong(|event| event.kind = "claim\r\naccepted".to_owned()),
        wrong(|event| event.body = "[]".to_owned()),
        wrong(|event| event.body = r#"{"a":"#.to_owned()),
        wrong(|event| event.body = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_100_000))),
    ] {
        assert_fault(store.publish(&[event(0), bad]).await, Fault::Refused);
    }
    assert_eq!(store.events_kept().await.unwrap().last, Seq(0));
}

/// The oldest are forgotten, but neither the newest nor what an active endpoint has yet to be told.
pub async fn are_forgotten_when_they_are_old<S: Store + 'static>(store: Arc<S>) {
    store.publish(&[event(1), event(2)]).await.unwrap();
    store.add_endpoint(&registration(0), 9).await.unwrap();
    store
        .publish(&[event(3), event(4), event(5)])
        .await
        .unwrap();
    assert_eq!(store.forget_events(at(2), 9).await.unwrap(), 1);
    assert_eq!(store.forget_events(at(99), 9).await.unwrap(), 1);
    let kept = store.events_kept().await.unwrap();
    assert_eq!((kept.forgotten, kept.last), (Seq(2), Seq(5)));

    let lane = store.lanes(endpoint(0).id).await.unwrap().remove(0);
    let settled = Settlement {
        lane: lane.id,
        endpoint: lane.endpoint,
        cursor: Seq(3),
        trouble: None,
        dead_in_a_row: 0,
        records: Vec::new(),
        revived: Vec::new(),
        dead: Vec::new(),
        disabled: None,
    };
    store.settle(&[settled]).await.unwrap();
    assert_eq!(store.forget_events(at(99), 9).await.unwrap(), 1);
    store
        .set_standing(
            endpoint(0).id,
            &Standing::Paused,
            &said("webhook-paused", endpoint(0).id),
        )
        .await
        .unwrap();
    assert_eq!(store.forget_events(at(99), 9).await.unwrap(), 1);
    let backlog = store.webhook_backlogs().await.unwrap()[0].1;
    assert_eq!((backlog.waiting, backlog.missed), (1, 1));
    // The newest stays, so that no number is given twice.
    assert_eq!(store.forget_events(at(99), 9).await.unwrap(), 0);
    assert_eq!(store.publish(&[event(6)]).await.unwrap(), Seq(6));
}
