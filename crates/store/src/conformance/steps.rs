//! Steps: together or not at all.

use std::sync::Arc;

use tocsin_domain::decimal::Decimal;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_domain::ids::{EventId, RiskId};
use tocsin_domain::observation::{Observation, Provenance};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use tokio::task::JoinSet;

use crate::conformance::sample::{
    advance, at, cursor, determination, hash, observation, source, store_risk, stream,
};
use crate::conformance::{Fault, assert_fault};
use crate::step::{RiskAdvance, SourceAdvance, Step};
use crate::{Store, StoreError};

fn sources(sources: Vec<SourceAdvance>) -> Step {
    Step {
        sources,
        ..Step::default()
    }
}

fn observed(observations: Vec<Observation>) -> Step {
    Step {
        observations,
        ..Step::default()
    }
}

async fn everything<S: Store>(store: &S, stream: &Stream) -> Vec<Observation> {
    let all = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    store
        .history(std::slice::from_ref(stream), all.0, all.1)
        .await
        .unwrap()
}

/// A source moves only from where its reader found it; several move together.
pub async fn a_source_moves_on_from_where_it_was_read<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(store.progress(&source(0)).await.unwrap(), None);
    let (first, second) = (advance(0, None, 10), advance(1, None, 20));
    store
        .commit(&sources(vec![first.clone(), second.clone()]))
        .await
        .unwrap();
    assert_eq!(store.progress(&source(0)).await.unwrap(), Some(first.to));
    assert_eq!(
        store.progress(&source(1)).await.unwrap(),
        Some(second.to.clone())
    );

    let twice = vec![advance(0, Some(10), 12), advance(0, Some(10), 13)];
    for stale in [
        vec![advance(0, None, 11)],
        vec![advance(0, Some(9), 11)],
        vec![advance(2, Some(9), 11)],
        vec![advance(2, None, 11), advance(0, Some(9), 11)],
        twice,
    ] {
        assert_fault(store.commit(&sources(stale)).await, Fault::Stale);
    }
    assert_eq!(store.progress(&source(2)).await.unwrap(), None);

    // Time passes without a new block.
    let mut waiting = advance(0, Some(10), 10);
    waiting.to.watermark = at(11);
    store.commit(&sources(vec![waiting.clone()])).await.unwrap();
    assert_eq!(store.progress(&source(0)).await.unwrap(), Some(waiting.to));
    let next = advance(0, Some(10), 11);
    store.commit(&sources(vec![next.clone()])).await.unwrap();
    assert_eq!(store.progress(&source(0)).await.unwrap(), Some(next.to));
    assert_eq!(store.progress(&source(1)).await.unwrap(), Some(second.to));
}

/// Neither a cursor nor a watermark goes back, no block takes the place of one that was read, and nothing is read on with
/// other settings.
pub async fn a_source_never_goes_back<S: Store + 'static>(store: Arc<S>) {
    let first = advance(0, None, 10);
    store.commit(&sources(vec![first.clone()])).await.unwrap();

    let lower = advance(0, Some(10), 9);
    let mut earlier = advance(0, Some(10), 11);
    earlier.to.watermark = at(9);
    let mut forked = advance(0, Some(10), 10);
    forked.to.cursor.hash = hash("another block 10");
    let mut otherwise = advance(0, Some(10), 11);
    otherwise.to.reading = hash("other settings");
    for back in [lower, earlier, forked, otherwise] {
        let read = observation(&stream(0, 0), 11, 1, "1");
        let step = Step {
            sources: vec![back],
            observations: vec![read],
            ..Step::default()
        };
        assert_fault(store.commit(&step).await, Fault::Refused);
        assert_eq!(
            store.progress(&source(0)).await.unwrap(),
            Some(first.to.clone())
        );
        assert_eq!(everything(&*store, &stream(0, 0)).await, []);
    }
}

/// A state is replaced by who read it, once, and not by one of an earlier instant.
pub async fn a_state_is_replaced_once<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk.id;
    let write = |version, state: u8, evaluated: i64| {
        let evaluated_to = at(evaluated);
        let risks = vec![RiskAdvance {
            risk,
            version,
            state: vec![state],
            evaluated_to,
        }];
        Step {
            risks,
            ..Step::default()
        }
    };
    store.commit(&write(0, 1, 100)).await.unwrap();
    assert_fault(store.commit(&write(0, 2, 101)).await, Fault::Stale);
    assert_fault(store.commit(&write(2, 2, 101)).await, Fault::Stale);
    assert_fault(store.commit(&write(1, 2, 99)).await, Fault::Refused);
    let mut twice = write(1, 2, 100);
    twice.risks.extend(write(2, 3, 100).risks);
    assert_fault(store.commit(&twice).await, Fault::Stale);
    let mut nobody = write(0, 1, 100);
    nobody.risks[0].risk = RiskId(hash("nothing"));
    assert_fault(store.commit(&nobody).await, Fault::Missing);
    store.commit(&write(1, 2, 100)).await.unwrap();

    let snapshot = store.snapshots(&[source(0)]).await.unwrap().pop().unwrap();
    assert_eq!(snapshot.version, 2);
    assert_eq!(snapshot.state, [2]);
    assert_eq!(snapshot.evaluated_to, Some(at(100)));
}

