//! Reading what an evaluation needs.

use std::sync::Arc;

use alloy_primitives::U256;
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::conformance::sample::{
    advance, at, cover, observation, risk, source, store_risk, stream,
};
use crate::step::{RiskAdvance, Step};

/// Every risk that listens to one of the sources, with its state and the watermarks of all its inputs, by id.
pub async fn show_what_an_evaluation_needs<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let one = risk(&cover, 1, &[stream(0, 0), stream(1, 0)]);
    let two = risk(&cover, 2, &[stream(1, 1)]);
    let other = risk(&cover, 3, &[stream(2, 0)]);
    store
        .add_cover(&cover, &[one.clone(), two.clone(), other.clone()])
        .await
        .unwrap();
    store
        .commit(&Step {
            sources: vec![advance(1, None, 7)],
            ..Step::default()
        })
        .await
        .unwrap();

    let snapshots = store.snapshots(&[source(0)]).await.unwrap();
    let [snapshot] = &snapshots[..] else {
        panic!("{snapshots:?}")
    };
    assert_eq!(snapshot.risk, one.risk);
    assert_eq!(snapshot.streams, one.streams);
    assert_eq!(snapshot.state, one.initial_state);
    assert_eq!((snapshot.version, snapshot.evaluated_to), (0, None));
    assert_eq!(snapshot.watermarks, [None, Some(at(7))]);
    assert_eq!(snapshot.pending, []);

    let ids = |sources: &'static [usize]| {
        let store = Arc::clone(&store);
        async move {
            let sources: Vec<_> = sources.iter().map(|n| source(*n)).collect();
            let found = store.snapshots(&sources).await.unwrap();
            found
                .into_iter()
                .map(|snapshot| snapshot.risk.id)
                .collect::<Vec<_>>()
        }
    };
    let mut both = [one.risk.id, two.risk.id];
    both.sort();
    assert_eq!(ids(&[1]).await, both);
    assert_eq!(ids(&[1, 0, 1]).await, both);
    assert_eq!(ids(&[2]).await, [other.risk.id]);
    assert_eq!(ids(&[3]).await, []);
    assert_eq!(ids(&[]).await, []);
}

/// Pending is what came after the last evaluation, by time, then input, then the source's own order; a stream that two
/// inputs share is there once.
pub async fn order_pending_observations<S: Store + 'static>(store: Arc<S>) {
    let cover = cover(0);
    let (first, second) = (stream(1, 0), stream(0, 0));
    let listening = [first.clone(), second.clone(), first.clone()];
    let record = risk(&cover, 1, &listening);
    store
        .add_cover(&cover, std::slice::from_ref(&record))
        .await
        .unwrap();
    let before_all = Observation {
        observed_at: Timestamp(i64::MIN),
        ..observation(&first, 0, 1, "9")
    };
    let ordered = [
        before_all,
        observation(&second, 5, 1, "1"),
        observation(&first, 10, 2, "1"),
        // 10 sorts after 9 as a number, not as a text.
        observation(&first, 10, 10, "2"),
        observation(&second, 10, 1, "3"),
        observation(&first, 11, 1, "4"),
        observation(&second, 11, 0, "5"),
    ];
    let mut shuffled = ordered.to_vec();
    shuffled.reverse();
    // Another subject of the same source.
    shuffled.push(observation(&stream(0, 1), 10, 1, "6"));
    store
        .commit(&Step {
            observations: shuffled,
            ..Step::default()
        })
        .await
        .unwrap();
    let pending = async || {
        store
            .snapshots(&[source(0)])
            .await
            .unwrap()
            .pop()
            .unwrap()
            .pending
    };
    assert_eq!(pending().await, ordered);

    for (version, evaluated, left) in [(0, 5, &ordered[2..]), (1, 10, &ordered[5..]), (2, 11, &[])]
    {
        let evaluated_to = at(evaluated);
        let advance = RiskAdvance {
            risk: record.risk.id,
            version,
            state: vec![],
            evaluated_to,
        };
        store
            .commit(&Step {
                risks: vec![advance],
                ..Step::default()
            })
            .await
            .unwrap();
        assert_eq!(pending().await, left);
    }
    let end = RiskAdvance {
        risk: record.risk.id,
        version: 3,
        state: vec![],
        evaluated_to: Timestamp(i64::MAX),
    };
    store
        .commit(&Step {
            risks: vec![end],
            ..Step::default()
        })
        .await
        .unwrap();
    assert_eq!(pending().await, []);
}

