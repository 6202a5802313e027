//! Webhooks: endpoints, and how far each has been told.

use std::sync::Arc;

use tocsin_auth::State;
use tocsin_domain::time::Seconds;

use crate::Store;
use crate::answer::Answer;
use crate::conformance::sample::{address, at, cover, endpoint, event, hash, registration, said};
use crate::conformance::{Fault, assert_fault};
use crate::event::Seq;
use crate::log::{Appending, Fact};
use crate::webhook::lane::{DeadLetter, Lane, Record, Replay, Settlement, Trouble};
use crate::webhook::{EndpointId, Filter, Registration, Standing};

/// Nothing new about a lane but where it stands.
fn settled(lane: &Lane, cursor: u64) -> Settlement {
    Settlement {
        lane: lane.id,
        endpoint: lane.endpoint,
        cursor: Seq(cursor),
        trouble: None,
        dead_in_a_row: 0,
        records: Vec::new(),
        revived: Vec::new(),
        dead: Vec::new(),
        disabled: None,
    }
}

fn dead(seq: u64, attempts: u32) -> DeadLetter {
    DeadLetter {
        seq: Seq(seq),
        kind: event(1).kind,
        attempts,
        at: at(9),
        reason: "the receiver answered 500".to_owned(),
    }
}

async fn live<S: Store>(store: &S, id: EndpointId) -> Lane {
    store.lanes(id).await.unwrap().remove(0)
}

/// Endpoints come back as they were registered and changed; so many and no more.
pub async fn are_registered<S: Store + 'static>(store: Arc<S>) {
    for n in 0..2 {
        store.add_endpoint(&registration(n), 2).await.unwrap();
    }
    assert_fault(
        store.add_endpoint(&registration(2), 2).await,
        Fault::Refused,
    );
    let mut profile = endpoint(0).profile;
    profile.url = "https://example.org/elsewhere".to_owned();
    profile.filter.kinds = vec!["claim.*".to_owned()];
    store
        .change_endpoint(
            endpoint(0).id,
            &profile,
            &said("webhook-changed", endpoint(0).id),
        )
        .await
        .unwrap();
    let found = store.endpoint(endpoint(0).id).await.unwrap().unwrap();
    assert_eq!(
        (found.endpoint.profile, found.standing),
        (profile.clone(), Standing::Active)
    );
    profile.filter.kinds = vec!["*".to_owned()];
    assert_fault(
        store
            .change_endpoint(
                endpoint(0).id,
                &profile,
                &said("webhook-changed", endpoint(0).id),
            )
            .await,
        Fault::Refused,
    );
    store
        .remove_endpoint(endpoint(0).id, &said("webhook-removed", endpoint(0).id))
        .await
        .unwrap();
    assert_fault(
        store
            .remove_endpoint(endpoint(0).id, &said("webhook-removed", endpoint(0).id))
            .await,
        Fault::Missing,
    );
    let left = store.endpoints().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].endpoint, endpoint(1));
}

/// One client does not take the places of all.
pub async fn are_shared_among_clients<S: Store + 'static>(store: Arc<S>) {
    let of = |n: u8, client: &str| {
        let mut of = registration(n);
        of.endpoint.client = Some(client.to_owned());
        of
    };
    for n in 0..2 {
        store.add_endpoint(&of(n, "desk"), 4).await.unwrap();
    }
    assert_fault(store.add_endpoint(&of(2, "desk"), 4).await, Fault::Refused);
    store.add_endpoint(&of(2, "shop"), 4).await.unwrap();
}