/// The same observation again is no error and no second one.
pub async fn observations_are_added_once<S: Store + 'static>(store: Arc<S>) {
    let (one, two) = (
        observation(&stream(0, 0), 1, 1, "1"),
        observation(&stream(0, 0), 2, 2, "0.99"),
    );
    store
        .commit(&observed(vec![one.clone(), one.clone()]))
        .await
        .unwrap();
    store
        .commit(&observed(vec![two.clone(), one.clone()]))
        .await
        .unwrap();
    store.commit(&observed(vec![two.clone()])).await.unwrap();
    assert_eq!(everything(&*store, &stream(0, 0)).await, [one, two]);
}

/// One instant and sequence of a stream has one value, seen in one place.
pub async fn a_second_value_conflicts<S: Store + 'static>(store: Arc<S>) {
    let stored = observation(&stream(0, 0), 1, 1, "1");
    store.commit(&observed(vec![stored.clone()])).await.unwrap();
    let other_value = observation(&stream(0, 0), 1, 1, "1.000000000000000001");
    let no_value = Observation {
        value: None,
        ..stored.clone()
    };
    let mut other_block = stored.clone();
    if let Provenance::Chain(place) = &mut other_block.provenance {
        place.block_hash = hash("another block");
    }
    let raw = Observation {
        provenance: Provenance::Raw {
            hash: hash("log 1"),
        },
        ..stored.clone()
    };
    let new = observation(&stream(0, 1), 1, 1, "1");
    for differing in [other_value, no_value, other_block, raw] {
        let step = observed(vec![new.clone(), differing]);
        assert_fault(store.commit(&step).await, Fault::Conflict);
        assert_eq!(everything(&*store, &stream(0, 1)).await, []);
    }
    // Within one step, too.
    let changed = observation(&stream(0, 1), 1, 1, "2");
    assert_fault(
        store.commit(&observed(vec![new, changed])).await,
        Fault::Conflict,
    );
    assert_eq!(everything(&*store, &stream(0, 1)).await, []);
    assert_eq!(everything(&*store, &stream(0, 0)).await, [stored]);
}

/// The same determination again is no error; another one of the same loss event is.
pub async fn determinations_are_added_once<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let step = |determinations| Step {
        determinations,
        ..Step::default()
    };
    let (first, second) = (
        determination(&risk, 1, 100),
        determination(&risk, 2, 900_000),
    );
    store
        .commit(&step(vec![first.clone(), first.clone()]))
        .await
        .unwrap();
    store
        .commit(&step(vec![second.clone(), first.clone()]))
        .await
        .unwrap();
    assert_eq!(
        store.determinations_of(risk.id).await.unwrap(),
        [first.clone(), second.clone()]
    );
    assert_eq!(store.determination(risk.id, 2).await.unwrap(), Some(second));
    assert_eq!(store.determination(risk.id, 3).await.unwrap(), None);

    // It may be found again, at another time; the stored one stays.
    let mut later = first.clone();
    later.determined_at = at(200_000);
    store
        .commit(&step(vec![later.clone(), first.clone()]))
        .await
        .unwrap();
    assert_eq!(
        store.determination(risk.id, 1).await.unwrap(),
        Some(first.clone())
    );
    let mut wider = first.clone();
    wider.evidence_from = at(0);
    let mut unknown = first.clone();
    unknown.payout = Err(Unknown::Overflow);
    let mut fewer = first.clone();
    fewer.inputs.clear();
    let mut settled = first.clone();
    settled.settled_at = first.confirmed_at;
    let mut unguarded = first.clone();
    unguarded.guards.clear();
    let mut guarded = first.clone();
    guarded.guards.reverse();
    for differing in [wider, unknown, fewer, settled, unguarded, guarded] {
        assert_fault(store.commit(&step(vec![differing])).await, Fault::Conflict);
    }
    let mut homeless = store_risk(&*store).await.risk;
    homeless.subject = "elsewhere".to_owned();
    homeless.id = RiskId::derive(homeless.terms_hash, &homeless.subject, homeless.inception);
    assert_fault(
        store
            .commit(&step(vec![determination(&homeless, 1, 1)]))
            .await,
        Fault::Missing,
    );
    let mut forged = determination(&risk, 3, 1);
    forged.event_id = EventId(hash("another event"));
    let mut backwards = determination(&risk, 3, 1);
    backwards.confirmed_at = at(0);
    let mut generous = determination(&risk, 3, 1);
    generous.payout = Ok(Decimal::from_integer(2));
    let mut groundless = determination(&risk, 3, 1);
    groundless.evidence_from = at(2);
    let mut unconfirmed = determination(&risk, 3, 1);
    unconfirmed.settled_at = at(1);
    let mut hasty = determination(&risk, 3, 1);
    hasty.determined_at = hasty.confirmed_at;
    for impossible in [forged, backwards, generous, groundless, unconfirmed, hasty] {
        assert_fault(store.commit(&step(vec![impossible])).await, Fault::Refused);
    }
    assert_eq!(store.determinations_of(risk.id).await.unwrap()[0], first);
}