/// What was in force when a window began comes with it.
pub async fn history_carries_the_last_value_in<S: Store + 'static>(store: Arc<S>) {
    store_risk(&*store).await;
    let (a, b) = (stream(0, 0), stream(0, 1));
    let said: Vec<Observation> = [
        (1, 1, "1"),
        (5, 2, "2"),
        (5, 3, "3"),
        (8, 4, "4"),
        (9, 5, "5"),
    ]
    .into_iter()
    .map(|(second, sequence, price)| observation(&a, second, sequence, price))
    .collect();
    store
        .commit(&Step {
            observations: said.clone(),
            ..Step::default()
        })
        .await
        .unwrap();
    let late = observation(&b, 7, 1, "7");
    store
        .commit(&Step {
            observations: vec![late.clone()],
            ..Step::default()
        })
        .await
        .unwrap();

    let history = async |streams: &[_], after, until| {
        store.history(streams, at(after), at(until)).await.unwrap()
    };
    let a_only = std::slice::from_ref(&a);
    assert_eq!(history(a_only, 0, 0).await, []);
    assert_eq!(history(a_only, 0, 1).await, said[..1]);
    assert_eq!(history(a_only, 1, 1).await, said[..1]);
    // Of two in one second, the later by sequence was in force.
    assert_eq!(history(a_only, 5, 8).await, said[2..4]);
    assert_eq!(history(a_only, 6, 8).await, said[2..4]);
    assert_eq!(history(a_only, 4, 5).await, said[..3]);
    assert_eq!(history(a_only, 20, 30).await, said[4..]);
    assert_eq!(history(&[], 0, 30).await, []);
    assert_eq!(history(&[stream(9, 9)], 0, 30).await, []);
    // Each stream has its own.
    let both = [a, b];
    assert_eq!(history(&both, 6, 7).await, [said[2].clone(), late.clone()]);
    assert_eq!(history(&both, 8, 8).await, [late, said[3].clone()]);
}

/// By time, then by the place of the stream in the question, then by the source's own order, which exceeds 64 bits.
pub async fn history_orders_by_time_stream_and_sequence<S: Store + 'static>(store: Arc<S>) {
    let (a, b) = (stream(1, 0), stream(0, 0));
    let beyond = U256::from(u64::MAX) + U256::from(2);
    let far = |n: u64, price: &str| Observation {
        sequence: Sequence(beyond + U256::from(n)),
        ..observation(&b, 3, 0, price)
    };
    let said = vec![
        Observation {
            sequence: Sequence(U256::MAX),
            ..observation(&b, 3, 0, "0.4")
        },
        far(1, "0.3"),
        far(0, "0.2"),
        observation(&b, 3, u64::MAX, "0.1"),
        observation(&a, 3, 1, "0.5"),
        observation(&b, 2, 9, "0.6"),
    ];
    store
        .commit(&Step {
            observations: said.clone(),
            ..Step::default()
        })
        .await
        .unwrap();
    let ask = async |streams: &[_]| {
        let found = store.history(streams, at(0), at(9)).await.unwrap();
        found
            .into_iter()
            .map(|observation| observation.value.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ask(&[a.clone(), b.clone()]).await,
        ["0.6", "0.5", "0.1", "0.2", "0.3", "0.4"]
    );
    assert_eq!(
        ask(&[b.clone(), a.clone()]).await,
        ["0.6", "0.1", "0.2", "0.3", "0.4", "0.5"]
    );
    // A stream that is asked for twice answers once, at its first place.
    assert_eq!(
        ask(&[b.clone(), a, b]).await,
        ["0.6", "0.1", "0.2", "0.3", "0.4", "0.5"]
    );
}