/// A filter asks for what it names, and for everything where it names nothing.
pub async fn want_what_they_ask_for<S: Store + 'static>(_store: Arc<S>) {
    let mut about = event(1);
    about.kind = "claim.accepted".to_owned();
    about.terms = Some(cover(0).terms_hash);
    about.holder = Some(address("holder"));
    let kinds = |kinds: &[&str]| Filter {
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ..Filter::default()
    };
    assert!(Filter::default().wants(&about));
    for (filter, wants) in [
        (kinds(&["claim.accepted"]), true),
        (kinds(&["warning.raised", "claim.*"]), true),
        (kinds(&["claim"]), false),
        (kinds(&["claim.accepted.*"]), false),
        (kinds(&["clai.*"]), false),
    ] {
        assert_eq!(filter.wants(&about), wants, "{filter:?}");
    }
    let filter = Filter {
        terms: vec![cover(0).terms_hash],
        holders: vec![address("holder")],
        ..Filter::default()
    };
    assert!(filter.wants(&about));
    about.holder = None;
    assert!(!filter.wants(&about));
}

/// A lane is due while there is something after its cursor, its endpoint is active, and no back-off runs.
pub async fn are_due_in_order<S: Store + 'static>(store: Arc<S>) {
    store.publish(&[event(1)]).await.unwrap();
    store.add_endpoint(&registration(0), 9).await.unwrap();
    let id = endpoint(0).id;
    assert_eq!(store.due_lanes(at(5)).await.unwrap(), []);
    store.publish(&[event(2), event(3)]).await.unwrap();
    let lane = live(&*store, id).await;
    assert_eq!(store.due_lanes(at(5)).await.unwrap(), [lane.id]);
    let told = store.lane_events(&lane, 9).await.unwrap();
    assert_eq!(
        told.iter().map(|event| event.seq.0).collect::<Vec<_>>(),
        [2, 3]
    );

    let mut failing = settled(&lane, 2);
    let trouble = Trouble {
        seq: Seq(3),
        attempts: 2,
        since: at(4),
        next_at: at(10),
        reason: "no answer in time".to_owned(),
    };
    failing.trouble = Some(trouble.clone());
    failing.dead_in_a_row = 1;
    store.settle(&[failing]).await.unwrap();
    let (_, lane) = store.lane(lane.id).await.unwrap().unwrap();
    assert_eq!(
        (lane.cursor, lane.trouble.as_ref(), lane.dead_in_a_row),
        (Seq(2), Some(&trouble), 1)
    );
    assert_eq!(store.due_lanes(at(9)).await.unwrap(), []);
    assert_eq!(store.due_lanes(at(10)).await.unwrap(), [lane.id]);

    store
        .set_standing(id, &Standing::Paused, &said("webhook-standing", id))
        .await
        .unwrap();
    assert_eq!(store.due_lanes(at(10)).await.unwrap(), []);
    store
        .set_standing(id, &Standing::Active, &said("webhook-standing", id))
        .await
        .unwrap();
    assert_eq!(store.due_lanes(at(0)).await.unwrap(), [lane.id]);
    assert_eq!(store.lane(lane.id).await.unwrap().unwrap().1.trouble, None);

    // Never back; and what was removed meanwhile stays removed.
    store
        .settle(&[settled(&lane, 3), settled(&lane, 1)])
        .await
        .unwrap();
    assert_eq!(live(&*store, id).await.cursor, Seq(3));
    store
        .remove_endpoint(id, &said("webhook-removed", id))
        .await
        .unwrap();
    store.settle(&[settled(&lane, 3)]).await.unwrap();
    assert_eq!(store.lane(lane.id).await.unwrap(), None);
}

