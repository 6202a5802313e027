//! Looks: each subject of a polled source has its own time.

use std::sync::Arc;

use tocsin_domain::observation::{Observation, Provenance, SourceId, Subject};
use tocsin_domain::risk::Stream;

use crate::Store;
use crate::conformance::sample::{at, cover, hash, observation, risk, source};
use crate::conformance::{Fault, assert_fault};
use crate::look::{END_OF_TIME, Look, LookState, NewLook, Usage};
use crate::step::{Polled, RiskAdvance, Step};

/// A source that is polled.
pub(super) fn feed() -> SourceId {
    SourceId::from("feed:sample")
}

/// What the feed says of a flight's `metric`.
pub(super) fn stream(flight: usize, metric: &str) -> Stream {
    Stream {
        source: feed(),
        subject: subject(flight),
        metric: metric.into(),
    }
}

pub(super) fn subject(flight: usize) -> Subject {
    Subject::from(&*format!("flight:XX{flight}/2013-01-01/EWR"))
}

/// A look at a flight that is due at a second.
pub(super) fn new_look(flight: usize, due: i64) -> NewLook {
    NewLook {
        source: feed(),
        subject: subject(flight),
        due_at: at(due),
    }
}

/// What the feed said of a flight at a second.
pub(super) fn said(flight: usize, second: i64) -> Observation {
    Observation {
        provenance: Provenance::Raw {
            hash: hash("response"),
        },
        ..observation(&stream(flight, "status"), second, 1, "1")
    }
}

/// The look after another one that was answered at a second, and is due a minute later.
pub(super) fn answered(look: &Look, second: i64) -> Look {
    Look {
        due_at: Some(at(second + 60)),
        watermark: Some(at(second)),
        memory: Some(r#"{"tries":1}"#.to_owned()),
        trouble: None,
        looked_at: Some(at(second)),
        ..look.clone()
    }
}

pub(super) fn over(look: &Look, second: i64) -> Look {
    Look {
        state: LookState::Over,
        due_at: None,
        ..answered(look, second)
    }
}

pub(super) fn looks(looks: Vec<Look>) -> Step {
    Step {
        polled: Polled {
            looks,
            ..Polled::default()
        },
        ..Step::default()
    }
}

/// The look as it is stored.
pub(super) async fn current<S: Store>(store: &S, flight: usize) -> Look {
    let found = store.look(&feed(), &subject(flight)).await.unwrap();
    found.unwrap()
}

/// The longest due first, of one source, and not those that are not due.
pub async fn come_when_they_are_due<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.next_due(&feed()).await.unwrap(), None);
    let new = [new_look(1, 30), new_look(2, 10), new_look(3, 20)];
    let mut other = new_look(4, 0);
    other.source = source(0);
    store.add_looks(&new).await.unwrap();
    store.add_looks(&[other]).await.unwrap();
    let due = async |second, limit| {
        let due = store.due_looks(&feed(), at(second), limit).await.unwrap();
        due.into_iter().map(|look| look.subject).collect::<Vec<_>>()
    };
    assert_eq!(store.next_due(&feed()).await.unwrap(), Some(at(10)));
    assert_eq!(due(9, 9).await, []);
    assert_eq!(due(20, 9).await, [subject(2), subject(3)]);
    assert_eq!(due(99, 2).await, [subject(2), subject(3)]);
    assert_eq!(due(99, 9).await, [subject(2), subject(3), subject(1)]);
    assert_eq!(current(&*store, 1).await, new[0].look());

    // Who is looked at already stays as he is.
    let first = answered(&current(&*store, 2).await, 50);
    store.commit(&looks(vec![first])).await.unwrap();
    store.add_looks(&[new_look(2, 5)]).await.unwrap();
    assert_eq!(store.next_due(&feed()).await.unwrap(), Some(at(20)));
    assert_eq!(due(99, 9).await, [subject(3), subject(1)]);
    let nobody = store.look(&feed(), &subject(9)).await.unwrap();
    assert_eq!(nobody, None);
    let open = async |after: Option<usize>, limit| {
        let after = after.map(subject);
        let open = store.open_subjects(&feed(), after.as_ref(), limit).await;
        open.unwrap()
    };
    assert_eq!(open(None, 2).await, [subject(1), subject(2)]);
    assert_eq!(open(Some(2), 9).await, [subject(3)]);
    let closed = over(&current(&*store, 1).await, 60);
    store.commit(&looks(vec![closed])).await.unwrap();
    assert_eq!(open(None, 9).await, [subject(2), subject(3)]);
}

