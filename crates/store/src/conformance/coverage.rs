//! Coverage: without a gap, and shown as it was verified.

use std::sync::Arc;

use tocsin_domain::coverage::{Coverage, Proof};
use tocsin_domain::observation::{ChainPosition, Observation, Provenance};
use tocsin_domain::time::Timestamp;

use crate::Store;
use crate::conformance::sample::{advance, at, observation, source, stream};
use crate::conformance::{Fault, assert_fault};
use crate::coverage::{Finding, Recheck};
use crate::step::{SourceAdvance, Step};

fn read(sources: Vec<SourceAdvance>) -> Step {
    Step {
        sources,
        ..Step::default()
    }
}

/// Source 0 moves, verified by `proof`.
fn proven(from: Option<u64>, to: u64, proof: Proof) -> SourceAdvance {
    let mut advance = advance(0, from, to);
    if let Some(coverage) = &mut advance.coverage {
        coverage.proof = proof;
    }
    advance
}

async fn bounds<S: Store>(store: &S, after: Option<u64>, limit: u32) -> Vec<(u64, u64, Proof)> {
    let ranges = store.coverage(&source(0), after, limit).await.unwrap();
    ranges
        .into_iter()
        .map(|range| (range.first, range.last, range.proof))
        .collect()
}

/// What is verified alike is one range, and a range can be found by a block in it.
pub async fn grows_without_gaps<S: Store + 'static>(store: Arc<S>) {
    assert_eq!(bounds(&*store, None, 9).await, []);
    store
        .commit(&read(vec![
            proven(None, 10, Proof::Root),
            advance(1, None, 3),
        ]))
        .await
        .unwrap();
    for (from, to, proof) in [
        (10, 12, Proof::Root),
        (12, 13, Proof::Bloom),
        (13, 20, Proof::Bloom),
        (20, 21, Proof::Root),
    ] {
        let step = read(vec![proven(Some(from), to, proof)]);
        store.commit(&step).await.unwrap();
    }
    let ranges = [
        (1, 12, Proof::Root),
        (13, 20, Proof::Bloom),
        (21, 21, Proof::Root),
    ];
    assert_eq!(bounds(&*store, None, 9).await, ranges);
    assert_eq!(bounds(&*store, Some(0), 2).await, ranges[..2]);
    assert_eq!(bounds(&*store, Some(12), 1).await, ranges[1..2]);
    assert_eq!(bounds(&*store, Some(19), 9).await, ranges[1..]);
    assert_eq!(bounds(&*store, Some(21), 9).await, []);

    // Other endpoints, or another number of them, are another way.
    let mut fewer = advance(0, Some(21), 22);
    let mut others = advance(0, Some(22), 23);
    if let (Some(fewer), Some(others)) = (&mut fewer.coverage, &mut others.coverage) {
        fewer.agreed = 1;
        others.agreed = 1;
        others.endpoints.pop();
    }
    store.commit(&read(vec![fewer.clone()])).await.unwrap();
    store.commit(&read(vec![others.clone()])).await.unwrap();
    let ranges = store.coverage(&source(0), Some(21), 9).await.unwrap();
    assert_eq!(ranges, [fewer.coverage.unwrap(), others.coverage.unwrap()]);
    let other = store.coverage(&source(1), None, 9).await.unwrap();
    assert_eq!(other, [advance(1, None, 3).coverage.unwrap()]);
}