/// Dead letters are listed, told once more, and dead no more once they are taken.
pub async fn replay_dead_letters<S: Store + 'static>(store: Arc<S>) {
    store.add_endpoint(&registration(0), 9).await.unwrap();
    store
        .publish(&[event(1), event(2), event(3)])
        .await
        .unwrap();
    let id = endpoint(0).id;
    let lane = live(&*store, id).await;
    let mut told = settled(&lane, 3);
    told.dead = vec![dead(1, 3), dead(3, 3)];
    store.settle(&[told]).await.unwrap();
    let letters = store.dead_letters(id, Seq(0), 9).await.unwrap();
    assert_eq!(letters, [dead(1, 3), dead(3, 3)]);
    assert_eq!(
        store.dead_letters(id, Seq(1), 9).await.unwrap(),
        letters[1..]
    );

    let replay = |after, until, only_dead| Replay {
        after: Seq(after),
        until: Seq(until),
        only_dead,
    };
    assert_fault(
        store
            .replay(
                id,
                &replay(3, 3, false),
                2,
                &said("webhook-replayed", id),
                None,
            )
            .await,
        Fault::Refused,
    );
    let first = store
        .replay(
            id,
            &replay(0, 3, true),
            2,
            &said("webhook-replayed", id),
            None,
        )
        .await
        .unwrap();
    let second = store
        .replay(
            id,
            &replay(0, 2, false),
            2,
            &said("webhook-replayed", id),
            None,
        )
        .await
        .unwrap();
    assert_fault(
        store
            .replay(
                id,
                &replay(0, 3, true),
                2,
                &said("webhook-replayed", id),
                None,
            )
            .await,
        Fault::Refused,
    );
    assert_eq!(store.due_lanes(at(0)).await.unwrap(), [first]);
    let (_, lane) = store.lane(first).await.unwrap().unwrap();
    let again = store.lane_events(&lane, 9).await.unwrap();
    assert_eq!(
        again.iter().map(|event| event.seq.0).collect::<Vec<_>>(),
        [1, 3]
    );

    let mut taken = settled(&lane, 3);
    taken.revived = vec![Seq(1)];
    taken.dead = vec![dead(3, 2)];
    store.settle(&[taken]).await.unwrap();
    assert_eq!(
        store.dead_letters(id, Seq(0), 9).await.unwrap(),
        [dead(3, 5)]
    );
    assert_eq!(store.lane(first).await.unwrap(), None);
    assert_eq!(store.due_lanes(at(0)).await.unwrap(), [second]);
    let (_, lane) = store.lane(second).await.unwrap().unwrap();
    let range = store.lane_events(&lane, 9).await.unwrap();
    assert_eq!(
        range.iter().map(|event| event.seq.0).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(store.webhook_backlogs().await.unwrap()[0].1.dead, 1);
}

/// What happened is listed, the newest first; runs within a minute are one.
pub async fn remember_what_happened<S: Store + 'static>(store: Arc<S>) {
    store.add_endpoint(&registration(0), 9).await.unwrap();
    let id = endpoint(0).id;
    let lane = live(&*store, id).await;
    let run = |first, last, second| Record::Delivered {
        first: Seq(first),
        last: Seq(last),
        count: last - first + 1,
        at: at(second),
        replayed: false,
    };
    let failure = Record::Failed {
        seq: Seq(6),
        attempt: 1,
        at: at(31),
        status: Some(503),
        reason: "the receiver answered 503".to_owned(),
        replayed: false,
    };
    let mut told = settled(&lane, 5);
    told.records = vec![run(1, 3, 1), run(4, 5, 30), failure.clone(), run(6, 6, 32)];
    store.settle(&[told]).await.unwrap();
    let mut later = settled(&lane, 9);
    later.records = vec![run(7, 8, 60), run(9, 9, 100)];
    store.settle(&[later]).await.unwrap();
    let found = store.deliveries_to(id, None, 9).await.unwrap();
    let records: Vec<Record> = found.iter().map(|(_, record)| record.clone()).collect();
    assert_eq!(
        records,
        [run(9, 9, 100), run(6, 8, 60), failure, run(1, 5, 30)]
    );
    let older = store.deliveries_to(id, Some(found[1].0), 1).await.unwrap();
    assert_eq!(older, found[2..3]);
}