/// From the version that was read, never back, and not away from what is closed.
pub async fn move_on_from_where_they_were_read<S: Store + 'static>(store: Arc<S>) {
    store.add_looks(&[new_look(1, 0)]).await.unwrap();
    let new = current(&*store, 1).await;
    let first = answered(&new, 100);
    store.commit(&looks(vec![first.clone()])).await.unwrap();
    let stored = current(&*store, 1).await;
    let version = new.version + 1;
    assert_eq!(stored, Look { version, ..first });

    assert_fault(
        store.commit(&looks(vec![answered(&new, 101)])).await,
        Fault::Stale,
    );
    let twice = vec![answered(&stored, 101), answered(&stored, 102)];
    assert_fault(store.commit(&looks(twice)).await, Fault::Stale);
    let mut nobody = answered(&stored, 101);
    nobody.subject = subject(9);
    assert_fault(store.commit(&looks(vec![nobody])).await, Fault::Missing);
    let back = vec![answered(&stored, 99)];
    assert_fault(store.commit(&looks(back)).await, Fault::Refused);
    let never_due = Look {
        due_at: None,
        ..answered(&stored, 101)
    };
    assert_fault(store.commit(&looks(vec![never_due])).await, Fault::Refused);
    assert_eq!(current(&*store, 1).await, stored);

    store
        .commit(&looks(vec![over(&stored, 101)]))
        .await
        .unwrap();
    let closed = current(&*store, 1).await;
    assert_eq!(closed.state, LookState::Over);
    let mut open_again = answered(&closed, 102);
    open_again.state = LookState::Open;
    assert_fault(store.commit(&looks(vec![open_again])).await, Fault::Refused);
    // Time may go on for it.
    let later = over(&closed, 110);
    store.commit(&looks(vec![later])).await.unwrap();
}

/// Looks, observations and states commit together; and nothing is said of times that counted as complete.
pub async fn move_together_with_what_was_seen<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let record = risk(&cover, 2, &[stream(1, "status")]);
    store
        .add_cover(&cover, std::slice::from_ref(&record))
        .await
        .unwrap();
    store.add_looks(&[new_look(1, 0)]).await.unwrap();
    let evaluated = |version| RiskAdvance {
        risk: record.risk.id,
        version,
        state: vec![7],
        evaluated_to: at(100),
    };
    let new = current(&*store, 1).await;
    let step = Step {
        observations: vec![said(1, 90)],
        risks: vec![evaluated(0)],
        ..looks(vec![answered(&new, 100)])
    };
    let mut stale = step.clone();
    stale.risks[0].version = 4;
    assert_fault(store.commit(&stale).await, Fault::Stale);
    assert_eq!(current(&*store, 1).await, new);
    store.commit(&step).await.unwrap();
    assert_fault(store.commit(&step).await, Fault::Stale);

    let stored = current(&*store, 1).await;
    for wrong in [100, 121] {
        let late = Step {
            observations: vec![said(1, wrong)],
            ..looks(vec![answered(&stored, 120)])
        };
        assert_fault(store.commit(&late).await, Fault::Refused);
    }
    let next = Step {
        observations: vec![said(1, 120)],
        ..looks(vec![answered(&stored, 120)])
    };
    store.commit(&next).await.unwrap();
    let listened = [(feed(), subject(1))];
    let snapshot = store.snapshots_of(&listened).await.unwrap().pop().unwrap();
    assert_eq!(snapshot.pending, [said(1, 120)]);
    assert_eq!((snapshot.version, &*snapshot.state), (1, &[7][..]));
}

/// The risks that listen to a subject, with the watermark of each subject; one that is closed holds nobody up.
pub async fn give_their_watermarks_to_risks<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let mixed = super::sample::stream(0, 0);
    let one = risk(&cover, 2, &[stream(1, "status"), stream(1, "delay")]);
    let two = risk(
        &cover,
        4,
        &[stream(1, "status"), stream(2, "status"), mixed],
    );
    let three = risk(&cover, 6, &[stream(3, "status")]);
    store
        .add_cover(&cover, &[one.clone(), two.clone(), three])
        .await
        .unwrap();
    let new = [new_look(1, 0), new_look(2, 0), new_look(3, 0)];
    store.add_looks(&new).await.unwrap();
    let moved = Step {
        sources: vec![super::sample::advance(0, None, 7)],
        ..looks(vec![answered(&current(&*store, 1).await, 50)])
    };
    store.commit(&moved).await.unwrap();

    let of = async |flights: &[usize]| {
        let subjects: Vec<_> = flights.iter().map(|n| (feed(), subject(*n))).collect();
        store.snapshots_of(&subjects).await.unwrap()
    };
    let mut both = [one.risk.id, two.risk.id];
    both.sort();
    let found: Vec<_> = of(&[1, 1])
        .await
        .iter()
        .map(|found| found.risk.id)
        .collect();
    assert_eq!(found, both);
    let [of_two] = &of(&[2]).await[..] else {
        panic!("one risk listens to flight 2")
    };
    assert_eq!(of_two.risk, two.risk);
    assert_eq!(of_two.watermarks, [Some(at(50)), None, Some(at(7))]);
    assert_eq!(of(&[]).await, []);
    assert_eq!(of(&[9]).await, []);

    let closed = over(&current(&*store, 1).await, 60);
    store.commit(&looks(vec![closed])).await.unwrap();
    let of_two = of(&[2]).await;
    assert_eq!(of_two[0].watermarks, [Some(END_OF_TIME), None, Some(at(7))]);
    let of_chain = store.snapshots(&[source(0)]).await.unwrap();
    assert_eq!(of_chain, of_two);
}