/// A step that leaves blocks out, reads some twice, or does not say what was read, is refused.
pub async fn of_other_blocks_is_refused<S: Store + 'static>(store: Arc<S>) {
    store
        .commit(&read(vec![advance(0, None, 10)]))
        .await
        .unwrap();
    let good = advance(0, Some(10), 12);
    let other = |change: fn(&mut Coverage)| {
        let mut advance = good.clone();
        change(advance.coverage.as_mut().unwrap());
        advance
    };
    let mut silent = good.clone();
    silent.coverage = None;
    let mut waiting = advance(0, Some(10), 10);
    waiting.coverage.clone_from(&good.coverage);
    for wrong in [
        other(|read| read.first = 12),
        other(|read| read.first = 10),
        other(|read| read.last = 11),
        other(|read| read.last = 13),
        other(|read| read.agreed = 0),
        other(|read| read.endpoints.clear()),
        other(|read| read.endpoints.reverse()),
        other(|read| read.endpoints.push("\0".to_owned())),
        silent,
        waiting,
    ] {
        let step = Step {
            observations: vec![observation(&stream(0, 0), 11, 1, "1")],
            ..read(vec![advance(1, None, 5), wrong])
        };
        assert_fault(store.commit(&step).await, Fault::Refused);
    }
    assert_eq!(store.progress(&source(1)).await.unwrap(), None);
    assert_eq!(bounds(&*store, None, 9).await, [(1, 10, Proof::Root)]);
    store.commit(&read(vec![good])).await.unwrap();
    assert_eq!(bounds(&*store, None, 9).await, [(1, 12, Proof::Root)]);
}

/// What blocks said is found by their numbers.
pub async fn shows_what_was_observed<S: Store + 'static>(store: Arc<S>) {
    let at_block = |block, log_index, second, subject| {
        let mut seen = observation(&stream(0, subject), second, block, "1");
        if let Provenance::Chain(place) = seen.provenance {
            seen.provenance = Provenance::Chain(ChainPosition {
                block,
                log_index,
                ..place
            });
        }
        seen
    };
    let in_order = vec![
        at_block(7, Some(2), 70, 1),
        at_block(7, Some(10), 70, 0),
        at_block(7, None, 70, 0),
        at_block(8, Some(0), 80, 0),
    ];
    let mut sequenced: Vec<Observation> = in_order
        .into_iter()
        .zip(1..)
        .map(|(seen, n)| Observation {
            sequence: tocsin_domain::observation::Sequence(alloy_primitives::U256::from(n)),
            ..seen
        })
        .collect();
    let raw = Observation {
        provenance: Provenance::Raw {
            hash: alloy_primitives::B256::ZERO,
        },
        ..at_block(7, None, 75, 0)
    };
    let elsewhere = observation(&stream(1, 0), 70, 7, "1");
    let mut observations = sequenced.clone();
    observations.extend([at_block(6, None, 60, 0), raw, elsewhere]);
    store
        .commit(&Step {
            observations,
            ..Step::default()
        })
        .await
        .unwrap();
    let always = Timestamp(i64::MIN)..=Timestamp(i64::MAX);
    let found = store.observed(&source(0), 7..=8, always).await.unwrap();
    assert_eq!(found, sequenced);
    let earlier = store
        .observed(&source(0), 7..=u64::MAX, at(70)..=at(79))
        .await
        .unwrap();
    sequenced.pop();
    assert_eq!(earlier, sequenced);
}

/// Re-checks are recorded of what was read, and listed with the newest first.
pub async fn is_looked_at_again<S: Store + 'static>(store: Arc<S>) {
    store
        .commit(&read(vec![advance(0, None, 10)]))
        .await
        .unwrap();
    let recheck = |first, last, finding| Recheck {
        source: source(0),
        first,
        last,
        endpoint: "https://three.example".to_owned(),
        finding,
        at: at(12),
    };
    let (one, two) = (
        recheck(1, 10, Finding::Same),
        recheck(4, 4, Finding::Differs("it has no log 3".to_owned())),
    );
    store.add_recheck(&one).await.unwrap();
    store.add_recheck(&two).await.unwrap();
    for wrong in [
        recheck(0, 3, Finding::Same),
        recheck(9, 11, Finding::Same),
        recheck(5, 4, Finding::Same),
        Recheck {
            source: source(1),
            ..one.clone()
        },
    ] {
        assert_fault(store.add_recheck(&wrong).await, Fault::Refused);
    }
    let newest = store.rechecks(&source(0), 9).await.unwrap();
    assert_eq!(newest, [two.clone(), one]);
    assert_eq!(store.rechecks(&source(0), 1).await.unwrap(), [two]);
    assert_eq!(store.rechecks(&source(1), 9).await.unwrap(), []);
}