/// A disabled endpoint is told nothing, and everybody is told so.
pub async fn are_disabled_loudly<S: Store + 'static>(store: Arc<S>) {
    store.add_endpoint(&registration(0), 9).await.unwrap();
    store.publish(&[event(1), event(2)]).await.unwrap();
    let id = endpoint(0).id;
    let lane = live(&*store, id).await;
    let mut told = settled(&lane, 1);
    told.disabled = Some((at(7), "the receiver answered 410".to_owned()));
    store.settle(&[told.clone(), told]).await.unwrap();
    let standing = store.endpoint(id).await.unwrap().unwrap().standing;
    let Standing::Disabled { since, reason } = standing else {
        panic!("{standing:?}")
    };
    assert_eq!(
        (since, reason.as_str()),
        (at(7), "the receiver answered 410")
    );
    assert_eq!(store.due_lanes(at(9)).await.unwrap(), []);
    let said = store.events_after(Seq(2), 9).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].event.kind, "webhook.disabled");
    assert!(said[0].event.body.contains(&id.to_string()));
}

/// What somebody does to an endpoint is in the log, and its secrets end with it.
pub async fn say_who_did_what<S: Store + 'static>(store: Arc<S>) {
    let id = endpoint(0).id;
    store.add_endpoint(&registration(0), 9).await.unwrap();
    store.publish(&[event(1)]).await.unwrap();
    let profile = endpoint(0).profile;
    let act = |action| said(action, id);
    store
        .change_endpoint(id, &profile, &act("webhook-changed"))
        .await
        .unwrap();
    store
        .set_standing(id, &Standing::Paused, &act("webhook-paused"))
        .await
        .unwrap();
    let replay = Replay {
        after: Seq(0),
        until: Seq(1),
        only_dead: true,
    };
    let replayed = act("webhook-replayed");
    store.replay(id, &replay, 1, &replayed, None).await.unwrap();
    // What was refused was not done.
    assert_fault(
        store.replay(id, &replay, 1, &replayed, None).await,
        Fault::Refused,
    );
    store
        .set_standing(id, &Standing::Active, &act("webhook-activated"))
        .await
        .unwrap();
    let mut gone = settled(&live(&*store, id).await, 1);
    gone.disabled = Some((at(7), "the receiver answered 410".to_owned()));
    store.settle(&[gone]).await.unwrap();
    store
        .remove_endpoint(id, &act("webhook-removed"))
        .await
        .unwrap();
    let secrets = store.credentials_of(&id.owner()).await.unwrap();
    assert!(
        matches!(secrets[..], [ref only] if matches!(only.life.state(), State::Retired { .. }))
    );

    let appending = Appending {
        now: at(9),
        limit: 100,
        coverage_every: Seconds(300),
        slack: &[],
    };
    store.append(&appending).await.unwrap();
    let leaves = store.leaves_about(&id.to_string(), Some("audit"), 99).await;
    let actions = leaves.unwrap().into_iter().rev().map(|leaf| {
        let fact: Fact = serde_json::from_str(&leaf.entry).unwrap();
        fact.body["action"].as_str().unwrap().to_owned()
    });
    assert_eq!(
        actions.collect::<Vec<_>>(),
        [
            "webhook-registered",
            "webhook-changed",
            "webhook-paused",
            "webhook-replayed",
            "webhook-activated",
            "webhook-disabled",
            "webhook-removed",
        ]
    );
}

/// A registration under a key that has an answer changes nothing; a secret is one of its endpoint.
pub async fn are_registered_once<S: Store + 'static>(store: Arc<S>) {
    let answer = Answer {
        caller: "client-1".to_owned(),
        key: "key-1".to_owned(),
        request: hash("request"),
        status: 201,
        body: b"{}".to_vec(),
        at: at(0),
    };
    let with = |n| Registration {
        answer: Some(answer.clone()),
        ..registration(n)
    };
    store.add_endpoint(&with(0), 9).await.unwrap();
    assert_fault(store.add_endpoint(&with(1), 9).await, Fault::Conflict);
    let mut strange = registration(2);
    strange.secret.owner = endpoint(0).id.owner();
    assert_fault(store.add_endpoint(&strange, 9).await, Fault::Refused);
    assert_eq!(store.endpoints().await.unwrap().len(), 1);
    assert_eq!(store.credentials().await.unwrap().len(), 1);
    let found = store.answer("client-1", "key-1").await.unwrap();
    assert_eq!(found, Some(answer));
}