/// A subject that nobody asks about any more is still due for a risk that is new.
pub async fn are_due_for_new_risks_when_closed<S: Store + 'static>(store: Arc<S>) {
    store
        .add_looks(&[new_look(1, 0), new_look(2, 500)])
        .await
        .unwrap();
    let closed = over(&current(&*store, 1).await, 60);
    store.commit(&looks(vec![closed])).await.unwrap();
    assert_eq!(store.next_due(&feed()).await.unwrap(), Some(at(500)));
    let before = current(&*store, 1).await;

    let cover = cover(0);
    let late = risk(&cover, 2, &[stream(1, "status"), stream(2, "status")]);
    store
        .add_cover(&cover, std::slice::from_ref(&late))
        .await
        .unwrap();
    let woken = current(&*store, 1).await;
    assert_eq!(woken.due_at, Some(at(60)));
    assert_eq!(woken.state, LookState::Over);
    // Whoever read it before writes nothing over this.
    assert_fault(
        store.commit(&looks(vec![over(&before, 61)])).await,
        Fault::Stale,
    );
    assert_eq!(current(&*store, 2).await, new_look(2, 500).look());
    let rested = over(&woken, 61);
    store.commit(&looks(vec![rested])).await.unwrap();
    store.add_cover(&cover, &[late]).await.unwrap();
    assert_eq!(current(&*store, 1).await.due_at, None);
}

/// A person finds those that need one, and lets them be asked about again or leaves them.
pub async fn wait_for_a_person<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let record = risk(&cover, 2, &[stream(1, "status"), stream(2, "status")]);
    store
        .add_cover(&cover, std::slice::from_ref(&record))
        .await
        .unwrap();
    let new: Vec<NewLook> = (1..=4).map(|flight| new_look(flight, 0)).collect();
    store.add_looks(&new).await.unwrap();
    let mut moved = Vec::new();
    for flight in 1..=3 {
        let mut look = answered(&current(&*store, flight).await, 60);
        look.state = LookState::NeedsPerson("it never landed".to_owned());
        look.trouble = Some("no gate time".to_owned());
        look.due_at = None;
        moved.push(look);
    }
    let mut troubled = answered(&current(&*store, 4).await, 60);
    troubled.trouble = Some("answered with 500".to_owned());
    moved.push(troubled);
    store.commit(&looks(moved)).await.unwrap();

    let counts = store.count_looks(&feed()).await.unwrap();
    assert_eq!((counts.open, counts.over), (1, 0));
    assert_eq!((counts.needs_person, counts.troubled), (3, 1));
    let listed = async |after: Option<usize>, limit| {
        let after = after.map(subject);
        let found = store
            .looks_for_a_person(&feed(), after.as_ref(), limit)
            .await;
        let found = found.unwrap();
        found
            .into_iter()
            .map(|look| look.subject)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 2).await, [subject(1), subject(2)]);
    assert_eq!(listed(Some(2), 2).await, [subject(3)]);

    // The other subject has brought the risk further meanwhile.
    let evaluated = RiskAdvance {
        risk: record.risk.id,
        version: 0,
        state: vec![],
        evaluated_to: at(200),
    };
    let step = Step {
        risks: vec![evaluated],
        ..Step::default()
    };
    store.commit(&step).await.unwrap();
    let again = Some(at(300));
    store.attend(&feed(), &subject(1), again).await.unwrap();
    let open = current(&*store, 1).await;
    assert_eq!((open.state, open.due_at), (LookState::Open, again));
    assert_eq!(open.watermark, Some(at(200)));
    store.attend(&feed(), &subject(3), None).await.unwrap();
    let left = current(&*store, 3).await;
    assert_eq!((left.state, left.due_at), (LookState::Over, None));
    assert_eq!(left.watermark, Some(at(60)));
    assert_eq!(listed(None, 9).await, [subject(2)]);
    for nobody_needed in [1, 3, 4] {
        let refused = store.attend(&feed(), &subject(nobody_needed), again).await;
        assert_fault(refused, Fault::Refused);
    }
    let missing = store.attend(&feed(), &subject(9), again).await;
    assert_fault(missing, Fault::Missing);
}

/// By key and day, and never less than before.
pub async fn count_what_keys_use<S: Store + 'static>(store: Arc<S>) {
    let used = |key: &str, day, requests| Usage {
        source: feed(),
        key: key.to_owned(),
        day,
        requests,
    };
    let count = async |usage: Vec<Usage>| {
        let polled = Polled {
            usage,
            ..Polled::default()
        };
        let step = Step {
            polled,
            ..Step::default()
        };
        store.commit(&step).await.unwrap();
    };
    count(vec![
        used("one", 5, 10),
        used("two", 5, 7),
        used("one", 4, 99),
    ])
    .await;
    count(vec![used("one", 5, 12), used("two", 5, 3)]).await;
    count(vec![used("one", 6, 1)]).await;
    assert_eq!(
        store.usage(&feed(), 5).await.unwrap(),
        [used("one", 5, 12), used("two", 5, 7), used("one", 6, 1)]
    );
    assert_eq!(store.usage(&source(0), 0).await.unwrap(), []);
}