/// A whole step of good news, and a contradiction as its last row: nothing of it is to be seen.
pub async fn a_conflict_at_the_end_leaves_no_trace<S: Store + 'static>(store: Arc<S>) {
    let risk = store_risk(&*store).await.risk;
    let stored = determination(&risk, 1, 100);
    let before = Step {
        determinations: vec![stored.clone()],
        ..Step::default()
    };
    store.commit(&before).await.unwrap();
    let mut contradicting = stored.clone();
    contradicting.evidence_root = hash("other evidence");
    let step = Step {
        sources: vec![advance(0, None, 5), advance(1, None, 5)],
        observations: (1..100)
            .map(|n| observation(&stream(0, 0), 1, n, "1"))
            .collect(),
        risks: vec![RiskAdvance {
            risk: risk.id,
            version: 0,
            state: vec![1],
            evaluated_to: at(5),
        }],
        determinations: vec![determination(&risk, 2, 900_000), contradicting],
        ..Step::default()
    };
    assert_fault(store.commit(&step).await, Fault::Conflict);

    assert_eq!(store.progress(&source(0)).await.unwrap(), None);
    assert_eq!(store.progress(&source(1)).await.unwrap(), None);
    assert_eq!(everything(&*store, &stream(0, 0)).await, []);
    assert_eq!(store.snapshots(&[source(0)]).await.unwrap()[0].version, 0);
    assert_eq!(store.determinations_of(risk.id).await.unwrap(), [stored]);
    // And the next step is as good as if nothing had happened.
    let step = Step {
        determinations: vec![determination(&risk, 2, 900_000)],
        ..step
    };
    store.commit(&step).await.unwrap();
    assert_eq!(
        store
            .progress(&source(0))
            .await
            .unwrap()
            .map(|read| read.cursor),
        Some(cursor(5))
    );
    assert_eq!(everything(&*store, &stream(0, 0)).await.len(), 99);
}

/// Of many that move one source from the same place, one does.
pub async fn concurrent_steps_have_one_winner<S: Store + 'static>(store: Arc<S>) {
    let mut callers = JoinSet::new();
    for n in 0..16_u64 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let step = Step {
                sources: vec![advance(0, None, 10 + n)],
                observations: vec![observation(&stream(0, 0), 1, n, "1")],
                ..Step::default()
            };
            (n, store.commit(&step).await)
        });
    }
    let mut winners = Vec::new();
    while let Some(finished) = callers.join_next().await {
        match finished.unwrap() {
            (n, Ok(())) => winners.push(n),
            (_, Err(StoreError::Stale { .. })) => {}
            (_, Err(error)) => panic!("{error}"),
        }
    }
    let [winner] = winners[..] else {
        panic!("{winners:?} won")
    };
    let stored = everything(&*store, &stream(0, 0)).await;
    assert_eq!(stored, [observation(&stream(0, 0), 1, winner, "1")]);
    assert_eq!(
        store
            .progress(&source(0))
            .await
            .unwrap()
            .map(|read| read.cursor),
        Some(cursor(10 + winner))
    );
}

/// A step has no size limit that a caller needs to know.
pub async fn many_observations_are_one_step<S: Store + 'static>(store: Arc<S>) {
    let observations: Vec<Observation> = (0..10_000)
        .map(|n| observation(&stream(n % 3, n % 5), i64::try_from(n).unwrap(), 1, "0.5"))
        .collect();
    store.commit(&observed(observations.clone())).await.unwrap();
    // A repeat far behind, and one that differs behind it.
    let repeat = observations[9_000].clone();
    store.commit(&observed(vec![repeat.clone()])).await.unwrap();
    let mut contradicting = observations.clone();
    contradicting[9_999].value = None;
    contradicting.push(observation(&stream(7, 7), 1, 1, "1"));
    assert_fault(
        store.commit(&observed(contradicting)).await,
        Fault::Conflict,
    );
    assert_eq!(everything(&*store, &stream(7, 7)).await, []);
    let streams: Vec<Stream> = (0..15).map(|n| stream(n % 3, n % 5)).collect();
    let mut found = store
        .history(&streams, Timestamp(i64::MIN), Timestamp(i64::MAX))
        .await
        .unwrap();
    found.sort_by_key(|observation| observation.observed_at);
    assert_eq!(found, observations);
}
